"""Targets as classes or numbers: what decides, what is read, and what is refused by row."""

import json

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from treadle.errors import InvalidInput
from treadle.tables import Target, decide_target, read_table
from treadle.tables.preparation.targets import written

DAYS = pd.to_datetime(["2024-05-01", "2024-05-02"])


def table(**columns):
    return read_table(pa.table({name: pa.array(cells) for name, cells in columns.items()}))


def decided(cells, columns=None, task=None):
    return decide_target(table(y=cells), "y", columns, task)


@pytest.mark.parametrize(
    ("cells", "task", "reason", "classes"),
    [
        (["no", "yes", "no"], "classes", "text of 2 values", ("no", "yes")),
        ([True, False], "classes", "true or false", (False, True)),
        (["true", "False"], "classes", "text: true or false", (False, True)),
        ([1, 0, 1], "classes", "whole numbers of 2 values", (0, 1)),
        ([1.0, 0.0, 1.0], "classes", "whole numbers of 2 values", (0, 1)),
        ([3, 7, 5] * 10, "classes", "whole numbers of 3 values", (3, 5, 7)),
        ([3, 7, 5] * 9, "numbers", "whole numbers of 3 values", None),
        (list(range(11)) * 20, "numbers", "whole numbers of 11 values", None),
        ([1.5, 2.0], "numbers", "numbers", None),
        (DAYS, "numbers", "time stamps", None),
        ([5, 5, 5], "classes", "whole numbers of 1 values", (5,)),
    ],
    ids=lambda value: str(value)[:30],
)
def test_type_and_content_decide(cells, task, reason, classes):
    target = decided(cells)
    assert (target.task, target.reason) == (task, reason)
    assert target.classes == (() if classes is None else (classes,))
    assert [type(label) for label in target.classes[0]] == [type(c) for c in classes] if classes else True


def test_stored_categories_are_classes():
    frame = pd.DataFrame({"y": pd.Categorical(list(range(30)))})
    assert decide_target(read_table(frame), "y").reason == "stored as categories"


@pytest.mark.parametrize("cells", [["b", "a", "b", "c"], [2, 1, 2, 5], [False, True], [2.5, -1.0, 2.5], DAYS])
def test_classes_are_read_as_their_places_as_numpy_has_them(cells):
    target = decided(cells, task="classes")
    labels, places = np.unique(pd.Series(cells).astype(str) if cells is DAYS else cells, return_inverse=True)
    assert target.read(table(y=cells)).tolist() == places.tolist()
    assert cells is DAYS or list(target.classes[0]) == labels.tolist()
    assert target.read(table(y=cells)).dtype == np.int64


def test_numbers_are_read_as_float64():
    target = decided([1, 2, 4], task="numbers")
    y = target.read(table(y=[3, 5]))
    assert y.dtype == np.float64 and y.tolist() == [3, 5]
    assert decided(DAYS).read(table(y=DAYS)).tolist() == [19844, 19845]


def test_classes_of_another_type_are_the_same_where_they_are_written_so():
    target = decided([1, 2, 1], task="classes")
    for cells in ([1.0, 2.0], ["1", "2"], np.array([1, 2], np.uint8)):
        assert target.read(table(y=cells)).tolist() == [0, 1]


@pytest.mark.parametrize(
    ("cells", "columns", "task", "expected"),
    [
        ([0, 1, 0], {"y": "number"}, None, "numbers"),
        ([1.5, 2.5], {"y": "category"}, None, "classes"),
        ([5, 6, 7], {"y": "category"}, None, "classes"),
        (["a", "b"], {"y": "true/false"}, None, "classes"),
        (DAYS, {"y": "date"}, None, "numbers"),
        ([0, 1], None, "numbers", "numbers"),
        ([0.5, 1.5], None, "classes", "classes"),
        ([0, 1], {"y": "number"}, "numbers", "numbers"),
        ([True, False], None, "numbers", "numbers"),
    ],
)
def test_what_is_chosen_comes_first(cells, columns, task, expected):
    target = decided(cells, columns, task)
    assert target.task == expected and (target.reason == "as chosen") == (columns is not None)


def test_several_targets_are_columns():
    both = table(a=[1.5, 2.5], b=[3.0, 4.25], c=["x", "y"], d=[True, False])
    target = decide_target(both, ["b", "a"])
    assert target.names == ("b", "a") and target.read(both).tolist() == [[3, 1.5], [4.25, 2.5]]
    classes = decide_target(both, ["c", "d"])
    assert classes.classes == (("x", "y"), (False, True)) and classes.read(both).tolist() == [[0, 1], [1, 0]]
    assert classes.reason == "text of 2 values; true or false" and classes.read(both).dtype == np.int64


@pytest.mark.parametrize("task", ["classes", "numbers"])
def test_missing_cells_are_refused_by_row(task):
    with pytest.raises(InvalidInput, match="row 2, column 'y' is missing; fill it or delete the row"):
        decided([1, None, 2], task=task)
    target = decided([1, 2], task=task)
    with pytest.raises(InvalidInput, match="row 12, column 'y' is missing, as is another cell of it"):
        target.read(table(y=[1, None, None]), first_row=11)


