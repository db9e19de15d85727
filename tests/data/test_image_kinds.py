"""Kinds of image files, in one table: what is read of each, in which units, or what the refusal says."""

from __future__ import annotations

import io
import re
import struct
import warnings
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image, ImageCms

from treadle.data import read_image
from treadle.errors import CorruptFile, PixelUnitsWarning

RNG = np.random.default_rng(4)
GREY = RNG.integers(0, 256, (28, 28), dtype=np.uint8)
GREY[0, :2] = 0, 255
RGB = RNG.integers(0, 256, (28, 28, 3), dtype=np.uint8)
LUMA = RGB @ np.array([0.299, 0.587, 0.114])  # ITU-R 601-2
SMOOTH = np.add.outer(np.arange(28), np.arange(28)).astype(np.uint8) * 4
WIDE = GREY.astype(np.uint16) * 257
PALETTE = Image.fromarray(RGB).quantize(16)
COLOURS_OF_PALETTE = np.asarray(PALETTE.convert("RGB")) @ np.array([0.299, 0.587, 0.114])
BITS = np.where(GREY >= 128, 255, 0)


def pil(pixels: Any, file_format: str, mode: str | None = None, **options: Any) -> bytes:
    image = pixels if isinstance(pixels, Image.Image) else Image.fromarray(pixels)
    file = io.BytesIO()
    (image if mode is None else image.convert(mode)).save(file, file_format, **options)
    return file.getvalue()


def png(depth: int, colour_type: int, rows: Any) -> bytes:
    """A PNG file of 28 x 28 pixels, written here, as Pillow writes few of its kinds."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", 28, 28, depth, colour_type, 0, 0, 0)
    data = zlib.compress(b"".join(b"\0" + row.tobytes() for row in rows))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", data) + chunk(b"IEND", b"")


def few_bits(depth: int) -> NDArray[np.uint8]:
    """GREY's upper bits, packed as PNG has them."""
    values = (GREY >> (8 - depth))[:, :, None]
    return np.packbits((values >> np.arange(depth)[::-1] & 1).reshape(28, -1), axis=1)


def channels(*arrays: Any) -> NDArray[Any]:
    """16-bit channels, big-endian."""
    return np.stack(arrays, axis=2).astype(">u2").reshape(28, -1)


def tiff(pixels: NDArray[Any], *, white_is_zero: bool = False) -> bytes:
    """A little-endian TIFF file of one grey channel of any NumPy dtype."""
    sample_format = {"u": 1, "i": 2, "f": 3}[pixels.dtype.kind]
    data = pixels.astype(pixels.dtype.newbyteorder("<")).tobytes()
    tags = [(256, 28), (257, 28), (258, 8 * pixels.dtype.itemsize), (259, 1), (262, int(not white_is_zero))]
    tags += [(273, 8), (277, 1), (278, 28), (279, len(data)), (339, sample_format)]
    entries = b"".join(struct.pack("<HHII", tag, 4, 1, value) for tag, value in tags)
    directory = struct.pack("<H", len(tags)) + entries + b"\0\0\0\0"
    return b"II*\0" + struct.pack("<I", 8 + len(data)) + data + directory


def pfm(pixels: NDArray[Any]) -> bytes:
    return b"Pf\n28 28\n-1.0\n" + pixels[::-1].astype("<f4").tobytes()


def lab() -> Image.Image:
    profiles = ImageCms.createProfile("sRGB"), ImageCms.createProfile("LAB")
    transform = ImageCms.buildTransform(*profiles, "RGB", "LAB")
    return ImageCms.applyTransform(Image.fromarray(RGB), transform)


OPAQUE = np.full((28, 28), 65535)
HALF = np.full((28, 28), 128, np.uint8)
PLAIN = GREY.astype(np.float64)

