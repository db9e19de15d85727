"""The digits: scikit-learn's own, every fifth of a class for the test, and never another split."""

import numpy as np
from sklearn.datasets import load_digits as theirs

from treadle.data.digits import load_digits


def test_every_fifth_row_of_each_class_is_a_test_row_in_the_order_of_scikit_learn():
    digits, bunch = load_digits(), theirs()
    seen, test = dict.fromkeys(range(10), 0), []
    for label in bunch.target.tolist():
        seen[label] += 1
        test.append(seen[label] % 5 == 0)
    test = np.array(test)
    np.testing.assert_array_equal(digits.X_test, bunch.data[test])
    np.testing.assert_array_equal(digits.y_test, bunch.target[test])
    np.testing.assert_array_equal(digits.X_train, bunch.data[~test])
    np.testing.assert_array_equal(digits.y_train, bunch.target[~test])


def test_pixels_are_sixteenths():
    digits = load_digits()
    assert digits.X_train.dtype == np.uint8
    assert digits.X_train.max() * digits.scale == 1.0
    assert (digits.image_shape, digits.class_names) == ((8, 8), tuple("0123456789"))
