"""Cells as numbers, words and moments, whatever kind the column has."""

import datetime

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from treadle.errors import InvalidInput
from treadle.tables import Reading, read_table
from treadle.tables.preparation.cells import NO_MOMENT, as_moments, as_numbers, as_words, is_empty


def column(cells, kind=None, **reading):
    table = read_table(pa.table({"c": pa.array(cells, kind)}), like=Reading(**reading))
    return table.columns["c"]


DAY = datetime.date(2024, 5, 1)


@pytest.mark.parametrize(
    ("cells", "kind", "numbers"),
    [
        ([1, None, 3], pa.int8(), [1, np.nan, 3]),
        ([2**60, None], pa.uint64(), [2.0**60, np.nan]),
        ([1.5, None, float("nan"), float("inf")], pa.float32(), [1.5, np.nan, np.nan, np.inf]),
        ([1.5, None], pa.float16(), [1.5, np.nan]),
        ([True, None, False], pa.bool_(), [1, np.nan, 0]),
        ([DAY, None], pa.date32(), [pd.Timestamp(DAY).value / 86400e9, np.nan]),
        ([None, None], pa.string(), [np.nan, np.nan]),
        (["1,200", None, "7"], pa.string(), [1200, np.nan, 7]),
    ],
    ids=str,
)
def test_numbers(cells, kind, numbers):
    found = as_numbers(column(cells, kind, decimal="."), "it")
    np.testing.assert_array_equal(found.values, np.array(numbers, float))
    assert found.values.dtype == np.float64 and found.n_words == 0


def test_words_among_numbers_are_missing_where_they_may_be():
    mixed = column(["1.5", "x", None, "-3", "?", "x"])
    found = as_numbers(mixed, "it", allow_words=True)
    np.testing.assert_array_equal(found.values, [1.5, np.nan, np.nan, -3, np.nan, np.nan])
    assert (found.n_words, found.word) == (3, "x")
    with pytest.raises(
        InvalidInput, match=r"it: row 12, column 'c' is 'x', where a number is needed: correct"
    ):
        as_numbers(mixed, "it", 11)


def test_the_decimal_mark_among_words_is_not_guessed():
    mixed = column(["1,200", "x"])
    with pytest.raises(InvalidInput, match=r"column 'c' holds numbers such as '1,200', whose comma may"):
        as_numbers(mixed, "it", allow_words=True)
    assert as_numbers(mixed, "it", allow_words=True, mark=",").values[0] == 1.2
    assert as_numbers(mixed, "it", allow_words=True, mark=".").values[0] == 1200
    odd = column(["1,5", "1.5", "x", "2"])  # in two ways: those are taken that are plain
    np.testing.assert_array_equal(as_numbers(odd, "it", allow_words=True).values, [np.nan, 1.5, np.nan, 2])


def test_what_the_reader_could_not_make_out_keeps_its_reason():
    either = column(["03/04/2021"])
    with pytest.raises(InvalidInput, match="of which nothing says whether day or month comes first"):
        as_moments(either, "it")
    undecided = read_table(pa.table({"a": ["1,5"], "b": ["1.5"], "c": ["1,200"]})).columns["c"]
    with pytest.raises(InvalidInput, match="whose comma may be a decimal mark"):
        as_numbers(undecided, "it")
    kept = column(["01", "02"], text=frozenset("c"))
    with pytest.raises(InvalidInput, match="row 1, column 'c' is '01', where a number is needed"):
        as_numbers(kept, "it")


@pytest.mark.parametrize(
    ("cells", "kind", "words"),
    [
        (["a", None, " b "], pa.string(), ["a", None, "b"]),
        ([1, None, 2**62], pa.int64(), ["1", None, str(2**62)]),
        ([1.0, None, 2.5, float("nan"), 1e300], pa.float64(), ["1", None, "2.5", None, "1e+300"]),
        ([1.0, 2.0], pa.float32(), ["1", "2"]),
        ([1.0, None], pa.float64(), ["1", None]),
        ([True, None, False], pa.bool_(), ["true", None, "false"]),
        ([DAY, None], pa.date32(), ["2024-05-01", None]),
        ([datetime.datetime(2024, 5, 1, 12)], pa.timestamp("s"), ["2024-05-01 12:00:00.000000"]),
        ([datetime.datetime(2024, 5, 1, 12)], pa.timestamp("ns", "UTC"), ["2024-05-01 12:00:00.000000"]),
        ([None], pa.int64(), [None]),
    ],
    ids=str,
)
def test_words(cells, kind, words):
    found = as_words(column(cells, kind), "it")
    assert found.type == pa.large_string() and found.to_pylist() == words


@pytest.mark.parametrize("unit", ["s", "ms", "us", "ns"])
def test_moments_are_microseconds(unit):
    moments = [datetime.datetime(1969, 12, 31, 23, 59, 59), None, datetime.datetime(2024, 5, 1, 1, 2, 3)]
    found = as_moments(column(moments, pa.timestamp(unit)), "it")
    expected = [-1_000_000, NO_MOMENT, pd.Timestamp(moments[2]).value // 1000]
    assert found.dtype == np.int64 and found.tolist() == expected
    assert as_moments(column([None], pa.date32()), "it").tolist() == [NO_MOMENT]


def test_no_date_overflows():
    far = column(pa.array([2**31 - 1, -(2**31)], pa.int32()).view(pa.date32()))
    assert as_moments(far, "it").tolist() == [
        2**62 - 2**62 % 86_400_000_000,
        -(2**62 - 2**62 % 86_400_000_000),
    ]
    for unit in ("s", "ms", "us", "ns"):
        ends = as_moments(column(pa.array([2**63 - 1, -(2**63) + 1]).view(pa.timestamp(unit))), "it")
        assert ends[0] > 0 > ends[1] and int(ends[0]) - int(ends[1]) < 2**63


@pytest.mark.parametrize(
    ("reader", "cells", "kind", "message"),
    [
        (as_moments, [None, 5], pa.int64(), "it: row 9, column 'c' is 5, where a date is needed"),
        (as_moments, ["soon"], pa.string(), "row 8, column 'c' is 'soon', where a date is needed"),
        (as_numbers, [None, "soon"], pa.string(), "row 9, column 'c' is 'soon', where a number is needed"),
        (as_words, [[1], [2]], pa.list_(pa.int8()), r"row 8, column 'c' is \[1\], where text is needed"),
    ],
)
def test_other_cells_are_refused_by_row(reader, cells, kind, message):
    with pytest.raises(InvalidInput, match=message):
        reader(column(cells, kind), "it", 8)


def test_empty_is_what_has_no_cell():
    assert is_empty(column([None, None], pa.int8())) and is_empty(column([float("nan")]))
    assert not is_empty(column([float("nan"), 1.0])) and not is_empty(column(["a", None]))
    text = read_table(pa.table({"c": ["a", None, None]})).slice(1, 2).columns["c"]
    assert text.kind == "category" and is_empty(text)
    assert np.isnan(as_numbers(text, "it").values).all()
