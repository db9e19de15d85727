"""What a column of text is: numbers as people write them, dates, true or false, words, or a clear refusal."""

import pyarrow as pa
import pytest

from tests.tables.table_files import column_of
from treadle.errors import InvalidInput
from treadle.tables import exact_column, float_column, read_table


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