# Name, file, the pixels (0 black to 255 white), by how much they may be off, and what the notice says.
READ: list[tuple[str, bytes, Any, float, str | None]] = [
    ("PNG 1 bit", pil(BITS.astype(np.uint8), "PNG", "1"), BITS, 0, None),
    ("PNG 2 bits", png(2, 0, few_bits(2)), (GREY >> 6) * 85, 0, None),
    ("PNG 4 bits", png(4, 0, few_bits(4)), (GREY >> 4) * 17, 0, None),
    ("PNG L", pil(GREY, "PNG"), GREY, 0, None),
    (
        "PNG LA",
        pil(Image.merge("LA", [Image.fromarray(a) for a in (GREY, HALF)]), "PNG"),
        PLAIN * 128 / 255,
        1,
        None,
    ),
    ("PNG P", pil(PALETTE, "PNG"), COLOURS_OF_PALETTE, 1, None),
    ("PNG RGB", pil(RGB, "PNG"), LUMA, 1, None),
    ("PNG RGBA", pil(np.dstack([RGB, HALF]), "PNG"), LUMA * 128 / 255, 1.5, None),
    ("PNG of masks", pil(GREY >> 7, "PNG"), GREY >> 7, 0, r"nearly black: its brightest pixel is 1 of 255"),
    ("PNG I;16", pil(WIDE, "PNG"), GREY, 0, None),
    (
        "PNG I;16 of bytes",
        pil(GREY.astype(np.uint16), "PNG"),
        GREY,
        0,
        r"of 0 to 255: 255 is taken for white",
    ),
    (
        "PNG I;16 of 10 bits",
        pil(GREY.astype(np.uint16) * 4, "PNG"),
        PLAIN * 1020 / 1023,
        0.5,
        r"1023 is taken",
    ),
    (
        "PNG I;16 of 12 bits",
        pil(GREY.astype(np.uint16) * 16, "PNG"),
        PLAIN * 4080 / 4095,
        0.5,
        r"4095 is taken",
    ),
    ("PNG LA 16 bits", png(16, 4, channels(WIDE, OPAQUE)), GREY, 0, None),
    ("PNG RGB 16 bits", png(16, 2, channels(WIDE, WIDE, WIDE)), GREY, 0, None),
    ("PNG RGBA 16 bits", png(16, 6, channels(WIDE, WIDE, WIDE, OPAQUE)), GREY, 0, None),
    (
        "PNG RGB 16 bits of bytes",
        png(16, 2, channels(GREY, GREY, GREY)),
        0 * GREY,
        0,
        r"bytes in a file of 16 bits",
    ),
    ("APNG", pil(GREY, "PNG", save_all=True, append_images=[Image.fromarray(255 - GREY)]), GREY, 0, None),
    ("TIFF 1 bit", pil(BITS.astype(np.uint8), "TIFF", "1"), BITS, 0, None),
    ("TIFF uint8", tiff(GREY), GREY, 0, None),
    ("TIFF uint8, 0 is white", tiff(255 - GREY, white_is_zero=True), GREY, 0, None),
    ("TIFF int8", tiff((GREY >> 1).astype(np.int8)), GREY >> 1, 0, None),
    ("TIFF uint16", tiff(WIDE), GREY, 0, None),
    ("TIFF uint16, 0 is white", tiff(65535 - WIDE, white_is_zero=True), GREY, 0, None),
    (
        "TIFF uint16 of bytes",
        tiff(GREY.astype(np.uint16)),
        GREY,
        0,
        r"more than 8 bits, of 0 to 255: 255 is taken",
    ),
    (
        "TIFF uint16 of bytes, 0 is white",
        tiff((255 - GREY).astype(np.uint16), white_is_zero=True),
        GREY,
        0,
        r"255 is",
    ),
    ("TIFF int16 of bytes", tiff(GREY.astype(np.int16)), GREY, 0, r"255 is taken for white"),
    ("TIFF uint32", tiff(WIDE.astype(np.uint32)), GREY, 0, None),
    ("TIFF int32", tiff(WIDE.astype(np.int32)), GREY, 0, None),
    ("TIFF int32 of bytes", tiff(GREY.astype(np.int32)), GREY, 0, r"of 0 to 255: 255 is taken for white"),
    (
        "TIFF float of 0 to 1",
        tiff(np.float32(GREY / 255)),
        GREY,
        0,
        r"floating-point pixels, of 0 to 1: 1 is taken",
    ),
    (
        "TIFF float of bytes",
        tiff(GREY.astype(np.float32)),
        GREY,
        0,
        r"floating-point pixels, of 0 to 255: 255 is",
    ),
    ("TIFF float of 16 bits", tiff(WIDE.astype(np.float32)), GREY, 0, None),
    ("TIFF RGB", pil(RGB, "TIFF"), LUMA, 1, None),
    ("TIFF CMYK", pil(RGB, "TIFF", "CMYK"), LUMA, 1, None),
    ("TIFF LAB", pil(lab(), "TIFF"), LUMA, 10, None),
    ("TIFF LZW", pil(GREY, "TIFF", compression="tiff_lzw"), GREY, 0, None),
    ("JPEG L", pil(SMOOTH, "JPEG"), SMOOTH, 4, None),
    ("JPEG RGB", pil(np.dstack([SMOOTH] * 3), "JPEG"), SMOOTH, 4, None),
    ("JPEG CMYK", pil(np.dstack([SMOOTH] * 3), "JPEG", "CMYK"), SMOOTH, 6, None),
    ("JPEG 2000", pil(GREY, "JPEG2000"), GREY, 0, None),
    ("JPEG 2000 16 bits", pil(WIDE, "JPEG2000"), GREY, 0, None),
    ("GIF", pil(GREY, "GIF"), GREY, 0, None),
    (
        "GIF of two frames",
        pil(GREY, "GIF", save_all=True, append_images=[Image.fromarray(255 - GREY)]),
        GREY,
        0,
        None,
    ),
    ("WebP", pil(SMOOTH, "WEBP"), SMOOTH, 6, None),
    ("WebP lossless", pil(RGB, "WEBP", lossless=True), LUMA, 1, None),
    ("AVIF", pil(SMOOTH, "AVIF"), SMOOTH, 6, None),
    ("BMP 1 bit", pil(BITS.astype(np.uint8), "BMP", "1"), BITS, 0, None),
    ("BMP L", pil(GREY, "BMP"), GREY, 0, None),
    ("BMP P", pil(PALETTE, "BMP"), COLOURS_OF_PALETTE, 1, None),
    ("BMP RGB", pil(RGB, "BMP"), LUMA, 1, None),
    ("PBM", pil(BITS.astype(np.uint8), "PPM", "1"), BITS, 0, None),
    ("PGM", pil(GREY, "PPM"), GREY, 0, None),
    ("PGM 16 bits", pil(WIDE, "PPM"), GREY, 0, None),
    (
        "PGM of a maximum of 1023",
        b"P5\n28 28\n1023\n" + (PLAIN * 4).astype(">u2").tobytes(),
        PLAIN * 1020 / 1023,
        0.5,
        None,
    ),
    (
        "PGM in words",
        b"P2\n28 28\n15\n" + b" ".join(b"%d" % v for v in (GREY >> 4).ravel()),
        (GREY >> 4) * 17,
        0,
        None,
    ),
    ("PPM", pil(RGB, "PPM"), LUMA, 1, None),
    ("PFM", pfm(GREY / 255), GREY, 0, r"floating-point pixels, of 0 to 1: 1 is taken"),
    ("TGA", pil(GREY, "TGA"), GREY, 0, None),
    ("ICO", pil(RGB, "ICO", sizes=[(28, 28)]), LUMA, 1, None),
]

