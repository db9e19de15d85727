"""Labels as numbers of classes: those of scikit-learn, given names, and what is refused."""

from typing import Any

import numpy as np
import pytest
from sklearn.preprocessing import LabelEncoder

from treadle.data.labels import number_classes
from treadle.errors import InvalidInput

INTS = np.array([3, 7, 3, -1])


@pytest.mark.parametrize("labels", [["b", "a", "c", "b"], [3, 7, 3, -1], [0, 1, 2, 1]])
def test_classes_are_numbered_as_scikit_learn_does(labels: list[Any]) -> None:
    y = np.array(labels)
    encoder = LabelEncoder().fit(y)
    train, test, names = number_classes(y, y[:2])
    assert train.dtype == np.int64
    np.testing.assert_array_equal(train, encoder.transform(y))
    np.testing.assert_array_equal(test, encoder.transform(y[:2]))
    assert names == tuple(map(str, encoder.classes_))


def test_given_names_keep_their_order() -> None:
    train, test, names = number_classes(np.array(["b", "a"]), np.array(["c"]), ("c", "b", "a"))
    assert (train.tolist(), test.tolist(), names) == ([1, 2], [0], ("c", "b", "a"))
    train, _, _ = number_classes(np.array([2, 0], dtype=np.uint8), np.array([1]), ("c", "b", "a"))
    assert train.tolist() == [2, 0]


@pytest.mark.parametrize(
    ("y_train", "y_test", "names", "message"),
    [
        (INTS * 1.5, INTS, None, r"y_train must be one integer or one string .* got float64 of shape \(4,\)"),
        (INTS, np.array(["a"]), None, r"y_test must be one integer or one string for each row, in both"),
        (INTS, INTS[:, None], None, r"y_test must be .* got int64 of shape \(4, 1\)"),
        (
            INTS,
            np.array([3, 4]),
            None,
            r"y_test holds 4 in row 1, outside of the 3 classes \(-1, 3, 7\); correct",
        ),
        (INTS, np.array([9]), None, r"y_test holds 9 in row 0"),
        (
            np.array([0, 2]),
            np.array([0]),
            ("a", "b"),
            r"y_train holds 2 in row 1, outside of the 2 classes \(a, b\)",
        ),
        (np.array([-1, 0]), np.array([0]), ("a", "b"), r"y_train holds -1 in row 0"),
        (np.array(["a"]), np.array(["z"]), ("a", "b"), r"y_test holds 'z' in row 0"),
        (np.array([0]), np.array([0]), ("a", "a"), r"class_names must differ from each other; got a, a"),
        (INTS[:0], INTS, None, r"y_train has no classes to be of; the training labels are empty"),
    ],
)
def test_labels_outside_the_classes_are_refused(y_train: Any, y_test: Any, names: Any, message: str) -> None:
    with pytest.raises(InvalidInput, match=message):
        number_classes(y_train, y_test, names)
