"""Rows of Parquet files: what a pass yields, and every way in which a file can be wrong."""

import os

import numpy as np
import pytest

pa = pytest.importorskip("pyarrow")
pq = pytest.importorskip("pyarrow.parquet")

from treadle.errors import CorruptFile, InvalidInput  # noqa: E402
from treadle.l1.sources import parquet_rows  # noqa: E402
from treadle.l1.sources.parquet_rows import ParquetRows  # noqa: E402
from treadle.l1.sources.rows import Chunk  # noqa: E402

N = 1000


@pytest.fixture
def columns():
    rng = np.random.default_rng(0)
    return {
        "a": rng.normal(size=N).astype(np.float32),
        "b": rng.integers(-9, 9, N),
        "c": rng.random(N) < 0.5,
        "target": rng.normal(size=N),
        "weight": rng.random(N),
        "name": np.array(["x"] * N),
    }


def write(path, columns, **options):
    pq.write_table(pa.table(columns), path, row_group_size=300, **options)
    return path


def whole(rows):
    return Chunk.joined(list(rows.chunks()))


def matrix(columns, names):
    return np.column_stack([columns[name].astype(float) for name in names])


def test_every_column_of_numbers_is_a_feature_unless_some_are_named(tmp_path, columns):
    path = write(tmp_path / "t.parquet", columns)
    rows = ParquetRows(path, "target", sample_weight="weight")
    assert rows.feature_names == ("a", "b", "c")
    assert (rows.n_rows, rows.n_features) == (N, 3)
    chunk = whole(rows)
    assert np.array_equal(chunk.X, matrix(columns, "abc"))
    assert np.array_equal(chunk.y, columns["target"])
    assert np.array_equal(chunk.weight, columns["weight"])
    assert np.array_equal(chunk.indices, np.arange(N))
    named = whole(ParquetRows(path, "target", ["c", "a"]))
    assert np.array_equal(named.X, matrix(columns, "ca"))
    assert named.weight is None


def test_float32_columns_stay_so_together(tmp_path, columns):
    rows = ParquetRows(write(tmp_path / "t.parquet", {**columns, "d": columns["a"]}), "target", ["a", "d"])
    assert whole(rows).X.dtype == np.float32
    assert np.array_equal(whole(rows).X[:, 1], columns["a"])


def test_a_batch_is_small(tmp_path, columns, monkeypatch):
    monkeypatch.setattr(parquet_rows, "NUMBERS_PER_BATCH", 70)
    rows = ParquetRows(write(tmp_path / "t.parquet", columns), "target", ["a", "b"])
    lengths = [len(chunk) for chunk in rows.chunks()]
    assert max(lengths) == 23
    assert sum(lengths) == N


