"""Checks points and bounds that a user gives; returns finite float64 arrays."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from treadle.errors import InvalidInput
from treadle.maths.dtypes import as_real
from treadle.messages import quoted
from treadle.whole_numbers import is_whole


def as_points(X: ArrayLike, n_dims: int) -> NDArray[np.float64]:
    """Points as an array (n, d) of float64.

    Parameters
    ----------
    X : array_like of shape (n, d), or (n,) where d is 1
        Real numbers; float32 and integers are converted, which is exact up to 2^53.
    n_dims : int
        d.

    Raises
    ------
    InvalidInput
        If X has another shape, or holds NaN, infinity or no real numbers.
    """
    points = as_real("X", X)
    if points.ndim == 1 and n_dims == 1:
        points = points[:, np.newaxis]
    if points.ndim != 2 or points.shape[1] != n_dims:
        allowed = "(n,) or (n, 1)" if n_dims == 1 else f"(n, {n_dims})"
        raise InvalidInput(f"X must be of shape {allowed}, a point a row; got {points.shape}")
    doubles = points.astype(np.float64, copy=False)
    if not np.isfinite(doubles).all():
        row = int(np.flatnonzero(~np.isfinite(doubles).all(axis=1))[0])
        raise InvalidInput(f"X must be finite; row {row} is {doubles[row].tolist()}: leave such rows out")
    return doubles


def as_bounds(bounds: ArrayLike) -> NDArray[np.float64]:
    """The domain as an array (d, 2): lower and upper bound of each dimension.

    Parameters
    ----------
    bounds : array_like of shape (2,) for one dimension, or (d, 2)

    Raises
    ------
    InvalidInput
        If that is no such array, a bound is not finite, or a lower bound is not below its upper one.
    """
    pairs = as_real("bounds", bounds).astype(np.float64)
    if pairs.ndim == 1 and pairs.size == 2:
        pairs = pairs[np.newaxis, :]
    if pairs.ndim != 2 or pairs.shape[1] != 2 or pairs.shape[0] == 0:
        raise InvalidInput(
            f"bounds must be (lower, upper), or such a pair for each dimension; got shape {pairs.shape}"
        )
    with np.errstate(over="ignore"):
        widths = pairs[:, 1] - pairs[:, 0]
    wrong = np.flatnonzero(~(np.isfinite(widths) & (widths > 0)))
    if wrong.size:
        lower, upper = pairs[wrong[0]].tolist()
        raise InvalidInput(
            f"bounds must be finite, the lower below the upper and their difference finite; got {lower} and "
            f"{upper} in dimension {wrong[0] + 1} of {len(pairs)}"
        )
    return pairs


def check_count(name: str, value: object) -> int:
    """A number of boxes: a whole number of at least 1.

    Raises
    ------
    InvalidInput
        If it is none.
    """
    if not (is_whole(value) and value >= 1):
        raise InvalidInput(f"{name} must be a whole number of at least 1; got {quoted(value)}")
    return int(value)
