"""Scaling by median and quartiles, against scikit-learn's, and the smooth clip."""

import numpy as np
import pytest
from sklearn.preprocessing import RobustScaler

from treadle.tables.preparation.robust import RobustScale, median_and_scale

RNG = np.random.default_rng(0)


def scaled(column, rows=None):
    block = np.array(column if rows is None else rows, float)[:, None]
    RobustScale.of([median_and_scale(np.array(column, float))]).apply(block)
    return block[:, 0]


def unclipped(x):
    """The inverse of the smooth clip."""
    return x / np.sqrt(1 - (x / 3) ** 2)


@pytest.mark.parametrize("n", [2, 5, 1000])
def test_numbers_are_scaled_as_scikit_learn_does(n):
    column = RNG.normal(3, 10, n)
    expected = RobustScaler().fit_transform(column[:, None])[:, 0]
    np.testing.assert_allclose(unclipped(scaled(column)), expected, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize(
    ("column", "expected"),
    [
        ([0] * 9 + [1], [0] * 9 + [2 / np.sqrt(1 + 4 / 9)]),
        ([0] * 2 + [1], [0, 0, 1 / np.sqrt(1 + (2 / 3) ** 2) * 2]),
        ([0, 0, 0, 1, 1], [0, 0, 0, 1 / np.sqrt(1 + 1 / 9), 1 / np.sqrt(1 + 1 / 9)]),
        ([-1] * 9 + [1], [0] * 9 + [2 / np.sqrt(1 + 4 / 9)]),
        ([7, 7, 7], [0, 0, 0]),
        ([7], [0]),
    ],
    ids=str,
)
def test_indicators_and_constants(column, expected):
    np.testing.assert_allclose(scaled(column), expected, rtol=1e-15)


def test_a_rare_indicator_becomes_1_66():
    assert scaled([0] * 99 + [1])[-1] == pytest.approx(1.66, abs=0.005)


def test_missing_is_the_median_and_infinite_the_bound():
    column = [1, 2, 3, np.nan, np.inf, -np.inf]
    assert median_and_scale(np.array(column)) == (2, 1)
    assert scaled(column).tolist()[3:] == [0, 3, -3]
    assert scaled([7, np.inf]).tolist() == [0, 0]
    assert median_and_scale(np.array([np.nan, np.inf])) == (0, 0)


@pytest.mark.parametrize("size", [1e-320, 1e-300, 1.0, 1e300, 1.7e308])
def test_no_size_of_numbers_overflows(size):
    found = scaled(np.array([-1, -0.5, 0, 0.5, 1]) * size)
    assert np.isfinite(found).all() and (np.abs(found) <= 3).all() and (np.diff(found) >= 0).all()


def test_rows_do_not_depend_on_their_neighbours():
    block = RNG.normal(0, 1e3, (257, 5))
    scale = RobustScale.of([median_and_scale(column) for column in block.T])
    whole = block.copy()
    scale.apply(whole)
    for i in range(len(block)):
        row = block[i : i + 1].copy()
        scale.apply(row)
        assert row.tobytes() == whole[i].tobytes()
