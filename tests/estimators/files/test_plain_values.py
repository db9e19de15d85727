import json

import numpy as np
import pytest

from treadle.errors import InvalidInput
from treadle.estimators.files.plain_values import from_plain, to_plain


def there_and_back(value):
    return from_plain(json.loads(json.dumps(to_plain(value, "it"))))


@pytest.mark.parametrize(
    "value",
    [
        *(None, True, 3, 2.5, float("inf"), "text", [1, [2]], (), (1, ("a", None)), {}, {1: "a", "b": (2,)}),
        *(np.float32(1.1), np.int8(-3), np.bool_(True), np.str_("é"), np.datetime64("2024-01-02")),
    ],
    ids=repr,
)
def test_values_come_back_as_they_were(value):
    back = there_and_back(value)
    assert back == value and type(back) is type(value)


@pytest.mark.parametrize(
    "array",
    [
        np.array([1.1, np.nan, -np.inf, -0.0, 5e-324]),
        np.array([[0.1, 1e-45]], np.float32),
        np.array([0, 255], np.uint8),
        np.array([2**64 - 1, 0], np.uint64),
        np.array([-(2**63), 2**63 - 1]),
        np.array([True, False]),
        np.array(["a", "", "ßé"]),
        np.array([b"\xff", b""]),
        np.array(["a", 1, None, 2.5], dtype=object),
        np.array([["a"], ["b"]], dtype=object),
        np.array(["2024-01-02", "NaT"], "datetime64[ns]"),
        np.array([3], "timedelta64[s]"),
        np.array([], np.float32),
        np.array([], "U3"),
        np.array([1, 2], ">i4"),
    ],
    ids=lambda array: f"{array.dtype}{array.shape}",
)
def test_arrays_come_back_as_they_were(array):
    back = there_and_back(array)
    assert back.shape == array.shape and back.dtype.kind == array.dtype.kind
    if array.dtype.kind not in "US":
        assert back.dtype == array.dtype.newbyteorder("=")
    np.testing.assert_array_equal(back, array)


def test_a_random_state_goes_on_where_it_stood():
    state = np.random.RandomState(5)
    state.normal(size=3)
    back = there_and_back(state)
    np.testing.assert_array_equal(back.normal(size=4), state.normal(size=4))


@pytest.mark.parametrize(
    ("value", "what"),
    [
        (len, "it is a builtin_function_or_method"),
        ({1, 2}, "it is a set"),
        ([object()], "it is a object"),
        (1j, "it is a complex"),
        (np.array([1j]), "it is an array of complex128"),
        (np.zeros(2, "i4,i4"), "it is an array of"),
        (np.random.RandomState(np.random.PCG64(1)), "it is a RandomState"),
        (np.array([len], dtype=object), "it is a builtin"),
    ],
)
def test_what_a_file_cannot_hold_is_refused(value, what):
    with pytest.raises(InvalidInput, match=rf"the parameter p cannot be saved: {what}"):
        to_plain(value, "the parameter p")


@pytest.mark.parametrize(
    ("plain", "message"),
    [
        ({}, "is no value that treadle writes"),
        ({"tuple": 3}, "a list is needed; got int"),
        ({"tuple": [], "array": []}, "is no value that treadle writes"),
        ({"code": "import os"}, "there is no kind of value 'code'"),
        ({"mapping": [[[], 1]]}, "unhashable"),
        ({"mapping": [[1]]}, "not enough values"),
        ({"array": {"dtype": "U1000000000", "values": ["a"]}}, "there is no array of 'U1000000000'"),
        ({"array": {"dtype": "V8", "values": [1]}}, "there is no array of 'V8'"),
        ({"array": {"dtype": ["O"], "values": [1]}}, "unhashable"),
        ({"array": {"dtype": "U", "values": [1]}}, "texts are needed; got 1"),
        ({"array": {"dtype": "uint8", "values": [300]}}, "out of bounds for uint8"),
        ({"array": {"dtype": "float64", "values": ["a"]}}, "could not convert"),
        ({"array": {"dtype": "float64", "values": [[1], [1, 2]]}}, "inhomogeneous"),
        ({"array": {"dtype": "O", "values": [1], "shape": [2]}}, "cannot reshape"),
        ({"array": {"values": [1]}}, "missing 1 required positional argument"),
        ({"scalar": {"dtype": "int64", "values": 10**30}}, "is no value that treadle writes"),
        ({"random_state": [[1, 2], 0, 0, 0.0]}, "is no value that treadle writes"),
        ({"random_state": 3}, "is no value that treadle writes"),
    ],
)
def test_what_treadle_does_not_write_is_refused(plain, message):
    with pytest.raises(InvalidInput, match=message):
        from_plain(plain)