HALF_TRANSPARENT = ("PNG LA", "PNG RGBA")
WHITE = r"so that black and white are not known; save it with 8"
NO_IMAGE = r"is no image that can be read: it is "

# Name, file, and what the error says.
REFUSED: list[tuple[str, bytes, str]] = [
    (
        "TIFF int8 below 0",
        tiff(GREY.astype(np.int8)),
        rf"8-bit grey values below 0, {WHITE} bits without sign",
    ),
    (
        "TIFF int16 below 0",
        tiff(GREY.astype(np.int16) - 100),
        rf"grey values of -100 to 155, .*{WHITE} or 16 bits",
    ),
    (
        "TIFF int32 below 0",
        tiff(GREY.astype(np.int32) - 5),
        rf"grey values of -5 to 250, .*{WHITE} or 16 bits",
    ),
    (
        "TIFF int32 above 16 bits",
        tiff(GREY.astype(np.int32) * 2**20),
        rf"to 2\.67387e\+08, .*{WHITE} or 16 bits",
    ),
    (
        "TIFF float of -1 to 1",
        tiff(np.float32(GREY / 127.5 - 1)),
        rf"of -1 to 1, .*{WHITE} or 16 bits, or with floats of",
    ),
    ("TIFF of NaN", tiff(np.full((28, 28), np.nan, np.float32)), rf"of nan to nan, .*{WHITE}"),
    ("TIFF of infinity", tiff(np.full((28, 28), np.inf, np.float32)), rf"of inf to inf, .*{WHITE}"),
    (
        "TIFF float64",
        tiff(GREY / 255),
        NO_IMAGE + "a TIFF file of a kind that is not read, or damaged: save it with 8",
    ),
    ("nothing", b"", NO_IMAGE + r"empty \(0 bytes\): fetch or save it again; use PNG or JPEG"),
    ("zeros", bytes(2000), r"it begins with nothing but zeros, as a copy that was broken off"),
    (
        "HTML",
        b"<!DOCTYPE html>\n<html><head><title>404",
        NO_IMAGE + "an HTML page, often of an error or a login",
    ),
    ("HTML with a mark", b"\xef\xbb\xbf  <html lang='de'>\xc3\xa4", NO_IMAGE + "an HTML page"),
    (
        "HEIC",
        b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + bytes(50),
        NO_IMAGE + "a HEIC photo, as telephones take them",
    ),
    ("HEIC, another brand", b"\0\0\0\x18ftypmif1\0\0\0\0heic" + bytes(50), NO_IMAGE + "a HEIC photo"),
    ("MP4", b"\0\0\0\x18ftypmp42\0\0\0\0" + bytes(50), NO_IMAGE + "a film or photo of the kind 'mp42'"),
    ("AVIF cut short", pil(SMOOTH, "AVIF")[:24], NO_IMAGE + "an AVIF image that is damaged"),
    (
        "SVG",
        b"<?xml version='1.0'?><svg width='9'/>",
        NO_IMAGE + "an SVG drawing, which has no pixels: export it",
    ),
    ("XML", b"<?xml version='1.0'?><Error><Code>AccessDenied", NO_IMAGE + "an XML document"),
    ("JSON", b'{"error": "rate limit"}', NO_IMAGE + "JSON text, often of an error"),
    ("text", "kein Bild, größer".encode(), NO_IMAGE + "text: fetch the image itself"),
    ("text cut within a character", ("ä" * 400).encode()[:511], NO_IMAGE + "text: fetch the image itself"),
    (
        "Git LFS",
        b"version https://git-lfs.github.com/spec/v1\noid sha256:0",
        NO_IMAGE + "a pointer of Git LFS",
    ),
    ("PDF", b"%PDF-1.7\n", NO_IMAGE + "a PDF document: export the page"),
    (
        "EPS",
        b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n",
        NO_IMAGE + "a PostScript file, which is a program",
    ),
    ("PSD", b"8BPS\0\1" + bytes(40), NO_IMAGE + "a Photoshop document: export it"),
    ("JPEG XL", b"\xff\x0a" + bytes(40), NO_IMAGE + "a JPEG XL image: convert it"),
    ("PAM", b"P7\nWIDTH 28\nHEIGHT 28\nDEPTH 1\nMAXVAL 255\nENDHDR\n", NO_IMAGE + "a PAM image"),
    ("WAV", b"RIFF\x24\0\0\0WAVEfmt ", NO_IMAGE + r"a RIFF file of the kind 'WAVE', of sound or video"),
    ("WebP cut short", pil(SMOOTH, "WEBP")[:14], NO_IMAGE + "a WebP file that is cut short"),
    (".npy", b"\x93NUMPY\x01\0", NO_IMAGE + "an array of NumPy: load it with numpy.load"),
    (".npz", b"PK\x03\x04\x14", NO_IMAGE + "a ZIP archive, an Office document or an .npz file"),
    ("gzip", b"\x1f\x8b\x08\0", NO_IMAGE + "a gzip archive: unpack it"),
    (
        "PNG of nothing but its mark",
        b"\x89PNG\r\n\x1a\n",
        "is a damaged image: a PNG that was cut short, without its end",
    ),
    ("JPEG of two bytes more", b"\xff\xd8\xff\xe0\0", NO_IMAGE + "a JPEG file that is cut short or damaged"),
    (
        "other bytes",
        b"\x01\x02\x03\xfe\xff\x99\x98\x97\x96",
        r"it begins with the bytes 01 02 03 fe ff 99 98 97, which no",
    ),
    (
        "bytes that are ASCII",
        b"ABC\x01\x02",
        r"it begins with the bytes 41 42 43 01 02, which no known image does",
    ),
]


