"""Files of every format, whole, damaged, too large and named by mistake."""

import os
import socket

import pyarrow as pa
import pytest
from pyarrow import feather

from tests.tables.table_files import as_parquet, written
from treadle.errors import InvalidInput
from treadle.tables import exact_column, read_table


@pytest.mark.parametrize("kind", ["csv", "parquet", "feather", "jsonl"])
def test_only_the_columns_asked_for_are_read(tmp_path, kind):
    path = tmp_path / "t"
    columns = {"a": [1, 3], "a.b": [None, 1.0], "c": [2, 4]}
    match kind:
        case "csv":
            written(path, "a,a.b,c\n1,,2\n3,1,4\n")
        case "parquet":
            as_parquet(path, columns)
        case "feather":
            feather.write_feather(pa.table(columns), path)
        case "jsonl":
            written(path, '{"a":1,"a.b":null,"c":2}\n{"a":3,"a.b":1,"c":4}\n')
    table = read_table(path, ["c", "a"])
    assert list(table.columns) == ["c", "a"] and len(table) == 2
    assert [exact_column(column, "t").tolist() for column in table.columns.values()] == [[2, 4], [1, 3]]
    assert list(read_table(path, ["a.b"]).columns) == ["a.b"]
    with pytest.raises(InvalidInput, match=r"t has no column 'A'; it has 'a', 'a\.b', 'c'"):
        read_table(path, ["A"])
    with pytest.raises(InvalidInput, match="the column 'a' was named twice; name it once"):
        read_table(path, ["a", "a"])


def test_names_that_are_meant_are_found(tmp_path):
    wide = written(
        tmp_path / "t", ",".join(["floor area"] + [f"c{i}" for i in range(30)]) + "\n" + "1," * 30 + "1\n"
    )
    with pytest.raises(
        InvalidInput, match=r"no column 'flor area'; did you mean 'floor area'\? it has .*'c18' and 11"
    ):
        read_table(wide, ["flor area"])
    broken = written(tmp_path / "u", '"floor area\n(m2)",b\n1,2\n')
    assert list(read_table(broken, ["floor area (m2)"]).columns) == ["floor area\n(m2)"]
    long = "x" * 500
    with pytest.raises(InvalidInput) as told:
        read_table(broken, [long])
    assert len(str(told.value)) < 300


def test_paths_that_are_no_files_are_told_at_once(tmp_path):
    with pytest.raises(
        InvalidInput, match=r"none\.csv cannot be read: No such file or directory; check the path"
    ):
        read_table(tmp_path / "none.csv")
    with pytest.raises(InvalidInput, match=r"cannot be read: Is a directory; check the path"):
        read_table(tmp_path)
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(InvalidInput, match="pipe is a pipe, where a file is needed"):
        read_table(tmp_path / "pipe")
    with pytest.raises(InvalidInput, match="/dev/zero is a device, where a file is needed"):
        read_table("/dev/zero")
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(tmp_path / "s"))
        with pytest.raises(InvalidInput, match=r"is a socket|No such device or address"):
            read_table(tmp_path / "s")
    with pytest.raises(InvalidInput, match="holds a NUL character, which no name can"):
        read_table("a\0b")
    with pytest.raises(InvalidInput, match=r"which is no character; write another path"):
        read_table("a\ud800b")
    with pytest.raises(InvalidInput, match=r"of 5000 characters is longer than this system allows") as told:
        read_table("x" * 5000)
    assert len(str(told.value)) < 300 and str(told.value).isprintable()
