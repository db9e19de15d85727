"""Files that claim to be networks of trees: damaged, contradictory, or made to harm."""

import random

import numpy as np
import pytest
from sklearn.ensemble import RandomForestClassifier
from sklearn.tree import DecisionTreeRegressor

import treadle
from treadle.boxes.trees.tree_file import described
from treadle.errors import CorruptFile
from treadle.export.safetensors_file import safetensors_bytes

RNG = np.random.default_rng(0)
X = RNG.normal(size=(200, 2))
Y = X[:, 0] * X[:, 1]
ONE = treadle.from_tree(DecisionTreeRegressor(max_leaf_nodes=4).fit(X, Y))
FOREST = treadle.from_tree(RandomForestClassifier(3, max_depth=3, random_state=0).fit(X, Y > 0))


@pytest.fixture
def path(tmp_path):
    return tmp_path / "trees.safetensors"


def content(network, arrays=(), metadata=(), drop=()):
    """The bytes of a network's file, some of it replaced."""
    held, told = described(network)
    held = {name: array for name, array in (held | dict(arrays)).items() if name not in drop}
    told = {"format": 1, "trees": told | dict(metadata)}
    return safetensors_bytes({k: np.ascontiguousarray(v) for k, v in held.items()}, told)


def refuses(path, data, message):
    path.write_bytes(data)
    for load in (treadle.load, treadle.TreeNetwork.load):
        with pytest.raises(CorruptFile, match=rf"(?s)trees\.safetensors.*{message}"):
            load(path)


def changed(name, index, value, network=ONE):
    array = described(network)[0][name].copy()
    array[index] = value
    return {name: array}


def test_a_bit_that_turned_over_is_noticed(path):
    ONE.save(path)
    data = bytearray(path.read_bytes())
    data[-9] ^= 1
    refuses(path, data, "is damaged: it is not what was written")


@pytest.mark.parametrize(
    ("network", "changes", "message"),
    [
        (ONE, {"n_features_in": True}, "n_features_in must be a whole number"),
        (ONE, {"n_features_in": 0}, "n_features_in must be a whole number"),
        (ONE, {"n_features_in": 10_000_001}, "n_features_in must be a whole number"),
        (ONE, {"n_features_in": 1}, r"features must lie in -1 \.\. 0"),
        (ONE, {"gives": ["prediction"]}, "gives must be one of"),
        (ONE, {"classes": 3}, "classes must have a type"),
        (ONE, {"classes": {"type": ["str"], "values": ["a"]}}, "classes must have a type"),
        (ONE, {"classes": {"type": "U999999999", "values": ["a"]}}, "classes must have a type"),
        (ONE, {"classes": {"type": "str", "values": "ab"}}, "classes must have a type"),
        (ONE, {"classes": {"type": "str", "values": [1, 2]}}, "classes of type str must be such values"),
        (ONE, {"classes": {"type": "int8", "values": [True]}}, "classes of type int8 must be such values"),
        (ONE, {"classes": {"type": "int8", "values": [300]}}, "classes must fit into int8"),
        (ONE, {"classes": {"type": "str", "values": list("abc")}}, "as many as the outputs, 1; they are 3"),
        (FOREST, {"classes": {"type": "str", "values": ["a"]}}, "as many as the outputs, 2; they are 1"),
    ],
    ids=range(14),
)
def test_metadata_that_lie_are_refused(path, network, changes, message):
    refuses(path, content(network, metadata=changes), message + ".*restore it from a copy")


@pytest.mark.parametrize(
    ("arrays", "drop", "message"),
    [
        ({}, ("edges",), "the arrays must be bias, edges, features"),
        ({"more": np.ones(1)}, (), "the arrays must be bias, edges, features"),
        ({"features": np.zeros(7)}, (), r"features \(float64\)"),
        ({"edges": np.zeros(7, np.float32)}, (), r"edges \(float32\)"),
        ({"edges": np.zeros(6)}, (), r"edges must be of shape \(7,\).*\(6,\)"),
        ({"values": np.zeros((7, 2))}, (), r"values must be of shape \(7, 1\)"),
        ({"roots": np.zeros((1, 1), np.int64)}, (), r"roots must be of shape \(1,\)"),
        ({"bias": np.zeros(0), "values": np.zeros((7, 0))}, (), "with one output at least"),
        (changed("features", 0, 2), (), r"features must lie in -1 \.\. 1"),
        (changed("features", 0, -2), (), r"features must lie in -1 \.\. 1"),
        (changed("edges", 0, np.finfo(float).max), (), "edges must be below the greatest float64"),
        ({"edges": np.ones(7)}, (), "and 0 for leaves"),
        (changed("left", -1, 0), (), "a leaf must be its own children"),
        (changed("left", 0, 0), (), "the children of a node must be nodes after it"),  # a walk without end
        (changed("left", 0, 7), (), "the children of a node must be nodes after it"),
        (changed("left", 0, -1), (), "the children of a node must be nodes after it"),
        (changed("left", 0, described(ONE)[0]["right"][0]), (), "the child of one node, at most"),
        (changed("roots", 0, 7), (), "each node must be one root"),
        (changed("roots", 0, -1), (), "each node must be one root"),
        ({"roots": np.zeros(1000, np.int64)}, (), "each node must be one root"),
    ],
    ids=range(20),
)
def test_arrays_that_do_not_fit_are_refused(path, arrays, drop, message):
    refuses(path, content(ONE, arrays, drop=drop), message + ".*restore it from a copy")


def test_nodes_that_share_children_do_not_grow_a_network_of_all_paths(path):
    """64 nodes, each with the next as both children, would have 2^63 leaves."""
    n = 64
    node = np.arange(n)
    arrays = {
        "features": np.append(np.zeros(n - 1, np.int64), -1), "edges": np.zeros(n),
        "left": np.minimum(node + 1, n - 1), "right": np.minimum(node + 1, n - 1),
        "values": np.zeros((n, 1)), "roots": np.zeros(1, np.int64),
    }  # fmt: skip
    refuses(path, content(ONE, arrays), "the child of one node, at most")


@pytest.mark.parametrize("told", [{"format": 2, "trees": {}}, {"format": 1, "trees": []}], ids=str)
def test_other_files_are_refused(path, told):
    data = safetensors_bytes({"bias": np.ones(1)}, told)
    refuses(path, data, "must hold a network of trees of format 1")


def test_a_file_of_boxes_is_no_file_of_trees(path):
    treadle.approximate("x", (0, 1), n_boxes=3).save(path)
    with pytest.raises(
        CorruptFile, match="must hold a network of trees of format 1; it holds format 1 of boxes"
    ):
        treadle.TreeNetwork.load(path)


@pytest.mark.parametrize("network", [ONE, FOREST], ids=["one", "forest"])
def test_random_damage_raises_corruptfile_or_leaves_a_whole_network(path, network):
    whole, n_refused = content(network), 0
    for seed in range(200):
        rng = random.Random(seed)
        data = bytearray(whole)
        for _ in range(rng.randint(1, 4)):
            data[rng.randrange(len(data))] = rng.randrange(256)
        path.write_bytes(data)
        try:
            read = treadle.load(path)
        except CorruptFile:
            n_refused += 1
            continue
        rows = np.random.default_rng(seed).uniform(-3, 3, (20, read.n_features_in_))
        with np.errstate(over="ignore", invalid="ignore"):
            assert len(read.predict(rows)) == len(read.forward(rows)) == 20
    assert n_refused >= 50
