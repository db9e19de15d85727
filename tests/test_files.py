import errno
import os
import stat
import subprocess
import sys

import pytest

from treadle.files import UNFINISHED, remove_unfinished, write_atomically


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def test_writes_and_replaces_the_whole_file(tmp_path):
    path = tmp_path / "a.bin"
    write_atomically(path, b"a long first version")
    write_atomically(path, b"second")
    assert path.read_bytes() == b"second"
    assert names(tmp_path) == ["a.bin"]


@pytest.mark.parametrize("failing", ["fsync", "replace"])
@pytest.mark.parametrize(
    "error", [OSError(errno.ENOSPC, "No space left on device"), KeyboardInterrupt()], ids=repr
)
def test_what_fails_leaves_the_old_file_and_nothing_else(tmp_path, monkeypatch, failing, error):
    path = tmp_path / "a.bin"
    path.write_bytes(b"old")

    def fail(*arguments):
        raise error

    monkeypatch.setattr(*{"fsync": (os, "fsync"), "replace": (type(path), "replace")}[failing], fail)
    with pytest.raises(type(error)):
        write_atomically(path, b"new")
    assert path.read_bytes() == b"old"
    assert names(tmp_path) == ["a.bin"]


def test_a_process_killed_before_the_rename_leaves_the_old_file(tmp_path):
    path = tmp_path / "a.bin"
    path.write_bytes(b"old")
    code = "import os, sys, pathlib, treadle.files\nos.fsync = lambda _: os._exit(9)\n"
    code += "treadle.files.write_atomically(pathlib.Path(sys.argv[1]), b'new')"
    killed = subprocess.run([sys.executable, "-c", code, str(path)], timeout=60, check=False)
    assert killed.returncode == 9
    assert path.read_bytes() == b"old"
    left = [name for name in names(tmp_path) if name.endswith(UNFINISHED)]
    assert len(left) == 1 and left[0].startswith(".a.bin.")
    remove_unfinished(tmp_path)
    assert names(tmp_path) == ["a.bin"]


def test_the_file_and_its_folder_reach_the_disk_in_order(tmp_path, monkeypatch):
    path = tmp_path / "a.bin"
    synced = []

    def fsync(descriptor):
        synced.append((stat.S_ISDIR(os.fstat(descriptor).st_mode), path.exists()))

    monkeypatch.setattr(os, "fsync", fsync)
    write_atomically(path, b"new")
    assert synced == [(False, False), (True, True)]


def test_a_missing_folder_is_an_oserror(tmp_path):
    with pytest.raises(FileNotFoundError, match="none"):
        write_atomically(tmp_path / "none" / "a.bin", b"")


def test_only_unfinished_files_are_removed(tmp_path):
    for name in (".a.1234.unfinished", "b.unfinished", ".hidden", "c"):
        (tmp_path / name).touch()
    remove_unfinished(tmp_path)
    assert names(tmp_path) == [".hidden", "b.unfinished", "c"]
