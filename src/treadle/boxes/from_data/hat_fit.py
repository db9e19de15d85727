r"""Fits piecewise linear functions by least squares, with the exact leave-one-out error.

Minimises over the values c at the nodes

    sum_i w_i (y_i - b_i . c)^2 + penalty,        penalty = mu sum over neighbours of (c_j - c_k)^2

b_i being the d + 1 weights of row i's simplex (``treadle.boxes.network.interpolation``), in one dimension
those of linear interpolation. The penalty is so small, mu = 1e-6 of a node's mean weight, that it decides
only what rows do not: nodes without rows nearby. With A = B' W B + the penalty's matrix the fit is a linear
smoother, and leaving out one row of weight 1 changes its residual r_i to exactly

    r_i / (1 - h_i),        h_i = b_i' A^-1 b_i                                 (Sherman and Morrison 1950)

Where h is 1 but for the penalty, nothing but the row itself determines the fit there; without it the fit is
taken to be the mean of y, and the row's error y_i.

In one dimension A is tridiagonal, and the entries of A^-1 that h needs come from two recursions; else A is
dense, of at most ``MOST_NODES`` nodes.

Dimensions: N rows, d features.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

MOST_NODES = 1024
PENALTY = 1e-6  # mu, of the mean weight of a node
MOST_LEVERAGE = 0.999  # beyond it a row is all that determines its fit, and 1 - h has no digits


class HatFit(NamedTuple):
    """The values at a grid's nodes, and the mean squared leave-one-out error.

    ``values`` is of shape (m_1 + 1, ..., m_d + 1).
    """

    values: NDArray[np.float64]
    leave_one_out: float


def fit_hats(
    edges: Sequence[NDArray[np.float64]],
    X: NDArray[np.float64],
    y: NDArray[np.float64],
    weights: NDArray[np.float64],
) -> HatFit:
    """The least-squares values at the nodes of a grid.

    Parameters
    ----------
    edges : sequence of d ndarray
        Of each axis.
    X : ndarray of shape (N, d)
        Within the edges.
    y, weights : ndarray of shape (N,)
        y centred; weights positive, repetitions of rows.
    """
    if len(edges) == 1:
        return _fit_line(edges[0], X[:, 0], y, weights)
    shape = tuple(axis.size for axis in edges)
    nodes, shares = simplex_weights(edges, X)
    n_nodes = int(np.prod(shape))
    A = _penalty_matrix(shape, PENALTY * float(weights.sum()) / n_nodes)
    pairs = nodes[:, :, None] * n_nodes + nodes[:, None, :]
    products = shares[:, :, None] * shares[:, None, :]
    A += np.bincount(pairs.ravel(), (weights[:, None, None] * products).ravel(), n_nodes**2).reshape(A.shape)
    right = np.bincount(nodes.ravel(), ((weights * y)[:, None] * shares).ravel(), n_nodes)
    inverse = np.linalg.inv(A)
    values = inverse @ right
    leverage = (inverse.ravel()[pairs] * products).sum(axis=(1, 2))
    fitted = (values[nodes] * shares).sum(axis=1)
    return HatFit(values.reshape(shape), _error(y, fitted, leverage, weights))


def simplex_weights(
    edges: Sequence[NDArray[np.float64]], X: NDArray[np.float64]
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Return the nodes of each row's simplex, by number, and their weights.

    Both arrays are of shape (N, d + 1).
    """
    n_rows = len(X)
    strides = np.cumprod((1, *(axis.size for axis in edges[:0:-1])))[::-1]
    first = np.zeros(n_rows, np.int64)
    places = np.empty(X.shape)
    for i, axis in enumerate(edges):
        cells = np.clip(np.searchsorted(axis, X[:, i], side="right") - 1, 0, axis.size - 2)
        places[:, i] = (X[:, i] - axis[cells]) / (axis[cells + 1] - axis[cells])
        first += cells * strides[i]
    order = np.argsort(-places, axis=1, kind="stable")
    steps = np.take_along_axis(np.broadcast_to(strides, X.shape), order, axis=1)
    nodes = np.column_stack([first, first[:, None] + np.cumsum(steps, axis=1)])
    sorted_places = np.take_along_axis(places, order, axis=1)
    shares = -np.diff(sorted_places, axis=1, prepend=1.0, append=0.0)
    return nodes, shares


