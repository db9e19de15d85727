"""Names the kind of a file that is no readable image, with a remedy.

It names kinds that people give for images, and no others; it decodes nothing.
"""

from __future__ import annotations

import codecs

HEAD = 512  # bytes that are looked at

# What a file begins with, what it is, and what to do.
_BEGINNINGS = (
    (b"\x89PNG", "a PNG file that is cut short or damaged", "fetch or save it again"),
    (b"\xff\xd8\xff", "a JPEG file that is cut short or damaged", "fetch or save it again"),
    (b"GIF8", "a GIF file that is cut short or damaged", "fetch or save it again"),
    (b"II*\0", "a TIFF file of a kind that is not read, or damaged", "save it with 8 or 16 bits"),
    (b"MM\0*", "a TIFF file of a kind that is not read, or damaged", "save it with 8 or 16 bits"),
    (b"II+\0", "a BigTIFF file, which is not read", "save it as an ordinary TIFF"),
    (b"%PDF", "a PDF document", "export the page as an image"),
    (b"%!PS", "a PostScript file, which is a program", "render it"),
    (b"8BPS", "a Photoshop document", "export it"),
    (b"gimp xcf", "a GIMP document", "export it"),
    (b"\xff\x0a", "a JPEG XL image", "convert it"),
    (b"\0\0\0\x0cJXL ", "a JPEG XL image", "convert it"),
    (b"P7\n", "a PAM image", "convert it"),
    (b"DDS ", "a DDS texture", "convert it"),
    (b"SIMPLE  =", "a FITS image of astronomy", "convert it"),
    (b"\x93NUMPY", "an array of NumPy", "load it with numpy.load, and write it with PIL.Image.fromarray"),
    (b"PK\x03\x04", "a ZIP archive, an Office document or an .npz file", "take the image out of it"),
    (b"PK\x05\x06", "an empty ZIP archive", "take another file"),
    (b"\x1f\x8b", "a gzip archive", "unpack it"),
    (b"7z\xbc\xaf", "a 7z archive", "unpack it"),
    (b"Rar!", "a RAR archive", "unpack it"),
    (b"version https://git-lfs", "a pointer of Git LFS in the file's place", "run git lfs pull"),
)
_HEIC = ("heic", "heix", "heim", "heis", "hevc", "hevx", "mif1", "msf1")


def kind_of(head: bytes) -> str:
    """Name the kind of a file by its first bytes, with what to do.

    The text follows "is no image that can be read: ".

    Parameters
    ----------
    head : bytes
        The first 512 of the file, or all of it.
    """
    if not head:
        return "it is empty (0 bytes): fetch or save it again"
    if not head.strip(b"\0"):
        return "it begins with nothing but zeros, as a copy that was broken off: fetch or save it again"
    for beginning, kind, remedy in _BEGINNINGS:
        if head.startswith(beginning):
            return f"it is {kind}: {remedy}"
    if head[4:8] == b"ftyp":
        return _of_container(head[8:12].decode("latin-1"))
    if head[:4] == b"RIFF":
        kind = head[8:12].decode("latin-1").strip()
        if kind == "WEBP":
            return "it is a WebP file that is cut short or damaged: fetch or save it again"
        return f"it is a RIFF file of the kind {kind!r}, of sound or video: take a single image"
    return _of_text(head)


def _of_container(brand: str) -> str:
    """Name a file of the ISO base media format, which photos and films share."""
    if brand in _HEIC:
        return "it is a HEIC photo, as telephones take them: open it, and export it as JPEG"
    if brand in ("avif", "avis"):
        return "it is an AVIF image that is damaged, or that this Pillow does not read: convert it"
    return f"it is a film or photo of the kind {brand.strip()!r}: export a single image as JPEG"


def _of_text(head: bytes) -> str:
    """Name a text file by its first word, or unknown bytes."""
    try:
        # The end may be within a character.
        text = codecs.getincrementaldecoder("utf-8-sig")().decode(head).lstrip().lower()
    except UnicodeDecodeError:
        return f"it begins with the bytes {head[:8].hex(' ')}, which no known image does"
    if any(not (c.isprintable() or c.isspace()) for c in text):
        return f"it begins with the bytes {head[:8].hex(' ')}, which no known image does"
    if "<svg" in text:
        return "it is an SVG drawing, which has no pixels: export it"
    if text.startswith(("<!doctype html", "<html", "<head", "<body", "<script", "<!--")):
        return (
            "it is an HTML page, often of an error or a login, in the image's place: fetch the image itself"
        )
    if text.startswith("<?xml"):
        return "it is an XML document: fetch the image itself"
    if text.startswith(("{", "[")):
        return "it is JSON text, often of an error, in the image's place: fetch the image itself"
    return "it is text: fetch the image itself"
