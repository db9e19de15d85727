"""What stays the same during a fit."""

import numpy as np
import pytest

from treadle.l1.dense.coordinates import coordinates_of
from treadle.l1.dense.task import Task
from treadle.l1.proof.claim import Problem
from treadle.l1.sources.rows import ArrayRows


@pytest.mark.parametrize(
    ("alpha", "fit_intercept", "fewest"), [(0.0, True, 4), (0.0, False, 3), (0.1, True, 1), (0.1, False, 1)]
)
def test_a_vertex_needs_a_row_for_each_coordinate_that_the_penalty_does_not_hold(
    alpha, fit_intercept, fewest
):
    X = np.random.default_rng(0).normal(size=(50, 3))
    rows = ArrayRows(X, X[:, 0])
    task = Task(rows, Problem(0.5, alpha, fit_intercept), 50.0, 1e-14, 0, np.random.default_rng(0))
    assert task.fewest_rows(coordinates_of(X, fit_intercept, alpha > 0)) == fewest
    assert task.penalty == 2 * alpha * 50


def test_efforts_of_two_fits_are_their_own():
    rows = ArrayRows(np.ones((2, 1)), np.ones(2))
    one, other = (Task(rows, Problem(0.5, 0, True), 2.0, 1e-14, 0, np.random.default_rng(0)) for _ in "ab")
    one.effort.n_passes += 1
    assert (one.effort.n_passes, other.effort.n_passes) == (1, 0)
