r"""Minimises a smoothed loss of all rows, where samples say too little.

The method is Newton's.

The loss of a residual r = y - z'theta bends at 0 only, and a sum of such losses has no Hessian. Averaged over
residuals within b = h |z| of it, the loss is a parabola for |r| < b and itself beyond (Fernandes, Guerre and
Horta 2021; He, Pan, Tan and Zhou 2023). In the sums over rows with a box [l, h] each::

    u = l + (h - l) (r + b) / (2 b) for |r| < b, else l or h;     negative gradient  sum u z             (1)
    Hessian  sum over |r| < b of (h - l) / (2 b) z z'                                                    (2)

(2) is the Hessian of ``scatter.Scatter``, from all rows in place of a sample's.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray
from scipy.linalg.lapack import dposv

from treadle.hardware.processors import usable_threads
from treadle.l1.dense.coordinates import Coordinates, row_lengths
from treadle.l1.proof.pinball import dual_bounds
from treadle.l1.sources.rows import ArrayRows, Chunk

Result = TypeVar("Result")

# Parts of the rows that threads take; sums run part by part, whatever the number of threads.
PARTS = 16
# Steps at most, halved ones too. One so short, in windows, is the last: what the window itself hides is more.
MOST_STEPS, LAST_STEP_IN_WINDOWS = 16, 0.1


@dataclass(frozen=True)
class Derivatives:
    """Derivatives of the smoothed loss at some theta.

    ``descent`` (p,) is its negative gradient, ``J`` (p, p) its Hessian, from ``n_near`` rows.
    """

    descent: NDArray[np.float64]
    J: NDArray[np.float64]
    n_near: int

    def newton(self) -> NDArray[np.float64] | None:
        """Return Newton's step, or None.

        None where the Hessian is not finite and positive definite.
        """
        if not np.isfinite(self.descent).all():
            return None
        _, step, info = dposv(self.J, self.descent)
        return None if info else np.asarray(step)


class SmoothedLoss:
    """The smoothed loss of rows in memory, at theta in ``coordinates``.

    Parameters
    ----------
    rows : ArrayRows
    coordinates : Coordinates
    quantile : float
    window : float
        h, above 0: the half width of a row's window, in lengths |z|.
    """

    def __init__(self, rows: ArrayRows, coordinates: Coordinates, quantile: float, window: float) -> None:
        self.rows, self.coordinates, self.window = rows, coordinates, window
        self.low, self.width = (float(bound[0]) for bound in dual_bounds(np.ones(1), quantile))
        self.width -= self.low
        self.half_windows = np.empty(rows.n_rows)
        self.n_threads = usable_threads().n
        self.n_passes = 0

        def measure(chunk: Chunk, _: None) -> None:
            self.half_windows[chunk.indices] = window * row_lengths(coordinates.of(chunk.X))

        self._over_parts(measure, lambda: None)

    def at(self, theta: NDArray[np.float64]) -> Derivatives:
        """Compute the derivatives at theta, in one pass over the rows."""
        coef, intercept = self.coordinates.coefficients(theta)
        p = self.coordinates.size

        def add(chunk: Chunk, sums: _Sums) -> None:
            r = chunk.y - chunk.X @ coef - intercept
            half_window = np.maximum(self.half_windows[chunk.indices], 1e-300)
            inside = np.abs(r) < half_window
            if chunk.weight is not None:
                inside &= chunk.weight > 0
            near = np.flatnonzero(inside)
            # (1), and the terms of (2).
            u = self.low + self.width * np.clip(0.5 + 0.5 * r / half_window, 0, 1)
            curvature = self.width / (2 * half_window[near])
            if chunk.weight is not None:
                u *= chunk.weight
                curvature *= chunk.weight[near]
            sums.fold[0] += u.sum()
            sums.fold[1:] += u @ chunk.X
            Z = self.coordinates.of(chunk.X[near])
            sums.J += (Z * curvature[:, None]).T @ Z
            sums.n_near += len(near)

        parts = self._over_parts(add, lambda: _Sums(np.zeros(1 + self.rows.n_features), np.zeros((p, p))))
        return Derivatives(
            self.coordinates.gradient(np.sum([part.fold for part in parts], axis=0)),
            np.sum([part.J for part in parts], axis=0),
            sum(part.n_near for part in parts),
        )

    def _over_parts(self, add: Callable[[Chunk, Result], None], start: Callable[[], Result]) -> list[Result]:
        """Apply ``add`` to ``start()`` and each part's chunks of rows."""
        chunks = list(self.rows.chunks())
        self.n_passes += 1

        def part(i: int) -> Result:
            result = start()
            with np.errstate(all="ignore"):  # which threads do not inherit
                for chunk in chunks[i::PARTS]:
                    add(chunk, result)
            return result

        with ThreadPoolExecutor(self.n_threads) as pool:
            return list(pool.map(part, range(min(PARTS, len(chunks)))))


@dataclass
class _Sums:
    """Sums of u (1, x), and of the Hessian's terms, counted."""

    fold: NDArray[np.float64]
    J: NDArray[np.float64]
    n_near: int = 0


def descend(loss: SmoothedLoss, theta: NDArray[np.float64]) -> tuple[NDArray[np.float64], Derivatives] | None:
    """Minimise the smoothed loss by Newton's method, to a tenth of a window.

    A step is halved where the loss, which is convex, rises at its end by more than half of the slope by which
    it fell at its start.

    Parameters
    ----------
    loss : SmoothedLoss
    theta : ndarray of shape (p,)
        A guess.

    Returns
    -------
    (ndarray of shape (p,), Derivatives)
        None in place of both if the rows in windows do not tell of all directions, or some row is not finite.
    """
    here = loss.at(theta)
    step = here.newton()
    for _ in range(MOST_STEPS):
        if step is None:
            return None
        # The slope along the step, -descent @ step, is below 0 here; there it may be half as steep upwards.
        there = loss.at(theta + step)
        if float(there.descent @ step) < -float(here.descent @ step) / 2:
            step = step / 2
            continue
        theta, here = theta + step, there
        if math.sqrt(float(step @ step)) <= LAST_STEP_IN_WINDOWS * loss.window:
            break
        step = here.newton()
    return None if here.newton() is None else (theta, here)
