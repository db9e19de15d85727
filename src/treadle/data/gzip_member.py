"""Reads a gzip file (RFC 1952) of one member; zlib checks CRC and length.

It refuses what the format would allow and no data set has: further members, and bytes after the first one.
Python's gzip module reads both as if nothing were there.
"""

from __future__ import annotations

import zlib
from typing import IO

from treadle.errors import CorruptFile

GZIP_WBITS = 31  # makes zlib expect gzip's header and check sum
PACKED_BYTES = 1 << 16


class GzipMember:
    """The one member of a gzip file.

    Parameters
    ----------
    file : binary file
        At its start.
    what : str
        How errors call it.
    """

    def __init__(self, file: IO[bytes], what: str) -> None:
        self._file, self._what = file, what
        self._inflate = zlib.decompressobj(wbits=GZIP_WBITS)

    def read(self, n: int, /) -> bytes:
        """Return n bytes, or fewer at the end of a correct file.

        It is correct where the check sum is right and nothing follows.

        Raises
        ------
        EOFError, zlib.error
            If the file is cut short or damaged.
        CorruptFile
            If anything comes after the member.
        """
        data = bytearray()
        while len(data) < n and not self._inflate.eof:
            packed = self._inflate.unconsumed_tail or self._file.read(PACKED_BYTES)
            if not packed:
                raise EOFError("it ends in the middle")
            data += self._inflate.decompress(packed, n - len(data))
        if len(data) < n and (self._inflate.unused_data or self._file.read(1)):
            raise CorruptFile(f"{self._what} is padded: it goes on after its gzip stream; get it again")
        return bytes(data)
