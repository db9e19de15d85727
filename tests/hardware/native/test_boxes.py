"""The kernel's look-ups of cells: against a search in Python, at and beside every edge, on any threads."""

import copy
import pickle

import numpy as np
import pytest

from treadle.boxes.cells.look_up import AxisTable
from treadle.hardware.native import extension
from treadle.hardware.native.boxes import (
    Splits,
    cells_in_grid,
    cells_in_trees,
    values_in_grid,
    values_in_trees,
)

pytestmark = pytest.mark.skipif(not extension.is_built(), reason="treadle._native is not built")

EDGES = [np.array([0.0, 0.1, 0.5, 0.5000001, 4.0]), np.array([-2.0, 1.0, 1e3])]


def points():
    """Each edge, its neighbours, beyond both ends, and some at random."""
    beside = [np.concatenate([e, np.nextafter(e, -9e9), np.nextafter(e, 9e9), [-1e9, 1e9]]) for e in EDGES]
    lattice = np.stack(np.meshgrid(*beside), axis=-1).reshape(-1, 2)
    return np.concatenate([lattice, np.random.default_rng(0).uniform(-1, 5, (500, 2))])


def axes():
    return [AxisTable(edges).described for edges in EDGES]


def expected():
    cells = [
        sum(x >= e for e in EDGES[0][1:-1]) * 2 + sum(y >= e for e in EDGES[1][1:-1]) for x, y in points()
    ]
    return np.array(cells)


@pytest.mark.parametrize("threads", [1, 3])
def test_a_point_is_in_the_half_open_cell_of_a_grid(threads):
    np.testing.assert_array_equal(cells_in_grid(points(), axes(), threads), expected())
    values = np.random.default_rng(1).standard_normal(8)
    np.testing.assert_array_equal(values_in_grid(points(), axes(), values, threads), values[expected()])


TREES = [
    Splits(np.array([0, 1]), np.array([0.5, 1.0]), np.array([[-1, 1], [-2, -3]])),
    Splits(np.array([1]), np.array([-2.0]), np.array([[-4, -1]])),
]


def leaf(tree, x):
    node = 0
    while node >= 0:
        node = int(tree.children[node, int(x[tree.axis[node]] >= tree.threshold[node])])
    return -1 - node


@pytest.mark.parametrize("threads", [1, 3])
def test_a_point_comes_to_the_leaf_of_a_walk_in_python(threads):
    rows = points()
    walks = [np.array([leaf(tree, x) for x in rows]) for tree in TREES]
    for found, walk in zip(cells_in_trees(rows, TREES, threads), walks, strict=True):
        np.testing.assert_array_equal(found, walk)
    values = np.array([0.5, -1.0, 3.0, 7.0])
    for found, walk in zip(values_in_trees(rows, TREES, values, threads), walks, strict=True):
        np.testing.assert_array_equal(found, values[walk])


def test_no_points_are_in_no_cells():
    assert cells_in_grid(np.zeros((0, 2)), axes(), 2).shape == (0,)


def test_what_was_compiled_is_not_copied_along():
    axis = axes()[0]
    cells_in_grid(np.zeros((1, 2)), axes(), 1)
    assert axis.compiled is axis.compiled
    for again in (pickle.loads(pickle.dumps(axis)), copy.deepcopy(axis)):
        assert "compiled" not in vars(again)
        np.testing.assert_array_equal(again.inner, axis.inner)
