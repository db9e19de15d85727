"""What a column of text is: numbers as people write them, dates, true or false, words, or a clear refusal."""

import datetime

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from treadle.errors import InvalidInput
from treadle.tables import exact_column, float_column, read_table


def column_of(cells, *others, decimal=None):
    columns = {"a": pa.array(cells, pa.string())} | {f"o{i}": pa.array(o) for i, o in enumerate(others)}
    return read_table(pa.table(columns), decimal=decimal).columns["a"]


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


def test_the_rest_of_the_table_says_what_a_comma_is(tmp_path):
    def first(text, **options):
        path = tmp_path / "t.csv"
        path.write_text(text)
        return read_table(path, **options).columns["a"]

    assert first("a;y\n1,200;2,5\n").values.to_pylist() == [1.2]
    assert first("a;y\n1,200;2.5\n").values.to_pylist() == [1200]
    assert first("a;y\n1.200;2,5\n").values.to_pylist() == [1200]  # 1.2 without y
    assert first("a;y\n1.250;2\n").values.to_pylist() == [1.25]
    assert first('a,y\n"1,200",2\n').values.to_pylist() == [1200]
    unclear = first("a;y\n1,200;2\n")
    assert "'1,200', whose comma may be a decimal mark or part thousands" in unclear.problem
    assert "(--decimal , or --decimal .)" in unclear.problem
    assert first("a;y\n1,200;2\n", decimal=",").values.to_pylist() == [1.2]
    assert first("a;y\n1,200;2\n", decimal=".").values.to_pylist() == [1200]
    assert first("a;y\n1.200;2\n", decimal=",").values.to_pylist() == [1200]
    assert "'1.5', which is no number with a decimal comma" in first("a;y\n1.5;2\n", decimal=",").problem
    assert "'1,5', which is no number with a decimal point" in first("a;y\n1,5;2\n", decimal=".").problem
    with pytest.raises(InvalidInput, match=r"the decimal mark must be a point or a comma; got '!'"):
        first("a;y\n1;2\n", decimal="!")


@pytest.mark.parametrize(
    ("cells", "row", "problem"),
    [
        (["1", "x", "2"], 2, "is 'x', which is no number, while 2 other cells of it are"),
        (["x", "2"], 1, "is 'x', which is no number, while another cell of it is one"),
        (["1", "1_000"], 2, "is '1_000', which is no number"),
        (["1", "0x10"], 2, "is '0x10'"),
        (["$5", "€6"], None, "holds numbers that are written in several ways"),
        (["5%", "6"], None, "holds numbers that are written in several ways"),
        (["1,5", "1.5"], None, "holds numbers that are written in several ways, '1,5' the first"),
        (["12,34,567", "1"], 1, "is '12,34,567'"),
        (["03/04/2021", "05/06/2021"], None, "of which nothing says whether day or month comes first"),
    ],
)
def test_what_is_neither_one_thing_nor_the_other_is_told(cells, row, problem):
    column = column_of(cells)
    assert problem in column.problem and column.problem_row == row
    place = f"row {row}, column 'a' is" if row else "the Table: column 'a' holds"
    with pytest.raises(InvalidInput, match=place):
        float_column(column, "the Table")


