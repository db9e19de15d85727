"""Boxes of equal cells: their edges, heights, numbers and bounds, by the theorems worked out by hand."""

import math

import numpy as np
import pytest

from treadle.boxes.construct import uniform_boxes as module
from treadle.boxes.construct.construction import Request
from treadle.boxes.construct.uniform_boxes import even_grid, uniform_boxes
from treadle.boxes.proof.bounds import Modulus
from treadle.boxes.proof.known_function import Target
from treadle.errors import InvalidInput
from treadle.formulas.expressions import read_expression

SQUARE = [(0.0, 1.0), (0.0, 1.0)]


def lipschitz(f, slopes, bounds=((0.0, 1.0),)):
    return Target(f, np.array(bounds), Modulus(np.array(slopes), None, "lipschitz"), None, None)


def enclosed(text, bounds=((0.0, 1.0),)):
    f = read_expression(text)
    return Target(f, np.array(bounds), None, f, None)


def sine(x):
    return np.sin(3 * x)


def test_an_even_grid_ends_at_the_bounds_and_its_cells_are_equal():
    grid = even_grid(lipschitz(sine, [3.0, 3.0], [(-1.0, 0.3), (2.0, 5.0)]), [7, 3])
    np.testing.assert_allclose(grid.edges[0], np.linspace(-1, 0.3, 8), rtol=1e-15)
    assert [axis[-1] for axis in grid.edges] == [0.3, 5.0]


def test_more_cells_than_numbers_are_refused():
    target = lipschitz(sine, [3.0], [(1.0, 1.0 + 8 * 2.0**-52)])
    assert even_grid(target, [8]).n_cells == 8
    with pytest.raises(
        InvalidInput, match=r"9 cells between 1\.0 and 1\.0\d+ are more than float64 can tell"
    ):
        even_grid(target, [9])


@pytest.mark.parametrize(
    ("rule", "place", "bound"),
    [("middle", 0.5, 3 / 40), ("lower", 0.0, 3 / 20)],
)
def test_heights_and_bounds_of_a_rule_are_those_of_the_theorem(rule, place, bound):
    built = uniform_boxes(lipschitz(sine, [3.0]), Request(None, (20,), "sup", rule))
    np.testing.assert_allclose(built.heights, np.sin(3 * (np.arange(20) + place) / 20), atol=1e-9)
    assert built.bound.value == pytest.approx(bound, abs=1e-7)
    assert built.bound.value >= bound * (1 - 1e-12)


def test_midranges_are_in_the_middle_of_the_range_of_each_cell():
    built = uniform_boxes(enclosed("x**2"), Request(None, (10,), "sup", "midrange"))
    ends = (np.arange(11) / 10) ** 2
    np.testing.assert_allclose(built.heights, (ends[1:] + ends[:-1]) / 2, atol=1e-3)
    assert 0.095 <= built.bound.value <= 0.097


def test_a_lipschitz_function_takes_half_its_slope_over_eps_boxes():
    built = uniform_boxes(lipschitz(sine, [3.0]), Request(0.01, None, "sup"))
    assert 150 <= built.partition.n_cells <= 151  # one more for what rounding takes of eps
    assert 0.0099 < built.bound.value <= 0.01


def test_in_the_norm_of_l2_the_error_is_under_its_bound_by_quadrature():
    target = lipschitz(lambda p: p @ [3.0, 1.0], [3.0, 1.0], SQUARE)
    built = uniform_boxes(target, Request(None, (6, 4), "l2"))
    places = (np.arange(1200) + 0.5) / 1200
    off = [3 * (places % (1 / 6) - 1 / 12), places % (1 / 4) - 1 / 8]
    met = math.sqrt(((off[0][:, None] + off[1]) ** 2).mean())
    # Slopes of one sign in a quarter of a cell: the theorem has |u| for u.
    worst = math.sqrt(((np.abs(off[0])[:, None] + np.abs(off[1])) ** 2).mean())
    assert met <= worst <= built.bound.value * (1 + 1e-9)
    assert built.bound.value == pytest.approx(worst, rel=1e-3)


def test_an_enclosure_alone_is_doubled_then_reduced():
    built = uniform_boxes(enclosed("sin(3*x)"), Request(0.02, None, "sup"))
    n = built.partition.n_cells
    x = np.linspace(0, 1, 20_001)[:-1]
    off = np.abs(np.sin(3 * x) - built.heights[(x * n).astype(int)])
    assert off.max() <= built.bound.value <= 0.02
    assert n & (n - 1)  # no power of two: it went back
    fewer = uniform_boxes(enclosed("sin(3*x)"), Request(None, (n - 1,), "sup"))
    assert fewer.bound.value > 0.02


def test_an_enclosure_that_equal_cells_do_not_prove_is_refused(monkeypatch):
    monkeypatch.setattr(module, "CELLS_TRIED", 64)
    with pytest.raises(
        InvalidInput, match=r"eps=0\.01 is not reached with 64 equal cells along each axis, wh"
    ):
        uniform_boxes(enclosed("where(x < 0.3333, 0, 1)"), Request(0.01, None, "sup", given=0.01))


def test_an_eps_of_the_size_of_rounding_is_refused():
    modulus = Modulus(np.array([3.0]), None, "lipschitz")
    target = Target(sine, np.array([[0.0, 1.0]]), modulus, None, None, value_rounding=0.02)
    with pytest.raises(
        InvalidInput, match=r"eps=0\.03 is too close to what rounding does to f: 0\.\d+ is pro"
    ):
        uniform_boxes(target, Request(0.03, None, "sup", given=0.03))


def test_a_constant_that_is_larger_than_the_slopes_in_cells_takes_fewer_boxes():
    """With an enclosure each cell has its own slope: the given constant is 10 times too large."""
    f = read_expression("sin(3*x)")
    loose = Target(f, np.array([[0.0, 1.0]]), Modulus(np.array([30.0]), None, "lipschitz"), f, None)
    built = uniform_boxes(loose, Request(0.01, None, "sup"))
    assert built.partition.n_cells < 0.6 * 1500
    assert built.bound.value <= 0.01


def test_a_number_of_boxes_is_shared_by_slopes_times_widths():
    target = lipschitz(lambda p: p @ [8.0, 1.0], [8.0, 1.0], [(0.0, 1.0), (0.0, 2.0)])
    assert uniform_boxes(target, Request(None, (16,), "sup")).partition.shape == (8, 2)
    assert uniform_boxes(target, Request(None, (3, 5), "sup")).partition.shape == (3, 5)


def test_blocks_of_cells_give_what_one_block_does(monkeypatch):
    target = enclosed("sin(3*x)*y", SQUARE)
    whole = uniform_boxes(target, Request(None, (9, 7), "l2"))
    monkeypatch.setattr(module, "CELLS_PER_BLOCK", 10)
    parts = uniform_boxes(target, Request(None, (9, 7), "l2"))
    np.testing.assert_array_equal(parts.heights, whole.heights)
    assert parts.bound == whole.bound
