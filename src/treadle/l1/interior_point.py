r"""A primal-dual interior point on the dual of an L1 regression.

The problem, of n rows z_i of p columns, a box for each and a linear term::

    min over w of  sum_i max(l_i r_i, h_i r_i) - g'w,   r = y - Z w                                      (1)
    max over u of  y'u   subject to  Z'u = -g,  l <= u <= h                                              (2)

With P = u - l, Q = h - u and their multipliers z, v >= 0, r = v - z holds throughout. A step linearises the
complementarities z P = v Q = mu, in D = 1 / (z/P + v/Q)::

    Z'DZ dw = Z'(D t + u) + g,      t = r - (c_v - c_z),      du = D (t - Z dw)                          (3)
    dz = c_z - z - (z/P) du,        dv = c_v - v + (v/Q) du                                              (4)

first with c_z = c_v = 0, which predicts how far mu falls, and then with c_z = (mu - du dz)/P and
c_v = (mu + du dv)/Q of the prediction, and mu lowered by its cube (Mehrotra 1992; Portnoy and Koenker 1997).

It starts on the central path of a guess of w: (1)'s residuals and mu give each u_i in closed form, so that
only Z'u = -g has to be reached. Columns should be near to orthonormal up to a factor; see ``scaling``.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.linalg.lapack import dpotrf, dpotrs

MAX_STEPS = 100
# How far of the way to the boundary a step goes.
BACK_OFF = 0.9995

# From D of (3) to what solves Z'DZ x = b, None where nothing can.
Factorise = Callable[[NDArray[Any]], Callable[[NDArray[Any]], NDArray[Any]] | None]


class Unbounded(Exception):
    """The objective falls without end along a line: rows are missing that would stop it."""


@dataclass
class InteriorPoint:
    """Where the iteration stands: ``w`` (p,), and for each row u - l, h - u, z, v and r, each (n,)."""

    w: NDArray[Any]
    below: NDArray[Any]
    above: NDArray[Any]
    z: NDArray[Any]
    v: NDArray[Any]
    r: NDArray[Any]
    n_steps: int = 0

    @property
    def gap(self) -> float:
        """The sum of complementarities, which is primal less dual objective once Z'u = -g."""
        return float(self.z @ self.below + self.v @ self.above)

    @property
    def certainty(self) -> NDArray[Any]:
        """D of (3): large where a row is about to be interpolated."""
        return np.asarray(1 / (self.z / self.below + self.v / self.above))


def central(
    r: NDArray[Any], low: NDArray[Any], high: NDArray[Any], mu: float
) -> tuple[NDArray[Any], NDArray[Any], NDArray[Any], NDArray[Any]]:
    """u - low, high - u, z and v where z (u - low) = v (high - u) = mu and v - z = r."""
    width = high - low
    rho = r * width / (2 * mu)
    root = np.sqrt(1 + rho * rho)
    share = rho / (1 + root)
    # 1 - |share| without cancellation.
    rest = (1 + 1 / (root + np.abs(rho))) / (1 + root)
    below = np.where(rho > 0, 1 + share, rest) * width / 2
    above = np.where(rho > 0, rest, 1 - share) * width / 2
    return below, above, mu / below, mu / above


def dense_normal_equations(Z: NDArray[Any], D: NDArray[Any]) -> Callable[[NDArray[Any]], NDArray[Any]] | None:
    """What solves Z'DZ x = b, or None where that matrix is not positive definite."""
    factor, info = dpotrf((Z * D[:, None]).T @ Z, lower=1, overwrite_a=1)
    return None if info else lambda b: np.asarray(dpotrs(factor, b, lower=1)[0])


def interior_point(
    Z: NDArray[Any],
    y: NDArray[Any],
    low: NDArray[Any],
    high: NDArray[Any],
    g: NDArray[Any],
    w: NDArray[Any],
    mu: float,
    tolerance: float,
    reach: float = math.inf,
    factorise: Factorise | None = None,
) -> InteriorPoint:
    """Iterate until the gap is at most ``tolerance``, or no step is possible any more.

    Parameters
    ----------
    Z : ndarray of shape (n, p)
    y, low, high : ndarrays of shape (n,)
    g, w : ndarrays of shape (p,)
        The linear term, and a guess of w.
    mu : float
        Complementarity to start from, above 0: what a row's share of the guess's error may be.
    tolerance : float
    reach : float
        How far w may move before ``Unbounded`` is raised.
    factorise : callable, optional
        Takes D and gives what solves Z'DZ x = b, or None, which ends the iteration; for a Z that is sparse.

    Raises
    ------
    Unbounded
        If w moves further: (1) has then no least value, or it is not where it was guessed.
    """
    if factorise is None:
        factorise = partial(dense_normal_equations, Z)
    r = y - Z @ w
    below, above, z, v = central(r, low, high, mu)
    at = InteriorPoint(w.copy(), below, above, z, v, r)
    n = len(y)
    for _ in range(MAX_STEPS):
        gap = at.gap
        if not gap > tolerance:
            break
        D = at.certainty
        u = low + at.below
        solve = factorise(D)
        if solve is None:
            break
        dw = solve(Z.T @ (D * at.r + u) + g)
        du = D * (at.r - Z @ dw)
        dz = -at.z - at.z / at.below * du
        dv = -at.v + at.v / at.above * du
        primal, dual = _step_lengths(at, du, dz, dv)
        after = (at.z + dual * dz) @ (at.below + primal * du) + (at.v + dual * dv) @ (at.above - primal * du)
        mu = (after / gap) ** 3 * gap / (2 * n)
        c_z = (mu - du * dz) / at.below
        c_v = (mu + du * dv) / at.above
        t = at.r - (c_v - c_z)
        dw = solve(Z.T @ (D * t + u) + g)
        du = D * (t - Z @ dw)
        dz = c_z - at.z - at.z / at.below * du
        dv = c_v - at.v + at.v / at.above * du
        primal, dual = (min(1.0, BACK_OFF * a) for a in _step_lengths(at, du, dz, dv))
        if not math.isfinite(primal * dual) or max(primal, dual) < 1e-8:
            break
        at.w += dual * dw
        at.z += dual * dz
        at.v += dual * dv
        at.below += primal * du
        at.above -= primal * du
        at.r = at.v - at.z
        at.n_steps += 1
        if not math.dist(at.w, w) <= reach:
            raise Unbounded
    return at


def _step_lengths(
    at: InteriorPoint, du: NDArray[Any], dz: NDArray[Any], dv: NDArray[Any]
) -> tuple[float, float]:
    def longest(value: NDArray[Any], step: NDArray[Any]) -> float:
        return float(1 / max(1e-300, np.max(-step / value)))

    primal = min(longest(at.below, du), longest(at.above, -du))
    dual = min(longest(at.z, dz), longest(at.v, dv))
    return min(primal, 1 / BACK_OFF), min(dual, 1 / BACK_OFF)
