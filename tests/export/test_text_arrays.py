"""Arrays of texts: NumPy's own, refused before they would take much memory, and what is no text."""

import numpy as np
import pytest

from treadle.errors import InvalidInput
from treadle.export import text_arrays
from treadle.export.text_arrays import check_text_bytes, text_array


@pytest.mark.parametrize(
    ("values", "dtype", "expected"),
    [
        (["a", "größe", ""], "U", np.array(["a", "größe", ""])),
        ([["a", "b"], ["c", "dd"]], "U", np.array([["a", "b"], ["c", "dd"]])),
        ([b"a", b"xyz"], "S", np.array([b"a", b"xyz"])),
        ([], "U", np.array([], "U1")),
        ([""], "U", np.array([""], "U1")),
    ],
)
def test_the_array_is_numpys(values, dtype, expected):
    found = text_array(values, dtype)
    assert found.dtype == expected.dtype
    np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize(
    ("values", "dtype", "message"),
    [
        (["a", 1], "U", "texts are needed; got 1"),
        (["a", None], "U", "texts are needed; got None"),
        (["a", b"b"], "U", "texts are needed; got b'b'"),
        ([b"a", "b"], "S", "bytes are needed; got 'b'"),
        ([["a"], ["b", "c"]], "U", r"texts are needed; got \['a'\]"),
    ],
)
@pytest.mark.filterwarnings("ignore:Creating an ndarray from ragged")
def test_what_is_no_text_is_refused(values, dtype, message):
    try:
        with pytest.raises(InvalidInput, match=message):
            text_array(values, dtype)
    except ValueError as error:  # NumPy's word for ragged lists
        assert "inhomogeneous" in str(error)


def test_one_long_text_among_many_is_refused_before_all_take_its_memory():
    texts = ["x"] * 1000 + ["y" * 20_000]
    with pytest.raises(
        InvalidInput, match="1001 texts, the longest of 20000 characters, take 80080000 bytes"
    ):
        text_array(texts)
    assert text_array(["y" * 20_000]).nbytes == 80_000


def test_the_limit_itself_is_allowed(monkeypatch):
    monkeypatch.setattr(text_arrays, "MOST_TEXT_BYTES", 120)
    check_text_bytes(3, 10, 4)
    check_text_bytes(12, 10, 1)
    with pytest.raises(InvalidInput, match="at most 120 are taken: shorten the longest, or give an array of"):
        check_text_bytes(3, 11, 4)
