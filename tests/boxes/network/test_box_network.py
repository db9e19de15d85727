import numpy as np
import pytest

from treadle.boxes.network.box_network import BoxNetwork
from treadle.errors import InvalidInput


def by_comparing(network, X):
    """The definition, box by box: the oracle of look-up."""
    lower, upper = network.partition_.corners()
    domain = network.partition_.bounds
    points = np.clip(X, domain[:, 0], domain[:, 1])
    heights, result = network.heights_.ravel(), np.full(len(X), np.nan)
    for i in range(len(lower)):
        last = upper[i] == domain[:, 1]
        within = (points >= lower[i]) & ((points < upper[i]) | (last & (points <= upper[i])))
        chosen = within.all(axis=1)
        assert np.isnan(result[chosen]).all()
        result[chosen] = heights[i]
    return result


def adversarial(edges, rng):
    """Edges, their neighbours in float64, points between and beyond."""
    near = np.concatenate([edges, np.nextafter(edges, -np.inf), np.nextafter(edges, np.inf)])
    width = edges[-1] - edges[0]
    return np.concatenate([near, rng.uniform(edges[0] - width, edges[-1] + width, 200)])


@pytest.mark.parametrize(
    "edges",
    [
        [0.0, 1.0],
        np.linspace(-2, 2, 101),
        np.linspace(0.1, 0.3, 1001),
        np.sort(np.random.default_rng(1).normal(size=50)),
        1.0 + np.arange(9) * 2.0**-52,
        np.concatenate([[-1e300], 1e-300 * np.arange(5), [1e300]]),
        5e-324 * np.arange(6),
    ],
    ids=["one box", "uniform", "misaligned", "random", "adjacent floats", "huge and tiny", "subnormal"],
)
def test_look_up_finds_the_half_open_cell(edges):
    rng = np.random.default_rng(0)
    edges = np.asarray(edges)
    network = BoxNetwork([edges], rng.normal(size=edges.size - 1))
    x = adversarial(edges, rng)
    x = x[np.isfinite(x)]
    expected = by_comparing(network, x[:, None])
    np.testing.assert_array_equal(network.predict(x), expected)
    np.testing.assert_array_equal(network.predict(x[:, None]), expected)


def test_look_up_in_three_dimensions():
    rng = np.random.default_rng(0)
    edges = [np.sort(rng.normal(size=m + 1)) for m in (4, 3, 2)]
    network = BoxNetwork(edges, rng.normal(size=(4, 3, 2)))
    X = np.stack([rng.choice(adversarial(axis, rng), 500) for axis in edges], axis=1)
    np.testing.assert_array_equal(network.predict(X), by_comparing(network, X))


def test_zero_outside_is_zero_beyond_the_domain_alone():
    network = BoxNetwork([[0.0, 1.0, 2.0]], [3.0, 4.0], outside="zero")
    x = [-1, np.nextafter(0, -1), 0, 1, 2, np.nextafter(2, 3), 5]
    assert network.predict(x).tolist() == [0, 0, 3, 4, 4, 0, 0]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"order": 2}, "order must be 0"),
        ({"activation": "tanh"}, "activation must be 'step'"),
        ({"order": 1}, "its activation is 'relu'; got 'step'"),
        ({"activation": "sigmoid"}, "steepness goes with"),
        ({"steepness": 3.0}, "steepness goes with"),
        ({"activation": "sigmoid", "steepness": -1.0}, "steepness must be positive and finite; got -1.0"),
        ({"activation": "sigmoid", "steepness": np.nan}, "steepness must be positive and finite; got nan"),
        ({"outside": "nan"}, "outside must be"),
        ({"outside": "zero", "activation": "relu", "steepness": 1.0}, "outside='zero' is for steps"),
        ({"n_ghost_boxes": 1}, "ghost boxes go with smooth units"),
        ({"heights": [1.0]}, r"heights must be of shape \(2,\); got \(1,\)"),
        ({"heights": [1.0, np.inf]}, "heights must be finite"),
        ({"edges": [[0.0, 0.0, 1.0]]}, "that increase; those of dimension 1 of 1 do not"),
        ({"edges": []}, "one dimension at least"),
        (
            {"edges": [[0, 1], [0, 1, 2]], "heights": [[1, 2]], "activation": "relu", "steepness": 1.0},
            "in 2 dimensions smooth towers dip at the corners",
        ),
    ],
    ids=str,
)
def test_contradictions_are_refused(arguments, message):
    with pytest.raises(InvalidInput, match=message):
        BoxNetwork(
            **({"partition": arguments.pop("edges", [[0.0, 1.0, 2.0]]), "heights": [1.0, 2.0]} | arguments)
        )


@pytest.mark.parametrize(
    ("X", "message"),
    [
        ([np.nan], "X must be finite; row 0 is"),
        ([0.0, np.inf], "X must be finite; row 1 is"),
        ([[0.0, 1.0]], r"X must be of shape \(n,\) or \(n, 1\)"),
        (0.5, r"X must be of shape"),
        (["a"], "X must hold"),
    ],
    ids=str,
)
def test_points_that_are_none_are_refused(X, message):
    with pytest.raises(InvalidInput, match=message):
        BoxNetwork([[0.0, 1.0]], [1.0]).predict(X)


def test_no_points_give_no_values():
    assert BoxNetwork([[0.0, 1.0]], [1.0]).predict([]).shape == (0,)
