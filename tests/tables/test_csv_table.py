"""CSV as a table: what is none, endless first lines, and rows numbered through all blocks."""

import gzip

import pytest

from tests.tables.table_files import written
from treadle.errors import CorruptFile, InvalidInput
from treadle.tables import read_table


def test_how_it_was_read_is_said(tmp_path):
    table = read_table(written(tmp_path / "t", "a;b\n1;2\n".encode("utf-16")))
    assert table.how == {"format": "CSV", "encoding": "UTF-16", "delimiter": ";"}


@pytest.mark.parametrize(
    ("content", "error", "message"),
    [
        ("", InvalidInput, "is empty; its first line must hold the names"),
        ("\n \n", InvalidInput, "is empty; its first line"),
        ("sep=;\n", InvalidInput, "is empty; its first line"),
        (",,\n1,2,3\n", InvalidInput, "is empty; its first line must hold the names"),
        ("a,b\n", InvalidInput, "has names of columns but no row"),
        ("a,b\n\n\n", InvalidInput, "has names of columns but no row"),
        ("1,2\n3,4\n", InvalidInput, "the first line holds numbers, '1', '2'; it must hold the names"),
        ("a,,c\n1,2,3\n", InvalidInput, "column 2 has no name; give it one in the first line"),
        ("a,\n1,2\n", InvalidInput, "column 2 has no name"),
        ("a,b,a\n1,2,3\n", InvalidInput, "has two columns named 'a'"),
        (
            "a,b\n1,2\n1,2,3\n",
            InvalidInput,
            "row 2 has 3 cells, where the first line names 2 columns; .* quotes",
        ),
        (
            "a,b\n1,2\n\n3\n",
            InvalidInput,
            "row 2 has 1 cell, .*commas: if it is a remark or a sum, delete it",
        ),
        ("a;b\n1;2;3\n", InvalidInput, "row 1 has 3 cells, .*semicolons: .*lines stand above the names"),
        ("a,b\n1,2,3\n9,3,4\n", InvalidInput, "row 1 has 3 cells, where the first line names 2"),
        (
            "a,b\n1,2,\n2,3,4\n",
            InvalidInput,
            "row 2 has 3 cells, where the first line names 2|row 1 has 3 cells",
        ),
        (
            "Sales of 2020\na,b\n1,2\n",
            InvalidInput,
            "row 1 has 2 cells, .*lines stand above the names of the columns",
        ),
        ('a,b\n1,"2\n3,4\n', CorruptFile, "is no CSV: it ends within a cell in quotes, which row 1 opens"),
        ('a\n1\n"2', CorruptFile, "it ends within a cell in quotes, which row 2 opens"),
        ('a,b\n"1,2\n3,4\n', CorruptFile, "in row 1 a quotation mark is opened and never closed"),
        ('"a,b\n1,2\n', CorruptFile, "a quotation mark in its first line is never closed"),
        (b"a,b\n1,2\0\n", CorruptFile, "is no text: line 2 holds a zero byte"),
        (gzip.compress(b"a,b\n1,2\n" * 500, mtime=0)[:-12], CorruptFile, "is a damaged gzip file"),
        (b"\x1f\x8bno gzip", CorruptFile, "is a damaged gzip file"),
        (gzip.compress(b"PAR1", mtime=0), InvalidInput, "is Parquet within gzip; unpack it"),
        (",".join(["a"] * 200_001) + "\n", InvalidInput, "has 200001 columns, at most 200000 are read"),
    ],
)
def test_what_is_no_csv_is_told(tmp_path, content, error, message):
    with pytest.raises(error, match=message):
        read_table(written(tmp_path / "t", content))


def test_labels_that_do_not_count_the_rows_to_the_end_are_no_index(tmp_path):
    rows = "".join(f"{i} {i} {i}\n" for i in range(1, 300))
    assert list(read_table(written(tmp_path / "t", "a b\n" + rows)).columns) == ["a", "b"]
    with pytest.raises(
        InvalidInput, match=r"row 1 has 3 cells, where the first line names 2 columns; name each"
    ):
        read_table(written(tmp_path / "t", "a b\n" + rows + "7 8 9\n"))


def test_a_first_line_of_megabytes_is_read_and_one_without_end_is_not(tmp_path):
    names = [f"{i:07}{'x' * 30}" for i in range(60_000)]
    path = written(tmp_path / "t", ",".join(names) + "\n" + ",".join(["1"] * len(names)) + "\n")
    assert list(read_table(path, names[-2:]).columns) == names[-2:]


def test_rows_of_a_file_of_many_blocks_are_numbered_through(tmp_path):
    rows = ["1,2"] * 400_000
    rows[-3] = "1,2,3"
    with pytest.raises(InvalidInput, match="row 399998 has 3 cells"):
        read_table(written(tmp_path / "t", "a,b\n" + "\n".join(rows)))
    rows[-3] = "1,x"
    problem = read_table(written(tmp_path / "t", "a,b\n" + "\n".join(rows))).columns["b"]
    assert problem.problem_row == 399998
