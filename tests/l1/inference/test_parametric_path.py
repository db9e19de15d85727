"""The kinks of the least loss with one coefficient held: against linear programs between all of them."""

from itertools import pairwise

import numpy as np
import pytest
import scipy.optimize

from treadle.errors import InvalidInput
from treadle.l1.inference import parametric_path
from treadle.l1.inference.parametric_path import Table, kinks, vertex_of


def table(seed, n=14, whole=False, quantile=0.5):
    rng = np.random.default_rng(seed)
    X = rng.integers(0, 4, n).astype(float) if whole else rng.standard_normal(n)
    y = rng.integers(0, 5, n).astype(float) if whole else rng.standard_normal(n)
    return Table.of(np.column_stack([np.ones(n), X]), y, quantile, np.zeros(n))


def held(table, j, b):
    """g(b), by HiGHS."""
    Z, y = table.Z, table.y
    n = len(y)
    V = np.delete(Z, j, axis=1)
    p = V.shape[1]
    cost = np.concatenate([np.zeros(2 * p), np.full(n, table.quantile), np.full(n, 1 - table.quantile)])
    A = np.hstack([V, -V, np.eye(n), -np.eye(n)])
    found = scipy.optimize.linprog(cost, A_eq=A, b_eq=y - b * Z[:, j], method="highs")
    assert found.status == 0
    return found.fun


def rho(r, quantile):
    return np.maximum(quantile * r, (quantile - 1) * r).sum()


@pytest.mark.parametrize("quantile", [0.5, 0.25, 0.8])
@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("whole", [False, True])
def test_a_vertex_is_a_least_loss_with_scores_that_prove_it(quantile, seed, whole):
    """Z'(a - (1 - tau)) = 0 with a in [0, 1], 1 above the fit and 0 below it: duality."""
    t = table(seed, whole=whole, quantile=quantile)
    vertex = vertex_of(t, np.zeros(2))
    w = np.linalg.solve(t.Z[vertex.basis], t.y[vertex.basis])
    r = t.y - t.Z @ w
    r[np.abs(r) < 1e-12] = 0
    a = vertex.scores
    np.testing.assert_allclose(t.Z.T @ (a - (1 - quantile)), 0, atol=1e-12)
    assert (a >= 0).all() and (a <= 1).all()
    assert (a[r > 0] == 1).all() and (a[r < 0] == 0).all()
    assert rho(r, quantile) == pytest.approx(min(held(t, 1, b) for b in (w[1], w[1] + 0.1, w[1] - 0.1)))


def test_a_tilt_moves_the_vertex_to_the_least_of_the_tilted_loss():
    t = table(0)
    tilt = np.array([1.5, -0.5])
    vertex = vertex_of(t, tilt)
    w = np.linalg.solve(t.Z[vertex.basis], t.y[vertex.basis])
    np.testing.assert_allclose(t.Z.T @ (vertex.scores - 0.5) + tilt, 0, atol=1e-12)
    least = rho(t.y - t.Z @ w, 0.5) - tilt @ w
    rng = np.random.default_rng(0)
    for size in (1e-3, 0.1, 1):
        other = w + size * rng.standard_normal(2)
        assert rho(t.y - t.Z @ other, 0.5) - tilt @ other >= least


@pytest.mark.parametrize("sign", [1, -1])
@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("whole", [False, True])
def test_between_kinks_the_least_loss_is_linear_and_its_slope_grows_at_them(sign, seed, whole):
    t = table(seed, whole=whole)
    vertex = vertex_of(t, np.zeros(2))
    found = list(kinks(t, vertex, 1, sign))
    places = [kink.at for kink in found]
    assert places == sorted(places, reverse=sign < 0) and len(set(places)) == len(places) > 1
    ends = [*places, places[-1] + 2 * sign]
    values = [held(t, 1, b) for b in ends]
    slopes = np.diff(values) / np.diff(ends) * sign
    # All gains but the first, of which a part may lie on the other side of the vertex.
    np.testing.assert_allclose(np.diff(slopes), [kink.gain for kink in found[1:]], atol=1e-9)
    middles = [held(t, 1, (a + b) / 2) for a, b in pairwise(ends)]
    np.testing.assert_allclose(middles, (np.array(values[:-1]) + values[1:]) / 2, atol=1e-9)
    for kink, value in zip(found, values, strict=False):
        assert kink.w[1] == pytest.approx(kink.at, abs=1e-12)
        assert rho(t.y - t.Z @ kink.w, 0.5) == pytest.approx(value, abs=1e-9)


def test_residuals_of_what_targets_are_known_to_are_zero():
    noise = np.zeros(14)
    t = table(0)
    basis = np.array([2, 5])
    w = np.linalg.solve(t.Z[basis], t.y[basis])
    plain = t.residuals(basis)
    np.testing.assert_allclose(plain.w, w, rtol=1e-12)
    np.testing.assert_allclose(
        plain.real, np.where(np.isin(np.arange(14), basis), 0, t.y - t.Z @ w), atol=1e-12
    )
    i = int(np.argmax(np.abs(plain.real)))
    noise[i] = 2 * abs(plain.real[i])
    noisy = Table.of(t.Z, t.y, 0.5, noise).residuals(basis)
    assert plain.real[i] != 0 and noisy.real[i] == 0
    assert (noisy.real == plain.real).sum() == 13


def test_a_basis_that_depends_on_itself_is_refused():
    t = table(0, whole=True)
    same = np.flatnonzero(t.Z[:, 1] == t.Z[0, 1])[:2]
    with pytest.raises(InvalidInput, match="that a fit goes through depend on each other to the precision"):
        t.residuals(same)


def test_a_walk_that_does_not_end_is_refused(monkeypatch):
    monkeypatch.setattr(parametric_path, "PIVOTS_PER_ROW", 0)
    t = table(0)
    with pytest.raises(InvalidInput, match="the ranks of these 14 rows go in circles, which only rounding"):
        next(kinks(t, vertex_of(t, np.zeros(2)), 1, 1))
