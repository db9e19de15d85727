"""A sum of trees as layers: equal to a walk in Python at and beside every edge; equal tests share a unit."""

import numpy as np
import pytest

from treadle.boxes.trees import tree_network
from treadle.boxes.trees.tree_network import TreeNetwork
from treadle.boxes.trees.trees import LEAF, Trees
from treadle.errors import InvalidInput


def network(*trees, bias=(0.0,), n_features=2):
    """Of trees as nested tuples: (feature, edge, below, from it on), or the values of a leaf."""
    features, edges, left, right, values = [], [], [], [], []

    def node(tree):
        here = len(features)
        inner = isinstance(tree, tuple)
        features.append(tree[0] if inner else LEAF)
        edges.append(tree[1] if inner else np.nan)
        values.append([0.0] * len(bias) if inner else tree)
        left.append(here)
        right.append(here)
        if inner:
            left[here], right[here] = node(tree[2]), node(tree[3])
        return here

    roots = np.array([node(tree) for tree in trees], np.int64)
    arrays = np.array(features, np.int64), np.array(edges, float), np.array(left, np.int64)
    table = np.array(values, float).reshape(len(values), len(bias))
    held = Trees(*arrays, np.array(right, np.int64), table, roots)
    return TreeNetwork(held, np.array(bias, float), n_features)


def value(tree, x):
    while isinstance(tree, tuple):
        tree = tree[3] if x[tree[0]] >= tree[1] else tree[2]
    return np.array(tree)


DEEP = (0, 0.5, (1, -1.0, [1.0], (0, 0.25, [2.0], [4.0])), (0, 1.5, (1, 0.0, [8.0], [16.0]), [32.0]))
OTHER = (1, 0.0, [64.0], (0, 0.5, [128.0], [256.0]))
STUMPS = (0, 0.5, [1.0], [2.0]), (1, -1.0, [4.0], [8.0]), (0, 0.5, [16.0], [32.0])


def rows_at(*edges):
    beside = [
        f(e)
        for e in edges
        for f in (lambda e: e, lambda e: np.nextafter(e, -9), lambda e: np.nextafter(e, 9))
    ]
    return np.stack(np.meshgrid(beside, beside), axis=-1).reshape(-1, 2)


X = rows_at(-1.0, 0.0, 0.25, 0.5, 1.5)


@pytest.mark.parametrize("trees", [(DEEP,), (DEEP, OTHER), STUMPS])
@pytest.mark.parametrize("by_numpy", [False, True])
def test_walk_and_layers_are_the_sum_of_the_trees(monkeypatch, trees, by_numpy):
    if by_numpy:
        monkeypatch.setattr(tree_network, "kernels_if_built", lambda: None)
    made = network(*trees, bias=(0.5,))
    expected = [0.5 + sum(value(tree, x)[0] for tree in trees) for x in X]
    assert made.predict(X).tolist() == expected
    assert made.forward(X).tolist() == expected


def test_nodes_with_the_same_test_share_a_unit():
    # Tests: x0 at .25, .5, 1.5; x1 at -1, 0. Leaves: 6 and 3.
    assert network(DEEP, OTHER).n_hidden_units_ == (5, 9)
    steps, leaves, values = network(DEEP, OTHER).layers()
    assert steps.weights.sum(axis=0).tolist() == [1] * 5
    # Of several edges of one feature the nearest alone is a condition: as many weights as sides of boxes.
    assert leaves.weights.nnz == 2 + 2 + 3 + 3 + 3 + 1 + (1 + 2 + 2)
    assert sorted(values.weights.toarray()[:, 0].tolist()) == [1, 2, 4, 8, 16, 32, 64, 128, 256]


def test_stumps_take_one_hidden_layer_of_two_units_each():
    made = network(*STUMPS)
    assert made.n_hidden_units_ == (6,)
    assert made.n_parameters_ == 6 + 6 + 6 + 1


def test_no_trees_are_their_bias():
    made = network(bias=(3.0, -1.0))
    assert made.n_hidden_units_ == ()
    assert made.predict(np.zeros((2, 2))).tolist() == made.forward(np.zeros((2, 2))).tolist() == [[3, -1]] * 2


def test_several_outputs_are_columns():
    made = network((0, 0.5, [1.0, 2.0], [3.0, 4.0]), (1, 0.0, [10.0, 20.0], [30.0, 40.0]), bias=(0.0, 0.0))
    assert made.predict([[0.0, 1.0], [1.0, -1.0]]).tolist() == [[31, 42], [13, 24]]


def test_a_saved_network_is_read_to_the_bit(tmp_path):
    made = network(DEEP, OTHER, bias=(1 / 3,))
    made.save(tmp_path / "trees")
    again = TreeNetwork.load(tmp_path / "trees")
    assert again.predict(X).tolist() == made.predict(X).tolist()
    assert (again.gives, again.n_features_in_, again.classes_) == ("prediction", 2, None)


def test_there_is_one_form():
    made = network(DEEP)
    assert len(made.layers("leaves")) == 3
    with pytest.raises(InvalidInput, match="the form of trees must be leaves, or None; got 'and'"):
        made.layers("and")
    assert "a model of fewer leaves" in made.remedy(None)
