"""Bounds a derivative over a whole box, by branch and bound over small boxes.

Nothing is sampled. A proved range over one large box is loose, over many small ones tight. The box is halved,
and halved again where the bound is largest, until that is hardly above what the function reaches.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np
from numpy.typing import NDArray

from treadle.formulas.enclosure import Corners, Enclosure

# How far the constant may be above the smallest that the enclosure could prove, as a part of it.
GAP_OF_FIRST, GAP_OF_SECOND = 1e-4, 1e-2
BOXES_AT_LEAST = 256  # looked at together: a few cost as much as some hundreds
MOST_BOXES = 40_000  # looked at; then the bound that there is, which is looser and holds as well

Bound = Callable[[Corners, Corners], NDArray[np.float64]]  # of |g| over each of N boxes, shape (N,)


def lipschitz_constants(enclosure: Enclosure, lower: Corners, upper: Corners) -> NDArray[np.float64]:
    """Prove a bound of |df/dx_i| on one box for each variable, shape (d,).

    It is infinite where there is none.

    Parameters
    ----------
    enclosure : Enclosure
        Of f.
    lower, upper : arrays of shape (d,)
        The box's corners.
    """
    return np.array(
        [
            _supremum(
                partial(_gradient_bound, enclosure, i), np.asarray(lower), np.asarray(upper), GAP_OF_FIRST
            )
            for i in range(len(lower))
        ]
    )


def second_derivative_bounds(enclosure: Enclosure, lower: Corners, upper: Corners) -> NDArray[np.float64]:
    """Prove bounds of |d2f / dx_i dx_j| on one box, shape (d, d).

    The rest is as in ``lipschitz_constants``.
    """
    d = len(lower)
    bounds = np.empty((d, d))
    for i in range(d):
        for j in range(i + 1):
            bound = partial(_hessian_bound, enclosure, i, j)
            bounds[i, j] = bounds[j, i] = _supremum(
                bound, np.asarray(lower), np.asarray(upper), GAP_OF_SECOND
            )
    return bounds


def _gradient_bound(enclosure: Enclosure, i: int, lower: Corners, upper: Corners) -> NDArray[np.float64]:
    ranges = enclosure.gradient_range(lower, upper)
    if ranges is None:
        return np.full(len(lower), np.inf)
    return np.asarray(np.maximum(np.abs(ranges[0][:, i]), np.abs(ranges[1][:, i])), dtype=np.float64)


def _hessian_bound(
    enclosure: Enclosure, i: int, j: int, lower: Corners, upper: Corners
) -> NDArray[np.float64]:
    bounds: NDArray[np.float64] | None = enclosure.second_derivative_bound(lower, upper)
    if bounds is None:
        return np.full(len(lower), np.inf)
    return np.asarray(bounds[:, i, j], dtype=np.float64)


def _supremum(bound: Bound, lower: NDArray[np.float64], upper: NDArray[np.float64], gap: float) -> float:
    """Bound |g| on one box by the largest bound over its parts.

    The bound at the middles, boxes of no width, says where g is large, and so which boxes are worth halving.
    That decides the time alone: every box counts with its own bound, so the result holds whatever was halved.
    """
    low, high = lower[None, :].astype(float), upper[None, :].astype(float)
    sides = np.where(_matters(bound, lower, upper), np.maximum(upper - lower, 1e-300), np.inf)
    reached, settled, n_seen = 0.0, 0.0, 0
    while True:
        while len(low) < BOXES_AT_LEAST:
            low, high = _halved(low, high, sides)
        n = len(low)
        n_seen += 2 * n
        middle = low + 0.5 * (high - low)
        bounds = bound(np.concatenate([low, middle]), np.concatenate([high, middle]))
        reached = max(reached, float(np.max(bounds[n:])))
        wide = high - low > 8 * np.spacing(np.maximum(np.abs(low), np.abs(high)))
        divisible = np.any(wide & np.isfinite(sides), axis=1)
        unsettled = (bounds[:n] > reached * (1 + gap)) & divisible
        settled = max(settled, float(np.max(bounds[:n][~unsettled], initial=0.0)))
        n_open = int(np.sum(unsettled))
        if n_open == 0 or settled == np.inf:
            return settled
        if n_seen + 4 * n_open > MOST_BOXES:
            return max(settled, float(np.max(bounds[:n][unsettled])))
        low, high = _halved(low[unsettled], high[unsettled], sides)


def _matters(bound: Bound, lower: NDArray[np.float64], upper: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Sample along which sides g's bound changes; others are not worth cutting."""
    d = len(lower)
    corners = np.random.default_rng(0).uniform(0, 0.875, (32, d))
    low = lower + corners * (upper - lower)
    high = low + 0.125 * (upper - lower)
    flat = np.eye(d, dtype=bool)[:, None, :]
    whole = bound(low, high)
    flattened = bound(
        np.broadcast_to(low, (d, 32, d)).reshape(-1, d), np.where(flat, low, high).reshape(-1, d)
    )
    matters = np.any(flattened.reshape(d, 32) != whole, axis=1)
    return matters if matters.any() else np.ones(d, dtype=bool)


def _halved(
    low: NDArray[np.float64], high: NDArray[np.float64], sides: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Cut each box at the middle of its relatively longest side.

    A side's length is taken as a part of the whole box's. The two overlap, by a float to each side: what has
    a kink where they meet has it inside of one of them.
    """
    rows, longest = np.arange(len(low)), np.argmax((high - low) / sides, axis=1)
    middle = low[rows, longest] + 0.5 * (high[rows, longest] - low[rows, longest])
    left_high, right_low = high.copy(), low.copy()
    left_high[rows, longest] = np.minimum(np.nextafter(middle, np.inf), high[rows, longest])
    right_low[rows, longest] = np.maximum(np.nextafter(middle, -np.inf), low[rows, longest])
    return np.concatenate([low, right_low]), np.concatenate([left_high, high])
