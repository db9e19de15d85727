"""What a column is by its type, and by its text: kinds, reasons and values."""

import datetime
from decimal import Decimal

import pyarrow as pa
import pytest

from treadle.tables.columns import understand


def one(values, kind=None, **options):
    arguments = {"delimiter": None, "decimal": None} | options
    return understand({"c": pa.chunked_array([pa.array(values, kind)])}, "file", **arguments)[0]["c"]


NOON = datetime.datetime(2024, 5, 1, 12)


@pytest.mark.parametrize(
    ("values", "arrow", "kind", "reason", "expected"),
    [
        ([True, None], pa.bool_(), "true/false", "true or false", [True, None]),
        ([1, 2], pa.uint8(), "number", "whole numbers", [1, 2]),
        ([1.5, None], pa.float32(), "number", "numbers", [1.5, None]),
        ([Decimal("12"), Decimal("7")], pa.decimal128(5, 0), "number", "whole numbers", [12, 7]),
        ([Decimal("1.25")], pa.decimal128(5, 2), "number", "numbers", [1.25]),
        ([61, 2], pa.duration("ms"), "number", "times in milliseconds", [61, 2]),
        ([61], pa.time32("s"), "number", "times in seconds", [61]),
        ([NOON.date()], pa.date32(), "date", "dates", [NOON.date()]),
        ([NOON], pa.timestamp("us"), "date", "time stamps", [NOON]),
        ([NOON.date()], pa.date64(), "date", "time stamps", [datetime.datetime(2024, 5, 1)]),
        ([None, None], pa.int32(), "empty", "every cell is missing", [None, None]),
        ([None, None], pa.string(), "empty", "every cell is missing", [None, None]),
        ([[1], [2]], pa.list_(pa.int8()), "other", "it holds list<", [[1], [2]]),
    ],
)
def test_a_type_says_what_a_column_is(values, arrow, kind, reason, expected):
    found = one(values, arrow)
    assert found.kind == kind and found.reason.startswith(reason)
    assert found.values.to_pylist() == expected
    assert found.problem is None


def test_a_zone_is_said():
    found = one([NOON.replace(tzinfo=datetime.UTC)], pa.timestamp("s", "UTC"))
    assert (found.kind, found.reason) == ("date", "time stamps, in UTC")


def test_not_a_number_alone_is_empty_and_among_numbers_missing():
    assert one([float("nan")] * 3).kind == "empty"
    assert one([float("nan"), 1.0]).kind == "number"


def test_no_rows_are_no_empty_column():
    assert one([], pa.int8()).kind == "number"


def test_codes_are_the_texts_that_they_stand_for():
    codes = pa.array(["b", "a", "b"]).dictionary_encode()
    found = understand({"c": pa.chunked_array([codes])}, "file", delimiter=None, decimal=None)[0]["c"]
    assert found.kind == "category" and found.values.to_pylist() == ["b", "a", "b"]


def test_a_decimal_mark_is_that_of_all_columns_together():
    """1,5 alone may be 15 or 1.5: what another column says, or the caller, settles it."""
    texts = {"a": ["1,234", "5,678"], "b": ["0,5", "1234,75"]}
    columns = {name: pa.chunked_array([pa.array(cells)]) for name, cells in texts.items()}
    found, _ = understand(dict(columns), "file", delimiter=";", decimal=None)
    assert found["a"].values.to_pylist() == [1.234, 5.678]
    assert found["b"].values.to_pylist() == [0.5, 1234.75]
    told, _ = understand({"a": columns["a"]}, "file", delimiter=None, decimal=".")
    assert told["a"].values.to_pylist() == [1234, 5678]


def test_columns_are_taken_out_so_that_memory_holds_each_once():
    columns = {"a": pa.chunked_array([pa.array([1])]), "b": pa.chunked_array([pa.array([2])])}
    found, _ = understand(columns, "file", delimiter=None, decimal=None)
    assert columns == {} and list(found) == ["a", "b"]
