from fractions import Fraction

import numpy as np
import pytest
from scipy import sparse

from treadle.l1.proof.whole_doubles import exact_combination


def combined(values, origin, factors, constant):
    return [
        constant + sum((Fraction(v) - Fraction(o)) * f for v, o, f in zip(row, origin, factors, strict=True))
        for row in values.tolist()
    ]


@pytest.mark.parametrize("unit", [1.0, 0.25, 2.0**-60, 2.0**300])
def test_what_is_said_is_exact(unit):
    rng = np.random.default_rng(0)
    values, origin = rng.integers(-999, 999, (50, 3)) * unit, rng.integers(-9, 9, 3) * unit
    factors = [5, -3, 2]
    constant = 7 if 0.1 < unit <= 1 else 0
    found, exponent = exact_combination(values, origin, factors, constant)
    assert [Fraction(x) * Fraction(2) ** exponent for x in found.tolist()] == combined(
        values, origin, factors, constant
    )


def test_what_is_too_long_is_not_said():
    X = np.array([[1.0, 1 / 3]])
    assert exact_combination(X, np.zeros(2), [1, 1], 0) is None  # a third has no short unit
    assert exact_combination(np.array([[3.0]]), np.zeros(1), [1 << 53], 0) is None
    assert exact_combination(np.array([[3.0]]), np.zeros(1), [1], 1 << 53) is None
    assert exact_combination(np.array([[2.0**40, 2.0**-10]]), np.zeros(2), [1 << 20, 1], 0) is None
    assert exact_combination(np.array([[0.0]]), np.zeros(1), [1], 0) is None  # no unit
    assert exact_combination(np.array([[1e300]]), np.zeros(1), [1], 0) is None
    assert exact_combination(np.array([[np.nan]]), np.zeros(1), [1], 0) is None


def test_what_underflows_beside_the_unit_is_not_taken_for_zero():
    tiny = np.nextafter(0, 1)
    assert exact_combination(np.array([[1000.0, tiny]]), np.zeros(2), [0, 1], 0) is None
    assert exact_combination(np.array([[1000.0]]), np.array([tiny]), [1], 0) is None


@pytest.mark.parametrize("unit", [1.0, 0.25, 2.0**-60, 0.1])
def test_sparse_rows_combine_as_dense_ones(unit):
    rng = np.random.default_rng(5)
    X = np.where(rng.random((20, 6)) < 0.4, rng.integers(-9, 9, (20, 6)) * unit, 0.0)
    factors = [3, -2, 0, 10**6, 1, -7]
    dense = exact_combination(X, np.zeros(6), factors, 4)
    found = exact_combination(sparse.csr_array(X), np.zeros(6), factors, 4)
    assert (found is None) == (dense is None)
    if dense is not None:
        assert found[1] == dense[1] and np.array_equal(found[0], dense[0])
