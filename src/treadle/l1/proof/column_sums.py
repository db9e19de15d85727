r"""Sums columns of doubles exactly.

Each column is cut at a power of two (Rump, Ogita and Oishi 2008, ExtractVector): with sigma a power of two of
at least n max|v|, the parts fl(fl(sigma + v) - sigma) are multiples of 2^-53 sigma, so that their sum is
exact in whatever order; what is left of v is exact too, and cut again until nothing is left. Products with
weights are two doubles each, the rounded product and its error (Dekker 1971).
"""

from __future__ import annotations

from fractions import Fraction

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from treadle.l1.proof.scaled_integers import FEW, ScaledIntegers, joined, scaled, scaled_fractions
from treadle.maths.dtypes import Floats, Numbers

# Sizes between which no product or split of Dekker's can overflow or lose a digit.
LEAST, LARGEST = 1e-120, 1e120
# Above it, sigma might overflow.
LARGEST_SUMMAND = 1e290
SPLITTER = 134217729.0  # 2^27 + 1


def exact_sums(values: Numbers) -> ScaledIntegers:
    """Sum the columns of finite values (n, q), float64, exactly.

    Memory is two copies.
    """
    return sums_in_place(np.array(values.T, np.float64, order="C"))


def sums_in_place(rest: NDArray[np.float64]) -> ScaledIntegers:
    """Sum the rows of finite values (q, n) exactly, overwriting them.

    Memory is another copy.
    """
    q, n = rest.shape
    if rest.size <= FEW:
        return scaled(rest.T).sums()
    high = np.empty_like(rest)
    parts: list[NDArray[np.float64]] = []
    while n:
        largest = np.abs(rest, out=high).max(axis=1)
        most = float(largest.max(initial=0))
        if not most:
            break
        if not most < LARGEST_SUMMAND:
            return joined([scaled(row[:, None]).sums() for row in rest])
        # Where nothing is left, any sigma takes nothing.
        sigma = np.ldexp(1.0, np.frexp(largest)[1] + (n + 2).bit_length())[:, None]
        np.add(rest, sigma, out=high)
        high -= sigma
        parts.append(high.sum(axis=1))
        rest -= high
    return scaled(np.array(parts)).sums() if parts else ScaledIntegers(np.zeros(q, object), 0)


def exact_products(
    weight: NDArray[np.float64], values: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]] | None:
    """Multiply weight (n, 1) by values (n, q) as two arrays' sum.

    None where an error might be lost.
    """
    sizes = np.abs(np.concatenate([weight.ravel(), values.ravel()]))
    sizes = sizes[sizes > 0]
    if len(sizes) and not (sizes.min() > LEAST and sizes.max() < LARGEST):
        return None
    product = weight * values
    w_high, w_low = _halves(weight)
    v_high, v_low = _halves(values)
    error = ((w_high * v_high - product) + w_high * v_low + w_low * v_high) + w_low * v_low
    return product, error


def _halves(a: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    scaled = SPLITTER * a
    high = scaled - (scaled - a)
    return high, a - high


def exact_weighted_sums(
    weight: NDArray[np.float64] | None, values: Floats | sparse.csr_array
) -> ScaledIntegers:
    """Sum weight_i values_i over rows exactly.

    Parameters
    ----------
    weight : ndarray of shape (n,), float64, or None
        None: all 1.
    values : ndarray or sparse array of shape (n, q)
        Finite; float32 or float64.
    """
    if sparse.issparse(values):
        return _sparse_sums(weight, values)
    if weight is None:
        return exact_sums(np.array(values, np.float64))
    doubles = np.asarray(values, np.float64)
    if (np.rint(weight) == weight).all() and np.abs(weight).max(initial=0) <= 1:
        return sums_in_place(np.multiply(doubles.T, weight, order="C"))
    parts = exact_products(weight[:, None], doubles)
    if parts is None:
        exact = [Fraction(w) for w in weight.tolist()]
        return scaled_fractions(
            [
                sum((w * Fraction(v) for w, v in zip(exact, column, strict=True)), Fraction(0))
                for column in doubles.T.tolist()
            ]
        )
    product, error = map(exact_sums, parts)
    return product.plus(error)


def _sparse_sums(weight: NDArray[np.float64] | None, values: Floats | sparse.csr_array) -> ScaledIntegers:
    columns = sparse.csc_array(values)
    starts = columns.indptr
    data = columns.data.astype(np.float64)
    by_entry = None if weight is None else weight[columns.indices]
    nothing = ScaledIntegers(np.zeros(1, object), 0)
    totals = [nothing] * columns.shape[1]
    for j in np.flatnonzero(np.diff(starts)).tolist():
        some = slice(starts[j], starts[j + 1])
        totals[j] = exact_weighted_sums(None if by_entry is None else by_entry[some], data[some, None])
    return joined(totals)
