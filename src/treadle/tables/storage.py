"""Converts Arrow's chunks, codes, runs, views and decimals to plain arrays."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import types

from treadle.errors import CorruptFile, InvalidInput
from treadle.tables.memory_need import refuse_too_large


def plain_array(column: pa.ChunkedArray | pa.Array, what: str) -> pa.Array:
    """Convert a column to one plain array of the same values.

    It is of numbers, bool, dates, large_string, or a type that is none of these.

    Parameters
    ----------
    column : pyarrow.ChunkedArray or pyarrow.Array
    what : str
        How errors call the file.

    Raises
    ------
    CorruptFile
        If they are stored in a way that cannot be read.
    """
    chunks = column.chunks if isinstance(column, pa.ChunkedArray) else [column]
    try:
        if n_bytes := sum(map(_plain_bytes, chunks)):
            refuse_too_large(n_bytes, what)
        plain = [_plain(chunk) for chunk in chunks] or [_plain(pa.array([], column.type))]
        if len({chunk.type for chunk in plain}) > 1:  # decimals, some of them whole
            plain = [pc.cast(chunk, pa.float64()) for chunk in plain]
        return plain[0] if len(plain) == 1 else pa.concat_arrays(plain)
    except (pa.ArrowException, ValueError) as error:
        if isinstance(error, MemoryError | InvalidInput):
            raise
        raise CorruptFile(f"{what} is damaged: {str(error)[:200]}; get it again") from error


def _plain_bytes(values: pa.Array) -> int:
    """Return the bytes of values written out; 0 where stored so.

    Codes or runs hold them shorter.
    """
    kind = values.type
    if isinstance(values, pa.ExtensionArray):
        return _plain_bytes(values.storage)
    if types.is_run_end_encoded(kind):
        return 16 * len(values)
    if types.is_dictionary(kind):
        text = _levels(values)
        if not (types.is_string(text.type) or types.is_large_string(text.type)):
            return 16 * len(values)
        lengths = pc.take(pc.binary_length(text).cast(pa.int64()), values.indices)
        return 8 * len(values) + (pc.sum(lengths).as_py() or 0)
    if types.is_string_view(kind):
        views = np.frombuffer(values.buffers()[1] or b"", np.int32)[: 4 * (values.offset + len(values))]
        lengths = views.reshape(-1, 4)[values.offset :, 0].astype(
            np.int64
        )  # Arrow's layout: length, then place
        return 8 * len(values) + int(lengths.sum(where=lengths > 0))
    return 0


def _levels(values: pa.DictionaryArray) -> pa.Array:
    """Return what codes stand for; Arrow has no kernels for views, in which polars has it."""
    levels = values.dictionary
    return pc.cast(levels, pa.large_string()) if types.is_string_view(levels.type) else levels


def _plain(values: pa.Array) -> pa.Array:
    kind = values.type
    if isinstance(values, pa.ExtensionArray):
        return _plain(values.storage)
    if types.is_dictionary(kind):
        return _plain(pa.DictionaryArray.from_arrays(values.indices, _levels(values)).dictionary_decode())
    if types.is_run_end_encoded(kind):
        return _plain(pc.run_end_decode(values))
    if types.is_string(kind) or types.is_string_view(kind):
        return pc.cast(values, pa.large_string())
    if types.is_decimal(kind):
        return _decimals(values)
    if types.is_date64(kind):
        return pc.cast(values, pa.timestamp("ms"))
    return values


def _decimals(values: pa.Array) -> pa.Array:
    """Convert decimals; whole numbers stay exact where they fit."""
    if values.type.scale <= 0:
        try:
            return pc.cast(values, pa.int64())
        except pa.ArrowInvalid:
            pass
    return pc.cast(values, pa.float64(), safe=False)


def is_numeric(arrow_type: pa.DataType) -> bool:
    """Say whether an Arrow type stores numbers: not text, nor dates."""
    kinds = (types.is_integer, types.is_floating, types.is_boolean, types.is_decimal)
    return any(kind(arrow_type) for kind in kinds)
