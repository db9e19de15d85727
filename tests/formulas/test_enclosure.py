import numpy as np
import pytest

from treadle.errors import InvalidInput
from treadle.formulas.enclosure import Enclosure, RangeOnly, as_enclosure

LOWER, UPPER = np.array([[0.0], [1.0]]), np.array([[1.0], [3.0]])


def test_a_function_is_an_enclosure_without_derivatives():
    enclosure = as_enclosure(lambda lower, upper: (lower[:, 0] ** 2, upper[:, 0] ** 2))
    assert isinstance(enclosure, Enclosure)
    least, greatest = enclosure.range(LOWER, UPPER)
    assert least.tolist() == [0, 1] and greatest.tolist() == [1, 9]
    assert enclosure.gradient_range(LOWER, UPPER) is None
    assert enclosure.second_derivative_bound(LOWER, UPPER) is None


def test_an_enclosure_stays_itself():
    enclosure = RangeOnly(lambda lower, upper: (lower[:, 0], upper[:, 0]))
    assert as_enclosure(enclosure) is enclosure


@pytest.mark.parametrize(
    ("function", "message"),
    [
        (
            lambda lower, upper: (lower, upper),
            r"of shape \(2,\), one number a box; got \(2, 1\) and \(2, 1\)",
        ),
        (lambda lower, upper: lower[:, 0], "must return two arrays of numbers|one number a box"),
        (lambda lower, upper: 1.0, "must return two arrays of numbers"),
        (lambda lower, upper: ("a", "b"), "must return two arrays of numbers"),
        (
            lambda lower, upper: (upper[:, 0], lower[:, 0]),
            r"<= the greatest; got 1.0 and 0.0 over the box from",
        ),
        (lambda lower, upper: (lower[:, 0], np.array([1, np.nan])), "got 1.0 and nan over the box from"),
    ],
    ids=range(6),
)
def test_a_function_that_encloses_nothing_is_refused(function, message):
    with pytest.raises(InvalidInput, match=message):
        as_enclosure(function).range(LOWER, UPPER)


def test_what_is_no_enclosure_is_refused():
    with pytest.raises(InvalidInput, match=r"enclosure must be a function .* got 3"):
        as_enclosure(3)
