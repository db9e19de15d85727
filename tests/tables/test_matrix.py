"""Columns as NumPy arrays: exact values, days, and the row of each cell that is missing."""

import datetime

import numpy as np
import pyarrow as pa
import pytest

from treadle.errors import InvalidInput
from treadle.tables.columns import Column
from treadle.tables.matrix import (
    beyond_doubles,
    exact_column,
    exact_note,
    float_column,
    float_note,
    refuse_unusable,
    stored_numbers,
)


def numbers(values, kind=None):
    return Column("c", "number", "numbers", pa.array(values, kind))


def stamps(*texts, unit="ns"):
    return Column("c", "date", "time stamps", pa.array(np.array(texts, f"datetime64[{unit}]")))


@pytest.mark.parametrize("kind", ["int8", "uint64", "float16", "float64", "bool"])
def test_exact_values_keep_their_type(kind):
    values = np.array([0, 1, 1], kind)
    found = exact_column(Column("c", "true/false" if kind == "bool" else "number", "", pa.array(values)), "t")
    assert found.dtype == kind
    np.testing.assert_array_equal(found, values)


def test_dates_are_days_with_parts_of_a_day():
    day = Column("c", "date", "dates", pa.array([datetime.date(1970, 1, 11), datetime.date(1969, 12, 31)]))
    assert float_column(day, "t").tolist() == [10.0, -1.0]
    for unit in ("s", "ms", "us", "ns"):
        assert float_column(stamps("1970-01-02T06:00", unit=unit), "t").tolist() == [1.25]
    assert float_note(day) == "as days since 1970-01-01"


def test_a_zone_does_not_move_a_time_stamp():
    values = pa.array([86400], pa.timestamp("s", "Asia/Tokyo"))
    assert float_column(Column("c", "date", "time stamps, in UTC", values), "t").tolist() == [1.0]


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ([1.0, None, 3.0], "t: row 12, column 'c' is missing; fill it or delete the row"),
        ([1.0, float("nan"), None], "t: row 12, column 'c' is missing, as is another cell of it; fill"),
        ([None] * 4, "t: row 11, column 'c' is missing, as are 3 other cells of it"),
        ([1.0, -np.inf], "t: row 12, column 'c' is '-inf', which is no finite number; fill it or delete"),
    ],
)
def test_a_missing_or_infinite_cell_is_refused_by_its_row(values, message):
    for read in (exact_column, float_column):
        with pytest.raises(InvalidInput, match=message):
            read(numbers(values, pa.float64()), "t", 11)


def test_what_holds_no_numbers_is_refused_with_its_reason():
    column = Column("c", "category", "text", pa.array(["a"]))
    with pytest.raises(InvalidInput, match="t: column 'c' holds no numbers: text; name columns of numbers"):
        exact_column(column, "t")


@pytest.mark.parametrize(
    ("row", "text"), [(None, "t: column 'c' is odd"), (7, "t: row 7, column 'c' is odd")]
)
def test_a_problem_is_told_with_its_row(row, text):
    with pytest.raises(InvalidInput, match=text):
        refuse_unusable(Column("c", "number", "", pa.array([1]), "is odd", row), "t")


@pytest.mark.parametrize(
    ("values", "kind", "is_beyond"),
    [
        ([2**53, -(2**53)], "int64", False),
        ([2**53 + 1], "int64", True),
        ([-(2**53) - 1], "int64", True),
        ([2**64 - 1], "uint64", True),
        ([2**31 - 1], "int32", False),
        ([1e300], "float64", False),
        ([], "int64", False),
    ],
)
def test_whole_numbers_beyond_2_to_the_53_are_kept_as_they_are(values, kind, is_beyond):
    column = numbers(np.array(values, kind))
    found = beyond_doubles(column, "t")
    if is_beyond:
        assert found.dtype == kind and found.tolist() == values
        assert exact_note(found) == "taken exactly, beyond 2^53"
        assert "rounded to 53 bits" in float_note(column)
    else:
        assert found is None and float_note(column) == ""


def test_time_stamps_within_minutes_are_kept_and_those_within_years_are_days():
    near = stamps("2024-05-01T12:00:00", "2024-05-01T12:00:01")
    assert beyond_doubles(near, "t").dtype == "datetime64[ns]"
    assert exact_note(beyond_doubles(near, "t")).startswith("as nanoseconds since 1970-01-01, exactly")
    assert beyond_doubles(stamps("2020-05-01", "2024-05-01"), "t") is None
    assert beyond_doubles(stamps("2024-05-01", "2024-05-01"), "t") is None
    assert beyond_doubles(stamps(), "t") is None


def test_numbers_as_they_are_stored_become_doubles():
    stored = pa.chunked_array([pa.array([1, 2], pa.int8()), pa.array([3], pa.int8())])
    assert stored_numbers(stored, "c", "t").tolist() == [1.0, 2.0, 3.0]
    with pytest.raises(InvalidInput, match="t: row 6, column 'c' is missing"):
        stored_numbers(pa.array([1, None]), "c", "t", 5)
