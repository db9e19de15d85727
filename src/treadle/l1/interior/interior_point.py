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
only Z'u = -g has to be reached. From a guess much further off than mu says, as far rows can make it, the gap
grows step by step: the iteration starts again from a larger mu. Columns should be near to orthonormal up to a
factor; see ``coordinates``. The four passes of a step over the rows are in ``interior_rows``.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from treadle.l1.interior.interior_rows import Factorise, interior_rows

MAX_STEPS = 100
# The guess is worse than mu says where the gap grows by that factor, or has not fallen by that step. From a
# mu so many times larger the iteration starts as good as anew.
ASTRAY, PATIENCE, LARGER = 2.0, 10, 1e3
# How far of the way to the boundary a step goes.
BACK_OFF = 0.9995


class Unbounded(Exception):
    """The objective falls without end along a line: rows are missing that would stop it."""


@dataclass(frozen=True)
class InteriorPoint:
    """Where the iteration ended: ``w`` (p,), and for each row u - l, h - u and r, (n,).

    ``certainty`` (n,) is D of (3), large where r_i becomes 0.
    """

    w: NDArray[Any]
    below: NDArray[Any]
    above: NDArray[Any]
    r: NDArray[Any]
    certainty: NDArray[Any]
    gap: float
    n_steps: int


def central(
    r: NDArray[Any], low: NDArray[Any], high: NDArray[Any], mu: float
) -> tuple[NDArray[Any], NDArray[Any], NDArray[Any], NDArray[Any]]:
    """u - low, high - u, z and v where z (u - low) = v (high - u) = mu and v - z = r."""
    width = high - low
    rho = r * width / (2 * mu)
    root = np.sqrt(1 + rho * rho)
    near = width / (2 * (1 + root))
    far = (1 + root + np.abs(rho)) * near
    near *= 1 + 1 / (root + np.abs(rho))  # 1 + root - |rho|, without cancellation
    below = np.where(rho > 0, far, near)
    above = np.where(rho > 0, near, far)
    return below, above, mu / below, mu / above


def interior_point(
    Z: NDArray[Any],
    y: NDArray[Any],
    low: NDArray[Any],
    high: NDArray[Any],
    g: NDArray[Any],
    w: NDArray[Any],
    mu: float,
    tolerance: float,
    farthest: float = math.inf,
    factorise: Factorise | None = None,
) -> InteriorPoint:
    """Iterate until the gap is at most ``tolerance``, or no step is possible any more.

    Parameters
    ----------
    Z : ndarray or sparse array of shape (n, p)
    y, low, high : ndarrays of shape (n,)
    g, w : ndarrays of shape (p,)
        The linear term, and a guess of w.
    mu : float
        Complementarity to start from, above 0: what a row's share of the guess's error may be.
    tolerance : float
    farthest : float
        How far w may move before ``Unbounded`` is raised; if it is infinite, mu may be raised instead.
    factorise : callable, optional
        Takes D and gives what solves Z'DZ x = b, or None, which ends the iteration; for a Z that is sparse.

    Raises
    ------
    Unbounded
        If w moves further: (1) has then no least value, or it is not where it was guessed.
    """
    guess, r = w, y - Z @ w
    rows = interior_rows(Z, low, *central(r, low, high, mu), factorise)
    # No mu is worth trying beyond the largest loss.
    most = float(np.maximum(low * r, high * r).max()) if math.isinf(farthest) else 0.0
    allowed = math.inf
    primal = dual = 0.0
    n_steps = 0
    while True:
        gap, b = rows.normal(primal, dual)
        if not gap > tolerance or n_steps == MAX_STEPS:
            break
        if n_steps == 0 and mu < most:
            allowed = ASTRAY * gap
        if n_steps == PATIENCE:
            allowed /= ASTRAY
        if gap > allowed:
            del rows
            at = interior_point(Z, y, low, high, g, guess, LARGER * mu, tolerance, farthest, factorise)
            return replace(at, n_steps=n_steps + at.n_steps)
        solve = rows.factorise()
        if solve is None:
            break
        primal, dual, first, second, both = rows.predict(solve(b + g))
        primal, dual = _length(primal), _length(dual)
        share = 1 + (primal * first + dual * second + primal * dual * both) / gap
        dw = solve(rows.correct(share**3 * gap / (2 * rows.n)) + g)
        primal, dual = (BACK_OFF * _length(ratio) for ratio in rows.step(dw))
        if not max(primal, dual) >= 1e-8:
            break
        w = w + dual * dw
        n_steps += 1
        if farthest < math.inf and not math.dist(w, guess) <= farthest:
            raise Unbounded
    return InteriorPoint(w, *rows.where(), gap, n_steps)


def _length(ratio: float) -> float:
    """The longest step, at most a whole one, that leaves 1 - ratio * step at least 0."""
    return min(1 / BACK_OFF, 1 / max(ratio, 1e-300))
