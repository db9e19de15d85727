"""What an Arrow file's metadata say that its columns take: what pyarrow then takes, for every type."""

from __future__ import annotations

import io

import numpy as np
import pyarrow as pa
import pytest
from pyarrow import ipc

from treadle.errors import CorruptFile, InvalidInput
from treadle.tables import arrow_need, read_table

N = 3000
COLUMNS = {
    "float": pa.array(np.random.default_rng(0).normal(size=N)),
    "int": pa.array(range(N), pa.int32()),
    "bool": pa.array(np.arange(N) % 3 == 0),
    "text": pa.array([None if i % 7 == 0 else "w" * (i % 50) for i in range(N)]),
    "large text": pa.array(["q" * (i % 9) for i in range(N)], pa.large_string()),
    "codes": pa.array(["a", "b", "a"] * (N // 3)).dictionary_encode(),
    "views": pa.array(["x" * (i % 40) for i in range(N)]).cast(pa.string_view()),
    "more views": pa.array(["y" * (i % 90) for i in range(N)]).cast(pa.string_view()),
    "lists": pa.array([[1, 2], None, [3]] * (N // 3)),
    "structs": pa.array([{"a": 1, "b": "zz"}] * N),
    "nulls": pa.nulls(N),
    "maps": pa.array([[("k", 1)]] * N, pa.map_(pa.string(), pa.int64())),
    "pairs": pa.array([[1, 3]] * N, pa.list_(pa.int16(), 2)),
    "runs": pa.RunEndEncodedArray.from_arrays(pa.array([N], pa.int32()), pa.array([1.0])),
    "dense": pa.UnionArray.from_dense(
        pa.array([0] * N, pa.int8()), pa.array(range(N), pa.int32()), [pa.array(range(N))]
    ),
    "sparse": pa.UnionArray.from_sparse(pa.array([0] * N, pa.int8()), [pa.array(range(N))]),
    "decimals": pa.array([None] * N, pa.decimal128(9, 2)),
    "bytes": pa.array([b"abc"] * N, pa.binary(3)),
    "list views": pa.array([[1, 2], [3], []] * (N // 3), pa.list_view(pa.int8())),
    "ids": pa.ExtensionArray.from_storage(pa.uuid(), pa.array([bytes(16)] * N, pa.binary(16))),
    "last": pa.array(np.arange(N) * 1.0),
}


def arrow_file(compression: str | None) -> io.BytesIO:
    file = io.BytesIO()
    table = pa.table(COLUMNS)
    with ipc.new_file(file, table.schema, options=ipc.IpcWriteOptions(compression=compression)) as writer:
        writer.write_table(table, max_chunksize=1000)
    return file


@pytest.mark.parametrize("compression", [None, "lz4", "zstd"])
def test_the_size_told_is_that_which_pyarrow_takes(
    compression: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = arrow_file(compression)
    taken: list[int] = []
    monkeypatch.setattr(arrow_need, "refuse_too_large", lambda n_bytes, what: taken.append(n_bytes))
    schema = pa.table(COLUMNS).schema
    codes = 14  # bytes of the dictionary "a", "b", which pyarrow reads with any column
    for i, (name, column) in enumerate(COLUMNS.items()):
        arrow_need.refuse_bombs(file, schema, [i], "a file")
        options = ipc.IpcReadOptions(included_fields=[i])
        read = ipc.open_file(pa.BufferReader(file.getvalue()), options=options).read_all().column(0)
        buffers = [buffer for chunk in read.chunks for buffer in chunk.buffers() if buffer is not None]
        assert read.combine_chunks().equals(column) or name == "dense"
        assert taken.pop() == max(16 * N, sum(buffer.size for buffer in buffers) + codes), name


@pytest.mark.parametrize("compression", [None, "lz4"])
def test_columns_beyond_memory_are_refused_before_they_are_read(
    compression: str | None, monkeypatch: pytest.MonkeyPatch, tmp_path
) -> None:
    (tmp_path / "t").write_bytes(arrow_file(compression).getvalue())
    monkeypatch.setattr("treadle.tables.memory_need.usable_memory", lambda: 100_000)
    assert len(read_table(tmp_path / "t", ["float"])) == N
    with pytest.raises(
        InvalidInput, match=r"the columns take 22\d kB of memory, there are 100 kB; name fewer"
    ):
        read_table(tmp_path / "t", ["views"])


def test_columns_that_no_regression_takes_are_read_all_the_same(tmp_path) -> None:
    (tmp_path / "t").write_bytes(arrow_file("zstd").getvalue())
    others = {name for name, column in read_table(tmp_path / "t").columns.items() if column.kind == "other"}
    assert others == {
        "lists",
        "structs",
        "maps",
        "pairs",
        "dense",
        "sparse",
        "list views",
        "bytes",
        "ids",
    }


def test_metadata_that_point_out_of_the_file_are_damage() -> None:
    """Each byte of the footer and of a batch's metadata in turn, whatever pyarrow thinks of it."""
    file = io.BytesIO()
    table = pa.table({"y": np.arange(4.0), "s": ["a", "b", "c", "d"]})
    with ipc.new_file(file, table.schema, options=ipc.IpcWriteOptions(compression="lz4")) as writer:
        writer.write_table(table)
    whole = file.getvalue()
    refused = 0
    for at in range(len(whole)):
        damaged = bytearray(whole)
        damaged[at] ^= 0x80
        try:
            arrow_need.refuse_bombs(io.BytesIO(bytes(damaged)), table.schema, [0, 1], "a file")
        except CorruptFile as error:
            assert "its metadata point out of it" in str(error) or "decompression bomb" in str(error)
            refused += 1
        except InvalidInput as error:
            assert "the columns take" in str(error)
            refused += 1
    assert refused > 100
