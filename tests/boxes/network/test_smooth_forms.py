"""Sigmoids, ramps and hats written out, against their formulas in plain loops."""

import math

import numpy as np
import pytest

from treadle.boxes.network import smooth_forms
from treadle.boxes.network.box_network import BoxNetwork
from treadle.boxes.network.smooth_forms import allowed_smooth_forms, smooth_layers

EDGES = np.array([-1.0, 0.25, 0.3, 2.0, 7.0])
HEIGHTS = np.array([0.1, -3.0, 0.7, 1.5])
POINTS = np.concatenate([EDGES, np.linspace(-3, 9, 61)])
ACTIVATIONS = {
    "logistic": lambda z: 1 / (1 + np.exp(-np.clip(z, -700, 700))),
    "clamp": lambda z: np.clip(z, 0, 1),
    "relu": lambda z: np.maximum(z, 0),
    "identity": lambda z: z,
}


def outputs(layers, X):
    """The plain formula of each layer, with nothing of the package."""
    a = X
    for layer in layers:
        weights = layer.weights if isinstance(layer.weights, np.ndarray) else layer.weights.toarray()
        a = ACTIVATIONS[layer.activation](a @ weights + layer.biases)
    return a[:, 0]


def rise(activation, z):
    if activation == "relu":
        return min(max(z + 0.5, 0.0), 1.0)
    return 1 / (1 + math.exp(-min(max(z, -700), 700)))


@pytest.mark.parametrize(("activation", "steepness"), [("sigmoid", 4.0), ("relu", 2.0)])
@pytest.mark.parametrize("form", ["telescoped", "homework"])
def test_rises_are_in_the_place_of_steps(activation, steepness, form):
    network = BoxNetwork([EDGES], HEIGHTS, activation=activation, steepness=steepness)
    expected = [
        HEIGHTS[0]
        + sum(
            (HEIGHTS[j] - HEIGHTS[j - 1]) * rise(activation, steepness * (x - EDGES[j])) for j in range(1, 4)
        )
        for x in POINTS.tolist()
    ]
    np.testing.assert_allclose(
        outputs(smooth_layers(network.record, form), POINTS[:, None]), expected, atol=1e-13
    )


def test_changes_of_slope_make_the_line_between_the_values():
    values = np.array([1.0, -2.0, 0.5, 3.0, 3.0])
    network = BoxNetwork([EDGES], values, order=1, activation="relu")
    expected = np.interp(POINTS, EDGES, values)
    for form in ("telescoped", "and"):
        np.testing.assert_allclose(
            outputs(smooth_layers(network.record, form), POINTS[:, None]), expected, atol=1e-12
        )


def kuhns_hats(edges, values, point):
    """Sum of values times ReLU(1 - max(0, z) + min(0, z)), z = place - node, by loops."""
    places = []
    for axis, x in zip(edges, point, strict=True):
        x = min(max(x, axis[0]), axis[-1])
        j = max(k for k in range(len(axis) - 1) if axis[k] <= x)
        places.append(j + (x - axis[j]) / (axis[j + 1] - axis[j]))
    total = 0.0
    for node in np.ndindex(values.shape):
        z = [place - k for place, k in zip(places, node, strict=True)]
        total += values[node] * max(0.0, 1 - max(0.0, *z) + min(0.0, *z))
    return total


@pytest.mark.parametrize("n_dims", [2, 3])
def test_hats_are_kuhns(n_dims):
    rng = np.random.default_rng(n_dims)
    edges = [EDGES[: 5 - i] for i in range(n_dims)]
    values = rng.normal(size=[axis.size for axis in edges])
    network = BoxNetwork(edges, values, order=1, activation="relu")
    X = np.stack([rng.choice([*axis, *rng.uniform(-2, 8, 9)], 60) for axis in edges], axis=1)
    expected = [kuhns_hats(edges, values, point) for point in X.tolist()]
    np.testing.assert_allclose(outputs(smooth_layers(network.record, "and"), X), expected, atol=1e-12)


def test_a_change_of_slope_that_is_lost_is_seen(monkeypatch):
    whole = smooth_forms._outputs
    monkeypatch.setattr(smooth_forms, "_outputs", lambda weights, bias: whole(np.abs(weights), bias))
    with pytest.raises(AssertionError):
        test_changes_of_slope_make_the_line_between_the_values()


def test_which_forms_there_are():
    smooth = BoxNetwork([EDGES], HEIGHTS, activation="sigmoid", steepness=1.0)
    assert allowed_smooth_forms(smooth.record) == ("telescoped", "homework")
    kinked = BoxNetwork([EDGES], np.ones(5), order=1, activation="relu")
    assert allowed_smooth_forms(kinked.record) == ("telescoped", "and")
    plane = BoxNetwork([EDGES, EDGES], np.ones((5, 5)), order=1, activation="relu")
    assert allowed_smooth_forms(plane.record) == ("and",)
