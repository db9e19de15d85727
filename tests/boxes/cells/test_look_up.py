import numpy as np
import pytest

from treadle.boxes.cells import split_tree
from treadle.boxes.cells.partition import Grid
from treadle.boxes.cells.split_tree import SplitTree
from treadle.boxes.network.box_network import BoxNetwork
from treadle.errors import InvalidInput
from treadle.hardware.native import extension


def random_tree(rng, n_dims, n_nodes):
    """Cells cut at random places, the tree kept as its definition says."""
    bounds = np.stack([-rng.uniform(1, 2, n_dims), rng.uniform(1, 2, n_dims)], axis=1)
    cells = [(bounds[:, 0].copy(), bounds[:, 1].copy(), None)]
    axis, threshold, children = [], [], []
    for node in range(n_nodes):
        lower, upper, link = cells.pop(rng.integers(len(cells)))
        i = int(rng.integers(n_dims))
        cut = rng.uniform(lower[i], upper[i])
        if link is not None:
            children[link[0]][link[1]] = node
        axis.append(i)
        threshold.append(cut)
        children.append([None, None])
        left, right = upper.copy(), lower.copy()
        left[i] = right[i] = cut
        cells += [(lower, left, (node, 0)), (right, upper, (node, 1))]
    for number, (_, _, (node, side)) in enumerate(cells):
        children[node][side] = -1 - number
    return SplitTree(bounds, axis, threshold, children), cells


def points_about(tree, rng, n=3000):
    """Points in and around the domain, coordinates often at edges or beside them."""
    X = rng.uniform(-2.5, 2.5, (n, tree.n_dims))
    for i, axis in enumerate(tree.edges):
        near = np.concatenate([axis, np.nextafter(axis, -9), np.nextafter(axis, 9)])
        X[: n // 2, i] = rng.choice(near, n // 2)
    return X


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


def test_the_compiled_look_up_gives_the_cells_of_numpy():
    rng = np.random.default_rng(3)
    clustered = np.concatenate([1 + 2.0**-40 * np.arange(70), np.linspace(1.1, 3, 40)])
    for edges in (
        [np.sort(rng.normal(size=5001))],
        [clustered],
        [np.linspace(0, 1, 13), clustered, [0.0, 1.0]],
    ):
        grid = Grid(edges)
        X = np.stack(
            [
                np.concatenate(
                    [
                        rng.choice(axis, 9000),
                        np.nextafter(rng.choice(axis, 9000), -9),
                        rng.uniform(-1, 4, 31000),
                    ]
                )
                for axis in edges
            ],
            axis=1,
        )
        rng.shuffle(X, axis=0)
        np.testing.assert_array_equal(grid.locate(X), grid.locate_by_numpy(X))
        np.testing.assert_array_equal(grid.locate(X[::3]), grid.locate_by_numpy(X[::3]))
        np.testing.assert_array_equal(grid.locate(np.asfortranarray(X)), grid.locate_by_numpy(X))


def test_points_so_far_that_differences_overflow_are_clamped(way):
    grid = Grid([np.array([-1e308, 0.0, 5e307])])
    assert grid.locate(np.array([[1.7e308], [-1.7e308], [0.0], [-5e-324]])).tolist() == [1, 0, 1, 0]
    tiny = Grid([np.array([0.0, 5e-324, 1e-323])])
    assert tiny.locate(np.array([[1.7e308], [-1.7e308], [5e-324], [0.0]])).tolist() == [1, 0, 1, 0]


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


def test_a_planted_error_in_the_table_is_seen(monkeypatch):
    grid = Grid([np.linspace(0, 1, 101)])
    x = np.linspace(0, 1, 1001)[:, None]
    expected = np.clip(np.searchsorted(grid.edges[0], x[:, 0], side="right") - 1, 0, 99)
    np.testing.assert_array_equal(grid.locate(x), expected)
    grid.tables[0].starts[50] += 1
    assert (grid.locate(x) != expected).any()
    assert split_tree.SplitTree((0, 1), [0], [0.5], [[-2, -1]]).locate(x)[0] == 1
