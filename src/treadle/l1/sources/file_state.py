"""Detects that a file changed since an earlier pass, by size and time."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Self

from treadle.errors import InvalidInput
from treadle.files import checked_path


@dataclass(frozen=True)
class FileState:
    """A file's size and time of change, when it was first read.

    They are in bytes and nanoseconds.
    """

    path: Path
    size: int
    changed: int

    @classmethod
    def of(cls, path: Path) -> Self:
        """Return the state now; InvalidInput if the file cannot be examined."""
        return cls(path, *_size_and_change(checked_path(path)))

    def refuse_change(self) -> None:
        """Raise InvalidInput unless size and time are what they were."""
        if _size_and_change(self.path) != (self.size, self.changed):
            raise InvalidInput(
                f"{self.path} has changed since its first pass; solve again when nothing writes to it any "
                "more"
            )


def _size_and_change(path: Path) -> tuple[int, int]:
    try:
        stat = path.stat()
    except OSError as error:
        raise InvalidInput(f"{path} cannot be read: {error.strerror}; check the path") from error
    return stat.st_size, stat.st_mtime_ns
