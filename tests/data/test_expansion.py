"""How far a file may grow, and reading what was promised: no more and no less."""

import io

import pytest

from treadle.data import expansion
from treadle.data.expansion import check_expansion, read_exactly
from treadle.errors import CorruptFile


def test_only_what_is_both_large_and_grows_a_hundredfold_is_a_bomb():
    check_expansion("f", 1 << 20, 1, free_bytes=1 << 20)
    check_expansion("f", 100 * 20_000, 20_000, free_bytes=1 << 20)
    check_expansion("f", 48 << 20, 1)
    with pytest.raises(
        CorruptFile, match="f would grow from 20000 to 2000001 bytes, more than 100 times, as"
    ):
        check_expansion("f", 100 * 20_000 + 1, 20_000, free_bytes=1 << 20)
    with pytest.raises(CorruptFile, match="as a decompression bomb does; if it is honest, save it uncompre"):
        check_expansion("f", (48 << 20) + 1, 1)


class Counting(io.BytesIO):
    n_read = 0

    def read(self, n=-1, /):
        data = super().read(n)
        self.n_read += len(data)
        return data


@pytest.mark.parametrize("chunk", [1, 4, 1 << 20])
def test_what_was_promised_is_read_and_one_byte_beyond_at_most(monkeypatch, chunk):
    monkeypatch.setattr(expansion, "CHUNK_BYTES", chunk)
    assert read_exactly(io.BytesIO(b"0123456789"), 10, "f") == b"0123456789"
    assert read_exactly(io.BytesIO(b""), 0, "f") == b""
    with pytest.raises(
        CorruptFile, match="f is truncated: its header promises 11 bytes of data, it holds 10"
    ):
        read_exactly(io.BytesIO(b"0123456789"), 11, "f")
    long = Counting(b"x" * 1000)
    with pytest.raises(
        CorruptFile, match="f is padded: it goes on after the 9 bytes of data that its header"
    ):
        read_exactly(long, 9, "f")
    assert long.n_read == 10


def test_a_promise_of_much_takes_memory_as_bytes_arrive():
    with pytest.raises(CorruptFile, match="promises 1152921504606846976 bytes of data, it holds 3"):
        read_exactly(io.BytesIO(b"abc"), 1 << 60, "f")
