"""Trees of cuts against a walk from the root, node by node."""

import numpy as np
import pytest

from tests.boxes.cells.random_trees import points_about, random_tree
from treadle.boxes.cells.split_tree import SplitTree
from treadle.boxes.network.box_network import BoxNetwork
from treadle.errors import InvalidInput
from treadle.hardware.native import extension


@pytest.fixture(params=["native", "numpy"])
def way(request, monkeypatch):
    if request.param == "numpy":
        monkeypatch.setattr(extension, "missing", ImportError("a test"))
    else:
        assert extension.is_built()
    return request.param


@pytest.mark.parametrize("n_dims", [1, 2, 5])
def test_a_tree_finds_the_cell_that_holds_the_point(way, n_dims):
    rng = np.random.default_rng(n_dims)
    tree, cells = random_tree(rng, n_dims, 60)
    X = points_about(tree, rng)
    found = tree.locate(X)
    inside = np.clip(X, tree.bounds[:, 0], tree.bounds[:, 1])
    lower, upper = tree.corners()
    for i, (low, high, _) in enumerate(cells):
        np.testing.assert_array_equal(lower[i], low)
        np.testing.assert_array_equal(upper[i], high)
    assert (inside >= lower[found]).all()
    assert ((inside < upper[found]) | (upper[found] == tree.bounds[:, 1])).all()
    network = BoxNetwork(tree, rng.normal(size=tree.n_cells))
    np.testing.assert_array_equal(network.predict(X), network.heights_[found])


def test_one_cell_is_a_tree_without_nodes(way):
    tree = SplitTree((0, 1), [], [], np.empty((0, 2)))
    assert tree.n_cells == 1 and tree.locate(np.array([[-1.0], [0.5], [2.0]])).tolist() == [0, 0, 0]


@pytest.mark.parametrize(
    ("axis", "threshold", "children", "message"),
    [
        ([0], [0.5, 0.6], [[-1, -2]], "one number a node"),
        ([0], [0.5], [[-1]], r"children must be of shape \(1, 2\); got \(1, 1\)"),
        ([1], [0.5], [[-1, -2]], r"axis must lie in 0 .. 0"),
        ([-1], [0.5], [[-1, -2]], r"axis must lie in 0 .. 0"),
        ([0], [0.5], [[-1, -1]], "name each cell and each node but the first exactly once"),
        ([0], [0.5], [[-1, 0]], "name each cell and each node"),
        ([0], [0.5], [[-1, -3]], "name each cell and each node"),
        ([0, 0], [0.5, 0.2], [[-1, -2], [1, -3]], "must come after its parent"),
        ([0], [1.0], [[-1, -2]], "a threshold must lie within the cell that it cuts"),
        ([0], [np.nan], [[-1, -2]], "a threshold must lie within"),
        ([0, 0], [0.5, 0.7], [[1, -1], [-2, -3]], "a threshold must lie within"),
    ],
    ids=range(11),
)
def test_what_is_no_tree_is_refused(axis, threshold, children, message):
    with pytest.raises(InvalidInput, match=message):
        SplitTree((0, 1), axis, threshold, children)


def walked(tree, point):
    """The cell of a point by the definition: left where it is below the threshold."""
    place = 0
    while place >= 0:
        place = int(tree.children[place, int(point[tree.axis[place]] >= tree.threshold[place])])
    return -1 - place


@pytest.mark.parametrize("seed", range(4))
def test_cells_are_those_of_a_walk_from_the_root(way, seed):
    rng = np.random.default_rng(seed)
    tree, _ = random_tree(rng, 1 + seed, 25)
    X = points_about(tree, rng, 300)
    assert tree.locate(X).tolist() == [walked(tree, point) for point in X]
    values = rng.normal(size=tree.n_cells)
    np.testing.assert_array_equal(tree.values_at(X, values), values[tree.locate(X)])


def test_cells_tile_the_domain():
    tree, _ = random_tree(np.random.default_rng(9), 3, 40)
    lower, upper = tree.corners()
    volume = np.prod(tree.bounds[:, 1] - tree.bounds[:, 0])
    assert (upper - lower).prod(axis=1).sum() == pytest.approx(volume, rel=1e-12)
    some = np.array([7, 0, 7])
    for found, expected in zip(tree.corners(some), (lower[some], upper[some]), strict=True):
        np.testing.assert_array_equal(found, expected)


def test_a_point_on_the_wrong_side_of_its_threshold_is_seen():
    tree, _ = random_tree(np.random.default_rng(3), 2, 25)
    X = points_about(tree, np.random.default_rng(4), 300)
    expected = [walked(tree, point) for point in X]
    tree.threshold[3] = np.nextafter(tree.threshold[3], 9)
    assert tree.locate(X).tolist() != expected
