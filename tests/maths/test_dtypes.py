import numpy as np
import pytest

from treadle.errors import InvalidInput
from treadle.maths.dtypes import as_inexact, as_real, is_complex


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.complex64, np.complex128])
def test_returns_what_fits_without_a_copy(dtype):
    array = np.ones(3, dtype)
    assert as_inexact("x", array) is array


@pytest.mark.parametrize("values", [[1, 2], [True, False], np.array([1], np.uint8)])
def test_integers_and_booleans_become_float64(values):
    assert as_inexact("x", values).dtype == np.float64


@pytest.mark.parametrize(
    "values", [np.ones(2, np.float16), np.ones(2, np.longdouble), ["a"], [None], np.array(["2020"], "M8[Y]")]
)
def test_refuses_other_types(values):
    with pytest.raises(InvalidInput, match=r"x must hold float32.*got dtype .*: convert"):
        as_inexact("x", values)


def test_refuses_ragged_rows():
    with pytest.raises(InvalidInput, match="x must be an array of numbers, with rows of one length"):
        as_inexact("x", [[1, 2], [3]])


def test_real_refuses_complex():
    with pytest.raises(InvalidInput, match="x must be real; got dtype complex128: take its real part"):
        as_real("x", [1j])
    assert is_complex(np.ones(1, np.complex64)) and not is_complex(np.ones(1))
