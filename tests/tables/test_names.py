"""Names of columns: found as they are meant, refused with a hint, shown shortened."""

import pytest

from treadle.errors import InvalidInput
from treadle.tables.names import check_chosen, check_width, listed, resolve, shown

THERE = ["price", "floor area", "city\nname"]


def test_all_columns_are_read_unless_some_are_named_in_their_order():
    assert check_chosen("t", THERE, None) == THERE
    assert check_chosen("t", THERE, ["floor area", "price"]) == ["floor area", "price"]


@pytest.mark.parametrize("name", [" floor  area ", "floor\narea", "floor\tarea"])
def test_blanks_and_line_ends_do_not_matter(name):
    assert resolve(name, THERE, "t") == "floor area"
    assert check_chosen("t", THERE, [name]) == ["floor area"]


def test_an_exact_name_comes_before_one_that_differs_in_blanks():
    there = ["a b", "a  b"]
    assert resolve("a  b", there, "t") == "a  b"
    with pytest.raises(InvalidInput, match="t has no column 'a   b'"):
        resolve("a   b", there, "t")


@pytest.mark.parametrize(
    ("there", "columns", "message"),
    [
        (["a", "b", "a"], None, "t has two columns named 'a'; give each a name of its own"),
        (["a", "b"], ["b", "b"], "the column 'b' was named twice; name it once"),
        (["a b"], ["a b", " a b"], "the column 'a b' was named twice"),
        (THERE, ["pric"], "t has no column 'pric'; did you mean 'price'[?] it has 'price', 'floor area'"),
        (THERE, ["x"], "t has no column 'x'; it has 'price'"),
        ([], ["x"], "it has none"),
    ],
)
def test_names_that_cannot_be_meant_are_refused(there, columns, message):
    with pytest.raises(InvalidInput, match=message):
        check_chosen("t", there, columns)


def test_too_many_columns_are_no_table():
    check_width(200_000, "t")
    with pytest.raises(InvalidInput, match="t has 200001 columns, at most 200000 are read; is this a table"):
        check_width(200_001, "t")


def test_names_are_quoted_escaped_and_cut():
    assert shown("a\x1b") == r"'a\x1b'"
    assert shown("x" * 60) == repr("x" * 60) and shown("x" * 61) == repr("x" * 57 + "...")
    assert listed([str(i) for i in range(23)], at_most=2) == "'0', '1' and 21 more"
    assert listed(["a"]) == "'a'" and listed([]) == "none"
