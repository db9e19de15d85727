from unittest.mock import MagicMock

import numpy as np
import pytest

from treadle.boxes.approximate import approximate
from treadle.errors import InvalidInput
from treadle.formulas.expressions import read_expression
from treadle.report import box_figures
from treadle.report.box_figures import (
    draw_box_network,
    draw_cells,
    draw_dimensions,
    draw_errors,
    draw_one_box,
    draw_steepness,
    draw_superposition,
    draw_towers,
)
from treadle.report.box_studies import (
    error_against_boxes,
    error_against_steepness,
)
from treadle.report.figures import new_figure

WAVES = "sin(3*x) + 0.5*cos(7*x)"


@pytest.fixture
def axes():
    return new_figure(5, 4).add_subplot()


def test_the_superposition_is_the_networks(axes):
    network = approximate(WAVES, (-2, 2), n_boxes=12)
    draw_superposition(axes, read_expression(WAVES), network, 1000)
    drawn = axes.patches[-1].get_data()
    np.testing.assert_array_equal(drawn.values, network.heights_)
    np.testing.assert_array_equal(drawn.edges, network.edges_[0])
    assert axes.get_title(loc="left") == ("Function and superposition (12 boxes shown; the network has 1000)")


def test_one_box_is_the_sum_of_its_two_units(axes):
    network = approximate("x + 2", (0, 4), n_boxes=4)
    draw_one_box(axes, read_expression("x + 2"), network)
    first, second, total = axes.lines
    x = np.array([2.0, 3.2, 3.9])

    def at(line):
        return np.array([line.get_ydata()[np.searchsorted(line.get_xdata(), t, side="right") - 1] for t in x])

    np.testing.assert_allclose(at(first) + at(second), at(total))
    assert at(total).tolist() == [0, 5.5, 5.5]
    assert first.get_label() == "5.5 H(x - 3)"
    assert second.get_label() == "-5.5 H(x - 4)"


def test_the_panels_of_errors_mark_this_network_and_the_best(axes):
    network = approximate(WAVES, (-2, 2), n_boxes=100)
    studies = {0: error_against_boxes(read_expression(WAVES), [(-2, 2)], (16, 32), order=0)}
    draw_errors(axes, studies, network)
    labels = [line.get_label() for line in axes.lines]
    assert labels[1:] == ["proved", "this network"]
    assert axes.lines[-1].get_xdata()[0] == 100
    assert (axes.get_xscale(), axes.get_yscale()) == ("log", "log")


def test_the_line_of_memory_and_both_curves_are_there(axes):
    draw_dimensions(axes, approximate("x*y", [(0, 1), (0, 1)], n_boxes=(5, 5)))
    labels = [line.get_label() for line in axes.lines]
    assert labels == ["5 boxes an axis", "10 boxes an axis", "16 GB of memory end here"]


def test_steepness_marks_the_least_error(axes):
    study = error_against_steepness(read_expression("sin(x)"), (0, 3), n_boxes=16)
    draw_steepness(axes, study)
    assert axes.lines[-1].get_ydata()[0] == study.sampled.min()


def test_towers_stand_on_the_cells():
    network = approximate("x*y", [(0, 1), (0, 1)], n_boxes=(3, 4))
    axes = MagicMock()
    draw_towers(axes, network, 12)
    x, y, z, dx, dy, dz = axes.bar3d.call_args.args
    lower, upper = network.partition_.corners()
    np.testing.assert_array_equal(np.stack([x, y, x + dx, y + dy], axis=1), np.hstack([lower, upper]))
    np.testing.assert_array_equal(z + dz, network.heights_.ravel())
    assert axes.set_title.call_args.args == ("12 towers",)


def test_the_error_over_the_plane_is_below_the_bound(axes):
    network = approximate("sin(3*x)*y", [(0, 1), (0, 1)], n_boxes=100, partition="adaptive")
    draw_cells(axes, read_expression("sin(3*x)*y"), network)
    (picture,) = axes.images
    assert 0 < picture.get_array().max() <= network.error_bound_
    assert len(axes.collections[0].get_paths()) == network.n_boxes_


def test_a_sheet_shows_fewer_boxes_where_there_are_many(monkeypatch):
    monkeypatch.setattr(box_figures, "COUNTS", (16, 32))
    figure = draw_box_network(read_expression("exp(x)"), approximate("exp(x)", (0, 1), n_boxes=100))
    titles = [axes.get_title(loc="left") for axes in figure.axes]
    assert titles[0] == "Function and superposition (24 boxes shown; the network has 100)"
    assert len(titles) == 5


def test_three_dimensions_are_refused():
    with pytest.raises(InvalidInput, match="one or two variables; this one has 3"):
        draw_box_network(read_expression("x*z"), approximate("x*z", [(0, 1)] * 3, n_boxes=8))
