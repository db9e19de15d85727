"""Trees in arrays: walks against a recursion in Python, stumps merged without a change of the sum."""

import numpy as np
import pytest

from treadle.boxes.trees.trees import LEAF, Trees, is_stumps, merged_stumps


def random_trees(n_trees=3, depth=3, n_features=2, seed=0):
    rng = np.random.default_rng(seed)
    features, edges, left, right, roots = [], [], [], [], []

    def node(level):
        here = len(features)
        inner = level < depth and (level == 0 or rng.random() < 0.8)
        features.append(int(rng.integers(n_features)) if inner else LEAF)
        edges.append(float(rng.integers(-2, 3)) / 2 if inner else np.nan)
        left.append(here)
        right.append(here)
        if inner:
            left[here], right[here] = node(level + 1), node(level + 1)
        return here

    roots = [node(0) for _ in range(n_trees)]
    values = rng.standard_normal((len(features), 2))
    return Trees(
        np.array(features), np.array(edges), np.array(left), np.array(right), values, np.array(roots)
    )


def leaf(trees, node, x):
    if trees.features[node] == LEAF:
        return node
    right = x[trees.features[node]] >= trees.edges[node]
    return leaf(trees, trees.right[node] if right else trees.left[node], x)


def rows(n=60, n_features=2):
    """Many lie on an edge."""
    return np.random.default_rng(1).integers(-3, 4, (n, n_features)) / 2


@pytest.mark.parametrize("depth", [1, 2, 5])
def test_each_row_comes_to_the_leaf_of_a_walk_by_hand(depth):
    trees, X = random_trees(depth=depth), rows()
    expected = [[leaf(trees, root, x) for root in trees.roots] for x in X]
    assert trees.leaves_of(X).tolist() == expected


def test_an_edge_belongs_to_the_right():
    stump = Trees(
        np.array([0, LEAF, LEAF]),
        np.array([0.5, np.nan, np.nan]),
        np.array([1, 1, 2]),
        np.array([2, 1, 2]),
        np.zeros((3, 1)),
        np.array([0]),
    )
    assert stump.leaves_of(np.array([[np.nextafter(0.5, 0)], [0.5]])).tolist() == [[1], [2]]


def test_stumps_are_trees_of_one_test_each():
    assert is_stumps(random_trees(depth=1))
    assert not is_stumps(random_trees(depth=0))
    assert not is_stumps(random_trees(depth=3))


def test_merged_stumps_are_one_a_test_and_their_sum_stays():
    trees, X = random_trees(n_trees=40, depth=1), rows()
    merged = merged_stumps(trees)
    tests = set(zip(trees.features[trees.roots].tolist(), trees.edges[trees.roots].tolist(), strict=True))
    assert len(merged.roots) == len(tests) < 40
    assert is_stumps(merged)
    np.testing.assert_allclose(
        merged.values[merged.leaves_of(X)].sum(axis=1),
        trees.values[trees.leaves_of(X)].sum(axis=1),
        rtol=1e-9,
    )
