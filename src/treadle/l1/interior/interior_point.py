r"""A primal-dual interior point on the dual of an L1 regression.

The problem, of n rows z_i of p columns, a box for each and a linear term::

    min over w of  sum_i max(l_i r_i, h_i r_i) - g'w,   r = y - Z w                                      (1)
    max over u of  y'u   subject to  Z'u = -g,  l <= u <= h                                              (2)

With P = u - l, Q = h - u and their multipliers z, v >= 0, r = v - z holds throughout. A step linearises the
complementarities z P = v Q = mu, in D = 1 / (z/P + v/Q)::

    Z'DZ dw = Z'(D t + u) + g,      t = r - (c_v - c_z),      du = D (t - Z dw)                          (3)
    dz = c_z - z - (z/P) du,        dv = c_v - v + (v/Q) du                                              (4)

Each step solves them twice (Mehrotra 1992; for quantiles Portnoy and Koenker 1997). The predictor has
c_z = c_v = 0. With step lengths a of u and b of the multipliers it takes the gap z'P + v'Q to::

    gap(a, b) = gap + a (z - v)'du + b (dz'P + dv'Q) + a b (dz - dv)'du,    share = gap(a, b) / gap      (5)

The corrector has the second order of the prediction in it, and aims at a mu lowered by the share's cube::

    c_z = (mu - du dz)/P,           c_v = (mu + du dv)/Q,           mu = share^3 gap / (2 n)             (6)

It starts on the central path of a guess of w, where z P = v Q = mu: (1)'s residuals and mu give each u_i in
closed form, so that only Z'u = -g has to be reached. From a guess much farther off than mu says, as far rows
can make it, the gap grows step by step: the iteration starts again from a larger mu. Columns should be near
to orthonormal up to a factor; see ``coordinates``. The four passes of a step over the rows are in
``interior_rows``.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from treadle.l1.interior.interior_rows import Factorise, interior_rows

MAX_STEPS = 100
# The guess is worse than mu says where the gap grows by that factor, or has not fallen by that step. From a
# mu so many times larger the iteration starts as good as anew.
LARGEST_GAP_GROWTH, STEPS_UNTIL_GAP_FALLS, MU_RAISED_BY = 2.0, 10, 1e3
# How far of the way to the boundary a step goes.
SHARE_OF_WAY_TO_BOUNDARY = 0.9995
# A step so short is the last: rounding has stopped the iteration.
SHORTEST_STEP = 1e-8


class Unbounded(Exception):
    """Raised where the objective falls without end, for lack of rows.

    Rows that would stop it are missing.
    """


@dataclass(frozen=True)
class InteriorPoint:
    """The result of the iteration.

    ``w`` (p,); ``below``, ``above`` and ``r`` (n,) are u - l, h - u and v - z of each row.

    ``certainty`` (n,) is D of (3), large where r_i becomes 0.
    """

    w: NDArray[np.float64]
    below: NDArray[np.float64]
    above: NDArray[np.float64]
    r: NDArray[np.float64]
    certainty: NDArray[np.float64]
    gap: float
    n_steps: int


def central(
    r: NDArray[np.float64], low: NDArray[np.float64], high: NDArray[np.float64], mu: float
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Compute P, Q, z and v on the central path.

    P = u - low, Q = high - u.

    There z P = v Q = mu and v - z = r.

    With P + Q = h - l these are a quadratic equation for P, whose roots are taken without cancellation.
    """
    # With P + Q = width: mu / Q - mu / P = r, and P is the root of that between 0 and width.
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
    Z: NDArray[np.float64],
    y: NDArray[np.float64],
    low: NDArray[np.float64],
    high: NDArray[np.float64],
    g: NDArray[np.float64],
    w: NDArray[np.float64],
    mu: float,
    tolerance: float,
    farthest: float = math.inf,
    factorise: Factorise | None = None,
) -> InteriorPoint:
    """Iterate until the gap is at most ``tolerance``, or no step is possible.

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
    largest_mu = float(np.maximum(low * r, high * r).max()) if math.isinf(farthest) else 0.0
    largest_gap = math.inf
    primal = dual = 0.0
    n_steps = 0
    while True:
        # 0) The last step is taken; the gap, and b = Z'(D r + u) of (3).
        gap, b = rows.normal(primal, dual)
        # 1) Stop where it is small enough; start again where the guess was worse than mu says.
        if not gap > tolerance or n_steps == MAX_STEPS:
            break
        if n_steps == 0 and mu < largest_mu:
            largest_gap = LARGEST_GAP_GROWTH * gap
        if n_steps == STEPS_UNTIL_GAP_FALLS:
            largest_gap /= LARGEST_GAP_GROWTH
        if gap > largest_gap:
            del rows
            at = interior_point(Z, y, low, high, g, guess, MU_RAISED_BY * mu, tolerance, farthest, factorise)
            return replace(at, n_steps=n_steps + at.n_steps)
        # 2) Z'DZ of (3), for both solves.
        solve = rows.factorise()
        if solve is None:
            break
        # 3) The predictor: (3) and (4) with c = 0, the longest steps that it allows, and the gap (5) there.
        primal, dual, primal_slope, dual_slope, mixed_slope = rows.predict(solve(b + g))
        primal, dual = _length(primal), _length(dual)
        share = 1 + (primal * primal_slope + dual * dual_slope + primal * dual * mixed_slope) / gap
        # 4) The corrector: (3) and (4) with the c and mu of (6).
        dw = solve(rows.correct(share**3 * gap / (2 * rows.n)) + g)
        # 5) Nearly as far as to the boundary of u's box, and of z, v >= 0.
        primal, dual = (SHARE_OF_WAY_TO_BOUNDARY * _length(ratio) for ratio in rows.step(dw))
        if not max(primal, dual) >= SHORTEST_STEP:
            break
        w = w + dual * dw
        n_steps += 1
        if farthest < math.inf and not math.dist(w, guess) <= farthest:
            raise Unbounded
    return InteriorPoint(w, *rows.where(), gap, n_steps)


def _length(ratio: float) -> float:
    """Return the longest step up to 1 that stays inside.

    1 - ratio * step is at least 0 there, and some way is left to the boundary.
    """
    return min(1 / SHARE_OF_WAY_TO_BOUNDARY, 1 / max(ratio, 1e-300))
