"""A file that changes between passes is noticed by its size, and by its time alone."""

import os

import pytest

from treadle.errors import InvalidInput
from treadle.l1.sources.file_state import FileState


def test_a_file_that_nothing_was_written_to_is_let_pass(tmp_path):
    path = tmp_path / "rows.npy"
    path.write_bytes(b"abc")
    state = FileState.of(path)
    state.refuse_change()
    assert (state.size, state.changed) == (3, path.stat().st_mtime_ns)


def test_another_size_is_refused_even_at_the_same_time(tmp_path):
    path = tmp_path / "rows.npy"
    path.write_bytes(b"abc")
    state = FileState.of(path)
    path.write_bytes(b"abcd")
    os.utime(path, ns=(state.changed, state.changed))
    with pytest.raises(InvalidInput, match=r"rows\.npy has changed since its first pass; solve again when"):
        state.refuse_change()


def test_another_time_is_refused_even_at_the_same_size(tmp_path):
    path = tmp_path / "rows.npy"
    path.write_bytes(b"abc")
    state = FileState.of(path)
    os.utime(path, ns=(state.changed, state.changed + 1))
    with pytest.raises(InvalidInput, match="has changed since its first pass"):
        state.refuse_change()


def test_a_file_that_is_not_there_any_more_cannot_be_read(tmp_path):
    path = tmp_path / "rows.npy"
    path.write_bytes(b"abc")
    state = FileState.of(path)
    path.unlink()
    with pytest.raises(InvalidInput, match=r"rows\.npy cannot be read: No such file or directory; check the"):
        state.refuse_change()
    with pytest.raises(InvalidInput, match="cannot be read"):
        FileState.of(path)
