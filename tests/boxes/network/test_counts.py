import numpy as np

import treadle
from treadle.boxes.network.box_network import BoxNetwork


def networks():
    rng = np.random.default_rng(0)
    for outside in ("clamped", "zero"):
        yield BoxNetwork([np.arange(8.0)], rng.normal(size=7), outside=outside)
        yield BoxNetwork([[0.0, 1.0]], [2.0], outside=outside)
        yield BoxNetwork([np.arange(5.0), np.arange(4.0)], rng.normal(size=(4, 3)), outside=outside)
        yield BoxNetwork([[0, 1.0]] * 3, np.ones((1, 1, 1)), outside=outside)
        yield BoxNetwork([np.arange(m + 1.0) for m in (3, 1, 2)], rng.normal(size=(3, 1, 2)), outside=outside)
    yield treadle.approximate("x*y", [(0, 1), (0, 2)], eps=0.1, partition="adaptive")
    yield treadle.approximate("x", (0, 1), n_boxes=9, activation="sigmoid")
    yield treadle.approximate("x", (0, 1), n_boxes=9, order=1)
    yield treadle.approximate("x*y", [(0, 1), (0, 2)], n_boxes=(3, 4), order=1)
    yield treadle.approximate("x*y + z", [(0, 1)] * 3, n_boxes=(3, 1, 2), order=1)


def test_counts_are_those_of_the_layers():
    for network in networks():
        layers = network.layers()
        assert network.n_hidden_units_ == tuple(layer.n_out for layer in layers[:-1]), network
        assert network.n_parameters_ == sum(layer.n_parameters for layer in layers), network


def test_a_thousand_by_a_thousand_boxes_are_counted():
    network = BoxNetwork([np.arange(1001.0)] * 2, np.ones((1000, 1000)))
    assert network.n_hidden_units_ == (1998, 1_000_000)
    assert network.n_parameters_ == 2 * 1998 + 4 * 999 * 1000 + 1_000_000 + 1_000_000 + 1


def test_boxes_of_one_dimension_take_a_unit_a_jump():
    f = "sin(3*x) + 0.5*cos(7*x)"
    network = treadle.approximate(f, (-2, 2), eps=0.01, lipschitz=6.436)
    assert (network.n_boxes_, network.n_hidden_units_) == (1288, (1287,))
    assert network.layers("homework")[0].n_out == 2576
