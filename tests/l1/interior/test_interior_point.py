"""The primal-dual iteration: against HiGHS; its gap, where it starts again, where it stops."""

import math

import numpy as np
import pytest
from scipy import sparse

from tests.l1.linear_programs import highs_dual
from treadle.l1.interior import interior_point as module
from treadle.l1.interior.interior_point import Unbounded, central, interior_point


def problem(n, p, seed=0):
    """Orthonormal columns but for a factor, boxes of several widths, a linear term that is feasible."""
    rng = np.random.default_rng(seed)
    Z = np.linalg.qr(rng.normal(size=(n, p)))[0] * math.sqrt(n)
    y = rng.standard_t(1.5, size=n)
    low, high = -rng.uniform(0.2, 2, n), rng.uniform(0.2, 2, n)
    g = -Z.T @ (low + rng.uniform(0.3, 0.7, n) * (high - low))
    return Z, y, low, high, g


def loss(Z, y, low, high, g, w):
    r = y - Z @ w
    return float(np.maximum(low * r, high * r).sum() - g @ w)


@pytest.mark.parametrize(("n", "p"), [(60, 2), (300, 5), (2000, 12)])
@pytest.mark.parametrize("mu", [0.01, 1.0])
def test_it_ends_within_its_gap_of_the_optimum_of_highs(n, p, mu):
    Z, y, low, high, g = problem(n, p)
    least, w = highs_dual(Z, y, low, high, g)
    at = interior_point(Z, y, low, high, g, np.zeros(p), mu, 1e-7)
    assert at.gap <= 1e-7
    assert loss(Z, y, low, high, g, at.w) - least <= 1e-7 + 1e-10 * abs(least)
    np.testing.assert_allclose(at.w, w, atol=1e-4)


def test_what_it_ends_with_is_feasible_and_bounds_the_optimum_from_both_sides():
    Z, y, low, high, g = problem(500, 4)
    least, _ = highs_dual(Z, y, low, high, g)
    for tolerance in (100.0, 1.0, 1e-4):
        at = interior_point(Z, y, low, high, g, np.zeros(4), 1.0, tolerance)
        u = low + at.below
        np.testing.assert_allclose(at.below + at.above, high - low, rtol=1e-12)
        assert min(at.below.min(), at.above.min()) > 0
        np.testing.assert_allclose(Z.T @ u, -g, atol=1e-7)
        np.testing.assert_allclose(at.r, y - Z @ at.w, atol=1e-9)
        assert y @ u <= least + 1e-7
        assert loss(Z, y, low, high, g, at.w) - y @ u <= at.gap * (1 + 1e-6) + 1e-7


def test_certainty_is_largest_of_the_rows_that_are_interpolated():
    Z, y, low, high, g = problem(300, 5)
    at = interior_point(Z, y, low, high, g, np.zeros(5), 1.0, 1e-6)
    _, w = highs_dual(Z, y, low, high, g)
    interpolated = np.sort(np.argsort(np.abs(y - Z @ w))[:5])
    np.testing.assert_array_equal(np.sort(np.argsort(-at.certainty)[:5]), interpolated)


@pytest.mark.parametrize("mu", [1e-8, 1.0, 1e6])
def test_the_start_is_on_the_central_path(mu):
    r = np.concatenate([[0.0], np.geomspace(1e-9, 1e9, 40), -np.geomspace(1e-9, 1e9, 40)])
    low, high = np.full(81, -0.4), np.full(81, 1.6)
    below, above, z, v = central(r, low, high, mu)
    np.testing.assert_allclose(below + above, 2.0, rtol=1e-12)
    np.testing.assert_allclose(z * below, mu)
    np.testing.assert_allclose(v * above, mu)
    np.testing.assert_allclose(v - z, r, rtol=1e-9, atol=1e-6 * mu)
    assert min(below.min(), above.min()) > 0


def test_a_guess_much_farther_off_than_mu_says_starts_again(monkeypatch):
    Z, y, low, high, g = problem(300, 4)
    least, _ = highs_dual(Z, y, low, high, g)
    seen = []

    def noted(*arguments):
        seen.append(arguments[-1])
        return central(*arguments)

    monkeypatch.setattr(module, "central", noted)
    at = interior_point(Z, y, low, high, g, np.full(4, 1e4), 1.0, 1e-3)
    assert len(seen) > 1
    np.testing.assert_allclose(np.diff(np.log10(seen)), 3.0)
    assert loss(Z, y, low, high, g, at.w) - least <= 1e-3 + 1e-10 * abs(least)


def test_a_solution_farther_than_allowed_is_unbounded():
    Z, y, low, high, g = problem(300, 4)
    _, w = highs_dual(Z, y, low, high, g)
    guess = w + 0.5
    near = interior_point(Z, y, low, high, g, guess, 1.0, 1e-6, 20.0)
    np.testing.assert_allclose(near.w, w, atol=1e-4)
    with pytest.raises(Unbounded):
        interior_point(Z, y, low, high, g, guess, 1.0, 1e-6, 0.5)
    with pytest.raises(Unbounded):  # no u of the boxes has this sum
        interior_point(Z, y, low, high, g + 1e3, w, 1.0, 1e-6, 100.0)


def test_sparse_rows_take_the_solver_that_they_are_given():
    Z, y, low, high, g = problem(400, 4)
    Z[np.abs(Z) < 0.3] = 0
    g = -Z.T @ (low + 0.5 * (high - low))
    least, _ = highs_dual(Z, y, low, high, g)
    n_asked = []

    def factorise(D):
        n_asked.append(len(D))
        return lambda b: np.linalg.solve((Z * D[:, None]).T @ Z, b)

    at = interior_point(sparse.csr_array(Z), y, low, high, g, np.zeros(4), 1.0, 1e-6, factorise=factorise)
    assert loss(Z, y, low, high, g, at.w) - least <= 1e-6 + 1e-10 * abs(least)
    assert n_asked == [400] * at.n_steps


def test_it_stops_where_no_step_can_be_solved_for():
    Z, y, low, high, g = problem(50, 3)
    at = interior_point(sparse.csr_array(Z), y, low, high, g, np.ones(3), 1.0, 1e-6, factorise=lambda D: None)
    assert at.n_steps == 0
    np.testing.assert_array_equal(at.w, np.ones(3))
    assert at.gap > 1e-6


def test_steps_are_counted_and_bounded(monkeypatch):
    Z, y, low, high, g = problem(300, 4)
    whole = interior_point(Z, y, low, high, g, np.zeros(4), 1.0, 1e-8)
    monkeypatch.setattr(module, "MAX_STEPS", 3)
    some = interior_point(Z, y, low, high, g, np.zeros(4), 1.0, 1e-8)
    assert (some.n_steps, whole.n_steps > 3) == (3, True)
    assert some.gap > whole.gap