@pytest.mark.parametrize(
    ("cells", "columns", "task", "message"),
    [
        (
            [None, None],
            None,
            None,
            "the target 'y' can neither be classes nor numbers: every cell is missing",
        ),
        ([[1], [2]], None, None, "can neither be classes nor numbers: it holds list<"),
        (
            ["a", "b"],
            None,
            "numbers",
            "the target 'y' holds no numbers, but text such as 'a': predict classes",
        ),
        (["a", "b"], {"y": "number"}, None, "the target 'y' holds no numbers, but text such as 'a'"),
        ([1, 2], {"y": "out"}, None, "the target 'y' cannot be left out"),
        (
            [1, 2],
            {"y": "number"},
            "classes",
            "target 'y' cannot be number, where classes are to be predicted",
        ),
        ([1, 2], {"z": "number"}, None, "has no column 'z'"),
        (
            [f"t{i}" for i in range(20)],
            None,
            None,
            "has another text in each row, such as 't0': nothing can be",
        ),
        (["1", "2", "x"], None, None, "row 3, column 'y' is 'x', which is no number, while 2 other cells"),
        ([1.0, float("inf")], None, None, "row 2, column 'y' is 'inf', which is no finite number"),
        ([1.0, float("inf")], None, "classes", "row 2, column 'y' is 'inf', which is no finite number"),
    ],
)
def test_what_can_be_no_target_is_refused(cells, columns, task, message):
    with pytest.raises(InvalidInput, match=message):
        decided(cells, columns, task)


def test_names_that_cannot_be_targets_are_refused():
    both = table(a=[1.5, 2.5], c=["x", "y"])
    with pytest.raises(InvalidInput, match="no target was named"):
        decide_target(both, [])
    with pytest.raises(InvalidInput, match="a target was named twice, of 'a', 'a'"):
        decide_target(both, ["a", "a"])
    message = r"all classes or all numbers; got 'a': numbers \(numbers\), 'c': classes \(text of 2 values\)"
    with pytest.raises(InvalidInput, match=message):
        decide_target(both, ["a", "c"])
    with pytest.raises(InvalidInput, match="has no column 'b'"):
        decide_target(both, "b")
    indexed = read_table(pd.DataFrame({"Unnamed: 0": [0, 1], "x": [1.5, 2.5]}))
    with pytest.raises(InvalidInput, match="the target 'Unnamed: 0' was left out: it counts the rows"):
        decide_target(indexed, "Unnamed: 0")


def test_a_table_without_the_target_or_with_other_classes_is_refused():
    target = decided(["a", "b", "a"])
    with pytest.raises(InvalidInput, match="lacks the target 'y'; it has 'x'"):
        target.read(table(x=[1]))
    message = (
        r"row 6, column 'y' is 'c', which is none of the classes of the training, 'a', 'b'; delete the row"
    )
    with pytest.raises(InvalidInput, match=message):
        target.read(table(y=["a", "c"]), first_row=5)


@pytest.mark.parametrize("cells", [["a", "b"], [1, 2], [True, False], [0.5, 1.5]])
def test_a_target_is_read_back_from_json(cells):
    target = decided(cells, task="classes")
    assert Target.from_dict(json.loads(json.dumps(target.to_dict()))) == target
    numbers = Target(("y",), "numbers", "numbers")
    assert Target.from_dict(json.loads(json.dumps(numbers.to_dict()))) == numbers


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"task": "words"}, "a target is classes or numbers of some columns"),
        ({"names": []}, "a target is classes or numbers of some columns"),
        ({"names": ["y", "y"], "classes": [["a"], ["a"]]}, "a target is classes or numbers of some columns"),
        ({"names": ["y", 1]}, "'names' must be a list of texts"),
        ({"classes": []}, "classes must be a list for each target"),
        ({"classes": [["a", 1]]}, "a target's classes must be different values of a type"),
        ({"classes": [["a", "a"]]}, "a target's classes must be different"),
        ({"classes": [[]]}, "a target's classes must be different"),
        ({"classes": [[None]]}, "a target's classes must be different"),
        ({"classes": ["ab"]}, "a target's classes must be different"),
        ({"classes": [[["a"]]]}, "a target's classes must be different"),
        ({"more": 1}, "an object of names, task, reason, classes is needed"),
    ],
)
def test_a_description_that_is_none_is_refused(changes, message):
    with pytest.raises(InvalidInput, match=message):
        Target.from_dict(decided(["a", "b"]).to_dict() | changes)


@pytest.mark.parametrize("label", [True, False, 3, -7, 2.5, 1e300, 0.1, "a"])
def test_a_class_is_written_as_its_cell_is(label):
    from treadle.tables.preparation.cells import as_words

    assert as_words(table(y=[label]).columns["y"], "it").to_pylist() == [written(label)]
