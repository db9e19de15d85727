"""The .npy format, read strictly: its header, and a file's array mapped into memory.

NumPy's own reader takes the header for Python and evaluates it, which ends in errors of Python's tokenizer or
in memory that the header asks for. Here it is what NumPy writes, versions 1.0 and 2.0: a dictionary of a
simple dtype, an order and a shape, and nothing else. Pickled objects are refused.
"""

from __future__ import annotations

import math
import os
import re
from dataclasses import dataclass
from typing import IO, Any, Literal

import numpy as np
from numpy.typing import NDArray

from treadle.errors import CorruptFile
from treadle.messages import quoted

MAGIC = b"\x93NUMPY"
# Of the header's length, in each version that is read.
LENGTH_BYTES: dict[tuple[int, ...], int] = {(1, 0): 2, (2, 0): 4}
MOST_HEADER = 10_000  # NumPy's own bound
MOST_DIMENSIONS = 32
MOST_BYTES = 1 << 62

_ENTRY = re.compile(
    r"""\s*(?P<q>['"])(?P<key>descr|fortran_order|shape)(?P=q)\s*:\s*
        (?:(?P<r>['"])(?P<descr>[<>|=]?[?A-Za-z][0-9]{0,9}(?:\[[0-9A-Za-z]{1,8}\])?)(?P=r)
          |(?P<fortran_order>True|False)
          |\((?P<shape>[0-9L,\s]*)\))\s*(?:,|$)""",
    re.VERBOSE,
)
_SIZE = re.compile(r"([0-9]{1,19})L?")


@dataclass(frozen=True)
class Header:
    """A header's statements about the bytes that follow."""

    shape: tuple[int, ...]
    fortran_order: bool
    dtype: np.dtype[np.generic]

    @property
    def n_bytes(self) -> int:
        """The number of bytes of the values."""
        return math.prod(self.shape) * self.dtype.itemsize


def read_header(stream: IO[bytes]) -> Header:
    """Read the header, up to the first byte of the values.

    Raises
    ------
    CorruptFile
        If it is no such header; it says why, without the file's name.
    """
    start = stream.read(len(MAGIC) + 2)
    if start[: len(MAGIC)] != MAGIC:
        raise CorruptFile(f"it must begin with {MAGIC!r}; it begins with {start[: len(MAGIC)]!r}")
    version = tuple(start[len(MAGIC) :])
    n_length = LENGTH_BYTES.get(version)
    if n_length is None:
        raise CorruptFile(f"it is of version {version}, not 1.0 or 2.0")
    length = int.from_bytes(stream.read(n_length), "little")
    if length > MOST_HEADER:
        raise CorruptFile(f"its header is of {length} bytes, more than {MOST_HEADER}")
    text = stream.read(length)
    if len(text) < length or not text.endswith(b"\n"):
        raise CorruptFile("its header is cut short")
    return _parsed(text.decode("latin-1").strip())


def _parsed(text: str) -> Header:
    if not (text.startswith("{") and text.endswith("}")):
        raise CorruptFile(f"its header is no dictionary: {quoted(text)}")
    inner, at, found = text[1:-1].strip(), 0, {}
    while at < len(inner):
        entry = _ENTRY.match(inner, at)
        key = entry["key"] if entry else ""
        if entry is None or entry[key] is None or key in found:
            raise CorruptFile(
                "its header must say descr, a simple type, fortran_order and shape, each once; it says "
                f"{quoted(text)}"
            )
        found[key], at = entry[key], entry.end()
    if len(found) < 3:
        raise CorruptFile(f"its header must say descr, fortran_order and shape; it says {quoted(text)}")
    sizes = [size.strip() for size in found["shape"].split(",")]
    if sizes[-1] == "":  # of (3,) and of ()
        sizes.pop()
    parts = [_SIZE.fullmatch(size) for size in sizes]
    if None in parts or len(parts) > MOST_DIMENSIONS:
        raise CorruptFile(
            f"its shape must be at most {MOST_DIMENSIONS} sizes; it is {quoted(found['shape'])}"
        )
    shape = tuple(int(part[1]) for part in parts if part is not None)
    try:
        dtype = np.dtype(found["descr"])
    except (TypeError, ValueError, OverflowError) as error:
        raise CorruptFile(f"its type {quoted(found['descr'])} is none of NumPy's") from error
    if dtype.hasobject:
        raise CorruptFile("it holds pickled Python objects, which are never loaded; save numbers or strings")
    header = Header(shape, found["fortran_order"] == "True", dtype)
    if dtype.itemsize == 0 or max((1, *shape)) > MOST_BYTES or header.n_bytes > MOST_BYTES:
        raise CorruptFile(f"its values of shape {quoted(shape)} and type {dtype.str!r} cannot be")
    return header


# Any: of the type that the header says.
def mapped(file: IO[bytes]) -> NDArray[Any]:
    """The array of an open file, mapped read-only; the file may be closed then.

    Raises
    ------
    CorruptFile
        If it is not exactly one array; it says why, without the file's name.
    """
    header = read_header(file)
    offset, size = file.tell(), os.fstat(file.fileno()).st_size
    if size - offset != header.n_bytes:
        raise CorruptFile(
            f"its header promises {header.n_bytes} bytes of values, and {size - offset} follow it"
        )
    order: Literal["F", "C"] = "F" if header.fortran_order else "C"
    if not header.n_bytes:
        return np.empty(header.shape, header.dtype, order)
    source: Any = file  # NumPy's types know a path, or a class of its own
    return np.memmap(source, header.dtype, "r", offset, header.shape, order)
