import gzip
import sys
import zlib

import numpy as np
import pytest

from treadle.data.tables import BLOCK_ROWS, read_table
from treadle.errors import CorruptFile, InvalidInput, MissingDependency

NUMBERS = {"a": [1.0, 2.5, -3e10], "b": [0.0, 1.0, 0.0]}
TEXT = "a,b,name\n1,0,x\n 2.5 ,1,y\n-3e10,0,z\n"


def written(path, content):
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def parquet(path, columns, **options):
    pa = pytest.importorskip("pyarrow")
    import pyarrow.parquet as pq

    pq.write_table(pa.table(columns), path, **options)
    return path


def check(table):
    assert {name: column.tolist() for name, column in table.columns.items()} == NUMBERS
    assert len(table) == 3


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("start", ["", "\ufeff"])
def test_csv_plain_or_gzipped_with_any_delimiter(tmp_path, delimiter, packed, start):
    text = (start + TEXT).replace(",", delimiter).encode()
    table = read_table(written(tmp_path / "table", gzip.compress(text) if packed else text))
    check(table)
    assert table.text_columns == ("name",)


def test_quotes_blank_lines_and_line_ends_of_windows(tmp_path):
    text = '"a, in m",b\r\n"1",2\r\n\r\n3,"4"\r\n'
    table = read_table(written(tmp_path / "t.csv", text))
    assert table.columns["a, in m"].tolist() == [1, 3]
    assert table.columns["b"].tolist() == [2, 4]


def test_parquet_of_every_kind_of_number(tmp_path):
    pa = pytest.importorskip("pyarrow")
    columns = {
        "a": pa.array(NUMBERS["a"], pa.float32()),
        "b": pa.array([False, True, False]),
        "i": pa.array([1, 2, 3], pa.uint8()),
        "d": pa.array([1, 2, 3]).cast(pa.decimal128(22, 2)),
        "name": ["x", "y", "z"],
    }
    table = read_table(parquet(tmp_path / "t.parquet", columns))
    check_a = np.float32(NUMBERS["a"]).astype(float).tolist()
    assert {name: column.tolist() for name, column in table.columns.items()} == {
        "a": check_a,
        "b": NUMBERS["b"],
        "i": [1, 2, 3],
        "d": [1, 2, 3],
    }
    assert all(column.dtype == np.float64 for column in table.columns.values())
    assert table.text_columns == ("name",)


@pytest.mark.parametrize("kind", ["csv", "parquet"])
def test_only_the_columns_asked_for_are_looked_at(tmp_path, kind):
    if kind == "csv":
        path = written(tmp_path / "t.csv", "a,b,c\n1,,2\n3,1,4\n")
    else:
        path = parquet(tmp_path / "t.parquet", {"a": [1, 3], "b": [None, 1.0], "c": [2, 4]})
    table = read_table(path, ["c", "a"])
    assert list(table.columns) == ["c", "a"]
    X = table.matrix(["a", "c"])
    assert X.tolist() == [[1, 2], [3, 4]] and X.flags.f_contiguous
    with pytest.raises(InvalidInput, match="column 'b' is missing"):
        read_table(path)


def test_a_csv_of_many_blocks_is_one_table(tmp_path):
    n = 2 * BLOCK_ROWS + 3
    values = np.random.default_rng(0).standard_normal((n, 2))
    text = "a,b\n" + "\n".join(f"{p!r},{q!r}" for p, q in values.tolist())
    table = read_table(written(tmp_path / "t.csv", text))
    np.testing.assert_array_equal(table.matrix(["a", "b"]), values)


@pytest.mark.parametrize("cell", ["", "NA", "nan", "x", "inf", "1_000", "1,5", "."])
@pytest.mark.parametrize("row", [1, BLOCK_ROWS + 2])
def test_a_bad_cell_is_told_with_row_and_column(tmp_path, cell, row):
    rows = ["1;2"] * (BLOCK_ROWS + 5)
    rows[row - 1] = f"1;{cell}"
    path = written(tmp_path / "t.csv", "\n".join(["a;b", *rows]))
    for columns in (None, ["b"]):
        with pytest.raises(InvalidInput, match=f"row {row}, column 'b' is .*; fill it or delete the row"):
            read_table(path, columns)


@pytest.mark.parametrize("value", [None, np.nan, np.inf])
def test_a_bad_value_of_parquet_is_told_with_row_and_column(tmp_path, value):
    path = parquet(tmp_path / "t.parquet", {"b": [1.0, 2.0, value, 4.0]})
    with pytest.raises(InvalidInput, match=r"row 3, column 'b' is (missing|'inf', which is no finite)"):
        read_table(path)


def test_a_number_late_in_a_column_of_text_makes_it_no_text(tmp_path):
    path = written(tmp_path / "t.csv", "a,b\n" + "1,x\n" * BLOCK_ROWS + "1,2\n")
    with pytest.raises(InvalidInput, match="row 1, column 'b' is 'x', which is no finite number"):
        read_table(path)
    assert list(read_table(path, ["a"]).columns) == ["a"]


