import math

import numpy as np
import pytest
from scipy.special import expit

from treadle.boxes.network.box_network import BoxNetwork
from treadle.boxes.network.smoothing import (
    GHOST_REACH,
    MEAN_DEVIATION,
    n_ghost_cells,
    superpose,
    with_ghost_cells,
)

EPS = np.finfo(np.float64).eps


def all_units(activation, steepness, edges, heights, x):
    """The definition: every unit at every point."""
    place = steepness * (x[:, None] - edges[1:-1])
    units = expit(place) if activation == "sigmoid" else np.clip(place + 0.5, 0, 1)
    return heights[0] + units @ np.diff(heights)


@pytest.mark.parametrize("activation", ["sigmoid", "relu"])
@pytest.mark.parametrize("steepness", [0.1, 3.0, 40.0, 1e4, 1e12])
def test_units_within_reach_are_all_that_count(activation, steepness):
    rng = np.random.default_rng(0)
    edges = np.sort(rng.uniform(-2, 2, 301))
    heights = rng.normal(size=300)
    x = np.concatenate([rng.uniform(-3, 3, 2000), edges, edges + 0.5 / steepness])
    found = superpose(activation, steepness, edges, heights, x)
    tolerance = 300 * EPS * np.abs(np.diff(heights)).sum()
    assert np.abs(found - all_units(activation, steepness, edges, heights, x)).max() <= tolerance


@pytest.mark.parametrize("activation", ["sigmoid", "relu"])
def test_the_distance_from_steps_is_under_the_bound_in_l1(activation):
    rng = np.random.default_rng(1)
    edges, heights = np.linspace(-2, 2, 41), rng.normal(size=40)
    for steepness in (2.0, 20.0, 200.0):
        smooth = BoxNetwork([edges], heights, activation=activation, steepness=steepness)
        steps = BoxNetwork([edges], heights)
        x = np.linspace(-20, 20, 400_001)
        distance = np.abs(smooth.predict(x) - steps.predict(x)).sum() * (x[1] - x[0])
        assert distance <= smooth.smoothing_bound_ * (1 + 1e-3)
        expected = MEAN_DEVIATION[activation] / steepness * np.abs(np.diff(heights)).sum()
        assert smooth.smoothing_bound_ == pytest.approx(expected)
    one = BoxNetwork([[-1.0, 0.0, 1.0]], [0.0, 1.0], activation=activation, steepness=5.0)
    x = np.linspace(-10, 10, 400_001)
    distance = np.abs(one.predict(x) - (x >= 0)).sum() * (x[1] - x[0])
    assert distance == pytest.approx(one.smoothing_bound_, rel=1e-3)


@pytest.mark.parametrize(
    ("activation", "density"), [("sigmoid", expit), ("relu", lambda u: np.clip(u + 0.5, 0, 1))]
)
def test_the_mean_deviations_are_those_of_the_units(activation, density):
    u = np.linspace(-60, 60, 1_200_001)
    weights = np.diff(density(u))
    assert np.sum(np.abs(u[:-1] + u[1:]) / 2 * weights) == pytest.approx(MEAN_DEVIATION[activation], rel=1e-6)


def test_values_lie_between_the_least_and_the_greatest_height():
    rng = np.random.default_rng(2)
    edges, heights = np.linspace(0, 1, 51), rng.normal(size=50)
    values = superpose("sigmoid", 30.0, edges, heights, rng.uniform(-1, 2, 5000))
    assert heights.min() - 1e-12 <= values.min() and values.max() <= heights.max() + 1e-12


def test_ghost_cells_are_the_point_reflection():
    edges, heights = np.array([0.0, 1.0, 3.0, 4.0]), np.array([5.0, 6.0, 8.0])
    longer, values = with_ghost_cells(edges, heights, (4.0, 9.0), 2)
    assert longer.tolist() == [-3, -1, 0, 1, 3, 4, 5, 7]
    assert values.tolist() == [2, 3, 5, 6, 8, 10, 12]
    all_of_it, _ = with_ghost_cells(edges, heights, (4.0, 9.0), 3)
    assert all_of_it.tolist() == [-4, -3, -1, 0, 1, 3, 4, 5, 7, 8]


def test_there_are_ghost_cells_as_far_as_units_reach():
    edges = np.linspace(0, 1, 101)
    assert n_ghost_cells("sigmoid", 410.0, edges) == math.ceil(GHOST_REACH["sigmoid"] / 4.1)
    assert n_ghost_cells("relu", 100.0, edges) == 1
    assert n_ghost_cells("sigmoid", 1e-3, edges) == 100
    assert n_ghost_cells("sigmoid", 1e9, edges) == 1


def test_without_ghost_cells_the_ends_are_as_wrong_as_a_step():
    import treadle

    f = lambda x: np.sin(3 * x) + 0.5 * np.cos(7 * x)  # noqa: E731
    network = treadle.approximate(f, (-2, 2), n_boxes=128, activation="sigmoid", steepness=128.0)
    g = network.n_ghost_boxes_
    bare = BoxNetwork(
        [network.edges_[0][g:-g]], network.heights_[g:-g], activation="sigmoid", steepness=128.0
    )
    x = np.linspace(-2, 2, 10_001)
    errors = [np.abs(n.predict(x) - f(x)).max() for n in (network, bare)]
    assert errors[0] <= 0.008 and errors[1] >= 3 * errors[0]
    assert network.bounds_.tolist() == [[-2, 2]] and network.n_boxes_ == 128