def _fit_line(
    edges: NDArray[np.float64],
    x: NDArray[np.float64],
    y: NDArray[np.float64],
    weights: NDArray[np.float64],
) -> HatFit:
    from scipy.linalg import solveh_banded

    n_nodes = edges.size
    cells = np.clip(np.searchsorted(edges, x, side="right") - 1, 0, n_nodes - 2)
    widths = np.diff(edges)
    t = (x - edges[cells]) / widths[cells]
    s = 1 - t

    def summed(terms: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.asarray(np.bincount(cells, terms, n_nodes - 1), np.float64)

    spring = PENALTY * float(weights.sum()) / n_nodes
    diagonal = np.zeros(n_nodes)
    diagonal[:-1] += summed(weights * s * s) + spring
    diagonal[1:] += summed(weights * t * t) + spring
    off = summed(weights * s * t) - spring
    right = np.zeros(n_nodes)
    right[:-1] += summed(weights * y * s)
    right[1:] += summed(weights * y * t)
    values = solveh_banded(np.stack([diagonal, np.append(off, 0.0)]), right, lower=True)
    inverse, inverse_off = tridiagonal_inverse(diagonal, off)
    leverage = s * s * inverse[cells] + 2 * s * t * inverse_off[cells] + t * t * inverse[cells + 1]
    fitted = s * values[cells] + t * values[cells + 1]
    return HatFit(values, _error(y, fitted, leverage, weights))


def tridiagonal_inverse(
    diagonal: NDArray[np.float64], off: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Compute the diagonal and off-diagonal of a tridiagonal matrix's inverse.

    The matrix is positive definite, of shape (n, n); the results are of shape (n,) and (n - 1,).

    With the pivots f of elimination from the first row down and g from the last one up, the diagonal is
    1 / (f + g - a), and entry (j, j + 1) is -b_j / f_j times entry (j + 1, j + 1).
    """
    a, b = diagonal.tolist(), off.tolist()
    forward, backward = a.copy(), a.copy()
    for j in range(1, len(a)):
        forward[j] = a[j] - b[j - 1] ** 2 / forward[j - 1]
    for j in range(len(a) - 2, -1, -1):
        backward[j] = a[j] - b[j] ** 2 / backward[j + 1]
    inverse = 1 / (np.array(forward) + np.array(backward) - diagonal)
    return inverse, -off / np.array(forward[:-1]) * inverse[1:]


def _penalty_matrix(shape: Sequence[int], spring: float) -> NDArray[np.float64]:
    """The matrix of the penalty, dense: springs between neighbours along each axis."""
    numbers = np.arange(int(np.prod(shape))).reshape(shape)
    A = np.zeros((numbers.size, numbers.size))
    for i in range(len(shape)):
        lower = np.moveaxis(numbers, i, -1)[..., :-1].ravel()
        upper = np.moveaxis(numbers, i, -1)[..., 1:].ravel()
        A[lower, lower] += spring
        A[upper, upper] += spring
        A[lower, upper] -= spring
        A[upper, lower] -= spring
    return A


def _error(
    y: NDArray[np.float64],
    fitted: NDArray[np.float64],
    leverage: NDArray[np.float64],
    weights: NDArray[np.float64],
) -> float:
    """Return the weighted mean of the squared leave-one-out errors r / (1 - h).

    Where h is all but 1 the error is y, that of predicting the mean, which is 0. Infinite for one row, which
    nothing is left to predict from.
    """
    if not weights.sum() > 1:
        return math.inf
    determined = leverage <= MOST_LEVERAGE
    rest = np.where(determined, 1 - leverage, 1.0)
    errors = np.where(determined, (y - fitted) / rest, y)
    return float(np.average(errors**2, weights=weights))
