"""Guards against decompression bombs: limits how far a file may grow when read.

A promise of many bytes is checked before memory is taken, and memory is taken only as the bytes arrive.
"""

from __future__ import annotations

from typing import Protocol

from treadle.errors import CorruptFile

# Up to this size a file may be compressed as far as its format can, about 1030 times: there is room for
# 60000 images of 28 x 28 bytes, 45 MiB, even if all their pixels are equal.
FREE_BYTES = 48 << 20
LARGEST_RATIO = 100  # and beyond it, this far: MNIST is compressed 5 times, Fashion-MNIST 1.8 times
CHUNK_BYTES = 1 << 20


def check_expansion(what: str, n_bytes: int, n_compressed: int, *, free_bytes: int | None = None) -> None:
    """Refuse to expand a file as far as only a decompression bomb does.

    It would grow from ``n_compressed`` to ``n_bytes`` bytes.

    Raises
    ------
    CorruptFile
        If ``n_bytes`` exceeds both ``free_bytes``, 48 MiB by default, and 100 times ``n_compressed``.
    """
    free_bytes = FREE_BYTES if free_bytes is None else free_bytes
    if n_bytes > free_bytes and n_bytes > LARGEST_RATIO * n_compressed:
        raise CorruptFile(
            f"{what} would grow from {n_compressed} to {n_bytes} bytes, more than {LARGEST_RATIO} times, "
            "as a decompression bomb does; if it is honest, save it uncompressed"
        )


class Readable(Protocol):
    """Any object that reads bytes."""

    def read(self, n: int, /) -> bytes:
        """Return at most n bytes, and none only at the end."""
        ...


def read_exactly(stream: Readable, n_bytes: int, what: str) -> bytearray:
    """Read ``n_bytes`` bytes and see that there are no more.

    Raises
    ------
    CorruptFile
        If the stream ends early or goes on; at most one byte beyond ``n_bytes`` is read.
    """
    data = bytearray()
    while len(data) < n_bytes:
        chunk = stream.read(min(CHUNK_BYTES, n_bytes - len(data)))
        if not chunk:
            raise CorruptFile(
                f"{what} is truncated: its header promises {n_bytes} bytes of data, it holds {len(data)}; "
                "get it again"
            )
        data += chunk
    if stream.read(1):
        raise CorruptFile(
            f"{what} is padded: it goes on after the {n_bytes} bytes of data that its header promises; "
            "get it again"
        )
    return data
