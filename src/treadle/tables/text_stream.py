"""Streams a text file as UTF-8: inflated, decoded and guarded when read.

It refuses, with the line: bytes that are no text in the encoding, and zero bytes. It refuses to grow as only
a decompression bomb does.
"""

from __future__ import annotations

import codecs
import gzip
import zlib
from typing import BinaryIO

from treadle.data.expansion import check_expansion
from treadle.errors import CorruptFile, InvalidInput
from treadle.tables.formats import GZIP_MAGIC, N_MAGIC_BYTES, magic_format

CHUNK = 1 << 20
# A table takes several times the memory of its text, so less may be inflated at any ratio than for images.
FREE_BYTES = 16 << 20
MARKS = {  # byte-order marks; UTF-32's before that of UTF-16, which begins it
    codecs.BOM_UTF8: "utf-8",
    codecs.BOM_UTF32_LE: "utf-32",
    codecs.BOM_UTF32_BE: "utf-32",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}


class TextStream:
    """A text file as a binary stream of UTF-8, without byte-order mark.

    Parameters
    ----------
    raw : binary file
        At its start.
    what : str
        How errors call it.
    encoding : str, optional
        Of a file without a byte-order mark. None: UTF-8.

    Attributes
    ----------
    encoding : str
        What it is read as.
    gzipped : bool
    n_file_bytes : int
        The file's size as it lies there.
    n_quotes : int
        Quotation marks read so far.
    """

    def __init__(self, raw: BinaryIO, what: str, encoding: str | None = None) -> None:
        self._what = what
        self.n_file_bytes = raw.seek(0, 2)
        raw.seek(0)
        self.gzipped = raw.read(2) == GZIP_MAGIC
        raw.seek(0)
        self._raw: BinaryIO | gzip.GzipFile = gzip.GzipFile(fileobj=raw) if self.gzipped else raw
        self._n_bytes = self._n_lines = self.n_quotes = 0
        self.tail = b""
        self.closed = False
        start = self._next_chunk()
        if self.gzipped and (inner := magic_format(start[:N_MAGIC_BYTES], what)):
            raise InvalidInput(f"{what} is {inner} within gzip; unpack it, its columns are compressed anyway")
        mark = next((mark for mark in MARKS if start.startswith(mark)), None)
        self.encoding = _checked(encoding) if mark is None else MARKS[mark]
        self._told = encoding is not None and mark is None
        self._decoder = codecs.getincrementaldecoder(self.encoding)()
        self._ended = not start
        self._ready = self._decoded(start[3:] if mark == codecs.BOM_UTF8 else start)

    def head(self, n: int) -> str:
        """Return the first n bytes as text; ``read`` reads them again.

        There are fewer where the file is shorter.
        """
        self._ready = self._gathered(n)
        return self._ready[:n].decode("utf-8", "ignore")  # n may fall within a letter

    def at_end(self) -> bool:
        """Whether nothing is left to read."""
        self._ready = self._gathered(1)
        return not self._ready

    def skip(self, n: int) -> None:
        """Skip the next n bytes."""
        while n:
            n -= len(self.read(n))

    def read(self, n: int = -1, /) -> bytes:
        """Return n bytes; fewer only at the end."""
        data = self._gathered(n)
        data, self._ready = (data, b"") if n < 0 else (data[:n], data[n:])
        self.n_quotes += data.count(b'"')
        self.tail = (self.tail + data[-CHUNK:])[-CHUNK:] if len(data) < CHUNK else data[-CHUNK:]
        return data

    def readable(self) -> bool:
        """Return True."""
        return True

    def close(self) -> None:
        """Close the file."""
        self.closed = True
        self._raw.close()

    def _gathered(self, n: int) -> bytes:
        """Return at least n bytes, or all there are; below 0 all."""
        parts, size = [self._ready], len(self._ready)
        while (n < 0 or size < n) and not self._ended:
            chunk = self._next_chunk()
            self._ended = not chunk
            parts.append(self._decoded(chunk))
            size += len(parts[-1])
        return b"".join(parts)

    def _next_chunk(self) -> bytes:
        try:
            chunk = self._raw.read(CHUNK)
        except (EOFError, zlib.error, gzip.BadGzipFile) as error:
            raise CorruptFile(f"{self._what} is a damaged gzip file: {error}; get it again") from error
        self._n_bytes += len(chunk)
        if self.gzipped:
            check_expansion(self._what, self._n_bytes, self.n_file_bytes, free_bytes=FREE_BYTES)
        return chunk

    def _decoded(self, chunk: bytes) -> bytes:
        """Decode a chunk to UTF-8; an empty one ends the file."""
        try:
            text = self._decoder.decode(chunk, final=not chunk)
        except UnicodeDecodeError as error:
            raise self._no_text(error) from error
        except UnicodeError as error:
            raise CorruptFile(f"{self._what} is no text in {self.encoding.upper()}: {error}") from error
        if "\0" in text:
            line = self._n_lines + text.count("\n", 0, text.index("\0")) + 1
            hint = "" if self._told else "; if it is UTF-16, name its encoding (--encoding utf-16-le)"
            raise CorruptFile(f"{self._what} is no text: line {line} holds a zero byte{hint}")
        self._n_lines += text.count("\n")
        return text.encode("utf-8", "replace")

    def _no_text(self, error: UnicodeDecodeError) -> CorruptFile:
        line = self._n_lines + bytes(error.object).count(b"\n", 0, error.start) + 1
        byte = error.object[error.start]
        fault = f"{self._what} is no text in {self.encoding.upper()}: line {line} holds the byte 0x{byte:02x}"
        if self.encoding == "utf-8" and not self._told:
            return CorruptFile(
                f"{fault}. Files of Windows programs are often in Windows-1252: name the encoding "
                "(--encoding cp1252)"
            )
        return CorruptFile(f"{fault}: {error.reason}; name its encoding (--encoding), or save it as UTF-8")


def _checked(encoding: str | None) -> str:
    if encoding is None:
        return "utf-8"
    try:
        found = codecs.lookup(encoding)
        "".encode(found.name)  # what is no encoding of text is refused here
        codecs.getincrementaldecoder(found.name)
    except (LookupError, ValueError, TypeError) as error:
        raise InvalidInput(
            f"there is no encoding {encoding[:40]!r}; examples are utf-8, utf-16, cp1252 (Windows), latin-1, "
            "cp932 (Japanese), gb18030 (Chinese)"
        ) from error
    return found.name
