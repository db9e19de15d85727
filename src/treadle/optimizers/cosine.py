"""The cosine by multiplications and additions alone, the same bits with every build of NumPy.

``numpy.cos`` is the C library's or, for some processors, NumPy's own, and these differ in the last bit.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from treadle.maths.dtypes import Floats

# pi and pi / 2 as sums of two doubles.
_PI, _PI_REST = 3.141592653589793, 1.2246467991473532e-16
_HALF_PI, _HALF_PI_REST = _PI / 2, _PI_REST / 2

# Of cos x - 1 + x^2 / 2 in x^4, x^6 ..., and of sin x - x in x^3, x^5 ..., for |x| <= pi / 4 (fdlibm, 1993).
_COSINE = (
    4.16666666666666019037e-02,
    -1.38888888888741095749e-03,
    2.48015872894767294178e-05,
    -2.75573143513906633035e-07,
    2.08757232129817482790e-09,
    -1.13596475577881948265e-11,
)
_SINE = (
    -1.66666666666666324348e-01,
    8.33333333332248946124e-03,
    -1.98412698298579493134e-04,
    2.75573137070700676789e-06,
    -2.50507602534068634195e-08,
    1.58969099521155010221e-10,
)


def cosine(x: NDArray[np.float64]) -> NDArray[np.float64]:
    """Cosine of numbers from 0 to pi, within one unit in the last place.

    Parameters
    ----------
    x : ndarray of float64
    """
    first, middle = x < _PI / 4, x < 3 * _PI / 4
    # In the first quarter of the range cos x; then sin(pi / 2 - x); in the last quarter -cos(pi - x).
    high = np.where(first, 0.0, np.where(middle, _HALF_PI, _PI))
    rest = np.where(first, 0.0, np.where(middle, _HALF_PI_REST, _PI_REST))
    difference = high - x
    y = difference + rest
    lost = (difference - y) + rest
    square = y * y
    half = 0.5 * square
    near_one = 1.0 - half
    cosines = near_one + (
        ((1.0 - near_one) - half) + (square * square * _polynomial(_COSINE, square) - y * lost)
    )
    cube = square * y
    sines = y - ((square * (0.5 * lost - cube * _polynomial(_SINE[1:], square)) - lost) - cube * _SINE[0])
    return np.where(first, cosines, np.where(middle, sines, -cosines))


def _polynomial(coefficients: tuple[float, ...], x: NDArray[np.float64]) -> Floats:
    """By Horner's rule; the first coefficient is the constant."""
    value = np.full_like(x, coefficients[-1])
    for coefficient in reversed(coefficients[:-1]):
        value = value * x + coefficient
    return value
