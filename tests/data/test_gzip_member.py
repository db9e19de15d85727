"""One gzip member: what Python's own module unpacks, and none of what it forgives."""

import gzip
import io
import zlib

import numpy as np
import pytest

from treadle.data import gzip_member
from treadle.data.gzip_member import GzipMember
from treadle.errors import CorruptFile

TEXT = np.random.default_rng(0).integers(0, 60, 5000).astype(np.uint8).tobytes()
PACKED = gzip.compress(TEXT)


def content(data, size=700):
    member, parts = GzipMember(io.BytesIO(data), "f.gz"), []
    while True:
        parts.append(member.read(size))
        if len(parts[-1]) < size:
            return b"".join(parts)


@pytest.mark.parametrize("size", [1, 700, 5000, 9999])
@pytest.mark.parametrize("packed_bytes", [3, 1 << 16])
def test_the_content_is_that_of_pythons_module(monkeypatch, size, packed_bytes):
    monkeypatch.setattr(gzip_member, "PACKED_BYTES", packed_bytes)
    assert content(PACKED, size) == TEXT


def test_an_empty_member_is_empty():
    assert content(gzip.compress(b"")) == b""


@pytest.mark.parametrize("after", [b"\0", PACKED, b"x" * 100_000], ids=["a byte", "a member", "much"])
def test_what_comes_after_the_member_is_refused_though_python_reads_it(after):
    with pytest.raises(CorruptFile, match=r"f\.gz is padded: it goes on after its gzip stream; get it again"):
        content(PACKED + after)


@pytest.mark.parametrize("keep", [1, 12, len(PACKED) // 2, len(PACKED) - 9, len(PACKED) - 1])
def test_a_member_that_is_cut_short_is_seen(keep):
    with pytest.raises(EOFError, match="it ends in the middle"):
        content(PACKED[:keep])


@pytest.mark.parametrize("place", [len(PACKED) // 2, len(PACKED) - 5, len(PACKED) - 1])
def test_a_flipped_bit_is_seen_by_the_sum_or_the_length(place):
    data = bytearray(PACKED)
    data[place] ^= 1
    with pytest.raises((zlib.error, EOFError, CorruptFile)):
        content(bytes(data))


def test_a_byte_after_the_member_is_seen_where_a_block_ends_with_it(monkeypatch):
    monkeypatch.setattr(gzip_member, "PACKED_BYTES", len(PACKED))
    assert content(PACKED) == TEXT
    with pytest.raises(CorruptFile, match="it goes on after its gzip stream"):
        content(PACKED + b"x")
