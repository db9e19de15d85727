"""PNG's check sums, part by part: any byte changed or missing is seen, also within an ICO."""

import struct

import numpy as np
import pytest
from PIL import Image

from treadle.data import whole_png
from treadle.data.whole_png import check_png
from treadle.errors import CorruptFile


@pytest.fixture
def png(tmp_path):
    path = tmp_path / "a.png"
    pixels = np.random.default_rng(0).integers(0, 256, (12, 9), dtype=np.uint8)
    Image.fromarray(pixels).save(path)
    return path


def check(path, data=None):
    if data is not None:
        path.write_bytes(data)
    with path.open("rb") as file:
        file.seek(5)
        check_png(file, "a.png")
        assert file.tell() == 0


@pytest.mark.parametrize("block", [5, 1 << 16])
def test_a_whole_file_is_let_pass_from_wherever_it_is_read(monkeypatch, png, block):
    monkeypatch.setattr(whole_png, "BLOCK_BYTES", block)
    check(png)


def test_each_changed_byte_after_the_signature_is_seen(png):
    data = png.read_bytes()
    for place in range(8, len(data)):
        changed = bytearray(data)
        changed[place] ^= 1
        with pytest.raises(CorruptFile, match=r"a\.png is a damaged image: "):
            check(png, changed)


def test_each_missing_end_is_seen(png):
    data = png.read_bytes()
    for keep in range(8, len(data), 7):
        with pytest.raises(CorruptFile, match="a PNG that was cut short, without its end; save it again"):
            check(png, data[:keep])


def test_the_part_is_named(png):
    data = bytearray(png.read_bytes())
    data[data.index(b"IDAT") + 9] ^= 1
    with pytest.raises(CorruptFile, match="the check sum of its part b'IDAT' is wrong; save it again"):
        check(png, data)


@pytest.mark.parametrize("data", [b"", b"GIF89a....", b"\x89PNG\r\n\x1a"])
def test_other_files_are_not_looked_at(png, data):
    check(png, data)


def ico(*images):
    head = b"\0\0\1\0" + struct.pack("<H", len(images))
    start = len(head) + 16 * len(images)
    entries = b""
    for image in images:
        entries += struct.pack("<BBBBHHII", 9, 12, 0, 0, 1, 8, len(image), start)
        start += len(image)
    return head + entries + b"".join(images)


def test_each_png_within_an_ico_is_checked(png):
    good = png.read_bytes()
    bad = bytearray(good)
    bad[40] ^= 1
    check(png, ico(good, b"a bitmap of some kind", good))
    with pytest.raises(CorruptFile, match="is a damaged image"):
        check(png, ico(good, bytes(bad)))


def test_an_ico_of_too_many_images_is_refused(png):
    check(png, ico(*[b""] * 64))
    with pytest.raises(CorruptFile, match=r"a\.png is an ICO of 65 images; at most 64 are read: use PNG"):
        check(png, ico(*[b""] * 65))
