"""Checks the numbers that the mathematics accepts, and converts them.

float32 stays float32 and float64 stays float64; so do their complex kin, which exist for the complex step.
Integers and booleans become float64. Everything else is refused: half precision overflows at 65504, and
extended precision would lose its digits on the way through SciPy.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from treadle.errors import InvalidInput

# Arrays of float32 or float64, which stay what they are; and those that may be complex besides.
Floats = NDArray[np.floating]
Inexact = NDArray[np.inexact]
# float32 or float64.
FloatType = type[np.floating] | np.dtype[np.floating]
# Numbers as users and files have them: integers of any size, or floats. Labels (N,) and targets (N, K) are.
Numbers = NDArray[np.integer | np.floating]
# Arrays by name whose types differ, as in a file or a trainer's state: which has which, its name says.
Arrays = dict[str, NDArray[Any]]
ArrayMapping = Mapping[str, NDArray[Any]]

# The distance from 1 to the next float64.
EPS = float(np.finfo(np.float64).eps)


def as_array(name: str, values: ArrayLike) -> NDArray[np.generic]:
    """Apply ``numpy.asarray``; refuse rows of several lengths as InvalidInput."""
    try:
        return np.asarray(values)
    except ValueError as error:
        raise InvalidInput(f"{name} must be an array of numbers, with rows of one length; {error}") from error


# Any: ``Inexact``, of which NumPy's types allow no arithmetic.
def as_inexact(name: str, values: ArrayLike) -> NDArray[Any]:
    """Return an array of float32, float64, complex64 or complex128.

    It is not copied where it is one already.

    Parameters
    ----------
    name : str
        What the error message calls the argument.
    values : array_like
        Of any shape.

    Raises
    ------
    InvalidInput
        If these are other numbers, or none, or rows of several lengths.
    """
    array = as_array(name, values)
    if array.dtype.char in "fdFD":
        return array
    if array.dtype.kind in "biu":
        return array.astype(np.float64)
    raise InvalidInput(
        f"{name} must hold float32, float64, complex64, complex128, integer or boolean numbers; "
        f"got dtype {array.dtype}: convert with .astype('float64')"
    )


def as_real(name: str, values: ArrayLike) -> Floats:
    """Convert as ``as_inexact`` does; refuse complex numbers too."""
    array = as_inexact(name, values)
    if is_complex(array):
        raise InvalidInput(f"{name} must be real; got dtype {array.dtype}: take its real part")
    return array


def is_complex(array: NDArray[np.generic]) -> bool:
    """Whether the array is of a complex type, whatever its imaginary parts are."""
    return array.dtype.kind == "c"
