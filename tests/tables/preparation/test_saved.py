"""Preparations as arrays and JSON: the same after a round trip, and refused when damaged."""

import copy
import json

import numpy as np
import pytest

from tests.tables.preparation.test_preparation import FRAME, PREPARATION
from treadle.errors import CorruptFile
from treadle.export.safetensors_file import read_safetensors, write_safetensors
from treadle.tables import from_saved, prepare, read_table, to_saved

ARRAYS, DESCRIBED = to_saved(PREPARATION)


def test_what_is_read_back_is_the_same():
    described = json.loads(json.dumps(DESCRIBED))
    again = from_saved(ARRAYS, described)
    assert (
        again.transform(read_table(FRAME)).X.tobytes() == PREPARATION.transform(read_table(FRAME)).X.tobytes()
    )
    for name in ("features", "unused", "reading", "columns", "training_counts"):
        assert getattr(again, name) == getattr(PREPARATION, name)
    assert json.dumps(to_saved(again)[1]) == json.dumps(DESCRIBED)


def test_a_model_file_can_hold_it(tmp_path):
    write_safetensors(tmp_path / "p.safetensors", ARRAYS, {"format": 1, "preparation": DESCRIBED})
    arrays, metadata = read_safetensors(tmp_path / "p.safetensors")
    assert from_saved(arrays, metadata["preparation"]).feature_names == PREPARATION.feature_names


def test_readings_are_kept(tmp_path):
    (tmp_path / "t.csv").write_text("d;x;z\n25/12/2021;1,5;a\n01/02/2021;2,5;b\n")
    preparation = prepare(read_table(tmp_path / "t.csv"))
    assert from_saved(*to_saved(preparation)).reading == preparation.reading
    assert preparation.reading.dates == {"d": "day, month, year"} and preparation.reading.decimal == ","


def leaves(value, path=()):
    """The path of each value within the description."""
    yield path
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in items:
        yield from leaves(item, (*path, key))


@pytest.mark.parametrize("wrong", [None, 1, -1, True, "x", [], {}, ["x"], {"kind": "number"}, 1e300])
def test_a_description_with_a_wrong_value_is_refused_or_means_that(wrong):
    table = read_table(FRAME)
    n_refused = 0
    paths = [path for path in leaves(DESCRIBED) if path and path[0] != "columns"] + [("columns", 1, "role")]
    for path in paths:
        spoilt = copy.deepcopy(DESCRIBED)
        at = spoilt
        for key in path[:-1]:
            at = at[key]
        at[path[-1]] = wrong
        try:
            made = from_saved(ARRAYS, spoilt)
        except CorruptFile as error:
            assert "the preparation is damaged: " in str(error) and "restore it" in str(error)
            n_refused += 1
        else:  # a text, or a list or object of nothing, may stand where another did
            spoilt["reading"]["text"] = sorted(spoilt["reading"]["text"])  # a set
            assert json.loads(json.dumps(to_saved(made)[1])) == spoilt
            assert np.isfinite(PREPARATION.transform(table).X).all()
    assert n_refused > len(paths) / 3


@pytest.mark.parametrize("path", sorted({path[:1] for path in leaves(DESCRIBED) if path}))
def test_a_description_that_lacks_a_part_or_has_another_is_refused(path):
    spoilt = copy.deepcopy(DESCRIBED)
    del spoilt[path[0]]
    with pytest.raises(CorruptFile, match="an object of features, unused"):
        from_saved(ARRAYS, spoilt)
    with pytest.raises(CorruptFile, match="an object of features, unused"):
        from_saved(ARRAYS, {**DESCRIBED, "more": 1})


def changed(name, value):
    array = ARRAYS[name].copy()
    array[0] = value
    return {**ARRAYS, name: array}


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({}, "arrays .* are needed"),
        ({**ARRAYS, "more": np.zeros(3)}, "arrays .* are needed"),
        ({**ARRAYS, "scales": ARRAYS["scales"][1:]}, "arrays .* are needed"),
        ({**ARRAYS, "scales": ARRAYS["scales"].astype(np.float32)}, "arrays .* are needed"),
        (changed("medians", np.nan), "medians must be finite"),
        (changed("scales", np.inf), "scales finite"),
        (changed("scales", -1), "at least 0"),
    ],
)
def test_other_arrays_are_refused(arrays, message):
    with pytest.raises(CorruptFile, match=message):
        from_saved(arrays, DESCRIBED)


NUMBER = {"kind": "number", "name": "a", "has_indicator": False, "allow_words": False}


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"features": []}, "one feature or more is needed"),
        ({"features": [NUMBER, NUMBER]}, "each of a name of its own"),
        ({"features": [{**NUMBER, "kind": "script"}]}, "a feature is of kind number, category, date; got"),
        (
            {"features": [{**NUMBER, "more": 1}]},
            "an object of kind, name, has_indicator, allow_words is needed",
        ),
        ({"unused": {"area": "x"}}, "the column 'area' cannot be used and unused"),
        ({"unused": {"x": 1}}, "'unused' must be texts by name"),
        ({"reading": {"decimal": ";", "text": [], "dates": {}}}, "a reading has a decimal mark"),
        ({"reading": {"decimal": "", "text": [], "dates": {"d": "year"}}}, "a reading has a decimal mark"),
        (
            {"training_counts": {"n_rows": 0, "columns": {}, "newly_missing": []}},
            "training must have had rows",
        ),
    ],
)
def test_what_contradicts_itself_is_refused(changes, message):
    with pytest.raises(CorruptFile, match=message):
        from_saved(ARRAYS, {**DESCRIBED, **changes}, "the preparation")


def test_negative_counts_and_other_roles_are_refused():
    spoilt = copy.deepcopy(DESCRIBED)
    spoilt["training_counts"]["columns"]["area"]["missing"] = -1
    with pytest.raises(CorruptFile, match="counts must be at least 0"):
        from_saved(ARRAYS, spoilt)
    spoilt = copy.deepcopy(DESCRIBED)
    spoilt["columns"][0]["role"] = "boss"
    with pytest.raises(CorruptFile, match="a column is target, feature, left out; got"):
        from_saved(ARRAYS, spoilt)
