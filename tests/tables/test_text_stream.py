"""A text file as UTF-8: whatever its encoding and the sizes read; what is no text is refused by its line."""

import gzip
import io

import pytest

from treadle.errors import CorruptFile, InvalidInput
from treadle.tables import text_stream
from treadle.tables.text_stream import TextStream

TEXT = 'name;"größe"\nΩ;1\n' * 50


def stream(data, encoding=None):
    return TextStream(io.BytesIO(data), "t.csv", encoding)


@pytest.mark.parametrize("size", [1, 7, 1000, -1])
@pytest.mark.parametrize("chunk", [3, 1 << 20])
@pytest.mark.parametrize(
    ("data", "encoding", "read_as"),
    [
        (TEXT.encode(), None, "utf-8"),
        (TEXT.encode("utf-8-sig"), None, "utf-8"),
        (TEXT.encode("utf-16"), None, "utf-16"),
        (b"\xfe\xff" + TEXT.encode("utf-16-be"), "cp1252", "utf-16"),
        (TEXT.encode("utf-32"), None, "utf-32"),
        (TEXT.encode("iso8859-7", "replace"), "iso8859-7", "iso8859-7"),
        (gzip.compress(TEXT.encode()), None, "utf-8"),
    ],
    ids=["plain", "mark", "utf-16", "big end first", "utf-32", "greek", "gzip"],
)
def test_the_text_is_the_same_in_any_encoding_and_any_blocks(
    monkeypatch, size, chunk, data, encoding, read_as
):
    monkeypatch.setattr(text_stream, "CHUNK", max(chunk, 4))
    found = stream(data, encoding)
    assert found.encoding == read_as
    parts = []
    while not found.at_end():
        parts.append(found.read(size))
        assert size < 0 or len(parts[-1]) <= size
    expected = TEXT.encode("iso8859-7", "replace").decode("iso8859-7") if "8859" in read_as else TEXT
    assert b"".join(parts).decode() == expected
    assert found.n_quotes == 100 and found.gzipped == (data[:2] == b"\x1f\x8b")
    assert found.n_file_bytes == len(data)


def test_a_head_is_read_again_and_never_ends_within_a_letter():
    found = stream("aß".encode() * 10)
    assert found.head(5) == "aßa"
    found.skip(3)
    assert found.read(3) == "aß".encode()
    assert len(found.read()) == 24 and found.at_end()


def test_the_tail_is_what_was_read_last(monkeypatch):
    monkeypatch.setattr(text_stream, "CHUNK", 5)
    found = stream(b"0123456789")
    found.read(3)
    assert found.tail == b"012"
    found.read(4)
    assert found.tail == b"23456"
    found.read(3)
    assert found.tail == b"56789"


@pytest.mark.parametrize("chunk", [4, 1 << 20])
@pytest.mark.parametrize(
    ("data", "encoding", "message"),
    [
        (
            b"a\nb\nc\xe9d",
            None,
            r"t.csv is no text in UTF-8: line 3 holds the byte 0xe9. Files of Windows .*cp125",
        ),
        (b"a\nb\nc\x81d", "cp1252", r"no text in CP1252: line 3 holds the byte 0x81: .*; name its encoding"),
        (b"a\nb\0c", None, "t.csv is no text: line 2 holds a zero byte; if it is UTF-16, name its encoding"),
        (b"a\nb\0c", "utf-8", "t.csv is no text: line 2 holds a zero byte$"),
        (b"abcdef\xc3", None, "line 1 holds the byte 0xc3"),
    ],
)
def test_what_is_no_text_is_refused_by_its_line(monkeypatch, chunk, data, encoding, message):
    monkeypatch.setattr(text_stream, "CHUNK", chunk)
    with pytest.raises(CorruptFile, match=message):
        stream(data, encoding).read()


@pytest.mark.parametrize("encoding", ["klingon", "hex", "base64", "x" * 99, "utf-8\0"])
def test_what_is_no_encoding_is_refused(encoding):
    with pytest.raises(InvalidInput, match=r"there is no encoding '.*'; examples are utf-8, utf-16, cp1252"):
        stream(b"a", encoding)


@pytest.mark.parametrize("keep", [10, 40, -4])
def test_a_damaged_gzip_file_is_told(keep):
    data = gzip.compress(TEXT.encode() + bytes(range(32, 127)) * 9)
    with pytest.raises(CorruptFile, match=r"t\.csv is a damaged gzip file: .*; get it again"):
        stream(data[:keep]).read()


def test_a_bomb_is_refused_before_it_is_inflated(monkeypatch):
    monkeypatch.setattr(text_stream, "FREE_BYTES", 1 << 20)
    data = gzip.compress(b"a" * (8 << 20))
    with pytest.raises(CorruptFile, match="as a decompression bomb does"):
        stream(data).read()
