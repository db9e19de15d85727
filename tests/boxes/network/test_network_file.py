"""Box networks in files: what is described is read back; whatever does not describe one is refused."""

import json
import math

import numpy as np
import pytest

from treadle.boxes.cells.partition import Grid
from treadle.boxes.cells.split_tree import SplitTree
from treadle.boxes.network.boxes import Boxes
from treadle.boxes.network.network_file import described, from_description, load_boxes, save_boxes
from treadle.boxes.proof.bounds import ErrorBound
from treadle.errors import CorruptFile, InvalidInput

GRID = Boxes(
    Grid([np.array([0.0, 1.0, 3.0]), np.array([-1.0, 0.5])]),
    np.array([[1.5], [-2.0]]),
    outside="zero",
    error_bound=ErrorBound(0.25, "lipschitz", "a theorem", "l2"),
    error_estimate=0.2,
    n_boxes_lower_bound=2,
)
TREE = Boxes(
    SplitTree(np.array([[0.0, 3.0]]), np.array([0]), np.array([1.0]), np.array([[-1, -2]])),
    np.array([1.0, 2.0]),
)
SMOOTH = Boxes(Grid([np.arange(5.0)]), np.arange(4.0), activation="sigmoid", steepness=3.0, n_ghost_boxes=1)
FIELDS = (
    "order",
    "activation",
    "steepness",
    "outside",
    "n_ghost_boxes",
    "error_bound",
    "n_boxes_lower_bound",
)


def same(one, other):
    for axis, again in zip(one.edges, other.edges, strict=True):
        np.testing.assert_array_equal(axis, again)
    np.testing.assert_array_equal(one.heights, other.heights)
    for name in FIELDS:
        np.testing.assert_equal(getattr(one, name), getattr(other, name))
    np.testing.assert_equal(one.error_estimate, other.error_estimate)


@pytest.mark.parametrize("boxes", [GRID, TREE, SMOOTH], ids=["grid", "tree", "smooth"])
def test_what_is_saved_is_what_is_read(tmp_path, boxes):
    save_boxes(tmp_path / "one", boxes)
    again = load_boxes(tmp_path / "one")
    same(boxes, again)
    assert type(again.partition) is type(boxes.partition)
    save_boxes(tmp_path / "two", again)
    assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes()


def test_the_description_is_arrays_and_what_json_holds():
    arrays, metadata = described(TREE)
    assert sorted(arrays) == ["axis", "bounds", "children", "heights", "threshold"]
    assert sorted(described(GRID)[0]) == ["edges.0", "edges.1", "heights"]
    assert json.loads(json.dumps(metadata, allow_nan=False)) == metadata
    assert metadata["error_bound"] is None and metadata["error_estimate"] is None


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"order": -1}, "order must be a whole number of at least 0; it is -1"),
        ({"n_ghost_boxes": None}, "n_ghost_boxes must be a whole number of at least 0; it is None"),
        ({"n_boxes_lower_bound": True}, "n_boxes_lower_bound must be a whole number of at least 0; it is Tr"),
        (
            {"error_estimate": math.inf},
            "error_estimate must be a finite number of at least 0, or null; it is",
        ),
        ({"steepness": 1}, "steepness must be a finite number of at least 0, or null; it is 1"),
        ({"outside": 3}, "outside must be a text; it is 3"),
        ({"norm": "l3"}, "must be names that treadle has; they are 'lipschitz', 'l3' and 'a theorem'"),
        ({"error_bound": math.nan}, "error_bound must be a finite number of at least 0 where one is proved"),
        ({"error_bound_kind": "none"}, "else null; it is 0.25 of kind 'none'"),
    ],
    ids=str,
)
def test_other_metadata_is_refused(changes, message):
    arrays, metadata = described(GRID)
    with pytest.raises(InvalidInput, match=message):
        from_description(arrays, metadata | changes)


@pytest.mark.parametrize(
    ("boxes", "changes", "message"),
    [
        (GRID, {"heights": None}, r"there must be an array 'heights'; there are \['edges\.0', 'edges\.1'\]"),
        (GRID, {"heights": np.ones((2, 1), np.float32)}, "heights must be float64; they are float32"),
        (
            GRID,
            {"edges.0": None},
            r"the float64 arrays edges\.0, edges\.1 and so on, .* there are \['edges\.1'",
        ),
        (GRID, {"edges.0": np.array([0, 1, 3])}, "there must be the float64 arrays edges"),
        (TREE, {"axis": np.array([0.0])}, "axis and children must be int64, bounds and threshold float64"),
        (TREE, {"threshold": np.array([1])}, "axis and children must be int64, bounds and threshold float64"),
    ],
)
def test_other_arrays_are_refused(boxes, changes, message):
    arrays, metadata = described(boxes)
    left = {name: array for name, array in (arrays | changes).items() if array is not None}
    with pytest.raises(InvalidInput, match=message):
        from_description(left, metadata)


def test_a_file_that_describes_none_is_corrupt(tmp_path):
    save_boxes(tmp_path / "boxes", GRID)
    data = (tmp_path / "boxes").read_bytes()
    (tmp_path / "boxes").write_bytes(data[:-1] + bytes([data[-1] ^ 1]))
    with pytest.raises(CorruptFile, match="boxes is damaged: it is not what was written"):
        load_boxes(tmp_path / "boxes")
