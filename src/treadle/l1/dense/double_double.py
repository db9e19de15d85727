"""Sums products in twice a double's precision, as pairs hi + lo.

The error of each product and of each sum is computed and kept (Dekker 1971; Ogita, Rump and Oishi 2005), so
that y - X w of columns that nearly cancel has some 30 digits before it is rounded.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from treadle.maths.dtypes import Floats

SPLITTER = 134217729.0  # 2^27 + 1
# Numbers whose products are made in one call.
FEW = 4096

Pair = tuple[NDArray[np.float64], NDArray[np.float64]]


def two_sum(a: NDArray[np.float64], b: Floats | float) -> Pair:
    """Return fl(a + b) and its error."""
    total = a + b
    part = total - a
    return total, (a - (total - part)) + (b - part)


def two_product(a: NDArray[np.float64], b: Floats | float) -> Pair:
    """Return fl(a b) and its error, where nothing over- or underflows."""
    product = a * b
    scaled = SPLITTER * a
    a_high = scaled - (scaled - a)
    a_low = a - a_high
    b_high = SPLITTER * b - (SPLITTER * b - b)
    b_low = b - b_high
    return product, ((a_high * b_high - product) + a_high * b_low + a_low * b_high) + a_low * b_low


def minus_products(start: Pair, columns: NDArray[np.float64], factors: Floats) -> Pair:
    """Subtract from hi + lo the sum of columns (n, k) times factors (k,)."""
    high, low = start
    all_at_once = two_product(columns, -factors) if columns.size <= FEW else None
    for k, factor in enumerate(factors.tolist()):
        if factor:
            if all_at_once is None:
                product, error = two_product(columns[:, k], -factor)
            else:
                product, error = all_at_once[0][:, k], all_at_once[1][:, k]
            high, rest = two_sum(high, product)
            low = low + (rest + error)
    return two_sum(high, low)


def rounded_residuals(
    y: NDArray[np.float64], X: NDArray[np.float64], w: NDArray[np.float64]
) -> NDArray[np.float64]:
    """y - X w of few rows, each rounded once; not finite where something overflows."""
    terms = np.column_stack([y, *two_product(X, -w)])
    try:
        return np.array([math.fsum(row) for row in terms.tolist()])
    except (OverflowError, ValueError):
        return y - X @ w


def difference_is_exact(a: NDArray[np.float64], b: Floats | float) -> bool:
    """Say whether fl(a - b) is a - b everywhere."""
    return not two_sum(a, -b)[1].any()
