"""Parquet and Feather files: flipped bits, thousands of columns, and more than memory holds."""

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from pyarrow import feather

from tests.tables.table_files import as_parquet, written
from treadle.errors import CorruptFile, InvalidInput
from treadle.tables import arrow_files, memory_need, read_table

NUMBERS = {"a": [1.0, 2.5, -3e10], "b": [0, 1, 0]}


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
