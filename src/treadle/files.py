"""Opens files for reading, and writes files whole or not at all.

What is read is a regular file. A pipe would be waited for without end and a device never ends: both are
refused before a byte is read.
"""

from __future__ import annotations

import errno
import os
import secrets
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from treadle.errors import InvalidInput
from treadle.messages import quoted

UNFINISHED = ".unfinished"

_KINDS = (
    (stat.S_ISFIFO, "a pipe"),
    (stat.S_ISCHR, "a device"),
    (stat.S_ISBLK, "a device"),
    (stat.S_ISSOCK, "a socket"),
)


def checked_path(path: str | os.PathLike[str]) -> Path:
    """Return the path if the operating system can look for it.

    Whether there is a file is not looked at.

    Raises
    ------
    InvalidInput
        If it holds a NUL character or half a surrogate pair, or is longer than names may be.
    """
    text = os.fspath(path)
    try:
        encoded = os.fsencode(text)
    except UnicodeEncodeError as error:
        raise InvalidInput(
            f"the path {quoted(text)} holds {text[error.start]!a}, which is no character; write another path"
        ) from error
    if b"\0" in encoded:
        raise InvalidInput(
            f"the path {quoted(text)} holds a NUL character, which no name can; write another path"
        )
    path = Path(text)
    try:
        path.stat()
    except OSError as error:
        if error.errno == errno.ENAMETOOLONG:
            raise InvalidInput(
                f"the path {quoted(text)} of {len(text)} characters is longer than this system allows; write "
                "a shorter one"
            ) from error
    return path


@contextmanager
def opened(path: str | os.PathLike[str], *, most_bytes: int | None = None) -> Iterator[BinaryIO]:
    """Open a regular file for reading, without waiting for another process.

    Parameters
    ----------
    path : str or PathLike
    most_bytes : int, optional
        How large it may be.

    Raises
    ------
    InvalidInput
        If the path cannot be one, there is a pipe, a device or a socket, or the file is too large.
    OSError
        As the operating system has it, with the path: no such file, no permission, a folder.
    """
    path = checked_path(path)
    # Of a pipe, without O_NONBLOCK, the call would return only when somebody writes to it.
    handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    try:
        _check_status(path, os.fstat(handle), most_bytes)
    except BaseException:
        os.close(handle)
        raise
    with open(handle, "rb") as file:  # noqa: PTH123
        yield file


def _check_status(path: Path, status: os.stat_result, most_bytes: int | None) -> None:
    if stat.S_ISDIR(status.st_mode):
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
    if not stat.S_ISREG(status.st_mode):
        kind = next((name for holds, name in _KINDS if holds(status.st_mode)), "no file")
        raise InvalidInput(f"{path} is {kind}, where a file is needed: copy what it gives into a file")
    if most_bytes is not None and status.st_size > most_bytes:
        raise InvalidInput(
            f"{path} is of {status.st_size} bytes, and at most {most_bytes} are read: name another file"
        )


def check_readable(path: str | os.PathLike[str]) -> None:
    """Raise as ``opened`` does: for a library that opens the file itself."""
    with opened(path):
        pass


def write_atomically(path: Path, data: bytes) -> None:
    """Write data to path through a temporary file beside it, as ``written_atomically`` does."""
    with written_atomically(path) as file:
        file.write(data)


@contextmanager
def written_atomically(path: Path) -> Iterator[BinaryIO]:
    """Open a temporary file to write, which takes the place of path at the end.

    The steps: write, flush, fsync, rename, fsync the folder. A process killed on the way leaves path as it
    was, and at most a hidden file ending in ``.unfinished``.

    Raises
    ------
    InvalidInput
        If the path cannot be one.
    OSError
        As the operating system has it, with the path: no such folder, no permission, disk full.
    """
    path = checked_path(path)
    unfinished = path.with_name(f".{path.name}.{secrets.token_hex(4)}{UNFINISHED}")
    try:
        with unfinished.open("xb") as file:
            yield file
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
    """Lock the folder against other processes that lock it.

    The lock ends with the process, however that ends.

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
    """Delete the temporary files that killed writers left in the folder.

    It is for a folder that nobody else writes to.
    """
    for path in folder.glob(f".*{UNFINISHED}"):
        path.unlink(missing_ok=True)