@pytest.mark.parametrize(("name", "data", "pixels", "within", "notice"), READ, ids=[row[0] for row in READ])
@pytest.mark.parametrize("invert", [False, True])
def test_an_image_of_each_kind_is_read_in_the_right_units(
    name: str, data: bytes, pixels: Any, within: float, notice: str | None, invert: bool, tmp_path: Path
) -> None:
    path = tmp_path / "it.image"
    path.write_bytes(data)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        read = read_image(path, invert=invert)
    white = 128 if name in HALF_TRANSPARENT else 255
    expected = np.asarray(pixels, np.float64)
    assert np.abs(read - (white - expected if invert else expected)).max() <= within
    messages = [str(entry.message) for entry in caught]
    assert all(entry.category is PixelUnitsWarning for entry in caught)
    assert len(messages) == (notice is not None)
    assert notice is None or (re.search(notice, messages[0]) and str(path) in messages[0])


@pytest.mark.parametrize(("name", "data", "message"), REFUSED, ids=[row[0] for row in REFUSED])
def test_what_cannot_be_read_is_called_by_its_name(
    name: str, data: bytes, message: str, tmp_path: Path
) -> None:
    path = tmp_path / "it.jpg"
    path.write_bytes(data)
    with pytest.raises(CorruptFile, match=rf"it\.jpg .*{message}") as caught:
        read_image(path)
    assert "<_io." not in str(caught.value)
    assert len(str(caught.value)) < 300 + len(str(path))


def test_a_large_deep_image_is_made_bytes_in_parts(tmp_path: Path) -> None:
    deep = RNG.integers(0, 65536, (1500, 1100), dtype=np.uint16)  # more than one block
    path = tmp_path / "large.png"
    Image.fromarray(deep).save(path)
    np.testing.assert_array_equal(read_image(path, deep.shape), np.round(deep / 257.0))
