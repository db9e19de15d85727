"""Finds a file's format by its first bytes, whatever its name."""

from __future__ import annotations

import json
from typing import Literal

from treadle.errors import InvalidInput

Format = Literal["CSV", "Parquet", "Feather", "JSON lines"]

N_MAGIC_BYTES = 16
GZIP_MAGIC = b"\x1f\x8b"
MAGIC: dict[bytes, Format] = {b"PAR1": "Parquet", b"ARROW1": "Feather"}

# What people name by mistake, and what it is.
OTHERS = {
    b"PK\x03\x04": "an Excel workbook or a zip archive",
    b"\xd0\xcf\x11\xe0": "an Excel workbook of the old kind",
    b"FEA1": "a Feather file of version 1",
    b"\xff\xff\xff\xff": "a stream of Arrow",
    b"PARE": "an encrypted Parquet file",
    b"ORC": "an ORC file",
    b"Obj\x01": "an Avro file",
    b"SQLite format 3": "a database of SQLite",
    b"\x89HDF": "an HDF5 file",
    b"\x93NUMPY": "an array of NumPy",
    b"\x80\x04": "a pickle",
    b"\x80\x05": "a pickle",
    b"%PDF": "a PDF file",
    b"\x89PNG": "a PNG image",
    b"\xff\xd8\xff": "a JPEG image",
    b"BZh": "compressed by bzip2",
    b"\xfd7zXZ": "compressed by xz",
    b"\x28\xb5\x2f\xfd": "compressed by zstd",
    b"7z\xbc\xaf": "a 7z archive",
    b"<!DOCTYPE": "an HTML page",
    b"<!doctype": "an HTML page",
    b"<html": "an HTML page",
    b"<?xml": "an XML file",
}
READABLE = "CSV (also gzipped), Parquet, Feather or JSON lines"


def magic_format(start: bytes, what: str) -> Format | None:
    """Recognise Parquet or Feather; None for what may be text.

    Raises
    ------
    InvalidInput
        For the first bytes of a format that is no table here.
    """
    for magic, kind in OTHERS.items():
        if start.startswith(magic):
            raise InvalidInput(f"{what} is {kind}; save the table as {READABLE}")
    return next((name for magic, name in MAGIC.items() if start.startswith(magic)), None)


def text_format(head: str, what: str) -> Format:
    """Return JSON lines if the first line is a JSON object, else CSV.

    Raises
    ------
    InvalidInput
        For JSON that is one document, not lines.
    """
    text = head.lstrip("\ufeff \t\r\n")
    if text[:1] not in ("{", "["):
        return "CSV"
    first = text.split("\n", 1)[0]
    if first.startswith("{"):
        try:
            return "JSON lines" if isinstance(json.loads(first), dict) else "CSV"
        except (ValueError, RecursionError):
            if len(first) > 1 and '"' in first and ":" in first:
                return "JSON lines"  # damaged, which its own reader says best
    after = text[1:].lstrip()
    if (text[0] == "[" and after[:1] in ("{", "[")) or (text[0] == "{" and after[:1] == '"' and "\n" in text):
        raise InvalidInput(
            f"{what} is one JSON document; save the table as JSON lines, an object a line "
            "(pandas: to_json(..., orient='records', lines=True)), or as CSV"
        )
    return "CSV"
