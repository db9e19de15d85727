"""Files of every format, whole, damaged, too large and named by mistake."""

import json
import os
import socket

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from pyarrow import feather

from tests.tables.table_files import as_parquet, written
from treadle.errors import CorruptFile, InvalidInput
from treadle.tables import arrow_files, exact_column, memory_need, read_table

NUMBERS = {"a": [1.0, 2.5, -3e10], "b": [0, 1, 0]}


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


def test_a_flipped_bit_under_a_page_checksum_is_seen(tmp_path):
    values = np.random.default_rng(0).normal(size=1000)
    path = as_parquet(
        tmp_path / "t",
        {"a": values},
        write_page_checksum=True,
        compression=None,
        use_dictionary=False,
        write_statistics=False,
    )
    data = bytearray(path.read_bytes())
    at = bytes(data).index(values[500].tobytes())
    data[at + 6] ^= 0x40
    with pytest.raises(
        CorruptFile, match=r"is a damaged Parquet file, or none: .*could not verify page integrity"
    ):
        read_table(written(path, bytes(data)))


def test_a_parquet_file_of_thousands_of_columns_is_read_in_one_go(tmp_path, monkeypatch):
    path = as_parquet(tmp_path / "t", {f"c{i}": [1.5, 2.5] for i in range(4000)})
    reads = []
    real = arrow_files.pq.ParquetFile

    class Counting(real):
        def read(self, *arguments, **options):
            reads.append(options)
            return super().read(*arguments, **options)

    monkeypatch.setattr(arrow_files.pq, "ParquetFile", Counting)
    assert len(read_table(path).columns) == 4000
    assert len(reads) == 1


@pytest.mark.parametrize(
    ("kind", "size"), [("parquet", "48 kB"), ("feather", "48 kB"), ("csv", "27 kB"), ("jsonl", "41 kB")]
)
def test_a_file_larger_than_memory_is_not_called_damaged(tmp_path, monkeypatch, kind, size):
    path = tmp_path / "t"
    frame = pd.DataFrame({name: np.arange(1000.0) + 1e5 for name in "abc"})
    match kind:
        case "parquet":
            frame.to_parquet(path)
        case "feather":
            frame.to_feather(path)
        case "csv":
            frame.to_csv(path, index=False)
        case "jsonl":
            frame.to_json(path, orient="records", lines=True)
    monkeypatch.setattr(memory_need, "usable_memory", lambda: 20_000)
    message = (
        rf"t: the columns take {size} of memory, there are 20 kB; name fewer columns .* treadle\.l1\.Parq"
    )
    with pytest.raises(InvalidInput, match=message):
        read_table(path)
    if kind != "jsonl":
        assert len(read_table(path, ["a"])) == 1000


def test_memory_that_ends_on_the_way_is_no_damage(tmp_path, monkeypatch):
    def short_of_memory(*_, **__):
        raise pa.ArrowMemoryError("malloc of size 64 failed")

    monkeypatch.setattr(arrow_files, "check_width", short_of_memory)
    with pytest.raises(
        InvalidInput, match=r"t does not fit in memory, of which there are \d.*; name fewer columns"
    ):
        read_table(as_parquet(tmp_path / "t", NUMBERS))


def test_one_long_text_a_million_times_is_told_before_it_is_made(tmp_path):
    codes = pa.DictionaryArray.from_arrays(pa.array([0] * 1_000_000, pa.int32()), pa.array(["x" * 1_000_000]))
    feather.write_feather(pa.table({"a": codes}), tmp_path / "t.feather")
    as_parquet(tmp_path / "t.parquet", {"a": codes.slice(0, 50_000)})
    for name, size in (("t.feather", "1 TB"), ("t.parquet", "50 GB")):
        with pytest.raises(InvalidInput, match=f"the columns take {size} of memory"):
            read_table(tmp_path / name)
    runs = pa.RunEndEncodedArray.from_arrays(pa.array([2**40], pa.int64()), pa.array([1.0]))
    with pytest.raises(InvalidInput, match=r"the columns take 17\.6 TB of memory"):
        read_table(pa.table({"a": runs}))


