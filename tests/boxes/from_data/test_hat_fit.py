"""Least squares on the nodes of a grid, and its leave-one-out error, against fitting again without a row."""

import numpy as np
import pytest

from tests.boxes.from_data.leaving_out import leaving_out
from treadle.boxes.cells.partition import Grid
from treadle.boxes.from_data import hat_fit
from treadle.boxes.from_data.hat_fit import fit_hats, simplex_weights, tridiagonal_inverse
from treadle.boxes.network.interpolation import interpolate

RNG = np.random.default_rng(0)


@pytest.mark.parametrize(("n_dims", "m"), [(1, 1), (1, 8), (2, 3), (3, 1)])
def test_the_error_of_hats_is_that_of_fitting_again(n_dims, m):
    X = RNG.uniform(0, 1, (40, n_dims))
    y = RNG.normal(size=40)
    weights = RNG.integers(1, 3, 40).astype(float)
    edges = [np.linspace(0, 1, m + 1)] * n_dims
    grid = Grid(edges)
    total = weights.sum()

    def fit(counts):
        A, right = normal_equations(edges, X, y, counts, total)
        return interpolate(grid, np.linalg.solve(A, right).reshape([m + 1] * n_dims), X)

    fitted = fit_hats(edges, X, y, weights)
    np.testing.assert_allclose(interpolate(grid, fitted.values, X), fit(weights), atol=1e-7)
    assert fitted.leave_one_out == pytest.approx(leaving_out(fit, weights, y), rel=1e-6)


def test_rows_that_alone_determine_their_fit_count_as_the_mean_s_error():
    x = np.array([0.1, 0.4, 0.6, 0.9])
    y = np.array([1.0, -1.0, 1.0, -1.0])
    fitted = fit_hats([np.linspace(0, 1, 9)], x[:, None], y, np.ones(4))
    assert fitted.leave_one_out == 1.0
    np.testing.assert_allclose(
        interpolate(Grid([np.linspace(0, 1, 9)]), fitted.values, x[:, None]), y, atol=1e-4
    )


def normal_equations(edges, X, y, weights, total):
    """Dense and slow, from the definition of the penalty."""
    nodes, shares = simplex_weights(edges, X)
    shape = tuple(axis.size for axis in edges)
    n_nodes = int(np.prod(shape))
    B = np.zeros((len(X), n_nodes))
    np.put_along_axis(B, nodes, shares, axis=1)
    A = B.T @ (weights[:, None] * B)
    for j in range(n_nodes):
        for k in range(j):
            steps = np.abs(np.subtract(np.unravel_index(j, shape), np.unravel_index(k, shape)))
            if steps.sum() == 1:
                e = np.zeros(n_nodes)
                e[j], e[k] = 1, -1
                A += 1e-6 * total / n_nodes * np.outer(e, e)
    return A, B.T @ (weights * y)


@pytest.mark.parametrize("n_dims", [1, 2, 4])
def test_simplex_weights_interpolate_as_networks_do(n_dims):
    edges = [np.sort(RNG.uniform(0, 1, 5)) for _ in range(n_dims)]
    values = RNG.normal(size=[5] * n_dims)
    X = np.stack([RNG.uniform(axis[0], axis[-1], 50) for axis in edges], axis=1)
    nodes, shares = simplex_weights(edges, X)
    expected = interpolate(Grid(edges), values, X)
    np.testing.assert_allclose((values.ravel()[nodes] * shares).sum(axis=1), expected, atol=1e-13)
    assert shares.min() >= 0
    np.testing.assert_allclose(shares.sum(axis=1), 1)


def test_the_inverse_of_a_tridiagonal_matrix():
    diagonal, off = RNG.uniform(2, 3, 9), RNG.uniform(-1, 1, 8)
    inverse = np.linalg.inv(np.diag(diagonal) + np.diag(off, 1) + np.diag(off, -1))
    main, side = tridiagonal_inverse(diagonal, off)
    np.testing.assert_allclose(main, np.diag(inverse), rtol=1e-12)
    np.testing.assert_allclose(side, np.diag(inverse, 1), rtol=1e-12)


def test_values_are_those_of_least_squares_with_a_row_for_each_spring():
    """One dimension, without the module's own weights: hats by np.interp of unit vectors."""
    edges = np.sort(RNG.uniform(0, 1, 7))
    x = RNG.uniform(edges[0], edges[-1], 60)
    y, weights = RNG.normal(size=60), RNG.integers(1, 4, 60).astype(float)
    hats = np.stack([np.interp(x, edges, unit) for unit in np.eye(7)], axis=1)
    spring = hat_fit.PENALTY * weights.sum() / 7
    rows = np.concatenate([np.sqrt(weights)[:, None] * hats, np.sqrt(spring) * np.diff(np.eye(7), axis=0)])
    expected = np.linalg.lstsq(rows, np.append(np.sqrt(weights) * y, np.zeros(6)), rcond=None)[0]
    np.testing.assert_allclose(fit_hats([edges], x[:, None], y, weights).values, expected, rtol=1e-8)


def test_a_fit_that_forgets_its_leverage_is_seen(monkeypatch):
    wrong = lambda y, fitted, _, weights: float(np.average((y - fitted) ** 2, weights=weights))  # noqa: E731
    monkeypatch.setattr(hat_fit, "_error", wrong)
    with pytest.raises(AssertionError):
        test_the_error_of_hats_is_that_of_fitting_again(2, 3)
