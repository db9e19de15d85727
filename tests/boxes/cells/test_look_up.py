import numpy as np
import pytest

from treadle.boxes.cells import split_tree
from treadle.boxes.cells.partition import Grid
from treadle.hardware.native import extension


@pytest.fixture(params=["native", "numpy"])
def way(request, monkeypatch):
    if request.param == "numpy":
        monkeypatch.setattr(extension, "missing", ImportError("a test"))
    else:
        assert extension.is_built()
    return request.param


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


def test_a_planted_error_in_the_table_is_seen(monkeypatch):
    grid = Grid([np.linspace(0, 1, 101)])
    x = np.linspace(0, 1, 1001)[:, None]
    expected = np.clip(np.searchsorted(grid.edges[0], x[:, 0], side="right") - 1, 0, 99)
    np.testing.assert_array_equal(grid.locate(x), expected)
    grid.tables[0].starts[50] += 1
    assert (grid.locate(x) != expected).any()
    assert split_tree.SplitTree((0, 1), [0], [0.5], [[-2, -1]]).locate(x)[0] == 1