@pytest.mark.parametrize(
    ("content", "error", "message"),
    [
        ("", InvalidInput, "is empty; its first line must hold the names"),
        ("\n1\n", InvalidInput, "is empty; its first line"),
        ("a,b\n", InvalidInput, "has names of columns but no row|has no column of numbers"),
        ("1,2\n3,4\n", InvalidInput, "the first line holds numbers, '1', '2'; it must hold the names"),
        ("a,\n1,2\n", InvalidInput, "column 2 has no name"),
        ("a,b,a\n1,2,3\n", InvalidInput, "has two columns named 'a'"),
        ("a,b\n1,2\n1,2,3\n", InvalidInput, "row 2 has 3 cells, where the first line names 2 columns"),
        ("a,b\n1\n", InvalidInput, "row 1 has 1 cells"),
        ("name\nx\n", InvalidInput, "has no column of numbers; it has 'name'"),
        (b"a,b\n1,\xff\n", CorruptFile, "is no text in UTF-8"),
        (b"a,b\n1,2\0\n", CorruptFile, "is no text: row 1 holds a zero byte|is no CSV: line contains NUL"),
        ('a,b\n"1,2\n', CorruptFile, "is no CSV: unexpected end of data"),
        ('a,b\n"1"x,2\n', CorruptFile, "is no CSV"),
        ("a\n" + "1" * 200_000, CorruptFile, "is no CSV: field larger than field limit"),
        (b"\x89PNG\r\n\x1a\n\xff", CorruptFile, "is no text in UTF-8"),
        (b"PAR1 and no more", CorruptFile, "is a damaged Parquet file"),
        (gzip.compress(TEXT.encode())[:-5], CorruptFile, "is a damaged gzip file"),
        (b"\x1f\x8bno gzip", CorruptFile, "is a damaged gzip file"),
    ],
)
def test_what_is_no_table_is_refused(tmp_path, content, error, message):
    if content[:4] == b"PAR1":
        pytest.importorskip("pyarrow")
    with pytest.raises(error, match=message):
        read_table(written(tmp_path / "t", content))


def test_a_parquet_file_cut_or_changed_anywhere_is_refused_or_read(tmp_path):
    path = parquet(tmp_path / "t.parquet", NUMBERS)
    whole = path.read_bytes()
    for n in range(4, len(whole), 7):
        with pytest.raises(CorruptFile, match="is a damaged Parquet file"):
            read_table(written(path, whole[:n]))
    for i in range(4, len(whole), 11):
        damaged = bytearray(whole)
        damaged[i] ^= 0x55
        try:
            read_table(written(path, bytes(damaged)))
        except (CorruptFile, InvalidInput):
            continue


def test_a_decompression_bomb_is_refused(tmp_path):
    packer = zlib.compressobj(9, wbits=31)
    bomb = packer.compress(b"a,b\n") + packer.compress(bytes(1 << 26)) + packer.flush()
    with pytest.raises(CorruptFile, match="as a decompression bomb does"):
        read_table(written(tmp_path / "t.csv.gz", bomb), ["a"])


def test_a_column_that_is_not_there_or_named_twice_is_told(tmp_path):
    path = written(tmp_path / "t.csv", TEXT)
    with pytest.raises(InvalidInput, match="has no column 'c'; it has 'a', 'b', 'name'"):
        read_table(path, ["a", "c"])
    with pytest.raises(InvalidInput, match="the column 'a' was named twice"):
        read_table(path, ["a", "a"])
    with pytest.raises(InvalidInput, match="row 1, column 'name' is 'x'"):
        read_table(path, ["name"])
    wide = written(tmp_path / "wide.csv", ",".join(f"c{i}" for i in range(30)) + "\n" + ",".join(["1"] * 30))
    with pytest.raises(InvalidInput, match="'c19' and 10 more"):
        read_table(wide, ["c"])


def test_a_parquet_column_of_text_that_was_asked_for_is_told(tmp_path):
    path = parquet(tmp_path / "t.parquet", {"a": [1, 2], "name": ["x", "y"]})
    with pytest.raises(InvalidInput, match="column 'name' holds string, no numbers"):
        read_table(path, ["name"])


def test_a_file_that_cannot_be_read_is_told(tmp_path):
    with pytest.raises(InvalidInput, match=r"none\.csv cannot be read: No such file"):
        read_table(tmp_path / "none.csv")
    with pytest.raises(InvalidInput, match="cannot be read: Is a directory"):
        read_table(tmp_path)


def test_parquet_without_pyarrow_says_what_to_install(tmp_path, monkeypatch):
    path = written(tmp_path / "t.parquet", b"PAR1")
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(MissingDependency, match=r"pip install 'treadle\[tables\]'"):
        read_table(path)
