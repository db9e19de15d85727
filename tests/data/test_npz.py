"""A data set in .npz: what NumPy saved; nothing unpickled, inflated without end or made up."""

import io
import zipfile

import numpy as np
import pytest

from treadle.data.npz import load_npz, read_npz
from treadle.errors import CorruptFile, InvalidInput

ARRAYS = {
    "X_train": np.arange(12.0).reshape(4, 3),
    "y_train": np.array(["b", "a", "b", "a"]),
    "X_test": np.arange(6.0).reshape(2, 3),
    "y_test": np.array(["a", "b"]),
}


def save(path, *, savez=np.savez, drop=(), **changes):
    savez(path, **{name: value for name, value in (ARRAYS | changes).items() if name not in drop})
    return path


@pytest.mark.parametrize("savez", [np.savez, np.savez_compressed])
def test_arrays_come_back_as_numpy_saved_them(tmp_path, savez):
    changes = {
        "X_train": np.asfortranarray(ARRAYS["X_train"]),
        "y_test": np.array(["ä", "Ω\U0001f600"], ">U2"),
    }
    found = read_npz(save(tmp_path / "a.npz", savez=savez, **changes))
    assert sorted(found) == sorted(ARRAYS)
    for name, values in (ARRAYS | changes).items():
        np.testing.assert_array_equal(found[name], values)


def test_classes_are_numbered_and_may_be_named_in_their_order(tmp_path):
    plain = load_npz(save(tmp_path / "a.npz"))
    assert plain.class_names == ("a", "b") and plain.y_train.tolist() == [1, 0, 1, 0]
    named = load_npz(save(tmp_path / "b.npz", class_names=np.array(["b", "a"])))
    assert named.class_names == ("b", "a") and named.y_train.tolist() == [0, 1, 0, 1]


@pytest.mark.parametrize(
    ("changes", "drop", "message"),
    [
        ({}, ("y_test",), r"a\.npz must hold X_train, y_train, X_test, y_test, each once, and perhaps class"),
        ({"extra": np.zeros(1)}, (), "it holds .*extra"),
        ({"class_names": np.array([1, 2])}, (), r"class_names must be a row of strings; got int64 \(2,\)"),
        ({"y_test": np.array(["a", "c"])}, (), r"a\.npz: "),
    ],
)
def test_arrays_that_are_missing_or_unknown_are_refused(tmp_path, changes, drop, message):
    with pytest.raises(InvalidInput, match=message):
        load_npz(save(tmp_path / "a.npz", drop=drop, **changes))


def test_pickled_objects_are_not_unpickled(tmp_path):
    with pytest.raises((CorruptFile, InvalidInput), match="y_train"):
        load_npz(save(tmp_path / "a.npz", y_train=np.array(["a", 1, "b", None], dtype=object)))


def rewritten(path, name, data, compression=zipfile.ZIP_STORED):
    """The archive with another member of that name."""
    with zipfile.ZipFile(path) as old:
        members = {info.filename: old.read(info) for info in old.infolist()} | {f"{name}.npy": data}
    with zipfile.ZipFile(path, "w", compression) as new:
        for member, content in members.items():
            new.writestr(member, content)
    return path


def npy(array, version=(1, 0)):
    stream = io.BytesIO()
    np.lib.format.write_array(stream, array, version)
    return stream.getvalue()


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"no array", r"a\.npz: X_test is no \.npy array: .*; write it again with np\.savez"),
        (npy(np.zeros(1000))[:-7900], "X_test is truncated: its header promises 8000 bytes of data, it has"),
        (npy(np.zeros(3)) + b"more", "X_test is padded"),
        (npy(np.zeros(3))[:-4], "X_test is truncated"),
    ],
)
def test_members_that_lie_are_refused(tmp_path, data, message):
    path = rewritten(save(tmp_path / "a.npz"), "X_test", data)
    with pytest.raises(CorruptFile, match=message):
        read_npz(path)


def test_bits_that_are_no_character_are_refused(tmp_path):
    bits = np.array([0x110000, 97], np.uint32).view("<U1")
    with pytest.raises(CorruptFile, match=r"a\.npz is no whole \.npz file: "):
        read_npz(rewritten(save(tmp_path / "a.npz"), "y_test", npy(bits)))


def test_other_compressions_and_bombs_are_refused(tmp_path):
    path = rewritten(save(tmp_path / "a.npz"), "X_test", npy(np.zeros(9)), zipfile.ZIP_LZMA)
    with pytest.raises(CorruptFile, match="is encrypted or oddly compressed; write the file again with np"):
        read_npz(path)
    bomb = save(tmp_path / "b.npz", savez=np.savez_compressed, X_test=np.zeros((49 << 10, 128)))
    with pytest.raises(CorruptFile, match="as a decompression bomb does"):
        read_npz(bomb)


@pytest.mark.parametrize("keep", [0, 10, 300, -1])
def test_a_file_cut_short_is_none(tmp_path, keep):
    path = save(tmp_path / "a.npz")
    path.write_bytes(path.read_bytes()[:keep])
    with pytest.raises(CorruptFile, match=r"a\.npz is no whole \.npz file"):
        load_npz(path)
    with pytest.raises(InvalidInput, match=r"none\.npz cannot be read: No such file .*; check the path"):
        load_npz(tmp_path / "none.npz")
