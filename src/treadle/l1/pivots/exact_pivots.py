r"""Simplex pivots in rational arithmetic, where doubles could not decide optimality.

As ``crossover``, exactly: u_k of the basis beyond its box, row k leaves to that side, and the line search
goes on past every row whose residual changes its sign until the slope is no longer negative. Each pivot
solves two systems and looks at all rows in integers: small tables, or few pivots.
"""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from treadle.l1.proof.claim import Problem
from treadle.l1.proof.rational_solve import rational_solution
from treadle.l1.proof.scaled_integers import scaled
from treadle.l1.sources.rows import Chunk

# Steps of length zero after which the first row that may leave or enter does (Bland 1977).
PATIENCE = 8


class ExactTable:
    """All rows of a problem as integers, the penalty's after those of weight.

    Parameters
    ----------
    chunk : Chunk
        All rows.
    centre : ndarray of shape (D,)
    kept : ndarray of int64
        Columns.
    problem : Problem
    """

    def __init__(
        self, chunk: Chunk, centre: NDArray[np.float64], kept: NDArray[np.int64], problem: Problem
    ) -> None:
        n_rows = len(chunk)
        chunk = chunk.weighted()
        X = scaled(np.asarray(chunk.X, np.float64)[:, kept])
        if centre.any():
            X = X.minus(scaled(centre[kept]))
        y = scaled(chunk.y)
        weights = (
            [Fraction(1)] * len(chunk)
            if chunk.weight is None
            else [Fraction(c) for c in chunk.weight.tolist()]
        )
        self.exponent = min(X.exponent, y.exponent, 0)
        one = np.full((len(chunk), int(problem.fit_intercept)), 1 << -self.exponent, object)
        self.Z = np.hstack([one, X.at(self.exponent)])
        self.y = y.at(self.exponent)
        self.names = chunk.indices.tolist()
        self.low = [problem.bound(c, -1) for c in weights]
        self.high = [problem.bound(c, 1) for c in weights]
        penalty = problem.penalty(sum(weights, Fraction(0)))
        if penalty:
            extra = np.zeros((len(kept), self.Z.shape[1]), object)
            for k in range(len(kept)):
                extra[k, k + problem.fit_intercept] = 1 << -self.exponent
            self.Z = np.vstack([self.Z, extra])
            self.y = np.append(self.y, np.zeros(len(kept), object))
            self.names += [n_rows + int(j) for j in kept]
            self.low += [-penalty] * len(kept)
            self.high += [penalty] * len(kept)
        self.place = {name: k for k, name in enumerate(self.names)}

    def independent(self, first: list[int]) -> tuple[list[int], list[int]]:
        """Choose independent rows, those of ``first`` before others, and independent columns.

        There are as many columns as rows, found by elimination in rational numbers; early columns come before
        late ones.
        """
        p = self.Z.shape[1]
        reduced: list[tuple[int, list[Fraction]]] = []
        chosen: list[int] = []
        before = set(first)
        for k in [*first, *(k for k in range(len(self.Z)) if k not in before)]:
            row = [Fraction(value) for value in self.Z[k].tolist()]
            for column, other in reduced:
                if row[column]:
                    factor = row[column]
                    row = [a - factor * b for a, b in zip(row, other, strict=True)]
            pivot = next((c for c, value in enumerate(row) if value), None)
            if pivot is None:
                continue
            reduced.append((pivot, [value / row[pivot] for value in row]))
            chosen.append(k)
            if len(chosen) == p:
                break
        return chosen, sorted(column for column, _ in reduced)


def pivoted(
    table: ExactTable, basis: list[int], sides: dict[int, int], most: int
) -> tuple[list[int], dict[int, int]] | None:
    """Pivot to an optimal vertex; return its basis and its ties' sides.

    None past the most pivots.

    Parameters
    ----------
    table : ExactTable
    basis : list of p places in the table
    sides : dict
        Of ties off the basis, by place, 1 or -1; 1 where it says nothing.
    most : int
        Pivots after which it gives up.

    Raises
    ------
    Singular
        If the basis is.
    """
    Z, y = table.Z, table.y
    side: list[int] | None = None
    idle = 0
    for _ in range(most):
        w, common = rational_solution(Z[basis], y[basis])
        r = y * common - Z @ np.array(w, object)
        signs = [(value > 0) - (value < 0) for value in r.tolist()]
        if side is None:
            side = [s or sides.get(k, 1) for k, s in enumerate(signs)]
        else:
            side = [s or before for s, before in zip(signs, side, strict=True)]
        inside = set(basis)
        others = [k for k in range(len(y)) if k not in inside]
        u = {k: table.high[k] if side[k] > 0 else table.low[k] for k in others}
        g = _combined(Z, others, u)
        denominator = math.lcm(*(x.denominator for x in g))
        found, whole = rational_solution(Z[basis].T, np.array([-int(x * denominator) for x in g], object))
        dual = [Fraction(x, whole * denominator) for x in found]
        over = [max(x - table.high[k], table.low[k] - x) for k, x in zip(basis, dual, strict=True)]
        leaving = max(range(len(basis)), key=lambda k: over[k])
        if over[leaving] <= 0:
            return basis, {k: side[k] for k in others if signs[k] == 0}
        if idle > PATIENCE:
            leaving = min((k for k in range(len(basis)) if over[k] > 0), key=lambda k: basis[k])
        sign = 1 if dual[leaving] > table.high[basis[leaving]] else -1
        unit = np.zeros(len(basis), object)
        unit[leaving] = sign
        direction, scale = rational_solution(Z[basis], unit)
        along = Z @ np.array(direction, object)
        # Residuals grow by t along; a row meets its zero where it moves against its side.
        corners = sorted(
            (Fraction(-int(r[k]), int(along[k])), k) for k in others if int(along[k]) * side[k] < 0
        )
        slope, entering, flipped = over[leaving] * scale, None, []
        for _, k in corners:
            slope -= (table.high[k] - table.low[k]) * abs(int(along[k]))
            if slope <= 0 or idle > PATIENCE:
                entering = k
                break
            flipped.append(k)
        if entering is None:
            return None
        idle = idle + 1 if r[entering] == 0 else 0
        for k in flipped:
            side[k] = -side[k]
        side[basis[leaving]] = sign
        basis = [*basis[:leaving], entering, *basis[leaving + 1 :]]
    return None


def _combined(Z: NDArray[np.object_], some: list[int], u: dict[int, Fraction]) -> list[Fraction]:
    """Sum u z over some rows."""
    common = math.lcm(*(x.denominator for x in u.values())) if u else 1
    whole = np.array([u[k].numerator * (common // u[k].denominator) for k in some], object)
    return [Fraction(int(x), common) for x in (whole @ Z[some] if some else [0] * Z.shape[1])]
