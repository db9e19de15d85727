"""From a source to a table: the same rows from every kind, saved indices left out, and what is refused."""

import gzip

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.feather
import pyarrow.parquet
import pytest

from treadle.errors import InvalidInput
from treadle.tables.table import read_table

FRAME = pa.table({"n": [1.5, 2.5], "city": ["Bonn", "Ulm"]})
WRITERS = {
    "csv": lambda path: path.write_text("n,city\n1.5,Bonn\n2.5,Ulm\n"),
    "csv.gz": lambda path: path.write_bytes(gzip.compress(b"n,city\n1.5,Bonn\n2.5,Ulm\n")),
    "json": lambda path: path.write_text('{"n": 1.5, "city": "Bonn"}\n{"n": 2.5, "city": "Ulm"}\n'),
    "parquet": lambda path: pyarrow.parquet.write_table(FRAME, path),
    "feather": lambda path: pyarrow.feather.write_feather(FRAME, path),
}


@pytest.mark.parametrize("kind", WRITERS)
def test_the_first_bytes_say_what_a_file_is_whatever_it_is_called(tmp_path, kind):
    path = tmp_path / "table.dat"
    WRITERS[kind](path)
    table = read_table(path)
    assert len(table) == 2 and table.source == str(path)
    assert {name: column.kind for name, column in table.columns.items()} == {
        "n": "number",
        "city": "category",
    }
    assert table.columns["n"].values.to_pylist() == [1.5, 2.5]
    chosen = read_table(str(path), ["city"])
    assert list(chosen.columns) == ["city"]


def test_a_saved_index_is_left_out_unless_it_is_named(tmp_path):
    path = tmp_path / "t.csv"
    pd.DataFrame({"n": [5, 6]}).to_csv(path)
    assert list(read_table(path).columns) == ["n"]
    frame = pd.DataFrame({"Unnamed: 0": [0, 1], "n": [5, 6]})
    table = read_table(frame)
    assert table.left_out == {"Unnamed: 0": "it counts the rows, as a saved index does"}
    assert list(read_table(frame, ["Unnamed: 0"]).columns) == ["Unnamed: 0"]
    assert list(read_table(frame.assign(**{"Unnamed: 0": [3, 9]})).columns) == ["Unnamed: 0", "n"]


def test_a_decimal_mark_and_an_encoding_are_taken_from_the_caller(tmp_path):
    path = tmp_path / "t.csv"
    path.write_bytes("größe;n\n1,234;1\n".encode("cp1252"))
    found = read_table(path, decimal=".", encoding="cp1252").columns["größe"]
    assert found.values.to_pylist() == [1234]
    assert read_table(path, decimal=",", encoding="cp1252").columns["größe"].values.to_pylist() == [1.234]


@pytest.mark.parametrize(
    ("source", "options", "message"),
    [
        (FRAME, {"decimal": ";"}, "the decimal mark must be a point or a comma; got ';'"),
        (FRAME.slice(0, 0), {}, "the Table has names of columns but no row; at least one is needed"),
        (pa.table({}), {}, "the Table has no columns; at least one is needed"),
        ([1, 2], {}, "the list is neither a path nor a table; pass a frame of pandas"),
        (pd.DataFrame({"a": [1, "b", object()]}), {}, "the DataFrame cannot be passed on as Arrow: .*; give"),
        ("/no/such/file.csv", {}, "file.csv cannot be read: No such file or directory; check the path"),
    ],
)
def test_what_is_no_table_is_refused(source, options, message):
    with pytest.raises(InvalidInput, match=message):
        read_table(source, **options)


def test_parquet_within_gzip_is_refused_with_the_remedy(tmp_path):
    pyarrow.parquet.write_table(FRAME, tmp_path / "t")
    (tmp_path / "t.gz").write_bytes(gzip.compress((tmp_path / "t").read_bytes()))
    with pytest.raises(
        InvalidInput, match=r"t\.gz is Parquet within gzip; unpack it, its columns are compre"
    ):
        read_table(tmp_path / "t.gz")


def test_parts_of_a_table_are_tables():
    table = read_table(FRAME)
    taken = table.take(np.array([1, 0, 1]))
    assert len(taken) == 3 and taken.columns["city"].values.to_pylist() == ["Ulm", "Bonn", "Ulm"]
    assert (taken.source, taken.how, taken.reading) == (table.source, table.how, table.reading)
    part = table.slice(1, 5)
    assert len(part) == 1 and part.columns["n"].values.to_pylist() == [2.5]
    assert len(table.slice(5, 2)) == 0 and len(table) == 2


def test_the_row_of_a_problem_is_not_that_of_a_part():
    table = read_table(pa.table({"a": ["1", "x"]}))
    assert table.columns["a"].problem_row == 2
    part = table.slice(1, 1).columns["a"]
    assert part.problem_row is None and part.problem == table.columns["a"].problem
