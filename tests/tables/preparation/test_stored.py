"""Values of a description are of the type that they should be, or refused."""

import pytest

from treadle.errors import InvalidInput
from treadle.tables.preparation.stored import check_keys, field, texts


@pytest.mark.parametrize(
    ("value", "kind", "message"),
    [
        (1, str, "'x' must be text; got 1"),
        (True, int, "'x' must be a whole number; got True"),
        (1, bool, "'x' must be true or false; got 1"),
        (None, list, "'x' must be a list; got None"),
        ([], dict, r"'x' must be an object; got \[\]"),
    ],
)
def test_a_field_is_of_its_type(value, kind, message):
    assert field({"x": kind()}, "x", kind) == kind()
    with pytest.raises(InvalidInput, match=message):
        field({"x": value}, "x", kind)
    with pytest.raises(InvalidInput, match="'x' is missing"):
        field({}, "x", kind)


def test_texts_are_a_list_of_texts():
    assert texts({"x": ["a", "b"]}, "x") == ("a", "b")
    with pytest.raises(InvalidInput, match="'x' must be a list of texts"):
        texts({"x": ["a", 1]}, "x")


@pytest.mark.parametrize("described", [None, [], {}, {"a": 1}, {"a": 1, "b": 2, "c": 3}])
def test_an_object_has_its_keys_and_no_other(described):
    assert check_keys({"a": 1, "b": 2}, "a", "b") == {"a": 1, "b": 2}
    with pytest.raises(InvalidInput, match="an object of a, b is needed"):
        check_keys(described, "a", "b")
