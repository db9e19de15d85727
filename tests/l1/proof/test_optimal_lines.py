"""The corners of the set of optimal lines, against every line through two points, in rational numbers."""

from fractions import Fraction
from itertools import combinations

import numpy as np
import pytest

from tests.l1 import exact_oracle
from treadle import LADRegressor
from treadle.errors import InvalidInput
from treadle.l1 import optimal_lines


def lines_through_two_points(x, y):
    """Intercept and slope of each, exactly."""
    points = [(Fraction(a), Fraction(b)) for a, b in zip(x, y, strict=True)]
    for (x_0, y_0), (x_1, y_1) in combinations(points, 2):
        if x_0 != x_1:
            slope = (y_1 - y_0) / (x_1 - x_0)
            yield y_0 - slope * x_0, slope


def corners_by_trying(x, y, quantile):
    """All lines through two points that have the least objective of all of these."""
    X = [[a] for a in x]
    costs = {
        (b, w): exact_oracle.objective(X, y, [w], b, quantile=quantile)
        for b, w in lines_through_two_points(x, y)
    }
    return {line for line, cost in costs.items() if cost == min(costs.values())}


@pytest.mark.parametrize("quantile", [0.5, 0.25, 0.75])
def test_they_are_all_the_best_lines_through_two_points(quantile):
    rng = np.random.default_rng(4)
    several = 0
    for _ in range(100):
        n = int(rng.integers(2, 9))
        x, y = rng.integers(0, 5, n).astype(float), rng.integers(0, 5, n).astype(float)
        if x.min() == x.max():
            continue
        model = LADRegressor(quantile).fit(x[:, None], y)
        found = optimal_lines(model.certificate_, x, y)
        assert len(found) == len(set(found))
        assert set(found) == corners_by_trying(x, y, quantile)
        assert (len(found) == 1) == (model.certificate_.unique is True)
        several += len(found) > 1
    assert several > 5


def test_they_are_in_order_around_the_set():
    x, y = np.array([1.0, 3, 5, 7]), np.array([7.0, 3, 3, 7])
    found = optimal_lines(LADRegressor().fit(x[:, None], y).certificate_, x, y)
    assert sorted(found) == [(0, 1), (3, 0), (7, 0), (8, -1)]
    turns = []
    for k in range(4):
        (b, w), (b_1, w_1), (b_2, w_2) = found[k - 2], found[k - 1], found[k]
        turns.append((b_1 - b) * (w_2 - w_1) - (w_1 - w) * (b_2 - b_1))
    assert all(turn > 0 for turn in turns) or all(turn < 0 for turn in turns)


def test_columns_far_from_zero_and_last_places_are_exact():
    x = 1e15 + np.array([1.0, 3, 4, 5, 7])
    y = np.array([7.0, 3, 5, 3, 7])
    found = optimal_lines(LADRegressor().fit(x[:, None], y).certificate_, x, y)
    assert {slope for _, slope in found} == {Fraction(2, 3), Fraction(-2, 3)}
    assert all(b + w * (10**15 + 4) == 5 for b, w in found)


THREE = [[1.0], [2.0], [3.0]]


@pytest.mark.parametrize(
    ("X", "options", "message"),
    [
        ([[1.0, 0.0], [2.0, 1.0], [3.0, 5.0]], {}, "the certificate is of 2 features"),
        (THREE, {"alpha": 0.1}, "and alpha=0.1"),
        (THREE, {"fit_intercept": False}, "fit_intercept=False"),
    ],
)
def test_other_fits_are_refused(X, options, message):
    certificate = LADRegressor(**options).fit(X, [1, 2, 4]).certificate_
    with pytest.raises(InvalidInput, match=message):
        optimal_lines(certificate, [1.0, 2.0, 3.0], [1, 2, 4])


@pytest.mark.parametrize(
    ("x", "message"),
    [
        (THREE, r"x must be of shape \(N,\).*\(3, 1\)"),
        ([1.0, 2.0], "got 2 rows of 1"),
        ([2.0, 2.0, 2.0], "all x are 2.0, so that any slope will do"),
        ([1.0, 2.0, -30.0], "the vertex is not proved optimal"),
    ],
)
def test_other_data_are_refused(x, message):
    certificate = LADRegressor().fit(THREE, [1, 2, 9]).certificate_
    with pytest.raises(InvalidInput, match=message):
        optimal_lines(certificate, x, [1, 2, 9][: len(x)])
