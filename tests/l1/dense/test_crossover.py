"""Pivots to the optimal vertex: against HiGHS, against every basis, and where there is none."""

import itertools

import numpy as np
import pytest

from tests.l1.linear_programs import highs_dual
from treadle.errors import CertificateFailed
from treadle.l1.dense import crossover as module
from treadle.l1.dense.crossover import crossover, first_breakpoints, independent_rows, inverse_of
from treadle.l1.interior.interior_point import Unbounded


def problem(n, p, seed, ties=False):
    """Rows with boxes of many widths and a linear term that is feasible, and p rows to begin with."""
    rng = np.random.default_rng(seed)
    Z, y = rng.normal(size=(n, p)), rng.standard_t(2, size=n)
    if ties:
        Z, y = rng.integers(-2, 3, size=(n, p)).astype(float), rng.integers(-2, 3, n).astype(float)
    low, high = -rng.uniform(0.1, 3, n), rng.uniform(0.1, 3, n)
    g = -Z.T @ (low + rng.uniform(0.3, 0.7, n) * (high - low))
    basis = independent_rows(Z, rng.uniform(0.1, 1, n))
    return Z, y, low, high, g, basis


def vertex_of(Z, y, low, high, g, basis, tolerance=1e-10):
    tie = 1e-13 * (1 + np.abs(y))
    return crossover(Z, y, low, high, g, basis, np.random.default_rng(0), tolerance, tie)


def loss(Z, y, low, high, g, w):
    r = y - Z @ w
    return float(np.maximum(low * r, high * r).sum() - g @ w)


@pytest.mark.parametrize(("n", "p"), [(3, 3), (40, 1), (60, 4), (400, 10), (3000, 5)])
@pytest.mark.parametrize("seed", range(3))
def test_the_vertex_is_the_optimum_of_highs(n, p, seed):
    Z, y, low, high, g, basis = problem(n, p, seed)
    vertex = vertex_of(Z, y, low, high, g, basis)
    least, _ = highs_dual(Z, y, low, high, g)
    assert loss(Z, y, low, high, g, vertex.w) <= least + 1e-9 * abs(least)
    np.testing.assert_allclose(Z[vertex.basis] @ vertex.w, y[vertex.basis], atol=1e-9)
    np.testing.assert_allclose(vertex.inverse @ Z[vertex.basis], np.eye(p), atol=1e-8)


@pytest.mark.parametrize("ties", [False, True])
def test_its_dual_values_prove_it(ties):
    for seed in range(10):
        Z, y, low, high, g, basis = problem(80, 4, seed, ties)
        vertex = vertex_of(Z, y, low, high, g, basis)
        u = vertex.u
        assert ((u >= low - 1e-9) & (u <= high + 1e-9)).all()
        np.testing.assert_allclose(Z.T @ u, -g, atol=1e-9)
        # No row off the basis is at a bound that is not that of its residual's sign.
        r = y - Z @ vertex.w
        off = np.abs(r) > 1e-9
        np.testing.assert_array_equal(u[off], np.where(r > 0, high, low)[off])


def test_of_heavily_tied_tables_it_is_the_least_of_every_basis():
    for seed in range(20):
        Z, y, low, high, g, basis = problem(9, 2, 100 + seed, ties=True)
        if basis is None:
            continue
        found = loss(Z, y, low, high, g, vertex_of(Z, y, low, high, g, basis).w)
        least = np.inf
        for pair in itertools.combinations(range(9), 2):
            if abs(np.linalg.det(Z[list(pair)])) > 0.5:
                w = np.linalg.solve(Z[list(pair)], y[list(pair)])
                least = min(least, loss(Z, y, low, high, g, w))
        assert found <= least + 1e-9


def test_an_objective_without_a_least_value_is_unbounded():
    Z, y, low, high, g, basis = problem(50, 3, 0)
    g = g + 100 * Z[0]
    assert highs_dual(Z, y, low, high, g) is None
    with pytest.raises(Unbounded):
        vertex_of(Z, y, low, high, g, basis)


def test_its_arguments_are_left_as_they_are():
    Z, y, low, high, g, basis = problem(60, 4, 0, ties=True)
    before = [a.copy() for a in (Z, y, low, high, g, basis)]
    vertex_of(Z, y, low, high, g, basis)
    for a, b in zip((Z, y, low, high, g, basis), before, strict=True):
        np.testing.assert_array_equal(a, b)


def test_inverses_renewed_at_every_pivot_lead_to_the_same_vertex(monkeypatch):
    Z, y, low, high, g, basis = problem(400, 10, 1)
    found = vertex_of(Z, y, low, high, g, basis)
    assert found.n_pivots > 5
    monkeypatch.setattr(module, "PIVOTS_PER_INVERSE", 1)
    renewed = vertex_of(Z, y, low, high, g, basis)
    np.testing.assert_array_equal(np.sort(found.basis), np.sort(renewed.basis))


def test_pivots_that_do_not_end_are_told(monkeypatch):
    monkeypatch.setattr(module, "PIVOTS_PER_COLUMN", 0)
    with pytest.raises(
        CertificateFailed, match="no optimal vertex after 1 pivots over 400 rows: their numbers"
    ):
        vertex_of(*problem(400, 10, 1))


def test_independent_rows_are_heavy_ones_that_span():
    rng = np.random.default_rng(0)
    Z = np.repeat(rng.normal(size=(3, 3)), 30, axis=0) * rng.uniform(0.5, 2, 90)[:, None]
    Z = np.vstack([Z, rng.normal(size=(10, 3))])
    weight = np.concatenate([np.full(90, 1.0), np.full(10, 1e-12)])
    rows = independent_rows(Z, weight)
    assert np.linalg.matrix_rank(Z[rows]) == 3
    assert (rows < 90).all()
    np.testing.assert_array_equal(np.sort(rows // 30), [0, 1, 2])


def test_rows_that_do_not_span_hold_no_basis():
    rng = np.random.default_rng(0)
    assert independent_rows(rng.normal(size=(50, 2)) @ rng.normal(size=(2, 3)), np.ones(50)) is None
    assert independent_rows(np.ones((2, 3)), np.ones(2)) is None


def test_a_singular_basis_has_no_inverse():
    M = np.random.default_rng(0).normal(size=(5, 5))
    np.testing.assert_allclose(inverse_of(M) @ M, np.eye(5), atol=1e-10)
    with pytest.raises(np.linalg.LinAlgError, match="the basis became singular"):
        inverse_of(np.zeros((2, 2)))


@pytest.mark.parametrize("n_first", [1, 512])
def test_a_line_search_finds_the_breakpoint_that_a_full_sort_does(n_first, monkeypatch):
    monkeypatch.setattr(module, "FIRST_BREAKPOINTS", n_first)
    draws = np.random.default_rng(1)
    t, rise = draws.random(5000), draws.random(5000)
    full = np.argsort(t, kind="stable")
    for excess in (1e-9, 3.0, 300.0, 2000.0):
        order, stop = first_breakpoints(t, rise, excess)
        assert stop == np.searchsorted(np.cumsum(rise[full]), excess)
        np.testing.assert_array_equal(order[: stop + 1], full[: stop + 1])
    assert first_breakpoints(t, rise, 1e9)[1] == 5000
