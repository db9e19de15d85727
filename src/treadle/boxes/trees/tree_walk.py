"""Adds the leaves of rows, by the compiled look-up or by NumPy.

The compiled look-up takes each tree by itself, its tests numbered from the root on, level by level, and a
leaf c as -1 - c. Both add the trees' values in the same order, so that they give the same bits.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from treadle.boxes.trees.trees import Trees
from treadle.errors import InvalidInput
from treadle.hardware.native.boxes import Splits, cells_in_trees, values_in_trees
from treadle.hardware.processors import usable_threads

ROWS_PER_BLOCK = 1 << 16
WALKS_PER_BLOCK = 1 << 18  # in NumPy: rows times trees that are walked at a time


def splits_of(trees: Trees, n_features: int) -> list[Splits]:
    """Return each tree's tests, numbered level by level.

    Raises
    ------
    InvalidInput
        If a test is of a feature that there is not.
    """
    if trees.features.max(initial=-1) >= n_features:
        raise InvalidInput(
            f"the trees test feature {trees.features.max()}, and there are {n_features}, numbered from 0"
        )
    numbers = np.empty(trees.features.size, np.int64)
    found = []
    for root in trees.roots.tolist():
        level, tests = np.array([root]), []
        while (inner := level[trees.features[level] >= 0]).size:
            tests.append(inner)
            level = np.concatenate([trees.left[inner], trees.right[inner]])
        nodes = np.concatenate([np.empty(0, np.int64), *tests])
        numbers[nodes] = np.arange(nodes.size)
        children = np.stack([trees.left[nodes], trees.right[nodes]], axis=1)
        children = np.where(trees.features[children] >= 0, numbers[children], -1 - children)
        features, edges = trees.features[nodes].astype(np.int64), trees.edges[nodes].astype(np.float64)
        found.append(Splits(features, edges, np.ascontiguousarray(children, np.int64)))
    return found


def add_leaves_natively(
    trees: Trees,
    splits: list[Splits],
    rows: NDArray[np.float64],
    bias: NDArray[np.float64],
) -> NDArray[np.float64]:
    """The outputs (N, K) of rows (N, D), by the compiled look-up."""
    n_rows, n_outputs, threads = len(rows), bias.size, usable_threads().n
    outputs = np.zeros((n_rows, n_outputs))
    values = np.ascontiguousarray(trees.values[:, 0])
    for start in range(0, n_rows, ROWS_PER_BLOCK):
        block = np.ascontiguousarray(rows[start : start + ROWS_PER_BLOCK])
        total = outputs[start : start + len(block)]
        if n_outputs == 1:
            for found in values_in_trees(block, splits, values, threads):
                total[:, 0] += found
        else:
            for leaves in cells_in_trees(block, splits, threads):
                total += trees.values[leaves]
    return outputs + bias


def add_leaves_by_numpy(
    trees: Trees, rows: NDArray[np.float64], bias: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Compute the outputs by NumPy: the specification of the compiled look-up."""
    outputs = np.zeros((len(rows), bias.size))
    n_rows = max(1, WALKS_PER_BLOCK // max(1, trees.roots.size))
    for start in range(0, len(rows), n_rows):
        leaves = trees.leaves_of(rows[start : start + n_rows])
        for t in range(leaves.shape[1]):  # in the order of the trees, as the last layer adds
            outputs[start : start + n_rows] += trees.values[leaves[:, t]]
    return outputs + bias
