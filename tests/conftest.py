from __future__ import annotations

import struct
from collections.abc import Callable
from typing import Any

import pytest
from numpy.typing import NDArray

from treadle.data import Dataset, load_data

IDX_CODES = {"uint8": 0x08, "int8": 0x09, "int16": 0x0B, "int32": 0x0C, "float32": 0x0D, "float64": 0x0E}


@pytest.fixture(scope="session")
def fashion_mnist() -> Dataset:
    """The real data, from wherever this machine has or can get it; without it the tests prove too little."""
    return load_data("fashion-mnist")


@pytest.fixture(scope="session")
def idx_bytes() -> Callable[[NDArray[Any]], bytes]:
    """Encode an array as an IDX file, independently of the reader."""

    def encode(array: NDArray[Any]) -> bytes:
        header = struct.pack(
            f">BBBB{array.ndim}I", 0, 0, IDX_CODES[array.dtype.name], array.ndim, *array.shape
        )
        return header + array.astype(array.dtype.newbyteorder(">")).tobytes()

    return encode
