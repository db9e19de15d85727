"""Checks PNG's own check sums (ISO/IEC 15948, section 5), which Pillow reads in part.

A file that lacks its last bytes has all its pixels, and the check sum that would tell of damage to them is
among those bytes: such a file is refused. So are PNG images within an ICO file.
"""

from __future__ import annotations

import os
import zlib
from typing import IO

from treadle.errors import CorruptFile

SIGNATURE = b"\x89PNG\r\n\x1a\n"
BLOCK_BYTES = 1 << 16
MOST_IMAGES = 64  # in an ICO file
ICO_MAGIC, ICO_ENTRY_BYTES = b"\0\0\1\0", 16


def check_png(file: IO[bytes], what: str) -> None:
    """Refuse a PNG with a missing end or wrong check sum; ignore other files.

    Parameters
    ----------
    file : binary file
        At any place; it is at its start afterwards.
    what : str
        How errors call it.

    Raises
    ------
    CorruptFile
        It says at which part.
    """
    for start in _starts(file, what):
        _check(file, start, what)
    file.seek(0)


def _starts(file: IO[bytes], what: str) -> list[int]:
    file.seek(0)
    head = file.read(6)
    if head[:4] != ICO_MAGIC:
        return [0]
    n_images = int.from_bytes(head[4:], "little")
    if n_images > MOST_IMAGES:
        raise CorruptFile(f"{what} is an ICO of {n_images} images; at most {MOST_IMAGES} are read: use PNG")
    entries = file.read(ICO_ENTRY_BYTES * n_images)
    places = range(12, len(entries) - 3, ICO_ENTRY_BYTES)
    return [int.from_bytes(entries[at : at + 4], "little") for at in places]


def _check(file: IO[bytes], start: int, what: str) -> None:
    file.seek(start)
    if file.read(len(SIGNATURE)) != SIGNATURE:
        return
    left = os.fstat(file.fileno()).st_size - file.tell()
    kind = b""
    while kind != b"IEND":
        head = file.read(8)
        n_bytes, kind = int.from_bytes(head[:4], "big"), head[4:]
        left -= 12 + n_bytes  # with the length, the kind and the sum
        if len(head) < 8 or left < 0:
            raise CorruptFile(
                f"{what} is a damaged image: a PNG that was cut short, without its end; save it again"
            )
        crc = zlib.crc32(kind)
        while n_bytes > 0:
            block = file.read(min(n_bytes, BLOCK_BYTES))
            crc, n_bytes = zlib.crc32(block, crc), n_bytes - len(block)
            if not block:
                break
        if file.read(4) != crc.to_bytes(4, "big"):
            raise CorruptFile(
                f"{what} is a damaged image: the check sum of its part {kind!r} is wrong; save it again"
            )
