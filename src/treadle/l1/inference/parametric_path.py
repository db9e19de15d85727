r"""Follows the least loss as one coefficient changes, by parametric linear programming.

With one coefficient held at b, the least loss

    g(b) = min over v of sum_i rho(y_i - b x_i - V_i'v)

is convex and piecewise linear, and -g'(b) = x'(a(b) - (1 - tau)) with a(b) in [0, 1]^N the dual solution. At
a vertex P rows, the basis, have residual zero. One pivot:

1. Move the scores a of the basis along the one direction that keeps V'a, x'a falling, until one is 0 or 1:
   its row leaves, and the slope of g has grown by what x'a fell.
2. Let b grow, the residuals of the other P - 1 rows kept at zero, until another residual is zero: its row
   enters.

Rows may tie: more than P residuals are zero at once, and pivots of length zero could go round for ever. Each
target y_i is therefore taken as y_i + epsilon delta_i, with delta random and epsilon infinitesimal: residuals
are pairs, compared first by their real part, which moves nothing, and no two kinks are one (the lexicographic
rule). Kinks that lie infinitesimally near are one kink of g, whatever the order of the rows.

Source: Koenker and d'Orey (1987, 1994) for the path; Dantzig, Orden and Wolfe (1955) for the rule.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from treadle.errors import CertificateFailed, InvalidInput
from treadle.l1.dense.solve import solve

Matrix = NDArray[np.float64]
# Of a residual, relative to the sizes of what it is a difference of.
ROUNDING = 16 * float(np.finfo(np.float64).eps)
PIVOTS_PER_ROW = 20
# Of a score, which is of the size of 1, and of a speed, relative to the sizes of what it is a sum of.
SCORE_ROUNDING, SPEED_ROUNDING = 1e-8, 1e3 * float(np.finfo(np.float64).eps)
# By how much the pull of other rows is shrunk, so that rounding leaves a bounded problem bounded.
SHRINK = 1e-10
# Sizes of all y together that a target is away whose row is above any fit, and how often it is moved away.
FAR, FARTHER = 1e2, 3


class Kink(NamedTuple):
    """A kink of g: its place, the slope's growth, and the coefficients there.

    ``w`` (P,) comes with its rounding.
    """

    at: float
    gain: float
    w: Matrix
    w_rounding: Matrix


class Residuals(NamedTuple):
    """A basis's inverse and coefficients, all residuals, and bounds of their rounding.

    Residuals are in both parts.
    """

    inverse: Matrix
    w: Matrix
    w_rounding: Matrix
    real: Matrix
    infinitesimal: Matrix
    rounding: Matrix


@dataclass(frozen=True)
class Table:
    """Rows Z (N, P) of full rank, their targets, and bounds of rounding.

    ``size`` is |Z|; ``noise`` says how far rounding may have moved each target.

    ``delta`` (N,) is what each target is moved by, times an infinitesimal.
    """

    Z: Matrix
    size: Matrix
    y: Matrix
    noise: Matrix
    delta: Matrix
    quantile: float

    @classmethod
    def of(cls, Z: Matrix, y: Matrix, quantile: float, noise: Matrix) -> Table:
        """Make the table, with random but always equal deltas."""
        return cls(Z, np.abs(Z), y, noise, np.random.default_rng(0).uniform(-1, 1, len(y)), quantile)

    def residuals(self, basis: NDArray[np.int64]) -> Residuals:
        """Compute the residuals of the coefficients that interpolate a basis.

        A residual is zero where it may be: no more is known of it than of the targets that w interpolates.
        """
        try:
            inverse = np.asarray(np.linalg.inv(self.Z[basis]), np.float64)
        except np.linalg.LinAlgError:
            raise InvalidInput(
                f"the rows {basis.tolist()} that a fit goes through depend on each other to the precision of "
                "a double: ranks cannot be followed from them; take method='nid' or a bootstrap"
            ) from None
        known = self.y[basis]
        w = inverse @ known
        w += inverse @ (known - self.Z[basis] @ w)  # an inverse alone errs by its condition times as much
        fitted = self.Z @ np.column_stack([w, inverse @ self.delta[basis]])
        size = np.abs(w)
        known_to = self.noise[basis] + ROUNDING * (np.abs(known) + self.size[basis] @ size)
        unsure = ROUNDING * size + np.abs(inverse) @ known_to
        rounding = self.noise + ROUNDING * np.abs(self.y) + self.size @ unsure
        r = self.y - fitted[:, 0]
        r[np.abs(r) <= rounding] = 0.0
        shifted = self.delta - fitted[:, 1]
        r[basis] = shifted[basis] = 0.0
        return Residuals(inverse, w, unsure, r, shifted, rounding)


@dataclass(frozen=True)
class Vertex:
    """P rows of residual zero, and the scores (N,) that prove it.

    They prove it the least for some slope in b.
    """

    basis: NDArray[np.int64]
    scores: Matrix


def vertex_of(table: Table, tilt: Matrix) -> Vertex | None:
    """Minimise sum_i rho(y_i - Z_i'w) - tilt'w; None where no minimum is found.

    Of several, one; where rows tie, the one that is also the least for y + epsilon delta.
    """
    Z, quantile = table.Z, table.quantile
    basis = _least_tilted(Z, table.y, quantile, tilt)
    if basis is None:
        return None
    r = table.residuals(basis).real
    positive = r > 0
    tied = np.flatnonzero(r == 0)
    if len(tied) > len(basis):
        pull = tilt + Z.T @ np.where(r == 0, 0.0, quantile - (r < 0))
        second = _least_tilted(Z[tied], table.delta[tied], quantile, (1 - SHRINK) * pull)
        if second is None:
            return None
        basis = tied[second]
        moved = table.residuals(basis)
        positive[tied] = moved.infinitesimal[tied] > 0
    scores = positive.astype(np.float64)
    scores[basis] = 0.0
    balance = (1 - quantile) * Z.sum(axis=0) - tilt - Z.T @ scores
    scores[basis] = np.clip(np.linalg.solve(Z[basis].T, balance), 0.0, 1.0)
    return Vertex(basis, scores)


def _least_tilted(Z: Matrix, y: Matrix, quantile: float, tilt: Matrix) -> NDArray[np.int64] | None:
    """Choose P independent rows that the minimum interpolates.

    It is that of sum_i rho(y_i - Z_i'w) - tilt'w.

    A further row tilt / tau with a far target is above the fit, and its loss is -tilt'w but for a constant.
    """
    N, P = Z.shape
    if not tilt.any():
        basis = solve(Z, y, quantile=quantile, fit_intercept=False).certificate.basis
        return basis if len(basis) == P else None
    rows = np.vstack([Z, tilt / quantile])
    size = np.abs(y)
    far = FAR * N / quantile * float(np.median(size) or size.mean() or 1.0)
    for _ in range(FARTHER):
        try:
            found = solve(rows, np.append(y, far), quantile=quantile, fit_intercept=False)
        except CertificateFailed:
            return None
        basis = found.certificate.basis
        if len(basis) == P and basis.max() < N:
            return basis
        far *= FAR**2
    return None


def kinks(table: Table, vertex: Vertex, j: int, sign: int) -> Iterator[Kink]:
    """Yield the kinks of g from a vertex on, in one direction.

    b, the coefficient j, grows (``sign`` 1) or falls (-1).

    The first is at the vertex, and may gain nothing. After the last, the slope is what it is at infinity.
    """
    Z, size = table.Z, table.size
    basis, a = vertex.basis.copy(), vertex.scores.copy()
    here: Residuals | None = None
    gain, first_place = 0.0, True
    for _ in range(PIVOTS_PER_ROW * len(a)):
        now = table.residuals(basis)
        inverse = now.inverse
        here = here or now
        amplified = SPEED_ROUNDING * (np.abs(inverse) @ size[basis].max(axis=1))  # rounding, of a size of 1
        # 1. The scores of the basis, as x'a falls by 1 for each unit.
        direction = -sign * inverse[j]
        free = np.abs(direction) > amplified[j] * np.abs(inverse).max(axis=0)
        bound = np.where(direction > 0, 1.0, 0.0)
        room = np.full(len(basis), math.inf)
        room[free] = np.maximum((bound - a[basis])[free] / direction[free], 0.0)
        least = float(room.min())
        leaving = int(np.argmax(np.where(room <= least * (1 + SCORE_ROUNDING), np.abs(direction), -1.0)))
        if least * np.abs(direction).max() > SCORE_ROUNDING:
            gain += least
        a[basis] = np.clip(a[basis] + least * direction, 0.0, 1.0)
        a[basis[leaving]] = bound[leaving]
        # 2. The residuals, as b moves by 1 and all but one of the basis stay at zero.
        rate = sign * inverse[:, leaving] / inverse[j, leaving]
        toward = np.where(a > 0.5, 1.0, -1.0) * (Z @ rate)
        toward[basis] = 0.0
        moving = np.flatnonzero(toward > (size @ amplified) * np.abs(rate).max())
        if len(moving) == 0:
            if gain > 0 or first_place:
                yield Kink(float(here.w[j]), gain, here.w, here.w_rounding)
            return
        signed = np.where(a[moving] > 0.5, 1.0, -1.0)
        times = np.maximum(signed * now.real[moving], 0.0) / toward[moving]
        unsure = np.where(now.real[moving] == 0, 0.0, now.rounding[moving] / toward[moving])
        first = times <= (times + unsure).min()
        time = float(times[first].min())
        if time > 0:
            if gain > 0 or first_place:
                yield Kink(float(here.w[j]), gain, here.w, here.w_rounding)
            here, gain, first_place = None, 0.0, False
        after = signed * now.infinitesimal[moving] / toward[moving]
        basis = np.append(np.delete(basis, leaving), moving[np.argmin(np.where(first, after, math.inf))])
    raise InvalidInput(
        f"the ranks of these {len(a)} rows go in circles, which only rounding can make them do; take "
        "method='nid' or a bootstrap"
    )
