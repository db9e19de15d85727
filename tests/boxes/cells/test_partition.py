"""Grids against plain loops over their cells; how many cells there may be."""

import itertools
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from treadle.boxes.cells.partition import MAX_CELLS, Grid, check_n_cells, n_cells_at_least
from treadle.errors import InvalidInput
from treadle.hardware.native import extension

few = settings(max_examples=25, deadline=None, derandomize=True)
axes = st.lists(st.integers(-8, 8).map(lambda k: k / 2), min_size=2, max_size=6, unique=True).map(sorted)


def found_by_loops(edges, point):
    """The number of the cell, the last axis fastest, of a point clamped to the bounds."""
    cells = list(itertools.product(*(range(len(axis) - 1) for axis in edges)))
    for number, cell in enumerate(cells):
        inside = True
        for axis, j, x in zip(edges, cell, point, strict=True):
            x = min(max(x, axis[0]), axis[-1])
            inside &= axis[j] <= x and (x < axis[j + 1] or (x == axis[-1] == axis[j + 1]))
        if inside:
            return number
    raise AssertionError("in no cell")


@few
@given(st.lists(axes, min_size=1, max_size=3), st.randoms(use_true_random=False))
@pytest.mark.parametrize("native", [True, False])
def test_points_are_in_the_cell_that_loops_find(native, edges, random):
    grid = Grid(edges)
    points = np.array([[random.choice([*axis, random.uniform(-5, 5)]) for axis in edges] for _ in range(12)])
    cells = grid.locate(points) if native else grid.locate_by_numpy(points)
    assert cells.tolist() == [found_by_loops(edges, point) for point in points.tolist()]
    values = np.arange(grid.n_cells) * 1.5
    assert grid.values_at(points, values).tolist() == values[cells].tolist()


def test_without_the_kernel_the_same_come_from_numpy(monkeypatch):
    grid, points = Grid([[0.0, 1.0, 3.0]]), np.array([[-1.0], [0.5], [1.0], [9.0]])
    monkeypatch.setattr(extension, "missing", ImportError("a test"))
    assert grid.locate(points).tolist() == [0, 0, 1, 1]
    assert grid.values_at(points, np.array([7.0, 8.0])).tolist() == [7, 7, 8, 8]


def test_corners_are_those_of_the_cells_in_order():
    edges = [[0.0, 1.0, 3.0], [-1.0, 0.0, 2.0, 5.0]]
    grid = Grid(edges)
    lower, upper = grid.corners()
    expected = [(edges[0][i], edges[1][j]) for i in range(2) for j in range(3)]
    assert [tuple(row) for row in lower.tolist()] == expected
    assert [tuple(row) for row in upper.tolist()] == [
        (edges[0][i + 1], edges[1][j + 1]) for i in range(2) for j in range(3)
    ]
    assert grid.corners(np.array([4, 0]))[0].tolist() == [[1, 0], [0, -1]]
    assert grid.bounds.tolist() == [[0, 3], [-1, 5]] and grid.n_dims == 2 and grid.shape == (2, 3)
    assert grid.inside(np.array([[0, -1], [3, 5], [3.1, 0]])).tolist() == [True, True, False]


@pytest.mark.parametrize(
    ("edges", "message"),
    [
        ([[1.0]], "those of dimension 1 of 1 do not"),
        ([[0.0, 1.0], [1.0, 1.0]], "those of dimension 2 of 2 do not"),
        ([[0.0, math.inf]], "at least two finite numbers that increase"),
        ([[0.0, math.nan, 1.0]], "at least two finite numbers that increase"),
        ([[[0.0, 1.0]]], "at least two finite numbers that increase"),
        ([], "of one dimension at least; got none"),
        ([np.arange(20_000.0)] * 2, "a grid of 19999 x 19999 is 4e08 cells, .* 3.2 GB; at most 1e08 are"),
    ],
    ids=range(7),
)
def test_edges_that_make_no_grid_are_refused(edges, message):
    with pytest.raises(InvalidInput, match=message):
        Grid(edges)


def test_the_number_of_cells_is_bounded_before_anything_is_allocated():
    check_n_cells((MAX_CELLS,))
    with pytest.raises(InvalidInput, match="a grid of 100000001 is 1e08 cells"):
        check_n_cells((MAX_CELLS + 1,))


@pytest.mark.parametrize(("number", "expected"), [(-3.0, 1), (0.0, 1), (1.0, 1), (1.5, 2), (7.0, 7)])
def test_the_whole_number_that_is_not_below(number, expected):
    assert n_cells_at_least(number) == expected


@pytest.mark.parametrize("number", [math.inf, math.nan, 1e9])
def test_a_number_of_cells_beyond_the_bound_is_refused(number):
    with pytest.raises(InvalidInput, match="at most 1e08 are built"):
        n_cells_at_least(number)


def test_more_cells_than_float64_counts_are_not_told_as_fewer():
    with pytest.raises(InvalidInput, match=r"a grid of 1e200 x 1e200 is more than 1e300 cells"):
        check_n_cells((10**200, 10**200))
    with pytest.raises(InvalidInput, match=r"a grid of more than 1e300 is more than 1e300 cells"):
        check_n_cells((10**400,))
