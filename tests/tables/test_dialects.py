"""How people's programs write CSV: each dialect is one line, with the columns that are in it."""

import gzip

import pytest

from tests.tables.table_files import written
from treadle.errors import CorruptFile, InvalidInput
from treadle.tables import read_table

AB = {"a": [1, 2], "b": [1.5, 2.5]}
A = {"a": [1, 2]}
TEXT = {"a": [1, 2], "s": ["x, y", "z"]}

DIALECTS = {
    # delimiters
    "commas": ("a,b\n1,1.5\n2,2.5\n", AB),
    "semicolons": ("a;b\n1;1.5\n2;2.5\n", AB),
    "tabs": ("a\tb\n1\t1.5\n2\t2.5\n", AB),
    "bars": ("a|b\n1|1.5\n2|2.5\n", AB),
    "blanks": ("a b\n1 1.5\n2 2.5\n", AB),
    "commas and blanks": ("a, b\n1, 1.5\n2, 2.5\n", AB),
    "one column": ("a\n1\n2\n", A),
    "one column, a name with a blank": ("floor area\n1\n2\n", {"floor area": [1, 2]}),
    "one column, a name with a comma in prose": ("area, net\n1\n2\n", {"area, net": [1, 2]}),
    "blanks within cells": ("a;s\n1;x, y\n2;z\n", TEXT),
    "more commas within than semicolons": (
        "a;s\n1;x, y, z, u, v\n2;z\n",
        {"a": [1, 2], "s": ["x, y, z, u, v", "z"]},
    ),
    "a tab within quotes": ('a,s\n1,"x\ty"\n2,z\n', {"a": [1, 2], "s": ["x\ty", "z"]}),
    # line ends
    "of Windows": ("a,b\r\n1,1.5\r\n2,2.5\r\n", AB),
    "of old Macs": ("a,b\r1,1.5\r2,2.5\r", AB),
    "none at the end": ("a,b\n1,1.5\n2,2.5", AB),
    "blank lines between": ("a,b\n\n1,1.5\n\n2,2.5\n\n\n", AB),
    "blank lines first": ("\n\r\n  \na,b\n1,1.5\n2,2.5\n", AB),
    # quotes
    "all in quotes": ('"a","b"\n"1","1.5"\n"2","2.5"\n', AB),
    "a comma in a name": ('"a, in m",b\n1,1.5\n2,2.5\n', {"a, in m": [1, 2], "b": [1.5, 2.5]}),
    "commas in a name, semicolons between": (
        '"area, net, m2";rooms;y\n1;2;3\n',
        {"area, net, m2": [1], "rooms": [2], "y": [3]},
    ),
    "a line end in a name": (
        '"floor area\n(m2)",price\n1,2\n3,4\n',
        {"floor area\n(m2)": [1, 3], "price": [2, 4]},
    ),
    "a line end in a cell": ('a,s\n1,"x\ny"\n2,z\n', {"a": [1, 2], "s": ["x\ny", "z"]}),
    "a line end of Windows in a cell": ('a,s\r\n1,"x\r\ny"\r\n2,z\r\n', {"a": [1, 2], "s": ["x\r\ny", "z"]}),
    "doubled quotes": ('a,s\n1,"5"" pipe"\n2,z\n', {"a": [1, 2], "s": ['5" pipe', "z"]}),
    "a quote within a bare cell": ('a,s\n1,5" pipe\n2,z\n', {"a": [1, 2], "s": ['5" pipe', "z"]}),
    "a quote at the end of a bare cell": ('a,s\n1,x\n2,5"', {"a": [1, 2], "s": ["x", '5"']}),
    "an apostrophe": ("a,s\n1,it's\n2,z\n", {"a": [1, 2], "s": ["it's", "z"]}),
    "delimiters in quotes alone": ('s\n"x;y;z"\n"u;v;w"\n', {"s": ["x;y;z", "u;v;w"]}),
    # marks, encodings, compression
    "UTF-8 with a mark": (b"\xef\xbb\xbfa,b\n1,1.5\n2,2.5\n", AB),
    "a mark before quotes": (b'\xef\xbb\xbf"a","b"\n1,1.5\n2,2.5\n', AB),
    "UTF-16, little ends first": ("a,b\n1,1.5\n2,2.5\n".encode("utf-16"), AB),
    "UTF-16, big ends first": (b"\xfe\xff" + "a,b\n1,1.5\n2,2.5\n".encode("utf-16-be"), AB),
    "UTF-32": ("a,b\n1,1.5\n2,2.5\n".encode("utf-32"), AB),
    "UTF-16 with tabs, as Excel's text": (
        "a\ts\r\n1\tKöln\r\n2\tz\r\n".encode("utf-16"),
        {"a": [1, 2], "s": ["Köln", "z"]},
    ),
    "gzip": (gzip.compress(b"a,b\n1,1.5\n2,2.5\n"), AB),
    "gzip in two members": (gzip.compress(b"a,b\n1,1.5\n") + gzip.compress(b"2,2.5\n"), AB),
    "gzip of UTF-16": (gzip.compress("a;b\n1;1,5\n2;2,5\n".encode("utf-16")), AB),
    "letters of two bytes": ("größe,b\n1,1.5\n2,2.5\n", {"größe": [1, 2], "b": [1.5, 2.5]}),
    # Excel's first line, delimiters at the end, indexes
    "sep": ("sep=;\na;b\n1;1.5\n2;2.5\n", AB),
    "sep in capitals, of Windows": ("SEP=,\r\na,b\r\n1,1.5\r\n2,2.5\r\n", AB),
    "sep after a mark": (b"\xef\xbb\xbfsep=;\na;b\n1;1,5\n2;2,5\n", AB),
    "sep against the looks": ("sep=|\na|b,c\n1|1.5\n2|2.5\n", {"a": [1, 2], "b,c": [1.5, 2.5]}),
    "a column called sep": ("sep,b\n1,1.5\n2,2.5\n", {"sep": [1, 2], "b": [1.5, 2.5]}),
    "delimiters at every end": ("a,b,\n1,1.5,\n2,2.5,\n", AB),
    "delimiters at the end of rows": ("a,b\n1,1.5,\n2,2.5,\n", AB),
    "a delimiter at the end of the names": ("a,b,\n1,1.5\n2,2.5\n", AB),
    "two delimiters at every end": ("a;b;;\n1;1,5;;\n2;2,5;;\n", AB),
    "an index of pandas": (",a,b\n0,1,1.5\n1,2,2.5\n", AB),
    "an index that was sorted": (",a,b\n17,1,1.5\n3,2,2.5\n", AB),
    "an index saved twice": (",Unnamed: 0,a,b\n0,0,1,1.5\n1,1,2,2.5\n", AB),
    "row names of R": ('"","a","b"\n"1",1,1.5\n"2",2,2.5\n', AB),
    "row names of R without a name": ('"a" "b"\n"1" 1 1.5\n"2" 2 2.5\n', AB),
    # numbers
    "decimal commas": ("a;b\n1;1,5\n2;2,5\n", AB),
    "decimal commas, tabs": ("a\tb\n1\t1,5\n2\t2,5\n", AB),
    "decimal commas in quotes": ('a,b\n1,"1,5"\n2,"2,5"\n', AB),
    "decimal commas in the one column": ("b\n1,5\n2,5\n", {"b": [1.5, 2.5]}),
    "decimal commas, points between thousands": (
        "a;b\n1.000;1,5\n2.000;2,5\n",
        {"a": [1000, 2000], "b": [1.5, 2.5]},
    ),
    "commas between thousands": ('a,b\n"1,000",1.5\n"2,000",2.5\n', {"a": [1000, 2000], "b": [1.5, 2.5]}),
    "blanks between thousands": ("a;b\n1 000;1,5\n2 000;2,5\n", {"a": [1000, 2000], "b": [1.5, 2.5]}),
    "narrow blanks between thousands": (
        "a;b\n1\u202f000;1,5\n2\u00a0000;2,5\n",
        {"a": [1000, 2000], "b": [1.5, 2.5]},
    ),
    "apostrophes between thousands": ("a;b\n1'000;1.5\n2'000;2.5\n", {"a": [1000, 2000], "b": [1.5, 2.5]}),
    "blanks around numbers": ("a,b\n 1 ,1.5\n2,\t2.5 \n", AB),
    "signs and exponents": ("a,b\n+1,15e-1\n2,.25E1\n", AB),
    "a minus of print": ("a,b\n−1,1.5\n2,2.5\n", {"a": [-1, 2], "b": [1.5, 2.5]}),
    "true and false of R": ("a,t\n1,TRUE\n2,FALSE\n", {"a": [1, 2], "t": [True, False]}),
}


