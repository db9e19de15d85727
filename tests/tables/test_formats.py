"""What a file is: by its first bytes, whatever its name says."""

import pytest

from tests.tables.table_files import written
from treadle.errors import CorruptFile, InvalidInput
from treadle.tables import read_table


@pytest.mark.parametrize(
    ("start", "what"),
    [
        (b"PK\x03\x04xx", "an Excel workbook or a zip archive"),
        (b"\xd0\xcf\x11\xe0\xa1", "an Excel workbook of the old kind"),
        (b"FEA1", "a Feather file of version 1"),
        (b"\xff\xff\xff\xff", "a stream of Arrow"),
        (b"SQLite format 3\0", "a database of SQLite"),
        (b"\x89PNG\r\n", "a PNG image"),
        (b"\x93NUMPY", "an array of NumPy"),
        (b"\x80\x04\x95", "a pickle"),
        (b"%PDF-1.7", "a PDF file"),
        (b"<!DOCTYPE html>", "an HTML page"),
        (b"<?xml", "an XML file"),
        (b"\x28\xb5\x2f\xfd", "compressed by zstd"),
    ],
)
def test_what_people_name_by_mistake_is_called_what_it_is(tmp_path, start, what):
    with pytest.raises(InvalidInput, match=f"t is {what}; save the table as CSV"):
        read_table(written(tmp_path / "t", start + b"a,b\n1,2\n"))


@pytest.mark.parametrize("content", [b"PAR1 and no more", b"ARROW1\0\0and no more"])
def test_what_only_begins_as_a_table_is_damaged(tmp_path, content):
    with pytest.raises(
        CorruptFile, match=r"is a damaged (Parquet file, or none|Feather file): .*; get it again"
    ):
        read_table(written(tmp_path / "t", content))
