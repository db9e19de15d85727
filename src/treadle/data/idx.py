"""Reads IDX files strictly, plain or gzip: the format of MNIST.

The format (LeCun, Cortes and Burges, "The MNIST database"), big-endian: two zero bytes, a byte for the type,
a byte for the number d of dimensions, d unsigned 32-bit sizes, and then the values in C order.

It refuses any file whose magic, type, dimensions or length are not exactly right, truncated and padded ones
included, a gzip file that expands beyond what its header promises, and one with anything after its stream.
It writes nothing.
"""

from __future__ import annotations

import math
import os
import zlib
from io import BytesIO
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from treadle.data.expansion import Readable, check_expansion, read_exactly
from treadle.data.gzip_member import GzipMember
from treadle.errors import CorruptFile, InvalidInput
from treadle.files import opened
from treadle.maths.dtypes import Numbers

TYPES = {0x08: ">u1", 0x09: ">i1", 0x0B: ">i2", 0x0C: ">i4", 0x0D: ">f4", 0x0E: ">f8"}
MOST_DIMENSIONS = 8
GZIP_MAGIC = b"\x1f\x8b"


# Any: of one of ``TYPES``, which the file says and whoever reads it checks.
def read_idx(source: str | Path | bytes, *, ndim: int | None = None, what: str | None = None) -> NDArray[Any]:
    """Read an IDX file.

    Parameters
    ----------
    source : str, Path or bytes
        The file, or all of its bytes. Its first two bytes say whether it is gzip, not its name.
    ndim : int, optional
        The number of dimensions it must have: 1 for labels, 3 for images.
    what : str, optional
        How errors call the file; by default its path.

    Returns
    -------
    ndarray
        uint8, int8, int16, int32, float32 or float64 in the machine's byte order, C-contiguous.

    Raises
    ------
    CorruptFile
        If the file is anything but one whole IDX file. Memory for the values is taken only as they arrive,
        and never beyond the length that the header promises.
    InvalidInput
        If there is no such file, or it cannot be read.
    """
    if isinstance(source, bytes):
        return _read(BytesIO(source), len(source), what or "the IDX data", ndim)
    what = what or str(source)
    try:
        with opened(source) as file:
            return _read(file, os.fstat(file.fileno()).st_size, what, ndim)
    except OSError as error:
        raise InvalidInput(f"{what} cannot be read: {error.strerror}; check the path") from error


def _read(file: IO[bytes], n_stored: int, what: str, ndim: int | None) -> Numbers:
    compressed = file.read(2) == GZIP_MAGIC
    file.seek(0)
    if not compressed:
        return _read_values(file, n_stored, what, ndim, compressed=False)
    try:
        return _read_values(GzipMember(file, what), n_stored, what, ndim, compressed=True)
    except (zlib.error, EOFError) as error:
        raise CorruptFile(f"{what} is damaged gzip: {error}; get it again") from error


def _read_values(
    stream: Readable, n_stored: int, what: str, ndim: int | None, *, compressed: bool
) -> Numbers:
    magic = stream.read(4)
    if len(magic) < 4 or magic[:2] != b"\0\0" or magic[2] not in TYPES:
        raise CorruptFile(
            f"{what} is no IDX file: it must begin with two zero bytes and a type of "
            f"{', '.join(f'0x{code:02x}' for code in TYPES)}; got {magic.hex(' ') or 'nothing'}; "
            "get it again, or name another file"
        )
    d = magic[3]
    if ndim is not None and d != ndim:
        raise CorruptFile(
            f"{what} holds an array of {d} dimensions, where {ndim} are needed (labels have 1, images 3); "
            "perhaps one file took the place of another: look at their names"
        )
    if not 1 <= d <= MOST_DIMENSIONS:
        raise CorruptFile(
            f"{what} must have 1 to {MOST_DIMENSIONS} dimensions; its header says {d}; get it again"
        )
    sizes = stream.read(4 * d)
    if len(sizes) < 4 * d:
        raise CorruptFile(f"{what} is truncated within its header; get it again")
    shape = tuple(int(n) for n in np.frombuffer(sizes, dtype=">u4"))
    if 0 in shape:
        raise CorruptFile(f"{what} is empty: its header says {' x '.join(map(str, shape))}; get it again")

    dtype = np.dtype(TYPES[magic[2]])
    n_bytes = math.prod(shape) * dtype.itemsize
    if compressed:
        check_expansion(what, n_bytes, n_stored)
    elif n_bytes != n_stored - 4 - 4 * d:
        raise CorruptFile(
            f"{what} is truncated or padded: {' x '.join(map(str, shape))} {dtype.name} are {n_bytes} bytes, "
            f"but {n_stored - 4 - 4 * d} follow the header; get it again"
        )
    values = np.frombuffer(read_exactly(stream, n_bytes, what), dtype=dtype).reshape(shape)
    return values.astype(dtype.newbyteorder("="), copy=False)
