"""Files that claim to be box networks: damaged, contradictory, or made to harm."""

import math

import numpy as np
import pytest

import treadle
from treadle.boxes.network.box_network import BoxNetwork
from treadle.boxes.network.network_file import described
from treadle.errors import CorruptFile
from treadle.export.safetensors_file import safetensors_bytes

GRID = treadle.approximate("sin(x)*y", [(-1, 1), (0, 2)], n_boxes=(3, 4))
TREE = treadle.approximate("sin(x)*y", [(-1, 1), (0, 2)], n_boxes=9, partition="adaptive")
KINKS = treadle.approximate("sin(x)", (-1, 1), n_boxes=9, order=1)
SMOOTH = treadle.approximate("sin(x)", (-1, 1), n_boxes=9, activation="sigmoid")
UNPROVED = treadle.approximate(np.sin, (-1, 1), n_boxes=9, outside="zero")
FEWEST = treadle.approximate("sin(x)", (-1, 1), eps=0.1, partition="optimal")


@pytest.fixture
def path(tmp_path):
    return tmp_path / "boxes.safetensors"


def content(network, arrays=(), metadata=(), drop=()):
    """The bytes of a network's file, some of it replaced."""
    held, told = described(network.record)
    held = {name: array for name, array in (held | dict(arrays)).items() if name not in drop}
    told = {"format": 1, "boxes": told | dict(metadata)}
    return safetensors_bytes({k: np.ascontiguousarray(v) for k, v in held.items()}, told)


def refuses(path, data, message):
    path.write_bytes(data)
    with pytest.raises(CorruptFile, match=rf"(?s)boxes\.safetensors.*{message}"):
        BoxNetwork.load(path)


@pytest.mark.parametrize("network", [GRID, TREE, KINKS, SMOOTH, UNPROVED, FEWEST], ids=str)
def test_what_is_saved_is_read_to_the_bit(path, network):
    network.save(path)
    first = path.read_bytes()
    read = BoxNetwork.load(path)
    X = np.random.default_rng(0).uniform(-3, 3, (500, network.n_dims))
    np.testing.assert_array_equal(read.predict(X), network.predict(X))
    np.testing.assert_array_equal(read.bounds_, network.bounds_)
    for name in ("error_bound_", "error_estimate_", "smoothing_bound_", "n_boxes_", "n_boxes_lower_bound_"):
        np.testing.assert_equal(getattr(read, name), getattr(network, name))
    assert (read.error_bound_kind_, read.error_bound_theorem_, read.norm_, read.outside) == (
        network.error_bound_kind_, network.error_bound_theorem_, network.norm_, network.outside,
    )  # fmt: skip
    read.save(path)
    assert path.read_bytes() == first


def test_a_bit_that_turned_over_is_noticed(path):
    GRID.save(path)
    data = bytearray(path.read_bytes())
    data[-9] ^= 1
    refuses(path, data, "is damaged: it is not what was written")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"order": True}, "order must be a whole number"),
        ({"order": 7}, "order must be 0"),
        ({"order": 1}, "its activation is 'relu'"),
        ({"activation": ["step"]}, "activation must be a text"),
        ({"activation": "tanh"}, "activation must be 'step'"),
        ({"steepness": "1"}, "steepness must be a finite number"),
        ({"steepness": 1.0}, "steepness goes with"),
        ({"outside": None}, "outside must be a text"),
        ({"n_ghost_boxes": -1}, "n_ghost_boxes must be a whole number"),
        ({"n_ghost_boxes": 1}, "ghost boxes go with smooth units"),
        ({"n_boxes_lower_bound": 1.5}, "n_boxes_lower_bound must be a whole number"),
        ({"error_bound": -1.0}, "error_bound must be a finite number of at least 0"),
        ({"error_bound": math.inf}, "error_bound must be a finite number of at least 0"),
        ({"error_bound": None}, "error_bound must be a finite number of at least 0"),
        ({"error_bound_kind": "none"}, "error_bound must be a finite number of at least 0 where"),
        ({"error_bound_kind": "oracle"}, "must be names that treadle has"),
        ({"norm": "l1"}, "must be names that treadle has"),
        ({"error_bound_theorem": 3}, "must be names that treadle has"),
        ({"error_estimate": "0"}, "error_estimate must be a finite number"),
    ],
    ids=str,
)
def test_metadata_that_lie_are_refused(path, changes, message):
    refuses(path, content(GRID, metadata=changes), message + ".*restore it from a copy")


@pytest.mark.parametrize(
    ("network", "arrays", "drop", "message"),
    [
        (GRID, {}, ("heights",), "there must be an array 'heights'"),
        (GRID, {}, ("edges.0",), "there must be the float64 arrays edges.0"),
        (GRID, {"edges.2": np.ones(2)}, (), "that increase; those of dimension 3"),
        (GRID, {"edges.0": np.zeros(4)}, (), "that increase; those of dimension 1"),
        (GRID, {"edges.0": np.zeros((2, 2))}, (), "that increase; those of dimension 1"),
        (GRID, {"edges.0": np.arange(4, dtype=np.float32)}, (), "there must be the float64 arrays"),
        (GRID, {"heights": np.zeros((4, 3))}, (), r"heights must be of shape \(3, 4\); got \(4, 3\)"),
        (GRID, {"heights": np.zeros((3, 4), np.float32)}, (), "heights must be float64"),
        (TREE, {"axis": np.zeros(8)}, (), "axis and children must be int64"),
        (TREE, {"children": np.zeros((8, 2), np.int64)}, (), "exactly once"),
        (TREE, {"children": np.full((8, 2), -(2**62))}, (), "exactly once"),
        (TREE, {"axis": np.full(8, 2)}, (), "axis must lie in 0 .. 1"),
        (TREE, {"threshold": np.full(8, 9.0)}, (), "a threshold must lie within"),
        (TREE, {"bounds": np.ones((2, 2))}, (), "bounds must be finite, the lower below the upper"),
        (TREE, {}, ("bounds",), "there must be the float64 arrays"),
    ],
    ids=range(15),
)
def test_arrays_that_do_not_fit_are_refused(path, network, arrays, drop, message):
    refuses(path, content(network, arrays, drop=drop), message + ".*restore it from a copy")


@pytest.mark.parametrize(
    "told", [{"format": 2, "boxes": {}}, {"format": 1}, {"format": 1, "boxes": []}, {}], ids=str
)
def test_other_files_are_refused(path, told):
    refuses(
        path,
        safetensors_bytes({"heights": np.ones(1)}, told),
        "must hold a box network of format 1",
    )


def test_a_hostile_grid_takes_no_memory(path):
    long = np.linspace(0, 1, 20_001)
    data = content(GRID, {"edges.0": long, "edges.1": long})
    refuses(path, data, "a grid of 20000 x 20000 is 4e08 cells")
