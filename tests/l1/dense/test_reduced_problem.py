"""The problem of the rows kept: in a ball it is that of all rows, but for a constant."""

import numpy as np
import pytest

from tests.l1.linear_programs import contaminated, objective
from treadle.l1.dense.coordinates import coordinates_of
from treadle.l1.dense.reduced_problem import Reduced, reduced_of
from treadle.l1.dense.screening import Screen, screen
from treadle.l1.dense.task import Task
from treadle.l1.proof.claim import Problem
from treadle.l1.sources.rows import ArrayRows


@pytest.mark.parametrize("alpha", [0.0, 0.3])
@pytest.mark.parametrize("fit_intercept", [True, False])
def test_in_the_ball_it_falls_and_rises_as_the_objective_of_all_rows_does(alpha, fit_intercept):
    X, y = contaminated(900, 4)
    weight = np.random.default_rng(0).uniform(0, 2, 900)
    rows = ArrayRows(X, y, weight)
    coordinates = coordinates_of(X, fit_intercept, alpha > 0)
    theta = np.full(coordinates.size, 0.2)
    screened = screen(rows, Screen(coordinates, theta, 0.5, 0.3))
    assert 50 < len(screened.kept) < 800
    task = Task(
        rows, Problem(0.3, alpha, fit_intercept), rows.total_weight(), 1e-12, 0, np.random.default_rng(0)
    )
    reduced = reduced_of(task, coordinates, screened, 1.0)
    n_penalties = 4 if alpha else 0
    assert (reduced.n_penalties, len(reduced)) == (n_penalties, n_penalties + len(screened.kept))

    def of_all(at):
        return objective(X, y, *coordinates.coefficients(at), quantile=0.3, weight=weight, alpha=alpha)

    rng = np.random.default_rng(1)
    for _ in range(20):
        away = rng.normal(size=len(theta))
        at = theta + 0.5 * rng.random() * away / np.linalg.norm(away)
        change = of_all(at) - of_all(theta)
        assert reduced.loss(at) - reduced.loss(theta) == pytest.approx(change, rel=1e-8, abs=1e-8)
    # Beyond the ball it need not.
    far = theta + 40.0
    assert reduced.loss(far) - reduced.loss(theta) < of_all(far) - of_all(theta) - 1


def test_a_part_of_it_has_other_rows_and_another_linear_term():
    rng = np.random.default_rng(0)
    Z, y, high, g = rng.normal(size=(6, 2)), rng.normal(size=6), rng.uniform(1, 2, 6), rng.normal(size=2)
    whole = Reduced(Z, y, -high, high, np.zeros(2), 2, 1e-12)
    part = whole.part(np.array([1, 4]), g)
    w = np.array([0.3, -0.7])
    expected = sum(high[i] * abs(y[i] - Z[i] @ w) for i in (1, 4)) - g @ w
    assert part.loss(w) == pytest.approx(expected)
    assert (len(part), part.n_penalties) == (2, 0)
    assert part.mean_weight == pytest.approx((high[1] + high[4]) / 2)
