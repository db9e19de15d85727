r"""Finds the least-squares boxes of one feature exactly, for every number of boxes.

The candidates for edges are at most M - 1 quantiles of x, so that there are M groups of rows; a box is a run
of groups. With C(s, t) the sum of squares of groups s .. t - 1 about their mean, dynamic programming (Bellman
1961; Jackson et al. 2005) gives the least sum for k boxes,

    F_k(t) = min over s < t of  F_(k-1)(s) + C(s, t),

in O(K M^2) operations and O(M^2) memory for all k up to K. No partition with edges among the candidates is
better; between two candidates lie at most N / M rows or so.

Dimensions: N rows, M groups, K boxes.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

MOST_GROUPS = 512  # M
MOST_BOXES = 256  # K, where their number is to be found


def least_squares_edges(
    edges: NDArray[np.float64],
    x: NDArray[np.float64],
    y: NDArray[np.float64],
    weights: NDArray[np.float64],
    most: int,
) -> list[NDArray[np.float64]]:
    """The best edges for 1, 2, ... boxes, among those given.

    Parameters
    ----------
    edges : ndarray of shape (M + 1,)
        Of the groups, increasing.
    x, y, weights : ndarray of shape (N,)
        y centred; weights positive.
    most : int
        K; M boxes at most.

    Returns
    -------
    list of ndarray
        At k - 1 the k + 1 edges of the best partition into k boxes, the outer ones included.
    """
    n_groups = edges.size - 1
    groups = np.searchsorted(edges[1:-1], x, side="right")
    sums = (np.bincount(groups, terms, n_groups) for terms in (weights, weights * y, weights * y * y))
    w, s, q = (np.concatenate([[0.0], np.cumsum(one)]) for one in sums)
    weight = w[None, :] - w[:, None]
    with np.errstate(divide="ignore", invalid="ignore"):
        cost = (q[None, :] - q[:, None]) - (s[None, :] - s[:, None]) ** 2 / weight
    cost[weight == 0] = 0.0  # groups without rows
    cost[np.tril_indices(n_groups + 1)] = np.inf
    least, cost = cost[0], np.ascontiguousarray(cost.T)  # rows: where a box ends
    befores: list[NDArray[np.int64]] = []
    best = [edges[[0, -1]]]
    while len(best) < min(most, n_groups):
        totals = least + cost
        before = np.argmin(totals, axis=1)
        least = totals[np.arange(n_groups + 1), before]
        befores.append(before)
        ends = [n_groups]
        for step in reversed(befores):
            ends.append(int(step[ends[-1]]))
        best.append(edges[[0, *reversed(ends)]])
    return best
