"""Computes how much an Arrow file's columns unpack into, from its metadata.

Nothing is unpacked for it. Each compressed buffer begins with its unpacked length, 8 bytes that pyarrow
believes. Where they say more than the rows need, and more than honest text takes, the file is refused before.
Source: the Arrow columnar format, "IPC File Format", whose metadata are flatbuffers (File.fbs, Message.fbs).
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import BinaryIO, TypeVar

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from pyarrow import types

from treadle.data.expansion import check_expansion
from treadle.errors import CorruptFile
from treadle.tables.memory_need import refuse_too_large
from treadle.tables.text_stream import FREE_BYTES

MAGIC = b"ARROW1"
CONTINUED = b"\xff\xff\xff\xff"  # before a message's size, from version 5 on
DICTIONARY, RECORDS = 2, 3
VERSION_5 = 4
LEGACY_COMPRESSION = b"ARROW:experimental_compression"
BLOCK = np.dtype([("offset", "<i8"), ("metadata", "<i4"), ("pad", "<i4"), ("body", "<i8")])
BUFFER = np.dtype([("offset", "<i8"), ("length", "<i8")])


def refuse_bombs(file: BinaryIO, schema: pa.Schema, places: Sequence[int], what: str) -> None:
    """Refuse an Arrow file that unpacks into more than rows need or memory holds.

    Parameters
    ----------
    file : binary file
        One that pyarrow opens.
    schema : pyarrow.Schema
        Its own.
    places : sequence of int
        The columns to be read, by their places.
    what : str
        How errors call it.

    Raises
    ------
    CorruptFile
        If it is damaged, or a decompression bomb.
    InvalidInput
        If the columns do not fit in memory.
    """
    n_file_bytes = file.seek(0, 2)
    try:
        footer = _footer(file, n_file_bytes)
        chosen = set(places)
        n_rows = taken = beyond = 0
        for block in footer.structs(2, BLOCK):  # all dictionaries are read, whatever the columns
            size = _Batch(file, block).unpacked(0, None)
            taken += size
            beyond += size
        for block in footer.structs(3, BLOCK):
            batch = _Batch(file, block)
            n_rows += batch.n_rows
            variadic, first = iter(batch.variadic), 0
            for i, kind in enumerate(schema.types):
                end = first + _n_buffers(kind, variadic, batch.version)
                if i in chosen:
                    size = batch.unpacked(first, end)
                    taken += size
                    beyond += max(0, size - _needed(kind, batch.n_rows))
                first = end
    except (struct.error, ValueError) as error:
        raise CorruptFile(
            f"{what} is a damaged Feather file: its metadata point out of it; get it again"
        ) from error
    check_expansion(what, beyond, n_file_bytes, free_bytes=FREE_BYTES)
    refuse_too_large(max(16 * n_rows * len(places), taken), what)


def _needed(kind: pa.DataType, n_rows: int) -> int:
    """Return the bytes that a column's values need.

    Of values of a fixed width that is with their bits of presence; of text it is the bytes of its offsets.
    """
    if types.is_nested(kind) or types.is_null(kind):
        return 0
    bits = 128  # of a view; offsets take less
    if not types.is_fixed_size_binary(kind):
        with suppress(ValueError):
            bits = kind.bit_width
    return n_rows * (bits + 1) // 8


def _n_buffers(kind: pa.DataType, variadic: Iterator[int], version: int) -> int:
    """Return the buffers of a column in a message, its children's included."""
    if isinstance(kind, pa.BaseExtensionType):
        kind = kind.storage_type
    n = int(kind.num_buffers)
    if types.is_null(kind) or types.is_run_end_encoded(kind):
        n = 0
    elif types.is_union(kind):
        n -= version >= VERSION_5  # before, a union had bits of presence
    elif types.is_string_view(kind) or types.is_binary_view(kind):
        n += next(variadic, 0)
    children = (kind.field(i).type for i in range(kind.num_fields))
    return n + sum(_n_buffers(child, variadic, version) for child in children)


