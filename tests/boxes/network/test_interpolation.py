import numpy as np
import pytest

from treadle.boxes.network.box_network import BoxNetwork

EPS = np.finfo(np.float64).eps


def hats(edges, values, X):
    """The definition on an even grid: a superposition of ReLU(1 - max(0, z) + min(0, z))."""
    widths = np.array([axis[1] - axis[0] for axis in edges])
    total = np.zeros(len(X))
    for index in np.ndindex(values.shape):
        node = np.array([axis[i] for axis, i in zip(edges, index, strict=True)])
        z = (X - node) / widths
        hat = 1 - np.maximum(0, z.max(axis=1)) + np.minimum(0, z.min(axis=1))
        total += values[index] * np.maximum(hat, 0)
    return total


def test_in_one_dimension_it_is_numpys_interpolation():
    rng = np.random.default_rng(0)
    edges = np.sort(rng.normal(size=200))
    values = rng.normal(size=200)
    network = BoxNetwork([edges], values, order=1, activation="relu")
    x = np.concatenate([rng.uniform(-5, 5, 5000), edges, np.nextafter(edges, 9), np.nextafter(edges, -9)])
    tolerance = 16 * EPS * np.abs(values).max()
    assert np.abs(network.predict(x) - np.interp(x, edges, values)).max() <= tolerance
    np.testing.assert_array_equal(network.predict(edges), values)


@pytest.mark.parametrize("shape", [(5,), (3, 4), (2, 3, 2), (2, 1, 2, 1)], ids=str)
def test_it_is_the_superposition_of_kuhns_hats(shape):
    rng = np.random.default_rng(1)
    edges = [np.linspace(-1, 1 + i, m + 1) for i, m in enumerate(shape)]
    values = rng.normal(size=[m + 1 for m in shape])
    network = BoxNetwork(edges, values, order=1, activation="relu")
    X = np.stack([rng.uniform(axis[0], axis[-1], 3000) for axis in edges], axis=1)
    X[:500] = np.round(X[:500] * 4) / 4  # ties, faces and nodes
    X = np.clip(X, network.bounds_[:, 0], network.bounds_[:, 1])
    tolerance = 64 * len(shape) * EPS * np.abs(values).max()
    assert np.abs(network.predict(X) - hats(edges, values, X)).max() <= tolerance


def test_affine_functions_are_kept_and_outside_is_clamped():
    edges = [np.array([0.0, 0.3, 1.0]), np.array([-1.0, 2.0, 2.5, 4.0])]
    nodes = np.stack(np.meshgrid(*edges, indexing="ij"), axis=-1)
    network = BoxNetwork(edges, 3 + nodes @ [2.0, -1.0], order=1, activation="relu")
    X = np.random.default_rng(0).uniform([-1, -3], [2, 6], (2000, 2))
    inside = np.clip(X, [0, -1], [1, 4])
    np.testing.assert_allclose(network.predict(X), 3 + inside @ [2.0, -1.0], atol=64 * EPS)


def test_hats_in_the_plane_do_not_dip_at_the_corners():
    """A tower of two ramps would: F stays among the values of its cell."""
    network = BoxNetwork([[0.0, 1.0, 2.0]] * 2, np.ones((3, 3)), order=1, activation="relu")
    X = np.random.default_rng(0).uniform(0, 2, (1000, 2))
    np.testing.assert_array_equal(network.predict(X), 1)
