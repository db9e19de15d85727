"""Writing a file so that a reader sees the old one or the new one, whole, whatever happens in between."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

UNFINISHED = ".unfinished"


def write_atomically(path: Path, data: bytes) -> None:
    """Write data to path through a temporary file beside it: write, flush, fsync, rename, fsync the folder.

    A process killed on the way leaves path as it was, and at most a hidden file ending in ``.unfinished``.

    Raises
    ------
    OSError
        As the operating system has it, with the path: no such folder, no permission, disk full.
    """
    unfinished = path.with_name(f".{path.name}.{secrets.token_hex(4)}{UNFINISHED}")
    try:
        with unfinished.open("xb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        unfinished.replace(path)
    except BaseException as error:
        unfinished.unlink(missing_ok=True)
        if isinstance(error, OSError) and error.errno:
            raise OSError(error.errno, os.strerror(error.errno), str(path)) from error
        raise
    if os.name == "posix":
        folder = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Hold the folder against every other process that asks; the lock ends with the process, however it ends.

    Raises
    ------
    BlockingIOError
        If another process holds it.
    """
    import fcntl  # not on Windows, where treadle does not run

    handle = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    finally:
        os.close(handle)


def remove_unfinished(folder: Path) -> None:
    """Delete what killed writers left in the folder; only for a folder that nobody else writes to."""
    for path in folder.glob(f".*{UNFINISHED}"):
        path.unlink(missing_ok=True)
