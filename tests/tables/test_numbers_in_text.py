"""Numbers as people write them: a column of text is one of numbers, in one way, or is not."""

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.tables.table_files import column_of
from treadle.tables import exact_column, float_column, numbers_in_text
from treadle.tables.numbers_in_text import (
    SAMPLE,
    has_mark,
    is_undecided,
    number_cells,
    plain_values,
    written_numbers,
)

few = settings(max_examples=40, deadline=None, derandomize=True)


def text(*cells):
    return pa.array(cells, pa.large_string())


@pytest.mark.parametrize(
    ("cells", "expected", "reason"),
    [
        (["1,200", "3"], [1200, 3], "text of numbers such as '1,200': commas part thousands"),
        (["1,200.5", "1,234,567"], [1200.5, 1234567], "'1,200.5': commas part thousands, a decimal point"),
        (["1,5", "-0,25"], [1.5, -0.25], "'1,5': a decimal comma"),
        (["1.200,5", "7"], [1200.5, 7], "'1.200,5': points part thousands, a decimal comma"),
        (["1.234.567"], [1234567], "points part thousands"),
        (["0,123"], [0.123], "a decimal comma"),
        (["12%", "3 %"], [12, 3], "'12%': per cent signs taken off"),
        (["12,5 %", "3 %"], [12.5, 3], "per cent signs taken off, a decimal comma"),
        (["$1,200", "$ 3", "-$5", "$-6"], [1200, 3, -5, -6], "the sign $ taken off, commas part thousands"),
        (["1.200,50 €", "3 €"], [1200.5, 3], "the sign € taken off"),
        (["£5", "£6"], [5, 6], "the sign £ taken off"),
        (
            ["1 200", "1 234 567", "3"],
            [1200, 1234567, 3],
            "blanks or apostrophes between thousands taken off",
        ),
        (["1'200.5", "3"], [1200.5, 3], "blanks or apostrophes between thousands"),
        (["−5", "+6"], [-5, 6], "'−5': signs of its own"),
        (["1", "2"], [1, 2], "whole numbers"),
        ([" 1 ", "2.5"], [1, 2.5], "numbers"),
        (["1e3", ".5", "5."], [1000, 0.5, 5], "numbers"),
        (["007", "010"], [7, 10], "whole numbers"),
    ],
)
def test_numbers_as_people_write_them(cells, expected, reason):
    column = column_of(cells)
    assert column.kind == "number" and column.problem is None
    assert float_column(column, "t").tolist() == expected
    assert reason in column.reason


@given(st.lists(st.tuples(st.integers(-(10**9), 10**9), st.integers(0, 99)), min_size=1), st.booleans())
def test_written_with_thousands_and_two_decimals_a_number_is_read_as_it_was(numbers, european):
    def text(whole, cents):
        english = f"{whole:,}.{cents:02}"
        return english.translate(str.maketrans(",.", ".,")) if european else english

    column = column_of([text(*number) for number in numbers])
    expected = [float(f"{whole}.{cents:02}") for whole, cents in numbers]
    assert float_column(column, "t").tolist() == expected


@given(st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=1))
def test_floats_are_read_to_the_bit(values):
    assert float_column(column_of([repr(value) for value in values]), "t").tolist() == values


@given(st.lists(st.integers(-(2**63), 2**63 - 1), min_size=1))
def test_whole_numbers_are_read_exactly(values):
    assert exact_column(column_of([str(value) for value in values]), "t").tolist() == values


def plainly_read(cell, mark):
    """The number by Python alone: thousands taken out, the decimal mark a point."""
    between = "." if mark == "," else ","
    return float(cell.replace(between, "").replace(mark, "."))


@few
@given(
    st.lists(st.tuples(st.integers(0, 10**7), st.integers(0, 999), st.booleans()), min_size=1, max_size=6),
    st.sampled_from([".", ","]),
    st.sampled_from(["", "%", "€", "$"]),
)
def test_each_way_of_writing_is_found_among_the_marks(numbers, mark, sign):
    cells = []
    for whole, thousandths, grouped in numbers:
        english = f"{whole:,}" if grouped else f"{whole}"
        cell = f"{english}.{thousandths:03}"
        if mark == ",":
            cell = cell.translate(str.maketrans(",.", ".,"))
        cells.append(f"{sign}{cell}" if sign == "$" else cell + (f" {sign}" if sign else ""))
    column = written_numbers(text(*cells))
    assert mark in column.marks
    expected = [plainly_read(cell.strip("%€$ "), mark) for cell in cells]
    assert column.values(mark).to_pylist() == expected
    assert column.signs == {"": "", "%": "per cent signs"}.get(sign, f"the sign {sign}")


@pytest.mark.parametrize(
    ("cells", "marks", "undecided"),
    [
        (["1,200"], (".", ","), True),
        (["1.200", None], (".", ","), True),
        (["1200", "-3"], (".", ","), False),
        (["1,200", "1,20"], (",",), False),
        (["1,200", "1.5"], (".",), False),
        (["1,234,567"], (".",), False),
        (["0,123"], (",",), False),  # no thousands begin with a nought
        (["1.5e3"], (".",), False),
    ],
)
def test_what_a_comma_may_be(cells, marks, undecided):
    column = written_numbers(text(*cells))
    assert column.marks == marks and is_undecided(column) == undecided
    assert has_mark(column) == any(mark in cell for cell in cells if cell for mark in ",.")


@pytest.mark.parametrize(
    "cells",
    [
        ["x"],
        ["1", "x"],
        ["1 2"],
        ["12 3456"],
        ["5%", "6"],
        ["$5", "€6"],
        ["$5", "6"],
        ["1,5", "1.5"],
        ["1,2,3"],
        ["1_000"],
        ["0x10"],
        ["--1"],
        ["1e"],
        ["."],
    ],
    ids=str,
)
def test_what_is_no_column_of_numbers(cells):
    assert written_numbers(text(*cells)) is None


def test_an_exponent_that_is_no_number_would_be_seen(monkeypatch):
    monkeypatch.setitem(numbers_in_text.WRITTEN, ".", r"^.*$")
    assert written_numbers(text("1e")) is not None


@pytest.mark.parametrize(
    ("cells", "expected", "kind"),
    [
        (["1", "-2", None], [1, -2, None], pa.int64()),
        ([str(2**63), "1"], [2**63, 1], pa.uint64()),
        ([str(2**64)], [2.0**64], pa.float64()),
        (["1.5", "2"], [1.5, 2.0], pa.float64()),
        (["1e3"], [1000.0], pa.float64()),
    ],
)
def test_plain_cells_are_whole_numbers_where_all_are(cells, expected, kind):
    values = plain_values(text(*cells))
    assert values.type == kind and values.to_pylist() == expected


@pytest.mark.parametrize("row", [0, SAMPLE + 1, 2 * SAMPLE + 700, 5 * SAMPLE - 1])
def test_one_cell_that_is_no_number_is_enough_wherever_it_is(row):
    cells = ["7"] * (5 * SAMPLE)
    assert plain_values(text(*cells)).to_pylist() == [7] * (5 * SAMPLE)
    cells[row] = "seven"
    assert plain_values(text(*cells)) is None


def test_which_cells_look_like_numbers():
    cells = ["1", "x", "$5", "6 %", "1.234,5", "1,2,3", None, "7 €", "e"]
    expected = [True, False, True, True, True, False, None, True, False]
    assert number_cells(text(*cells)).to_pylist() == expected
