"""Holds decision trees in arrays, and a sum of trees.

Walks, files and networks read them.

Dimensions: N rows, D features, K outputs, T trees.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

LEAF = -1  # in the place of a feature


@dataclass(frozen=True, eq=False)
class Trees:
    """Trees as arrays over all nodes.

    A row goes right where x[feature] >= edge.

    Parameters
    ----------
    features : ndarray of int64, shape (n_nodes,)
        ``LEAF`` where the node is one.
    edges : ndarray of float64, shape (n_nodes,)
        NaN for leaves.
    left, right : ndarray of int64, shape (n_nodes,)
        The children; a leaf is its own.
    values : ndarray of float64, shape (n_nodes, K)
        Of the leaves; the others' are not used.
    roots : ndarray of int64, shape (T,)
    """

    features: NDArray[np.int64]
    edges: NDArray[np.float64]
    left: NDArray[np.int64]
    right: NDArray[np.int64]
    values: NDArray[np.float64]
    roots: NDArray[np.int64]

    def leaves_of(self, X: NDArray[np.float64]) -> NDArray[np.int64]:
        """Return each row's leaf in each tree, (N, T)."""
        nodes = np.repeat(self.roots[None, :], len(X), axis=0)
        rows = np.arange(len(X))[:, None]
        features = np.maximum(self.features, 0)  # a leaf compares with NaN, goes left, and stays
        while True:
            below = np.where(
                X[rows, features[nodes]] >= self.edges[nodes], self.right[nodes], self.left[nodes]
            )
            if np.array_equal(below, nodes):
                return nodes
            nodes = below


@dataclass(frozen=True, eq=False)
class TreeSum:
    """A sum of trees; its parameters are described in ``TreeNetwork``."""

    trees: Trees
    bias: NDArray[np.float64]
    n_features_in_: int
    gives: str = "prediction"
    classes_: NDArray[np.generic] | None = None


def is_stumps(trees: Trees) -> bool:
    """Whether each tree is one test with two leaves."""
    roots = trees.roots
    children = np.concatenate([trees.left[roots], trees.right[roots]])
    return bool((trees.features[roots] != LEAF).all() and (trees.features[children] == LEAF).all())


def merged_stumps(trees: Trees) -> Trees:
    """Stumps with the same test as one stump, whose values are their sums."""
    roots = trees.roots
    pairs = np.rec.fromarrays([trees.features[roots], trees.edges[roots]])
    tests, number = np.unique(pairs, return_inverse=True)
    n, n_outputs = len(tests), trees.values.shape[1]
    values = np.zeros((3, n, n_outputs))
    np.add.at(values[1], number, trees.values[trees.left[roots]])
    np.add.at(values[2], number, trees.values[trees.right[roots]])
    leaf, nodes = np.full(n, LEAF), np.arange(3 * n)
    return Trees(
        np.concatenate([tests["f0"], leaf, leaf]),
        np.concatenate([tests["f1"], np.full(2 * n, np.nan)]),
        np.concatenate([nodes[n : 2 * n], nodes[n:]]),
        np.concatenate([nodes[2 * n :], nodes[n:]]),
        values.reshape(3 * n, n_outputs),
        nodes[:n],
    )
