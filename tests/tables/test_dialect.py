"""How a CSV file is written, told from its first part: what Python's own writer wrote, and by hand."""

import csv
import io

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from treadle.errors import CorruptFile, InvalidInput
from treadle.tables import dialect
from treadle.tables.dialect import check_names, sniff

few = settings(max_examples=30, deadline=None, derandomize=True)
names = st.lists(st.text("abcdefgh", min_size=1, max_size=5), min_size=2, max_size=5)
cell = st.one_of(
    st.integers(-99, 99).map(str), st.text('abc ,;|\t"\n', min_size=1, max_size=8).filter(lambda t: t.strip())
)


@few
@given(names, st.sampled_from([",", ";", "\t", "|"]), st.sampled_from(["\n", "\r\n"]), st.data())
def test_what_pythons_writer_wrote_is_told(columns, delimiter, end, data):
    row = st.lists(cell, min_size=len(columns), max_size=len(columns))
    rows = data.draw(st.lists(row, min_size=2, max_size=5))
    stream = io.StringIO(newline="")
    writer = csv.writer(stream, delimiter=delimiter, lineterminator=end, quoting=csv.QUOTE_ALL)
    writer.writerow(columns)
    header = stream.getvalue()
    writer.writerows(rows)
    told = sniff(stream.getvalue(), whole=True, what="t")
    assert (told.delimiter, told.names, told.n_cells) == (delimiter, tuple(columns), len(columns))
    assert told.n_header_bytes == len(header) and not told.labelled


@pytest.mark.parametrize(
    ("head", "delimiter", "names", "n_cells", "labelled"),
    [
        ("a,b\n1,2\n", ",", ("a", "b"), 2, False),
        ("a\n1\n", ",", ("a",), 1, False),
        ("a,b\n1,2,\n3,4,\n", ",", ("a", "b"), 3, False),
        ("a,b,\n1,2\n3,4\n", ",", ("a", "b", ""), 2, False),
        ("a b\n1 5 6\n2 7 8\n", " ", ("a", "b"), 3, True),
        ("a b\n0 5 6\n1 7 8\n", " ", ("a", "b"), 3, True),
        ("a;b\n1,5;2\n", ";", ("a", "b"), 2, False),
        ("b\n1,5\n2,5\n", ",", ("b",), 1, False),  # told as a comma that parts nothing
        ("sep=|\na|b,c\n1|2\n", "|", ("a", "b,c"), 2, False),
    ],
)
def test_dialects(head, delimiter, names, n_cells, labelled):
    told = sniff(head, whole=True, what="t")
    assert (told.names, told.n_cells, told.labelled) == (names, n_cells, labelled)
    assert len(names) == 1 or told.delimiter == delimiter


def test_labels_that_do_not_count_are_no_labels():
    assert not sniff("a b\n1 5 6\n7 7 8\n", whole=True, what="t").labelled


def test_a_line_that_is_cut_does_not_count():
    head = "a,b\n1,2\n3,4\n5"
    assert sniff(head, whole=False, what="t").n_cells == 2
    reading = dialect._read(head, ",", False)
    assert reading.rank == (3, 1.0, 2) and dialect._read(head, ",", True).rank[1] == 2 / 3


def test_bytes_before_the_first_row_and_the_longest_line():
    told = sniff("\n\nsep=;\ngröße;b\n1;22222222\n", whole=True, what="t")
    assert told.n_header_bytes == len("\n\nsep=;\ngröße;b\n".encode()) and told.longest_line == 11
    assert told.names == ("größe", "b")


def test_a_delimiter_that_only_parts_the_rows_is_not_taken_for_nothing(monkeypatch):
    """Ranks decide: without them the first of all delimiters would do."""
    head = "a;b\n1;2\n"
    assert sniff(head, whole=True, what="t").delimiter == ";"
    monkeypatch.setattr(dialect, "_rank", lambda *a, **k: (0.0,))
    assert sniff(head, whole=True, what="t").delimiter == ","


@pytest.mark.parametrize(
    ("head", "error", "message"),
    [
        ("", InvalidInput, "t is empty; its first line must hold the names of the columns"),
        (" \n\t\n", InvalidInput, "t is empty"),
        ("sep=;\n", InvalidInput, "t is empty"),
        ('"a,b\n1,2\n', CorruptFile, "a quotation mark in its first line is never closed"),
    ],
)
def test_what_is_no_table_is_refused(head, error, message):
    with pytest.raises(error, match=message):
        sniff(head, whole=True, what="t")


def test_names_that_are_numbers_are_refused():
    with pytest.raises(InvalidInput, match="t: the first line holds numbers, '1', '2,5'; it must hold"):
        check_names(sniff("1;2,5\n3;4\n", whole=True, what="t"), "t")
    check_names(sniff("1;b\n3;4\n", whole=True, what="t"), "t")
    check_names(sniff("1_0;2_0\n3;4\n", whole=True, what="t"), "t")
