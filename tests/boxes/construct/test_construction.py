"""The adaptive construction: its error and its number of boxes against functions integrated by hand."""

import math

import numpy as np
import pytest

from treadle.boxes.cells.partition import Grid
from treadle.boxes.construct.construction import Request, norm_bound, refined_boxes
from treadle.boxes.proof.bounds import Modulus
from treadle.boxes.proof.known_function import Target
from treadle.formulas.expressions import read_expression


def line(slope=4.0):
    modulus = Modulus(np.array([slope]), None, "lipschitz")
    return Target(lambda x: slope * x, np.array([[0.0, 1.0]]), modulus, None, None)


def enclosed(text, bounds):
    f = read_expression(text)
    return Target(f, np.array(bounds, float), None, f, None)


def test_a_request_has_the_product_of_its_counts():
    assert Request(None, (4, 5), "sup").n_boxes == 20
    assert Request(0.1, None, "sup").n_boxes is None


def test_single_errors_become_the_greatest_or_the_root_of_squares():
    errors = np.array([0.3, 0.4])
    target = line()
    assert norm_bound(target, "sup", errors, "midrange").value == 0.4
    assert norm_bound(target, "l2", errors, "midrange").value == pytest.approx(0.5, rel=1e-12)
    assert norm_bound(target, "l2", errors, "midrange").value >= 0.5
    assert norm_bound(target, "sup", errors, "midrange").kind == "lipschitz"


def test_infinite_errors_and_unknown_functions_prove_nothing():
    assert norm_bound(line(), "sup", np.array([0.1, math.inf]), "midrange").kind == "none"
    unknown = Target(lambda x: x, np.array([[0.0, 1.0]]), None, None, None)
    assert norm_bound(unknown, "l2", np.array([0.1]), "midrange").kind == "none"
    assert norm_bound(unknown, "l2", np.array([0.1]), "midrange").norm == "l2"


def test_a_line_is_halved_as_often_as_its_range_asks_for():
    """Of slope 4 over a cell of width h the midrange is off by 2 h: 1/32 of width for eps = 1/16 and more."""
    built = refined_boxes(line(), Request(0.0626, None, "sup"))
    assert isinstance(built.partition, Grid) and built.partition.shape == (32,)
    assert 0.0625 <= built.bound.value <= 0.0626
    middles = (np.arange(32) + 0.5) / 32
    np.testing.assert_allclose(built.heights, 4 * middles, atol=1e-12)


@pytest.mark.parametrize("norm", ["sup", "l2"])
def test_the_error_at_many_points_is_under_the_bound(norm):
    target = enclosed("where(x < 0.3, 0, 1) + sin(6*x)", [(0, 1)])
    built = refined_boxes(target, Request(0.05, None, norm))
    x = np.linspace(0, 1, 100_001)[:-1]
    cells = np.searchsorted(built.partition.edges[0], x, side="right") - 1
    off = np.abs(np.where(x < 0.3, 0, 1) + np.sin(6 * x) - built.heights[cells])
    met = off.max() if norm == "sup" else math.sqrt((off**2).mean())
    assert 0.3 * 0.05 < met <= built.bound.value <= 0.05


def test_cells_of_two_dimensions_stay_a_tree_and_take_what_is_given():
    target = enclosed("sin(5*x)*y", [(0, 1), (0, 2)])
    built = refined_boxes(target, Request(None, (40,), "l2"))
    lower, upper = built.partition.corners()
    assert (upper - lower).prod(axis=1).sum() == 2.0 and len(lower) <= 40
    rng = np.random.default_rng(0)
    points = rng.uniform(0, 1, (20_000, 2)) * [1, 2]
    inside = ((points[:, None] >= lower) & (points[:, None] < upper)).all(axis=2)
    assert (inside.sum(axis=1) == 1).all()
    off = np.sin(5 * points[:, 0]) * points[:, 1] - built.heights[inside.argmax(axis=1)]
    assert math.sqrt(2 * (off**2).mean()) <= built.bound.value
