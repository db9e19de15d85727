"""The candidate of a vertex: against the exact vertex, dual values and objective, in rational numbers."""

from fractions import Fraction

import numpy as np
import pytest

from tests.l1 import exact_oracle
from tests.l1.linear_programs import contaminated
from treadle.l1.dense.coordinates import coordinates_of
from treadle.l1.dense.radii import Ball
from treadle.l1.dense.reduced_problem import reduced_of
from treadle.l1.dense.refinement import candidate_of
from treadle.l1.dense.screening import Screen, screen
from treadle.l1.dense.task import Task
from treadle.l1.dense.vertex_search import optimal_vertex
from treadle.l1.proof.claim import Problem
from treadle.l1.sources.rows import ArrayRows


def candidate(X, y, weight=None, quantile=0.5, alpha=0.0, fit_intercept=True, theta=None, radius=np.inf):
    """That of the rows within a radius of theta, the others being folded."""
    rows = ArrayRows(X, y, weight)
    coordinates = coordinates_of(X, fit_intercept, alpha > 0)
    theta = np.zeros(coordinates.size) if theta is None else coordinates.theta(*theta)
    screened = screen(rows, Screen(coordinates, theta, radius, quantile))
    problem = Problem(quantile, alpha, fit_intercept)
    task = Task(rows, problem, rows.total_weight(), 1e-14, 0, np.random.default_rng(0))
    reduced = reduced_of(task, coordinates, screened, 1.0)
    vertex = optimal_vertex(task, reduced, Ball(theta, radius), np.inf)
    return candidate_of(coordinates, screened, theta, reduced, vertex, len(y))


def exact_vertex(X, y, basis, fit_intercept=True):
    """(b, w) of a basis of rows, N + j standing for w_j = 0, as fractions."""
    n, D = X.shape
    unit = np.eye(D)
    rows = [[float(fit_intercept and i < n), *(X[i] if i < n else unit[i - n])] for i in basis.tolist()]
    if not fit_intercept:
        rows = [row[1:] for row in rows]
    w = exact_oracle.solution(rows, [float(y[i]) if i < n else 0.0 for i in basis.tolist()])
    return w if fit_intercept else [Fraction(0), *w]


OPTIONS = [
    {},
    {"quantile": 0.2},
    {"fit_intercept": False},
    {"alpha": 0.2},
    {"weight": np.random.default_rng(3).uniform(0.1, 3, 120)},
]


@pytest.mark.parametrize("options", OPTIONS)
@pytest.mark.parametrize("seed", range(3))
def test_coefficients_are_the_exact_vertex_to_the_last_place(options, seed):
    X, y = contaminated(120, 3, seed)
    found = candidate(X, y, **options)
    exact = exact_vertex(X, y, found.basis, options.get("fit_intercept", True))
    told = [found.intercept, *found.coef.tolist()]
    if found.faithful:
        for a, b in zip(told, exact, strict=True):
            assert abs(Fraction(a) - b) < Fraction(np.spacing(abs(a)))
    np.testing.assert_allclose(told, [float(b) for b in exact], rtol=1e-13, atol=1e-13)


@pytest.mark.parametrize("options", OPTIONS)
def test_the_objective_is_the_exact_one_and_its_dual_is_no_more(options):
    X, y = contaminated(120, 3)
    found = candidate(X, y, **options)
    names = {name: value for name, value in options.items() if name != "fit_intercept"}
    coef = [Fraction(c) for c in found.coef.tolist()]
    exact = exact_oracle.objective(X, y, coef, Fraction(found.intercept), **names)
    assert found.primal == pytest.approx(float(exact), rel=1e-12)
    assert found.dual == pytest.approx(float(exact), rel=1e-11)


def test_rows_folded_count_as_those_kept_do():
    X, y = contaminated(400, 3)
    whole = candidate(X, y)
    near = candidate(X, y, theta=(whole.coef + 0.01, whole.intercept - 0.01), radius=1.0)
    np.testing.assert_array_equal(near.coef, whole.coef)
    np.testing.assert_array_equal(np.sort(near.basis), np.sort(whole.basis))
    assert near.primal == pytest.approx(whole.primal, rel=1e-12)
    np.testing.assert_array_equal(near.side[whole.basis], whole.side[whole.basis])
    off = np.setdiff1d(np.arange(400), whole.basis)
    expected = np.sign(y - X @ whole.coef - whole.intercept)
    np.testing.assert_array_equal(near.side[off], expected[off])
    np.testing.assert_array_equal(whole.side[off], expected[off])


def test_a_vertex_far_from_ties_and_bounds_is_sure_and_the_only_one():
    X, y = contaminated(121, 3)
    found = candidate(X, y)
    assert found.sure
    assert found.faithful
    assert found.unique
    assert len(found.ties) == 0
    np.testing.assert_array_equal(found.basis_rows.indices, np.sort(found.basis))


def test_an_optimum_that_is_not_the_only_one_is_not_sure():
    found = candidate(np.empty((4, 0)), np.array([1.0, 2.0, 3.0, 4.0]))
    assert found.intercept in (2.0, 3.0)
    assert not found.sure
    assert found.unique is False


def test_ties_are_named_and_have_dual_values_in_their_boxes_that_sum_to_zero():
    rng = np.random.default_rng(1)
    X, y = rng.integers(0, 3, size=(60, 2)).astype(float), rng.integers(0, 3, 60).astype(float)
    found = candidate(X, y)
    r = y - X @ found.coef - found.intercept
    at_zero = np.flatnonzero(np.abs(r) < 1e-12)
    np.testing.assert_array_equal(np.union1d(found.ties, found.basis), at_zero)
    assert len(found.ties)
    assert not found.sure
    assert (np.diff(found.ties) > 0).all()
    assert (np.abs(found.tie_values) <= 1 + 1e-12).all()
    # What is left for the basis is in its box: u of (1), in rational numbers.
    u = np.sign(r)
    u[at_zero] = 0
    u[found.ties] = found.tie_values
    rows = np.column_stack([np.ones(60), X])
    u_basis = np.linalg.solve(rows[found.basis].T, -(rows.T @ u))
    assert (np.abs(u_basis) <= 1 + 1e-9).all()


def test_coefficients_that_a_penalty_takes_to_zero_are_zero_and_named():
    X, y = contaminated(120, 3)
    found = candidate(X, y, alpha=5.0)
    np.testing.assert_array_equal(found.coef, np.zeros(3))
    assert (found.basis >= 120).sum() == 3
    assert len(found.basis_rows.y) == 1


def test_a_column_left_out_makes_it_not_the_only_one():
    X, y = contaminated(121, 2)
    found = candidate(np.column_stack([X, X[:, 0] + X[:, 1]]), y)
    np.testing.assert_array_equal(found.kept, [0, 1])
    assert found.coef[2] == 0
    assert found.unique is False
