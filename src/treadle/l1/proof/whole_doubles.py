"""Sums whole multiples of columns in doubles, where no rounding is possible.

Where all numbers of a table are multiples of one power of two q, and the terms of every sum add up to less
than 2^53 q, products and partial sums are doubles, whatever the order. Tables of counts, dummies, prices in
cents times 100 are; their ties are found at the speed of NumPy.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

MANTISSA = 53
# By how many places a unit is tried to be coarser than the last place of the largest: room for sums.
STEPS = (44, 30, 16, 4)


def exact_combination(
    values: NDArray[np.float64] | sparse.csr_array,
    origin: NDArray[np.float64],
    factors: Sequence[int],
    constant: int,
) -> tuple[NDArray[np.float64], int] | None:
    """Combine columns exactly, as whole doubles times 2^exponent.

    The combination is (values - origin) factors + constant; None if it is too long.

    Parameters
    ----------
    values : ndarray or csr_array of shape (n, k), finite
    origin : ndarray of shape (k,)
        Zeros, where values are sparse.
    factors : k integers
    constant : int
    """
    stored = values if isinstance(values, np.ndarray) else values.data
    largest = float(max(np.abs(stored).max(initial=0), np.abs(origin).max(initial=0)))
    if max(map(abs, factors), default=0) >= 1 << MANTISSA or abs(constant) >= 1 << MANTISSA:
        return None
    if not 0 < largest < 1e200:
        return None
    whole = np.array(factors, np.float64)
    last = int(np.frexp(largest)[1]) - MANTISSA
    for step in STEPS:
        exponent = max(last + step, -900)
        some, middle = np.ldexp(stored, -exponent), np.ldexp(origin, -exponent)
        if not (some == np.rint(some)).all() or not (middle == np.rint(middle)).all():
            continue
        if not (np.ldexp(some, exponent) == stored).all() or not (np.ldexp(middle, exponent) == origin).all():
            return None  # what underflowed is whole no longer
        extra = constant * 2.0**-exponent
        if isinstance(values, np.ndarray):
            lengths, terms = np.abs(some) + np.abs(middle), some - middle
        else:
            lengths, terms = (
                sparse.csr_array((part, values.indices, values.indptr), shape=values.shape)
                for part in (np.abs(some), some)
            )
        sizes = lengths @ np.abs(whole) + abs(extra)
        if extra == np.rint(extra) and (sizes < 2.0 ** (MANTISSA - 1)).all():
            return terms @ whole + extra, exponent
        return None
    return None
