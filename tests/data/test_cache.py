"""The cache: arrays come back mapped and read-only; what is missing or damaged by one byte is told."""

import hashlib
import os
import time

import numpy as np
import pytest

from treadle.data import cache
from treadle.data.cache import cache_folder, is_stored, open_cached, store, store_compressed
from treadle.data.known_files import Edition, KnownFile
from treadle.errors import DataUnavailable

ARRAYS = {"images": np.arange(24, dtype=np.uint8).reshape(2, 3, 4), "labels": np.array([7, 9], np.uint8)}
FILES = [
    KnownFile(
        name,
        (Edition(3, hashlib.sha256(b"gz!").hexdigest()),),
        values.shape,
        hashlib.sha256(values).hexdigest(),
    )
    for name, values in ARRAYS.items()
]


def test_the_environment_names_the_folder(monkeypatch, tmp_path):
    monkeypatch.setenv("TREADLE_CACHE", str(tmp_path))
    assert cache_folder() == tmp_path
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("TREADLE_CACHE", "~/x")
    assert cache_folder() == tmp_path / "x"
    monkeypatch.delenv("TREADLE_CACHE")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    assert cache_folder().name == "treadle"


def test_what_is_stored_is_mapped_and_cannot_be_written_to(tmp_path):
    folder = tmp_path / "new" / "folder"
    assert not is_stored(folder, FILES)
    store(folder, FILES, ARRAYS)
    assert is_stored(folder, FILES)
    found = open_cached(folder, FILES)
    for name, values in ARRAYS.items():
        np.testing.assert_array_equal(found[name], values)
        np.testing.assert_array_equal(np.load(folder / f"{name}.npy"), values)
        with pytest.raises(ValueError, match="read-only"):
            found[name].flat[0] = 1
    assert sorted(path.name for path in folder.iterdir()) == ["images.npy", "labels.npy"]


def test_nothing_stored_is_no_damage_and_a_part_is(tmp_path):
    with pytest.raises(FileNotFoundError):
        open_cached(tmp_path, FILES)
    store(tmp_path, FILES, ARRAYS)
    (tmp_path / "labels.npy").unlink()
    with pytest.raises(DataUnavailable, match=r"there is no labels\.npy"):
        open_cached(tmp_path, FILES)
    assert not is_stored(tmp_path, FILES)


@pytest.mark.parametrize("place", range(-24, 0, 5))
def test_one_flipped_byte_is_found_whatever_size_and_time_say(tmp_path, place):
    store(tmp_path, FILES, ARRAYS)
    path = tmp_path / "images.npy"
    stat, data = path.stat(), bytearray(path.read_bytes())
    data[place] ^= 4
    path.write_bytes(data)
    os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns))
    with pytest.raises(DataUnavailable, match=r"images\.npy has SHA-256"):
        open_cached(tmp_path, FILES)


def test_a_file_that_is_none_is_damaged(tmp_path):
    store(tmp_path, FILES, ARRAYS)
    (tmp_path / "images.npy").write_bytes(b"\x93NUMPY\x01\x00")
    with pytest.raises(DataUnavailable, match=r"images\.npy is damaged: "):
        open_cached(tmp_path, FILES)


def test_files_that_killed_processes_left_are_removed_and_fresh_ones_stay(tmp_path):
    old, fresh = (tmp_path / f".{name}{cache.UNFINISHED}" for name in ("old", "fresh"))
    for path in (old, fresh):
        path.write_bytes(b"")
    past = time.time() - 2 * cache.ABANDONED_SECONDS
    os.utime(old, (past, past))
    store(tmp_path, FILES, ARRAYS)
    assert not old.exists() and fresh.exists()


def test_compressed_files_are_kept_beside(tmp_path):
    for file in FILES:
        (tmp_path / file.gz_name).write_bytes(b"gz!")
    store_compressed(tmp_path / "kept", FILES, tmp_path)
    assert {p.name: p.read_bytes() for p in (tmp_path / "kept").iterdir()} == {
        "images.gz": b"gz!",
        "labels.gz": b"gz!",
    }