@pytest.mark.parametrize(
    ("start", "what"),
    [
        (b"PK\x03\x04xx", "an Excel workbook or a zip archive"),
        (b"\xd0\xcf\x11\xe0\xa1", "an Excel workbook of the old kind"),
        (b"FEA1", "a Feather file of version 1"),
        (b"\xff\xff\xff\xff", "a stream of Arrow"),
        (b"SQLite format 3\0", "a database of SQLite"),
        (b"\x89PNG\r\n", "a PNG image"),
        (b"\x93NUMPY", "an array of NumPy"),
        (b"\x80\x04\x95", "a pickle"),
        (b"%PDF-1.7", "a PDF file"),
        (b"<!DOCTYPE html>", "an HTML page"),
        (b"<?xml", "an XML file"),
        (b"\x28\xb5\x2f\xfd", "compressed by zstd"),
    ],
)
def test_what_people_name_by_mistake_is_called_what_it_is(tmp_path, start, what):
    with pytest.raises(InvalidInput, match=f"t is {what}; save the table as CSV"):
        read_table(written(tmp_path / "t", start + b"a,b\n1,2\n"))


@pytest.mark.parametrize(
    ("text", "error", "message"),
    [
        ('[{"a":1},\n{"a":2}]', InvalidInput, "is one JSON document; save the table as JSON lines"),
        ('{\n"a": 1}', InvalidInput, "is one JSON document"),
        ("[[1,2]]", InvalidInput, "is one JSON document"),
        (
            '{"a":1}\n{"a":"x"}\n',
            CorruptFile,
            "row 2, column 'a' is of the kind string, where rows before are of the kind number",
        ),
        ('{"a":1}\n[1]\n', CorruptFile, "row 2 is of the kind array, no object"),
        ('{"a":1,"a":2}\n', CorruptFile, "row 1 has two values named 'a'; give each a name"),
        ('{"a":1}\nx\n', CorruptFile, "is no JSON lines: Invalid value. in row 2"),
        ('{"a":1}\n{"a":\n2}\n', CorruptFile, "line 2 is no whole JSON object"),
        ('{"a":' + "[" * 65 + "]" * 65 + "}\n", CorruptFile, "line 1 is nested more than 64 deep"),
        (
            '{"a":1}\n{"a":' + "[" * 10**6 + "]" * 10**6 + "}\n",
            CorruptFile,
            "line 2 is nested more than 64 deep",
        ),
        ('{"a":1}\n{"a":1e999}\n', CorruptFile, "Number too big to be stored in double. in row 2"),
        ("{}\n{}\n", InvalidInput, "has no columns"),
    ],
)
def test_what_is_no_json_lines_is_told(tmp_path, text, error, message):
    with pytest.raises(error, match=message):
        read_table(written(tmp_path / "t", text))


def test_rows_that_share_no_name_are_refused_before_memory_is_taken(tmp_path):
    text = "".join(json.dumps({f"k{i}": i}) + "\n" for i in range(60_000))
    with pytest.raises(
        InvalidInput, match=r"its first \d+ rows have \d+ different names, far more than a row has"
    ):
        read_table(written(tmp_path / "t", text))


def test_brackets_within_text_and_blank_lines_are_no_matter(tmp_path):
    text = '{"a":"[[[{","b":"say \\"}\\""}\n\n{"a":"]","b":"c"}'
    table = read_table(written(tmp_path / "t", text))
    assert table.columns["a"].values.to_pylist() == ["[[[{", "]"]
    assert table.how == {"format": "JSON lines", "encoding": "UTF-8"}


def test_a_line_of_json_that_never_ends_is_refused(tmp_path, monkeypatch):
    from treadle.tables import json_lines

    monkeypatch.setattr(json_lines, "LONGEST_LINE", 1 << 20)
    with pytest.raises(CorruptFile, match="row 2 is longer than 1 MiB"):
        read_table(written(tmp_path / "t", '{"a":"x"}\n{"a":"' + "x" * (1 << 22)))


@pytest.mark.parametrize("content", [b"PAR1 and no more", b"ARROW1\0\0and no more"])
def test_what_only_begins_as_a_table_is_damaged(tmp_path, content):
    with pytest.raises(
        CorruptFile, match=r"is a damaged (Parquet file, or none|Feather file): .*; get it again"
    ):
        read_table(written(tmp_path / "t", content))


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
