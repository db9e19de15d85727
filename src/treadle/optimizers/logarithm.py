"""The binary logarithm by sums, products and quotients alone, the same bits with every build of NumPy."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

_ROOT_HALF = 0.7071067811865476
_TWO_OVER_LN_2 = 2.8853900817779268
# log m = 2 artanh r with r = (m - 1) / (m + 1), |r| <= 0.172: the term after these is below 2^-60.
_N_TERMS = 12


def binary_logarithm(x: NDArray[np.float64]) -> NDArray[np.float64]:
    """Binary logarithm of positive normal numbers, within a few units of rounding of max(1, |log2 x|).

    Parameters
    ----------
    x : ndarray of float64
    """
    fraction, exponent = np.frexp(x)  # exact
    is_low = fraction < _ROOT_HALF
    fraction = np.where(is_low, 2 * fraction, fraction)
    exponent = np.where(is_low, exponent - 1, exponent)
    r = (fraction - 1) / (fraction + 1)
    square = r * r
    series = np.full_like(r, 1 / (2 * _N_TERMS - 1))
    for k in range(_N_TERMS - 1, 0, -1):
        series = series * square + 1 / (2 * k - 1)
    return np.asarray(exponent + _TWO_OVER_LN_2 * (r * series))