def test_a_folder_is_its_files_in_the_order_of_their_names(tmp_path, columns):
    half = {name: values[: N // 2] for name, values in columns.items()}
    rest = {name: values[N // 2 :] for name, values in columns.items()}
    (tmp_path / "year=2").mkdir()
    write(tmp_path / "year=2" / "z.parquet", rest)
    write(tmp_path / "first.parquet", half)
    (tmp_path / "_metadata.parquet").write_bytes(b"not for us")
    rows = ParquetRows(tmp_path, "target")
    assert [path.name for path in rows.files] == ["first.parquet", "z.parquet"]
    assert np.array_equal(whole(rows).y, columns["target"])
    turned = ParquetRows([tmp_path / "year=2" / "z.parquet", tmp_path / "first.parquet"], "target")
    assert np.array_equal(whole(turned).y, np.roll(columns["target"], N // 2))


@pytest.mark.parametrize("indices", [[0], [299, 300, 999], [5, 600, 601], list(range(N))])
def test_rows_are_taken_by_number(tmp_path, columns, indices):
    half = {name: values[: N // 2] for name, values in columns.items()}
    rest = {name: values[N // 2 :] for name, values in columns.items()}
    write(tmp_path / "1.parquet", half)
    write(tmp_path / "2.parquet", rest)
    taken = ParquetRows(tmp_path, "target", ["b", "a"], sample_weight="weight").take(np.array(indices))
    assert taken.indices.tolist() == indices
    assert np.array_equal(taken.X, matrix(columns, "ba")[indices])
    assert np.array_equal(taken.y, columns["target"][indices])
    assert np.array_equal(taken.weight, columns["weight"][indices])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("absent",), r"has no column 'absent'; it has 'a', 'b'"),
        (("target", ["a", "absent"]), r"has no column 'absent'"),
        (("target", ["a", "target"]), r"column 'target' is the target or the weight"),
        (("target", "a"), r"features must be a sequence of names; got the string 'a'"),
        (("target", ["a", "a"]), r"column 'a' was named twice"),
        (("name",), r"column 'name' holds (large_)?string, no numbers"),
    ],
)
def test_columns_that_cannot_be_used_are_named(tmp_path, columns, arguments, message):
    path = write(tmp_path / "t.parquet", columns)
    with pytest.raises(InvalidInput, match=message):
        ParquetRows(path, *arguments)


def test_every_file_needs_the_columns(tmp_path, columns):
    write(tmp_path / "1.parquet", columns)
    write(tmp_path / "2.parquet", {"a": columns["a"], "target": columns["target"]})
    with pytest.raises(InvalidInput, match=r"2\.parquet has no column 'b'"):
        ParquetRows(tmp_path, "target")


def test_a_table_without_features_or_rows_is_refused(tmp_path):
    with pytest.raises(InvalidInput, match="has no column of numbers besides target"):
        ParquetRows(write(tmp_path / "1.parquet", {"target": np.ones(3)}), "target")
    empty = {"a": np.ones(0), "target": np.ones(0)}
    with pytest.raises(InvalidInput, match="have no rows; at least one is needed"):
        ParquetRows(write(tmp_path / "2.parquet", empty), "target")


def test_an_empty_file_among_others_does_no_harm(tmp_path):
    write(tmp_path / "1.parquet", {"a": np.ones(0), "target": np.ones(0)})
    write(tmp_path / "2.parquet", {"a": np.ones(3), "target": np.ones(3)})
    rows = ParquetRows(tmp_path, "target")
    assert rows.n_rows == 3
    assert len(whole(rows)) == 3
    assert len(rows.take(np.array([1]))) == 1


def test_no_file_an_empty_folder_and_an_empty_sequence_are_refused(tmp_path):
    with pytest.raises(InvalidInput, match=r"absent\.parquet cannot be read: No such file"):
        ParquetRows(tmp_path / "absent.parquet", "y")
    with pytest.raises(InvalidInput, match=r"holds no \*\.parquet file"):
        ParquetRows(tmp_path, "y")
    with pytest.raises(InvalidInput, match="an empty sequence of files"):
        ParquetRows([], "y")


@pytest.mark.parametrize("value", [None, float("nan"), float("inf")])
@pytest.mark.parametrize("name", ["a", "target", "weight"])
def test_a_cell_that_is_no_finite_number_is_named(tmp_path, columns, value, name):
    cells = columns[name].tolist()
    cells[700] = value
    path = write(tmp_path / "t.parquet", {**columns, name: pa.array(cells, from_pandas=False)})
    rows = ParquetRows(path, "target", sample_weight="weight")
    with pytest.raises(InvalidInput, match=rf"t\.parquet: row 701, column '{name}' is"):
        whole(rows)
    with pytest.raises(InvalidInput, match=rf"t\.parquet: row 701, column '{name}' is"):
        rows.take(np.array([650, 701]))


def test_a_negative_weight_is_named(tmp_path, columns):
    columns["weight"][321] = -0.5
    rows = ParquetRows(write(tmp_path / "t.parquet", columns), "target", sample_weight="weight")
    with pytest.raises(InvalidInput, match=r"row 322, column 'weight' is -0\.5; weights are at least 0"):
        whole(rows)


@pytest.mark.parametrize("keep", [0, 3, 200, 0.5, 0.99])
def test_a_truncated_file_is_refused(tmp_path, columns, keep):
    path = write(tmp_path / "t.parquet", columns)
    data = path.read_bytes()
    path.write_bytes(data[: int(keep * len(data)) if isinstance(keep, float) else keep])
    with pytest.raises(CorruptFile, match=r"t\.parquet is a damaged Parquet file, or none: .*; get it again"):
        ParquetRows(path, "target")


def test_no_damaged_page_goes_by_in_a_file_with_checksums(tmp_path, columns):
    path = write(tmp_path / "t.parquet", columns, write_page_checksum=True, use_dictionary=False)
    data = path.read_bytes()
    group = pq.read_metadata(path).row_group(1)
    for name in ("a", "target"):
        column = group.column(list(columns).index(name))
        end = column.data_page_offset + column.total_compressed_size
        for at in (end - 9, end - 500):
            damaged = bytearray(data)
            damaged[at] ^= 1
            path.write_bytes(damaged)
            with pytest.raises(
                CorruptFile, match=r"t\.parquet is damaged in its row group 1: .*; get it again"
            ):
                whole(ParquetRows(path, "target"))


def test_whatever_bytes_are_damaged_the_file_is_named(tmp_path, columns):
    path = write(tmp_path / "t.parquet", columns)
    data = path.read_bytes()
    rng = np.random.default_rng(3)
    n_refused = 0
    for at in rng.integers(4, len(data), 40):
        damaged = bytearray(data)
        damaged[at : at + 40] = rng.bytes(min(40, len(data) - at))
        path.write_bytes(damaged)
        try:
            whole(ParquetRows(path, "target"))
        except (CorruptFile, InvalidInput) as error:
            assert "t.parquet" in str(error)
            n_refused += 1
    assert n_refused >= 10


def test_a_file_that_changes_between_passes_is_refused(tmp_path, columns):
    path = write(tmp_path / "t.parquet", columns)
    rows = ParquetRows(path, "target")
    whole(rows)
    before = path.stat()
    columns["target"] += 1
    write(path, columns)
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns + 1))
    for use in (lambda: whole(rows), lambda: rows.take(np.array([1]))):
        with pytest.raises(InvalidInput, match=r"t\.parquet has changed since its first pass"):
            use()


def test_a_file_that_changes_during_a_pass_is_refused(tmp_path, columns):
    path = write(tmp_path / "t.parquet", columns)
    chunks = ParquetRows(path, "target").chunks()
    next(chunks)
    os.utime(path, ns=(0, 0))
    with pytest.raises(InvalidInput, match=r"t\.parquet has changed"):
        list(chunks)


def test_a_file_that_disappears_is_named(tmp_path, columns):
    path = write(tmp_path / "t.parquet", columns)
    rows = ParquetRows(path, "target")
    path.unlink()
    with pytest.raises(InvalidInput, match=r"t\.parquet cannot be read: No such file"):
        whole(rows)
