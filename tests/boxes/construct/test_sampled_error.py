"""The error at sampled points against errors that are known in closed form."""

import math

import numpy as np
import pytest

from treadle.boxes.construct import sampled_error
from treadle.boxes.construct.sampled_error import error_estimate
from treadle.boxes.network.box_network import BoxNetwork
from treadle.boxes.proof.known_function import Target


def line_and_boxes(n):
    """f(x) = x on [0, 1], and n boxes as high as it in their middles."""
    edges = np.linspace(0, 1, n + 1)
    target = Target(lambda x: x, np.array([[0.0, 1.0]]), None, None, None)
    return target, BoxNetwork([edges], (edges[1:] + edges[:-1]) / 2)


@pytest.mark.parametrize("n", [1, 4, 100])
def test_of_a_line_the_greatest_error_is_met_at_an_end_of_a_cell(n):
    target, network = line_and_boxes(n)
    assert error_estimate(target, network, "sup") == pytest.approx(1 / (2 * n), rel=1e-12)
    moved = Target(target._f, target.bounds, None, None, None)
    wrong = BoxNetwork(network.edges_, network.heights_ + 0.1)
    assert error_estimate(moved, wrong, "sup") == pytest.approx(1 / (2 * n) + 0.1, rel=1e-12)


def test_the_norm_of_l2_is_that_of_the_integral():
    target, network = line_and_boxes(4)
    assert error_estimate(target, network, "l2") == pytest.approx(1 / math.sqrt(12) / 4, rel=0.01)
    plane = Target(lambda X: X[:, 0], np.array([[0.0, 1.0], [0.0, 9.0]]), None, None, None)
    flat = BoxNetwork([[0.0, 1.0], [0.0, 9.0]], [[0.5]])
    assert error_estimate(plane, flat, "l2") == pytest.approx(math.sqrt(9 / 12), rel=0.01)


def test_a_spike_at_the_edge_of_one_cell_is_met_though_no_random_point_is_there(monkeypatch):
    monkeypatch.setattr(sampled_error, "POINTS", 10)
    edges = np.linspace(0, 1, 51)
    last = np.nextafter(edges[17], 0)
    spike = Target(lambda x: np.where(x == last, 7.0, 0.0), np.array([[0.0, 1.0]]), None, None, None)
    assert error_estimate(spike, BoxNetwork([edges], np.zeros(50)), "sup") == 7.0
    monkeypatch.setattr(sampled_error, "CELLS", 5)  # drawn at random: most are not looked at
    assert error_estimate(spike, BoxNetwork([edges], np.zeros(50)), "sup") in (0.0, 7.0)


def test_one_state_gives_one_estimate():
    target, network = line_and_boxes(3)
    first, again, other = (error_estimate(target, network, "l2", state) for state in (0, 0, 1))
    assert first == again != other


def test_cells_that_reach_beyond_the_domain_are_looked_at_within_it_alone():
    edges = np.linspace(0, 1, 11)
    target = Target(lambda x: 0 * x, np.array([[0.1, 0.85]]), None, None, None)
    heights = np.where((edges[:-1] > 0.05) & (edges[1:] < 0.95), 0.0, 5.0)
    assert error_estimate(target, BoxNetwork([edges], heights), "sup") == 0
