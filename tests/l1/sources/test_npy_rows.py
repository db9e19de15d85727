"""Rows of .npy files that are mapped into memory, and files that are wrong."""

import os

import numpy as np
import pytest

from treadle.errors import CorruptFile, InvalidInput
from treadle.l1.sources import npy_rows
from treadle.l1.sources.npy_rows import NpyRows
from treadle.l1.sources.rows import Chunk

N, D = 1000, 4


@pytest.fixture
def table():
    return np.random.default_rng(0).normal(size=(N, D))


def saved(folder, array, name="table.npy"):
    np.save(folder / name, array)
    return folder / name


def whole(rows):
    return Chunk.joined(list(rows.chunks()))


@pytest.mark.parametrize("target", [0, 2, -1])
@pytest.mark.parametrize("order", ["C", "F"])
def test_a_column_can_be_the_target(tmp_path, table, target, order, monkeypatch):
    monkeypatch.setattr(npy_rows, "NUMBERS_PER_BLOCK", 300)
    rows = NpyRows(saved(tmp_path, np.asarray(table, order=order)), target)
    assert (rows.n_rows, rows.n_features) == (N, D - 1)
    chunk = whole(rows)
    assert np.array_equal(chunk.y, table[:, target])
    assert np.array_equal(chunk.X, np.delete(table, target, axis=1))
    assert np.array_equal(chunk.indices, np.arange(N))
    some = np.array([0, 7, 999])
    assert np.array_equal(rows.take(some).X, np.delete(table, target, axis=1)[some])
    assert np.array_equal(rows.take(some).y, table[some, target])


@pytest.mark.parametrize("dtype", ["float32", "float64", "int16", "uint8", "bool", ">f4", ">f8"])
def test_every_type_of_real_numbers_is_read(tmp_path, table, dtype):
    values = (table * 9).astype(dtype)
    rows = NpyRows(saved(tmp_path, values), saved(tmp_path, values[:, 1], "y.npy"))
    chunk = whole(rows)
    assert chunk.X.dtype == (np.float32 if dtype == "float32" else np.float64)
    assert chunk.X.dtype.isnative
    assert np.array_equal(chunk.X, values)
    assert np.array_equal(chunk.y, values[:, 1])


def test_weights_come_from_a_file(tmp_path, table):
    weight = np.arange(N, dtype=np.float32)
    rows = NpyRows(saved(tmp_path, table), -1, sample_weight=saved(tmp_path, weight, "w.npy"))
    assert np.array_equal(whole(rows).weight, weight)
    weight[17] = np.nan
    rows = NpyRows(saved(tmp_path, table), -1, sample_weight=saved(tmp_path, weight, "w.npy"))
    with pytest.raises(
        InvalidInput, match="row 17 has the sample_weight nan; weights are finite and at least 0"
    ):
        whole(rows)


def test_float32_is_not_copied(tmp_path, table):
    rows = NpyRows(saved(tmp_path, table.astype(np.float32)), -1)
    chunk = next(rows.chunks())
    assert not chunk.X.flags.owndata and not chunk.y.flags.owndata


@pytest.mark.parametrize(
    ("X", "y", "message"),
    [
        (np.ones(3), -1, r"must hold real numbers of shape \(N, D\); got float64 of shape \(3,\)"),
        (np.ones((3, 2), complex), -1, "must hold real numbers .* got complex128"),
        (np.ones((3, 2)), 2, r"has 2 columns; got y = 2: name one of them, or a file"),
        (np.ones((3, 1)), 0, "at least one row and one feature are needed"),
        (np.ones((0, 2)), 0, "at least one row and one feature are needed"),
        (np.ones((3, 2)), np.ones(4), "X has 3 rows and y 4; one entry a row"),
    ],
)
def test_shapes_and_types_that_do_not_fit_are_refused(tmp_path, X, y, message):
    path = saved(tmp_path, X)
    y = y if isinstance(y, int) else saved(tmp_path, y, "y.npy")
    with pytest.raises(InvalidInput, match=message):
        NpyRows(path, y)


@pytest.mark.parametrize("keep", [0, 5, 60, 0.5, 0.999])
def test_a_truncated_file_is_refused(tmp_path, table, keep):
    path = saved(tmp_path, table)
    data = path.read_bytes()
    path.write_bytes(data[: int(keep * len(data)) if isinstance(keep, float) else keep])
    with pytest.raises(CorruptFile, match=r"table\.npy is truncated or no \.npy file: .*; write it again"):
        NpyRows(path, -1)


def test_pickles_archives_and_absent_files_are_refused(tmp_path, table):
    with pytest.raises(InvalidInput, match=r"absent\.npy cannot be read: No such file"):
        NpyRows(tmp_path / "absent.npy", -1)
    np.save(tmp_path / "objects.npy", np.array([{}, []], dtype=object), allow_pickle=True)
    with pytest.raises(CorruptFile, match=r"objects\.npy is truncated or no \.npy file"):
        NpyRows(tmp_path / "objects.npy", -1)
    np.savez(tmp_path / "archive.npz", table)
    with pytest.raises(InvalidInput, match=r"archive\.npz is a \.npz archive"):
        NpyRows(tmp_path / "archive.npz", -1)


def test_a_file_that_changes_between_passes_is_refused(tmp_path, table):
    path = saved(tmp_path, table)
    rows = NpyRows(path, -1)
    whole(rows)
    os.utime(path, ns=(0, 0))
    for use in (lambda: whole(rows), lambda: rows.take(np.array([1]))):
        with pytest.raises(InvalidInput, match=r"table\.npy has changed since its first pass"):
            use()
