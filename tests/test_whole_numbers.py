from decimal import Decimal
from fractions import Fraction

import numpy as np
import pytest

from treadle.whole_numbers import is_whole, is_whole_text


@pytest.mark.parametrize("value", [0, -3, 10**30, np.int8(5), np.uint64(2**64 - 1)])
def test_integers_of_python_and_numpy_are_whole(value):
    assert is_whole(value)


@pytest.mark.parametrize(
    "value", [True, False, np.True_, 2.0, np.float64(2), Decimal(2), Fraction(2), "2", None, [2], np.array(2)]
)
def test_what_is_no_integer_is_not_whole_whatever_its_value(value):
    assert not is_whole(value)


@pytest.mark.parametrize("text", ["0", "+7", "-12", " 20 ", "9" * 18])
def test_digits_with_a_sign_or_none_are_whole(text):
    assert is_whole_text(text) and int(text) == int(text.strip())


@pytest.mark.parametrize("text", ["", "2.0", "1e2", "0x10", "1_000", "--1", "9" * 19, "two", "1 2"])
def test_other_text_is_not_whole(text):
    assert not is_whole_text(text)