Scalar = TypeVar("Scalar", bound=np.generic)


class _Batch:
    """A batch of records or a dictionary: its rows and buffers' unpacked sizes."""

    def __init__(self, file: BinaryIO, block: np.void) -> None:
        self._file = file
        data = _read(file, int(block["offset"]), int(block["metadata"]))
        message = _Table.root(data[8:] if data[:4] == CONTINUED else data[4:])
        self.version = message.number(0, "<h")
        kind = message.number(1, "<B")
        if kind not in (DICTIONARY, RECORDS):
            raise ValueError("a message of another kind")
        batch = message.table(2)
        if kind == DICTIONARY:
            batch = batch.table(1)
        self.n_rows = batch.number(0, "<q")
        self.variadic = batch.structs(4, np.dtype("<i8")).tolist()
        if self.n_rows < 0 or min(self.variadic, default=0) < 0:
            raise ValueError("a number of rows or of buffers below 0")
        self._packed = batch.has(3) or LEGACY_COMPRESSION in data
        self._body = int(block["offset"]) + int(block["metadata"])
        self._buffers = batch.structs(2, BUFFER)

    def unpacked(self, first: int, end: int | None) -> int:
        """Sum the bytes of some buffers as pyarrow unpacks them."""
        total = 0
        for offset, length in self._buffers[first:end].tolist():
            size = length
            if self._packed and length >= 8:
                (stated,) = struct.unpack("<q", _read(self._file, self._body + offset, 8))
                size = length if stated == -1 else stated  # -1: left as it was
            if size < 0:
                raise ValueError("a size below 0")
            total += size
        return total


@dataclass(frozen=True)
class _Table:
    """A flatbuffer's table: its fields by their numbers, absent ones 0 or empty."""

    data: bytes
    at: int

    @staticmethod
    def root(data: bytes) -> _Table:
        return _Table(data, *struct.unpack_from("<I", data))

    def _place(self, field: int) -> int | None:
        """Return a field's position; None if it is absent."""
        (back,) = struct.unpack_from("<i", self.data, self.at)
        directory = self.at - back
        if directory < 0:
            raise ValueError("a table's directory outside")
        (size,) = struct.unpack_from("<H", self.data, directory)
        if 4 + 2 * field >= size:
            return None
        (offset,) = struct.unpack_from("<H", self.data, directory + 4 + 2 * field)
        return self.at + offset if offset else None

    def has(self, field: int) -> bool:
        return self._place(field) is not None

    def number(self, field: int, code: str) -> int:
        at = self._place(field)
        return 0 if at is None else int(struct.unpack_from(code, self.data, at)[0])

    def table(self, field: int) -> _Table:
        at = self._place(field)
        if at is None:
            raise ValueError("a table that is not there")
        return _Table(self.data, at + struct.unpack_from("<I", self.data, at)[0])

    def structs(self, field: int, dtype: np.dtype[Scalar]) -> NDArray[Scalar]:
        at = self._place(field)
        if at is None:
            return np.empty(0, dtype)
        at += struct.unpack_from("<I", self.data, at)[0]
        (n,) = struct.unpack_from("<I", self.data, at)
        return np.frombuffer(self.data, dtype, n, at + 4)


def _footer(file: BinaryIO, n_file_bytes: int) -> _Table:
    n_end = 4 + len(MAGIC)
    (size,) = struct.unpack_from("<i", _read(file, n_file_bytes - n_end, n_end))
    return _Table.root(_read(file, n_file_bytes - n_end - size, size))


def _read(file: BinaryIO, at: int, n: int) -> bytes:
    """Read exactly n bytes of the file, which holds them."""
    if at < 0 or n < 0:
        raise ValueError("a place outside the file")
    file.seek(at)
    data = file.read(n)
    if len(data) < n:
        raise ValueError("a place outside the file")
    return data
