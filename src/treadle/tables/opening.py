"""Opening a file that somebody named: a regular one, or an error that says what it is instead.

A pipe or a device would be waited for, or read, without end: neither is opened.
"""

from __future__ import annotations

import stat
from pathlib import Path
from typing import BinaryIO

from treadle.errors import InvalidInput

SHOWN = 200  # characters of a path in a message


def open_regular(path: str | Path) -> BinaryIO:
    """Open a regular file for reading, unbuffered.

    Raises
    ------
    InvalidInput
        If the path is no path, nothing is there, it is a folder, a pipe or a device, or may not be read.
    """
    shown = shown_path(path)
    try:
        mode = Path(path).stat().st_mode
        if stat.S_ISDIR(mode):
            raise InvalidInput(f"{shown} cannot be read: Is a directory; name a file in it")
        if not stat.S_ISREG(mode):
            raise InvalidInput(
                f"{shown} cannot be read: it is {_kind_of(mode)}, no regular file; write what it gives to one"
            )
        return Path(path).open("rb", buffering=0)
    except OSError as error:
        raise InvalidInput(f"{shown} cannot be read: {error.strerror}; check the path") from error
    except ValueError as error:  # a zero byte, or half of a surrogate pair
        if isinstance(error, InvalidInput):
            raise
        raise InvalidInput(f"{shown} cannot be read: no file can have this name ({error})") from error


def shown_path(path: str | Path) -> str:
    """A path for a message: escaped where it cannot be printed, cut in the middle where it is long."""
    text = str(path).encode("utf-8", "backslashreplace").decode().replace("\0", "\\0")
    return text if len(text) <= SHOWN else f"{text[: SHOWN // 2]}...{text[-SHOWN // 2 :]}"


def _kind_of(mode: int) -> str:
    if stat.S_ISFIFO(mode):
        return "a pipe"
    return "a socket" if stat.S_ISSOCK(mode) else "a device"