def test_there_are_sixty():
    assert len(DIALECTS) >= 60


@pytest.mark.parametrize("name", DIALECTS)
def test_a_dialect_is_read(tmp_path, name):
    content, expected = DIALECTS[name]
    table = read_table(written(tmp_path / "t", content))
    assert {column.name: column.values.to_pylist() for column in table.columns.values()} == expected
    assert all(column.problem is None for column in table.columns.values())


@pytest.mark.parametrize(
    ("text", "left_out"),
    [
        (
            ",a\n0,1\n1,2\n",
            {"column 1, without a name": "the first column has no name, as labels of rows have none"},
        ),
        ("a,b,\n1,1.5,\n", {"column 3, without a name": "every cell is empty"}),
        ("Unnamed: 0,a\n0,5\n1,6\n", {"Unnamed: 0": "it counts the rows, as a saved index does"}),
        ("Unnamed: 0,a\n0,5\n7,6\n", {}),
        ("a,b\n1,2\n", {}),
    ],
)
def test_what_is_left_out_is_said(tmp_path, text, left_out):
    assert read_table(written(tmp_path / "t", text)).left_out == left_out


def test_other_encodings_by_name(tmp_path):
    path = written(tmp_path / "t", "Größe;Ort\n1;Köln\n".encode("cp1252"))
    with pytest.raises(CorruptFile, match=r"no text in UTF-8: line 1 holds the byte 0xf6.*--encoding cp1252"):
        read_table(path)
    table = read_table(path, encoding="windows-1252")
    assert list(table.columns) == ["Größe", "Ort"] and table.how["encoding"] == "CP1252"
    with pytest.raises(InvalidInput, match=r"there is no encoding 'klingon'; examples are utf-8"):
        read_table(path, encoding="klingon")
    with pytest.raises(InvalidInput, match=r"there is no encoding 'rot13'"):
        read_table(path, encoding="rot13")
    with pytest.raises(CorruptFile, match=r"no text in CP932: line 2 holds the byte 0xf6.*name its encoding"):
        read_table(written(tmp_path / "u", b"a,b\n\xf6\xff,1\n"), encoding="cp932")
    unmarked = written(tmp_path / "v", "a,b\n1,2\n".encode("utf-16-le"))
    with pytest.raises(
        CorruptFile, match=r"line 1 holds a zero byte; if it is UTF-16, .*--encoding utf-16-le"
    ):
        read_table(unmarked)
    assert list(read_table(unmarked, encoding="utf-16-le").columns) == ["a", "b"]
