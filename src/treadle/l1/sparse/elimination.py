"""Chooses independent rows of a sparse matrix, and a column for each.

Gaussian elimination, by rows that are dictionaries: the column with the fewest entries is next, and of its
rows one with few entries, among those whose entry there is not much smaller than the largest (Markowitz
1957). Rows of dummies are gone through nearly without a sum. What is left, once it fills up, is a dense
matrix, and LAPACK's.
"""

from __future__ import annotations

import heapq
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.linalg.lapack import dgetrf

# A pivot is at least so large a share of the largest entry of its column.
THRESHOLD = 0.1
# What is left of a difference is rounding, relative to its terms, and to a row of length 1.
CANCELLED, ROUNDING = 1e-11, 1e-13
# A dense pivot below it, relative to the largest, is rounding.
SMALLEST = 1e-9
# Numbers of a dense matrix, at most, and how many of them cost as much as an entry of a dictionary.
MOST_NUMBERS, NUMBERS_PER_ENTRY = 100_000_000, 4500
# Entries of dictionaries that are changed, after which it gives up: a minute.
MOST_CHANGES = 200_000_000


class _Table:
    """The rows and columns that are left, with their entries."""

    def __init__(self, A: sparse.csr_array) -> None:
        columns, data, starts = A.indices.tolist(), A.data.tolist(), A.indptr.tolist()
        self.rows = [dict(zip(columns[i:k], data[i:k], strict=True)) for i, k in pairwise(starts)]
        self.of_column: list[set[int]] = [set() for _ in range(A.shape[1])]
        for i, row in enumerate(self.rows):
            for j in row:
                self.of_column[j].add(i)
        self.heap = [(len(some), j) for j, some in enumerate(self.of_column) if some]
        heapq.heapify(self.heap)
        self.n_rows = sum(map(bool, self.rows))
        self.n_columns = len(self.heap)
        self.n_changes = 0

    def next_pivot(self) -> tuple[int, int] | None:
        """Return the next pivot's row and column; None if none is left."""
        while self.heap:
            count, j = heapq.heappop(self.heap)
            some = self.of_column[j]
            if count != len(some) or not some:
                continue
            rows = self.rows
            least = THRESHOLD * max(abs(rows[i][j]) for i in some)
            return min((len(rows[i]), i) for i in some if abs(rows[i][j]) >= least)[1], j
        return None

    def cost(self, i: int, j: int) -> int:
        """Count the entries that a pivot changes."""
        return (len(self.of_column[j]) - 1) * (len(self.rows[i]) - 1)

    def eliminate(self, i: int, j: int) -> None:
        """Take a row out, and its pivot's column from the others."""
        rows, of_column = self.rows, self.of_column
        pivot_row = rows[i]
        for c in pivot_row:
            of_column[c].discard(i)
        others, of_column[j] = sorted(of_column[j]), set()
        pivot = pivot_row.pop(j)
        entries = list(pivot_row.items())
        rows[i] = {}
        self.n_rows -= 1
        self.n_columns -= 1
        for k in others:
            row = rows[k]
            factor = row.pop(j) / pivot
            for c, value in entries:
                old, term = row.get(c, 0.0), factor * value
                new = old - term
                if abs(new) <= CANCELLED * (abs(old) + abs(term)) + ROUNDING:
                    if c in row:
                        del row[c]
                        of_column[c].discard(k)
                else:
                    if c not in row:
                        of_column[c].add(k)
                    row[c] = new
            self.n_rows -= not row
        self.n_changes += len(others) * len(entries)
        for c, _ in entries:
            some = of_column[c]
            if some:
                heapq.heappush(self.heap, (len(some), c))
            else:
                self.n_columns -= 1

    def dense_pivots(self) -> list[tuple[int, int]]:
        """Return the pivots of what is left, by rows in LAPACK's order."""
        columns = [j for j, some in enumerate(self.of_column) if some]
        place = {j: k for k, j in enumerate(columns)}
        left = [i for i, row in enumerate(self.rows) if row]
        M = np.zeros((len(left), len(columns)), order="F")
        for k, i in enumerate(left):
            row = self.rows[i]
            M[k, [place[j] for j in row]] = list(row.values())
        while True:
            factors, swaps, _ = dgetrf(M)
            pivots = np.abs(np.diagonal(factors))
            good = pivots > SMALLEST * pivots.max(initial=0)
            if good.all():
                break
            # A column that depends on those before it has taken a row from those after it.
            kept = np.append(good, np.zeros(len(columns) - len(good), bool))
            M, columns = np.asfortranarray(M[:, kept]), [j for j, k in zip(columns, kept, strict=True) if k]
        order = np.arange(len(left))
        for k, other in enumerate(swaps.tolist()):
            order[[k, other]] = order[[other, k]]
        return [(left[order[k]], j) for k, j in enumerate(columns[: len(pivots)])]


def independent_pivots(
    A: sparse.csr_array, weight: NDArray[np.float64]
) -> tuple[NDArray[np.int64], NDArray[np.int64]] | None:
    """Choose rows of A (m, p), times their weights, and as many columns.

    The square of these entries of A is nonsingular, unless rounding misled; no further row and column would
    keep it so. None where that takes too long.
    """
    weighed = sparse.csr_array(sparse.diags_array(weight) @ A)
    weighed.eliminate_zeros()
    table = _Table(weighed)
    pivots: list[tuple[int, int]] = []
    while (found := table.next_pivot()) is not None:
        numbers = table.n_rows * table.n_columns
        if numbers <= min(MOST_NUMBERS, NUMBERS_PER_ENTRY * table.cost(*found)):
            pivots += table.dense_pivots()
            break
        if table.n_changes > MOST_CHANGES:
            return None
        table.eliminate(*found)
        pivots.append(found)
    both = np.array(pivots, np.int64).reshape(-1, 2)
    return both[:, 0], both[:, 1]
