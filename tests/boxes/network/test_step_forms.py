"""Steps written out: each form's sum by plain loops over fractions, and the weights that are in its table."""

from fractions import Fraction

import numpy as np
import pytest

from tests.boxes.cells.random_trees import points_about, random_tree
from treadle.boxes.network import step_forms
from treadle.boxes.network.box_network import BoxNetwork
from treadle.boxes.network.step_forms import allowed_step_forms, begins_and_ends, step_layers

EDGES = np.array([-1.0, 0.25, 0.3, 2.0, 7.0])
HEIGHTS = np.array([0.1, -3.0, 0.7, 1e-9])


def line(outside="clamped"):
    return BoxNetwork([EDGES], HEIGHTS, outside=outside)


def points():
    near = [EDGES, np.nextafter(EDGES, -9), np.nextafter(EDGES, 9), [-50.0, 50.0, 0.27]]
    return np.concatenate(near)


def H(z):
    return 1 if z >= 0 else 0


def homework(x, outside):
    """Sum over boxes of c (H(x - begin) - H(x - end)), exactly; clamped, the outer ends are infinite."""
    total = Fraction(0)
    for j, c in enumerate(HEIGHTS.tolist()):
        begin, end = Fraction(EDGES[j]), Fraction(EDGES[j + 1])
        first, last = outside == "clamped" and j == 0, outside == "clamped" and j == len(HEIGHTS) - 1
        after = 1 if first else H(Fraction(x) - begin)
        closed = outside == "zero" and j == len(HEIGHTS) - 1  # the last cell holds its end
        behind = 0 if last or (closed and x == EDGES[-1]) else H(Fraction(x) - end)
        total += Fraction(c) * (after - behind)
    return float(total)


def telescoped(x):
    """c_0 + sum of (c_j - c_(j-1)) H(x - e_j), exactly."""
    total = Fraction(HEIGHTS[0])
    for j in range(1, len(HEIGHTS)):
        total += (Fraction(HEIGHTS[j]) - Fraction(HEIGHTS[j - 1])) * H(Fraction(x) - Fraction(EDGES[j]))
    return float(total)


def outputs(layers, X):
    """The plain formula of each layer, with nothing of the package."""
    a = X
    for layer in layers:
        weights = layer.weights if isinstance(layer.weights, np.ndarray) else layer.weights.toarray()
        z = a @ weights + layer.biases
        a = {
            "step": lambda z: (z >= 0) * 1.0,
            "clamp": lambda z: np.clip(z, 0, 1),
            "relu": lambda z: np.maximum(z, 0),
            "identity": lambda z: z,
        }[layer.activation](z)
    return a[:, 0]


@pytest.mark.parametrize("outside", ["clamped", "zero"])
@pytest.mark.parametrize("form", ["homework", "telescoped", "and", "index"])
def test_layers_are_the_sum_of_steps_to_the_bit(form, outside):
    expected = [homework(x, outside) for x in points().tolist()]
    if outside == "clamped":
        assert expected == [telescoped(x) for x in points().tolist()]
    assert outputs(step_layers(line(outside).record, form), points()[:, None]).tolist() == expected


def test_a_step_that_is_closed_at_the_wrong_end_is_seen(monkeypatch):
    whole = step_forms._steps_of_one_input
    monkeypatch.setattr(step_forms, "_steps_of_one_input", lambda edges: whole(np.nextafter(edges, np.inf)))
    expected = [homework(x, "clamped") for x in points().tolist()]
    assert outputs(step_layers(line().record, "telescoped"), points()[:, None]).tolist() != expected


def test_units_are_those_of_the_table():
    """2 N; N - 1, or N + 1 if zero outside; edges and N; edges, 1, N - 1."""
    n = len(HEIGHTS)
    assert step_layers(line().record, "homework")[0].n_out == 2 * n
    assert step_layers(line().record, "telescoped")[0].n_out == n - 1
    assert step_layers(line("zero").record, "telescoped")[0].n_out == n + 1
    assert [layer.n_out for layer in step_layers(line().record, "and")] == [n - 1, n, 1]
    assert [layer.n_out for layer in step_layers(line().record, "index")][:3] == [n - 1, 1, n - 1]


def test_boxes_begin_and_end_at_their_edges_and_at_stand_ins_for_infinity():
    ends = begins_and_ends(line().record).tolist()
    assert ends[1:-1] == [0.25, 0.25, 0.3, 0.3, 2.0, 2.0]
    assert (ends[0], ends[-1]) == (step_forms.ALWAYS, step_forms.NEVER)
    closed = begins_and_ends(line("zero").record).tolist()
    assert closed[0] == -1.0 and closed[-1] == np.nextafter(7.0, 8)


@pytest.mark.parametrize("outside", ["clamped", "zero"])
@pytest.mark.parametrize("seed", range(3))
def test_cells_of_a_tree_are_one_tower_each(outside, seed):
    rng = np.random.default_rng(seed)
    tree, cells = random_tree(rng, 1 + seed, 12)
    heights = rng.normal(size=tree.n_cells)
    network = BoxNetwork(tree, heights, outside=outside)
    X = points_about(tree, rng, 400)
    low, high = tree.bounds.T
    expected = []
    for point in X:
        inside = np.clip(point, low, high)
        (cell,) = (
            i
            for i, (a, b, _) in enumerate(cells)
            if all(a <= inside) and all((inside < b) | ((inside == b) & (b == high)))
        )
        beyond = outside == "zero" and (point != inside).any()
        expected.append(0.0 if beyond else heights[cell])
    assert outputs(step_layers(network.record, "and"), X).tolist() == expected


def test_which_forms_there_are():
    assert allowed_step_forms(line().record) == ("telescoped", "homework", "and", "index")
    assert allowed_step_forms(BoxNetwork([EDGES, EDGES], np.ones((4, 4))).record) == ("and", "index")
    tree, _ = random_tree(np.random.default_rng(0), 2, 3)
    assert allowed_step_forms(BoxNetwork(tree, np.ones(4)).record) == ("and",)