@pytest.mark.parametrize(
    ("cells", "expected"),
    [
        (["2021-03-04", "1969-12-31"], [datetime.date(2021, 3, 4), datetime.date(1969, 12, 31)]),
        (["2021/3/4"], [datetime.date(2021, 3, 4)]),
        (["04.03.2021", "5.3.2021"], [datetime.date(2021, 3, 4), datetime.date(2021, 3, 5)]),
        (["25/12/2021", "03/04/2021"], [datetime.date(2021, 12, 25), datetime.date(2021, 4, 3)]),
        (["12/25/2021", "03/04/2021"], [datetime.date(2021, 12, 25), datetime.date(2021, 3, 4)]),
        (["05/05/2021"], [datetime.date(2021, 5, 5)]),
        (["2021-03-04 05:06"], [datetime.datetime(2021, 3, 4, 5, 6)]),
        (
            ["2021-03-04", "2021-03-04T05:06:07.5"],
            [datetime.datetime(2021, 3, 4), datetime.datetime(2021, 3, 4, 5, 6, 7, 500000)],
        ),
        (["2021-03-04T05:06:07Z"], [datetime.datetime(2021, 3, 4, 5, 6, 7)]),
        (["2021-03-04T05:06:07+02:00"], [datetime.datetime(2021, 3, 4, 3, 6, 7)]),
        (["04.03.2021 5:06"], [datetime.datetime(2021, 3, 4, 5, 6)]),
    ],
)
def test_dates_as_people_write_them(cells, expected):
    column = column_of(cells)
    assert column.kind == "date" and "text of dates" in column.reason
    assert exact_column(column, "t").tolist() == expected
    epoch = datetime.datetime(1970, 1, 1)
    moments = [datetime.datetime(*day.timetuple()[:6], getattr(day, "microsecond", 0)) for day in expected]
    days = [(moment - epoch) / datetime.timedelta(days=1) for moment in moments]
    assert float_column(column, "t").tolist() == pytest.approx(days, rel=1e-15)


def test_nanoseconds_are_kept():
    column = column_of(["2021-03-04 05:06:07.123456789"])
    assert str(exact_column(column, "t")[0]) == "2021-03-04T05:06:07.123456789"


@pytest.mark.parametrize(
    "cells", [["2021-02-30"], ["2021-03-04", "soon"], ["2021-3/4"], ["1.2.3.4"], ["13/13/2021"]]
)
def test_what_is_no_date_is_text(cells):
    assert column_of(cells).kind == "category" and column_of(cells).problem is None


def test_true_and_false_in_text():
    assert column_of(["True", "false", ""]).values.to_pylist() == [True, False, None]
    assert column_of(["TRUE", "FALSE"]).kind == "true/false"
    assert column_of(["yes", "no"]).kind == "category"


@pytest.mark.parametrize(
    "missing", ["", " ", "NA", "n/a", "NaN", "null", "None", ".", "?", "-", "#N/A", None]
)
def test_a_missing_cell_is_refused_with_its_row(missing):
    column = column_of(["1", "2", missing, "4"])
    assert column.kind == "number"
    with pytest.raises(InvalidInput, match="t: row 3, column 'a' is missing; fill it or delete the row"):
        exact_column(column, "t")
    with pytest.raises(InvalidInput, match="row 12, column 'a' is missing"):
        float_column(column, "t", first_row=10)


def test_how_many_cells_are_missing_is_told():
    with pytest.raises(InvalidInput, match="row 1, column 'a' is missing, as is another cell of it"):
        float_column(column_of(["", "1", "NA"]), "t")
    with pytest.raises(InvalidInput, match="row 1, column 'a' is missing, as are 2 other cells of it"):
        float_column(column_of(["", "1", "NA", None]), "t")


def test_a_word_for_nothing_may_be_a_level():
    column = column_of(["none", "brick", "-"])
    assert column.kind == "category" and column.values.to_pylist() == ["none", "brick", "-"]
    assert column_of(["NA", "brick"]).values.to_pylist() == [None, "brick"]


def test_a_column_of_nothing_is_empty():
    for cells in (["", "NA"], ["-", "none"], [None, None]):
        column = column_of(cells, [1, 2])
        assert (column.kind, column.reason) == ("empty", "every cell is missing")
        with pytest.raises(InvalidInput, match="column 'a' holds no numbers: every cell is missing"):
            exact_column(column, "t")


@pytest.mark.parametrize("value", ["inf", "-Infinity", "1e400"])
def test_an_infinite_number_is_refused_with_its_row(value):
    with pytest.raises(InvalidInput, match=r"row 2, column 'a' is '-?inf', which is no finite number"):
        float_column(column_of(["1", value]), "t")
    column = read_table(pa.table({"a": [1.0, float("inf")]})).columns["a"]
    with pytest.raises(InvalidInput, match="row 2, column 'a' is 'inf'"):
        float_column(column, "t")


def test_words_are_no_numbers():
    with pytest.raises(InvalidInput, match="t: column 'a' holds no numbers: text; name columns of numbers"):
        float_column(column_of(["x", "y"]), "t")
