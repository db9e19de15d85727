"""From a guess to the optimal vertex of a reduced problem: interior point, basis, windows; against HiGHS."""

import math

import numpy as np
import pytest

from tests.l1.linear_programs import highs_dual
from treadle.l1.dense import vertex_search
from treadle.l1.dense.crossover import crossover
from treadle.l1.dense.radii import Ball
from treadle.l1.dense.reduced_problem import Reduced
from treadle.l1.dense.task import Task
from treadle.l1.dense.vertex_search import basis_near, closely, exactly, optimal_vertex
from treadle.l1.interior.interior_point import Unbounded
from treadle.l1.proof.claim import Problem
from treadle.l1.sources.rows import ArrayRows


def problem(n, p, seed=0):
    rng = np.random.default_rng(seed)
    Z, y = rng.normal(size=(n, p)), rng.standard_t(1.5, size=n)
    low, high = -np.full(n, 0.6), np.full(n, 1.4)
    g = -Z.T @ (low + rng.uniform(0.4, 0.6, n) * (high - low))
    return Reduced(Z, y, low, high, g, 0, 1e-14)


def task(reduced):
    rows = ArrayRows(reduced.Z, reduced.y)
    return Task(rows, Problem(0.7, 0.0, False), float(len(reduced)), 1e-14, 0, np.random.default_rng(0))


def is_optimal(reduced, vertex):
    least, _ = highs_dual(reduced.Z, reduced.y, reduced.low, reduced.high, reduced.g)
    proved = np.abs(reduced.Z.T @ vertex.u + reduced.g).max() <= 1e-8 * len(reduced)
    return proved and reduced.loss(vertex.w) <= least + 1e-9 * abs(least)


@pytest.mark.parametrize(("n", "p"), [(50, 1), (500, 2), (5000, 3), (4000, 8)])
def test_the_vertex_is_optimal_from_any_guess(n, p):
    reduced = problem(n, p)
    for off in (0.0, 3.0):
        fit = task(reduced)
        vertex = optimal_vertex(fit, reduced, Ball(np.full(p, off), math.inf), math.inf)
        assert is_optimal(reduced, vertex)
        assert fit.effort.n_pivots == vertex.n_pivots
        assert (fit.effort.n_iter > 0) == (p > 1)


def test_a_close_point_has_at_most_the_gap_asked_for():
    reduced = problem(800, 4)
    close = closely(reduced, np.zeros(4), 1.0, 2.0)
    least, _ = highs_dual(reduced.Z, reduced.y, reduced.low, reduced.high, reduced.g)
    assert reduced.loss(close.w) - least <= 2.0 * reduced.mean_weight
    basis = basis_near(reduced, close)
    assert np.linalg.matrix_rank(reduced.Z[basis]) == 4


def test_windows_that_leave_out_rows_come_to_the_same_vertex(monkeypatch):
    reduced = problem(4000, 3)
    close = closely(reduced, np.zeros(3), 1.0, 40.0)
    basis = basis_near(reduced, close)
    theta = close.w + 0.2  # so far off that rows are folded with the wrong sign
    sizes = []

    def noted(Z, *rest):
        sizes.append(len(Z))
        return crossover(Z, *rest)

    monkeypatch.setattr(vertex_search, "crossover", noted)
    monkeypatch.setattr(vertex_search, "WINDOW_PER_COORDINATE", 1)
    found = {}
    for n_first in (50, 1000, 4000):
        monkeypatch.setattr(vertex_search, "FIRST_WINDOW", n_first)
        sizes.clear()
        found[n_first] = exactly(reduced, theta, basis, np.random.default_rng(0), 1e-10)
        assert is_optimal(reduced, found[n_first])
        if n_first == 1000:  # some rows joined the first window, not all
            assert 1000 <= sizes[0] < sizes[-1] < 4000
    for other in (found[50], found[1000]):
        np.testing.assert_array_equal(np.sort(other.basis), np.sort(found[4000].basis))
        np.testing.assert_allclose(other.u, found[4000].u, atol=1e-8)
        np.testing.assert_allclose(other.r, found[4000].r, atol=1e-12)


def test_rows_that_bound_nothing_or_do_not_span_are_told():
    reduced = problem(300, 3)
    beyond = Reduced(reduced.Z, reduced.y, reduced.low, reduced.high, reduced.g + 1e3, 0, 1e-14)
    assert highs_dual(beyond.Z, beyond.y, beyond.low, beyond.high, beyond.g) is None
    with pytest.raises(Unbounded):
        exactly(beyond, np.zeros(3), np.arange(3), np.random.default_rng(0), 1e-10)
    with pytest.raises(Unbounded):
        optimal_vertex(task(beyond), beyond, Ball(np.zeros(3), 0.1), 2.0)
    flat = Reduced(np.ones((300, 3)), reduced.y, reduced.low, reduced.high, np.zeros(3), 0, 1e-14)
    close = closely(reduced, np.zeros(3), 1.0, 40.0)
    with pytest.raises(Unbounded):
        basis_near(flat, close)
