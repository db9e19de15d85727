r"""Finds a basis at a point of the optimal face of many columns, without a dense square.

As ``sparse_vertex``, in other arithmetic:

1. Independent rows among those interpolated, and a column for each, by sparse elimination (``elimination``);
   rows are weighed by how deep their u is.
2. K has these rows, and e_j for each column j that got none. With K d = e_j all residuals interpolated stay
   as they are along d. If no other row's moves, column j depends on the others and is left out.
3. Else w moves along d until one more row meets its zero, which takes the place of e_j. That leaves those of
   the other d as they were in which this row does not move: many are done with one factorisation of K.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.sparse.linalg import splu

from treadle.l1.sparse.elimination import independent_pivots
from treadle.l1.sparse.sparse_vertex import ROWS_PER_COLUMN, SparseBasis

# What is so small a share of the largest is rounding.
ROUNDING = 1e-9
# Directions solved for at once, before it is known how many of them one factorisation serves; and at a time.
AT_ONCE, AT_A_TIME = 256, 64
# Numbers of the residuals' moves along them.
MOST_NUMBERS = 20_000_000
# Factorisations after which no basis is found.
MOST_FACTORISATIONS = 200


@dataclass(frozen=True)
class WideBasis(SparseBasis):
    """A basis, and the residuals (n,) of all rows at its vertex, to rounding."""

    r: NDArray[np.float64]


def wide_basis(
    A: sparse.csr_array,
    y: NDArray[np.float64],
    w: NDArray[np.float64],
    depth: NDArray[np.float64],
    interpolated: NDArray[np.bool_],
    intercept: bool,
) -> WideBasis | None:
    """Find a basis as ``sparse_basis`` does, whose columns keep the first if that is the intercept's.

    None where none is found.
    """
    p = A.shape[1]
    tied = np.flatnonzero(interpolated)
    order = tied[np.argsort(-depth[tied], kind="stable")][: ROWS_PER_COLUMN * p]
    lengths = np.sqrt(np.asarray(A[order].multiply(A[order]).sum(axis=1)).ravel())
    order, lengths = order[lengths > 0], lengths[lengths > 0]
    found = independent_pivots(A[order], (depth[order] + 1e-3) / lengths)
    if found is None:
        return None
    search = _Search(A, y - A @ w, depth, interpolated, order[found[0]], found[1])
    if not search.complete():
        return None
    return search.basis(intercept)


class _Search:
    """Steps 2 and 3: the rows chosen, and the columns without one."""

    def __init__(
        self,
        A: sparse.csr_array,
        r: NDArray[np.float64],
        depth: NDArray[np.float64],
        interpolated: NDArray[np.bool_],
        rows: NDArray[np.int64],
        columns: NDArray[np.int64],
    ) -> None:
        self.A, self.r, self.depth = A, r, depth
        self.rows = rows.tolist()
        self.waiting = np.setdiff1d(np.arange(A.shape[1]), columns).tolist()
        self.dependent: list[int] = []
        self.relations: dict[int, NDArray[np.float64]] = {}
        self.tied, self.open = interpolated.copy(), ~interpolated
        self.tied[rows] = False

    def complete(self) -> bool:
        """Give each column a row, or find it dependent; say whether that was done."""
        n_at_once = AT_ONCE
        for _ in range(MOST_FACTORISATIONS):
            if not self.waiting:
                return True
            some = self.waiting[:n_at_once]
            directions = self._directions(some)
            if directions is None:
                return False
            moves = sparse.csc_array(self.A @ directions)
            n_done = self._walk(some, directions, moves)
            if moves.nnz > MOST_NUMBERS or 4 * n_done < len(some):
                n_at_once = max(n_at_once // 4, 1)
            elif 2 * n_done >= len(some):
                n_at_once *= 4
        return not self.waiting

    def _directions(self, columns: list[int]) -> sparse.csc_array | None:
        """2. d of K d = e_j for some columns j."""
        p = self.A.shape[1]
        units = [*self.dependent, *self.waiting]
        E = sparse.csr_array((np.ones(len(units)), (np.arange(len(units)), units)), shape=(len(units), p))
        try:
            factors = splu(sparse.csc_array(sparse.vstack([self.A[self.rows], E])))
        except RuntimeError:  # singular to SuperLU
            return None
        place = {j: len(self.rows) + k for k, j in enumerate(units)}
        parts = []
        for start in range(0, len(columns), AT_A_TIME):
            some = columns[start : start + AT_A_TIME]
            unit = np.zeros((p, len(some)))
            unit[[place[j] for j in some], np.arange(len(some))] = 1
            d = factors.solve(unit)
            if not np.isfinite(d).all():
                return None
            d[np.abs(d) <= ROUNDING * 1e-2 * np.abs(d).max(axis=0)] = 0
            parts.append(sparse.csc_array(d))
        return sparse.csc_array(sparse.hstack(parts))

    def _walk(self, columns: list[int], directions: sparse.csc_array, moves: sparse.csc_array) -> int:
        """3. Go along as many directions as there are rows for; return their number."""
        of_row = sparse.csr_array(moves)
        # Directions in which the row of one before moves: they are no longer K's.
        stale = np.zeros(len(columns), bool)
        done = set()
        for k, j in enumerate(columns):
            if stale[k]:
                continue
            entries = slice(moves.indptr[k], moves.indptr[k + 1])
            at, along = moves.indices[entries], moves.data[entries]
            d = directions.data[directions.indptr[k] : directions.indptr[k + 1]]
            real = np.abs(along) > ROUNDING * max(np.abs(along).max(initial=0), np.abs(d).max())
            done.add(j)
            found = self._first_row(at[real], along[real])
            if found is None:
                self.dependent.append(j)
                self.relations[j] = directions[:, [k]].toarray().ravel()
                continue
            row, t = found
            self.r[at] -= t * along
            self.rows.append(row)
            self.tied[row] = self.open[row] = False
            stale[of_row.indices[of_row.indptr[row] : of_row.indptr[row + 1]]] = True
        self.waiting = [j for j in self.waiting if j not in done]
        return len(done)

    def _first_row(self, at: NDArray[np.int64], along: NDArray[np.float64]) -> tuple[int, float] | None:
        """Return the row that is next to be interpolated along a direction, and how far it is.

        One that is, if any; else the first to reach zero, forward or else backward. None if there is none.
        """
        tied = self.tied[at]
        if tied.any():
            sizes = np.abs(along) * (self.depth[at] + 1e-3) * tied
            return int(at[sizes.argmax()]), 0.0
        for sign in (1, -1):
            ahead = self.open[at] & (self.r[at] * along * sign >= 0)
            if ahead.any():
                t = np.where(ahead, np.abs(self.r[at] / along), np.inf)
                return int(at[t.argmin()]), sign * float(t.min())
        return None

    def basis(self, intercept: bool) -> WideBasis:
        """Return the rows chosen, and the columns that do not depend on others."""
        left_out = self.dependent
        if intercept and 0 in left_out:
            # Another column of what the intercept is a combination of is as good.
            d = np.abs(self.relations[0])
            d[left_out] = 0
            left_out = [j for j in left_out if j] + ([int(d.argmax())] if d.any() else [0])
        columns = np.setdiff1d(np.arange(self.A.shape[1]), left_out)
        return WideBasis(np.sort(np.array(self.rows, np.int64)), columns, self.r)
