"""Decides the rows whose sign doubles do not prove, in integers.

That is at an enclosure of the vertex, or at the vertex itself. A row of the basis, and one whose residual is
exactly zero (a tie), has no sign: a tie's u is what the claim says, any number of its box being right.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from treadle.l1.proof.basis_system import Enclosed
from treadle.l1.proof.claim import Claim, nearest
from treadle.l1.proof.scaled_integers import LARGEST, ScaledIntegers, power_of_two, scaled
from treadle.l1.proof.sparse_integers import SparseIntegers
from treadle.l1.proof.whole_doubles import exact_combination
from treadle.l1.sources.rows import Chunk, dense_columns

# How near to a bound, in widths of the box, a tie's value stands for the bound.
NEXT_TO = 2.0**-40
# Rows from which on the exact vertex is computed at once: its integers may be short, those of an enclosure
# are not.
MANY = 64

ExactRows = Callable[[Chunk], ScaledIntegers | SparseIntegers]


@dataclass
class OpenRows:
    """The open rows, and what is decided about them.

    Signs (0: none), residuals at the vertex, u of ties inside their box by place, u of all ties by name.
    """

    chunk: Chunk
    signs: NDArray[np.int8]
    residuals: NDArray[np.float64]
    inside: dict[int, Fraction]
    tie_values: dict[int, float]
    undecided: int
    vertex: Enclosed
    flaw: str | None = None


def decided(
    claim: Claim,
    chunk: Chunk,
    basis: NDArray[np.int64],
    vertex: Enclosed,
    exact_vertex: Callable[[], Enclosed | None],
    exact_rows: ExactRows,
) -> OpenRows:
    """Decide the rows without a sign.

    Parameters
    ----------
    claim : Claim
    chunk : Chunk
        The rows.
    basis : ndarray of int64
        Rows of the basis, ascending.
    vertex : Enclosed
    exact_vertex : callable
        Gives it in rational numbers, or None.
    exact_rows : callable
        Gives (1, x - m) of a chunk in integers.
    """
    n = len(chunk)
    found = OpenRows(chunk, np.zeros(n, np.int8), np.zeros(n), {}, {}, 0, vertex)
    at = np.minimum(np.searchsorted(basis, chunk.indices), max(len(basis) - 1, 0))
    left = np.flatnonzero(basis[at] != chunk.indices) if len(basis) else np.arange(n)
    if len(left) > MANY and not vertex.is_exact:
        found.vertex = exact_vertex() or vertex
    while len(left):
        some = chunk.take(left)
        known, r, signs = _residuals(claim, some, found.vertex, exact_rows)
        found.residuals[left] = r
        found.signs[left] = signs
        if found.vertex.is_exact:
            _place_ties(claim, found, left[signs == 0])
            break
        left = left[~known]
        if len(left):
            exact = exact_vertex()
            if exact is None:  # any number of the box will do for a bound on the gap
                found.undecided = len(left)
                _place_ties(claim, found, left)
                break
            found.vertex = exact
    return found


def _residuals(
    claim: Claim, chunk: Chunk, vertex: Enclosed, exact_rows: ExactRows
) -> tuple[NDArray[np.bool_], NDArray[np.float64], NDArray[np.int8]]:
    """Compute signs and rounded residuals; say which signs are known.

    The sign is 0 for a tie; at an exact vertex all are known.
    """
    common, w = vertex.denominator, vertex.numerators
    first = int(claim.problem.fit_intercept)
    if vertex.is_exact:
        every = math.gcd(common, *w)
        common, w = common // every, [v // every for v in w]
        short = exact_combination(
            _with_targets(chunk, claim.kept),
            np.append(claim.centre[claim.kept], 0.0),
            [*(-v for v in w[first:]), common],
            -w[0] if first else 0,
        )
        if short is not None:
            r, exponent = short
            signs = np.sign(r).astype(np.int8)
            return np.ones(len(chunk), bool), np.ldexp(r, exponent) / common, signs
    rows, targets = exact_rows(chunk), scaled(chunk.y)
    exponent = min(rows.exponent, targets.exponent)
    fitted = ScaledIntegers(rows.product(np.array(w, object)), rows.exponent)
    r = targets.at(exponent) * common - fitted.at(exponent)
    unit = power_of_two(exponent) / common
    rounded = np.array([nearest(unit * value) for value in r])
    signs = np.array([(value > 0) - (value < 0) for value in r], np.int8)
    if vertex.is_exact:
        return np.ones(len(chunk), bool), rounded, signs
    # The enclosure's part, in the same unit.
    radii = rows.sizes().product(np.array(vertex.radii, object))
    errors = ScaledIntegers(radii, rows.exponent).at(exponent)
    known = np.array([abs(a) > e for a, e in zip(r, errors, strict=True)], bool)
    return known, rounded, np.where(known, signs, 0).astype(np.int8)


def _with_targets(chunk: Chunk, kept: NDArray[np.int64]) -> NDArray[np.float64] | sparse.csr_array:
    """Return the columns of a system, and y after them."""
    if sparse.issparse(chunk.X):
        return sparse.csr_array(sparse.hstack([chunk.X[:, kept], chunk.y[:, None]]).astype(np.float64))
    return np.column_stack([dense_columns(chunk, kept), chunk.y])


def _place_ties(claim: Claim, found: OpenRows, places: NDArray[np.int64]) -> None:
    """Place the u of ties at a bound, or at a number inside."""
    if not len(places):
        return
    names = found.chunk.indices[places]
    weight = np.ones(len(places)) if found.chunk.weight is None else found.chunk.weight[places]
    sides = np.ones(len(names)) if claim.side is None else np.where(claim.side[names] < 0, -1.0, 1.0)
    values = np.array([claim.ties.get(i, math.inf * s) for i, s in zip(names.tolist(), sides, strict=True)])
    # For a weight of 1, where no bound overflows, nor is rounded to another.
    low, high = -2 * (1 - claim.problem.quantile), 2 * claim.problem.quantile
    near = (high - low) * NEXT_TO
    shares = np.where(np.isinf(values), np.where(values > 0, high, low), values / weight)
    beyond = (shares > high + near) | (shares < low - near)
    if beyond.any():
        k = int(np.argmax(beyond))
        c = float(weight[k])
        found.flaw = f"u of row {names[k]} is {values[k]:.9g}, outside [{low * c:.6g}, {high * c:.6g}]"
    above, below = shares >= high - near, shares <= low + near
    found.signs[places] = np.where(above, 1, np.where(below, -1, 0))
    bounds = np.clip(np.where(above, high, low) * weight, -LARGEST, LARGEST)
    values = np.where(above | below, bounds, values)
    found.tie_values.update(zip(names.tolist(), values.tolist(), strict=True))
    for k in np.flatnonzero(~above & ~below).tolist():
        found.inside[int(places[k])] = Fraction(float(values[k]))


def penalty_tie(claim: Claim, name: int, penalty: Fraction) -> Fraction:
    """Return u of the penalty's row of a coefficient that is exactly 0.

    The row is off the basis; u is what the claim says, within its box.
    """
    value = claim.ties.get(name, math.inf)
    if math.isinf(value):
        return penalty if value > 0 else -penalty
    exact, near = Fraction(value), 2 * penalty * Fraction(NEXT_TO)
    return -penalty if exact <= near - penalty else penalty if exact >= penalty - near else exact
