import numpy as np
import pytest

from treadle.errors import InvalidInput
from treadle.estimators.sample_weights import checked_weights


def test_one_number_weighs_all_rows():
    np.testing.assert_array_equal(checked_weights(2, 3), [2.0, 2.0, 2.0])
    with pytest.raises(InvalidInput, match="not all zero"):
        checked_weights(0, 3)


@pytest.mark.parametrize(
    ("weights", "message"),
    [
        (np.ones(3), r"sample_weight must have a weight for each of the 2 rows; got shape \(3,\)"),
        (np.ones((2, 1)), r"sample_weight must have a weight for each of the 2 rows; got shape \(2, 1\)"),
        ([0, 0], "not all zero; got weights from 0 to 0"),
        ([1, -1], "sample_weight must be at least 0 and finite, .* got weights from -1 to 1"),
        ([1e308, 1e308], "with a finite sum"),
        ([1, np.nan], "Input sample_weight contains NaN"),
    ],
)
def test_weights_that_cannot_weigh_are_refused(weights, message):
    with pytest.raises(ValueError, match=message), np.errstate(over="ignore"):
        checked_weights(weights, 2)
