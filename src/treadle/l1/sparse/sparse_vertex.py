r"""Finds a basis at a point of a sparse problem's optimal face.

Its certificate is made of that. The interior point ends inside the face of all optima, and not at a vertex.
For a proof any p rows will do that are independent and have a residual of zero, since ties may have any u of
their box: those are taken whose u is deepest inside, so that the u which the equations then give them is
inside too.

1. Columns that depend on those before them are left out (Cholesky's diagonal of A'A).
2. Rows interpolated, by pivoted QR of their columns, the deepest first.
3. Where these rows do not span (the optimum is not the only one), w moves along the face until one more row
   meets its zero, and again.

All this takes dense squares of the columns; ``wide_vertex`` does without.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.linalg.lapack import dgeqp3

# A column of which so little is left, squared, depends on those before it.
DEPENDENT = 1e-12
# A pivot below it, relative to the first, is rounding.
SMALLEST = 1e-9
# Rows that are looked at before others, for each column.
ROWS_PER_COLUMN = 6


@dataclass(frozen=True)
class SparseBasis:
    """Rows of A of residual zero, and the columns that they determine.

    Both ascend.
    """

    rows: NDArray[np.int64]
    columns: NDArray[np.int64]


def sparse_basis(
    A: sparse.csr_array,
    y: NDArray[np.float64],
    w: NDArray[np.float64],
    depth: NDArray[np.float64],
    interpolated: NDArray[np.bool_],
) -> SparseBasis | None:
    """Find a basis at w, or at a vertex of w's face.

    None where there is none so small.

    Parameters
    ----------
    A : sparse array of shape (n, p)
    y, w : ndarrays of shape (n,) and (p,)
    depth : ndarray of shape (n,)
        How deep inside its box, from 0 to 1/2, each row's u is.
    interpolated : ndarray of shape (n,), bool
        Whose residual is zero.
    """
    columns = _independent_columns(A)
    if len(columns) < A.shape[1]:
        fitted = A @ w
        A = sparse.csr_array(A.tocsc()[:, columns])
        w = _with_the_fit(A, fitted)
    tied = np.flatnonzero(interpolated)
    order = tied[np.argsort(-depth[tied], kind="stable")]
    rows = _independent_rows(A, order, depth)
    if len(rows) < len(columns):
        rows = _completed(A, y, w, rows, interpolated)
        if len(rows) < len(columns):
            return None
    return SparseBasis(np.sort(rows), columns)


def _independent_columns(A: sparse.csr_array) -> NDArray[np.int64]:
    M = (A.T @ A).toarray()
    scale = np.sqrt(np.where(np.diagonal(M) > 0, np.diagonal(M), 1))
    M = M / scale / scale[:, None]
    kept = np.zeros(len(M), bool)
    # Cholesky, column by column, over those that are kept.
    L = np.zeros_like(M)
    rank = 0
    for j in range(len(M)):
        row = M[j] - L[j, :rank] @ L[:, :rank].T
        if row[j] > DEPENDENT * 1e2 and M[j, j] > 0:
            L[:, rank] = row / np.sqrt(row[j])
            rank += 1
            kept[j] = True
    return np.flatnonzero(kept)


def _with_the_fit(A: sparse.csr_array, fitted: NDArray[np.float64]) -> NDArray[np.float64]:
    """Compute w of independent columns with A w = fitted.

    A w of all columns has given the fit.
    """
    M = (A.T @ A).toarray()
    scale = 1 / np.sqrt(np.diagonal(M))
    M *= scale * scale[:, None]
    w = np.zeros(A.shape[1])
    for _ in range(3):
        w += scale * np.linalg.solve(M, scale * (A.T @ (fitted - A @ w)))
    return w


def _independent_rows(
    A: sparse.csr_array, order: NDArray[np.int64], depth: NDArray[np.float64]
) -> NDArray[np.int64]:
    """Choose as many independent rows as possible, in the given order.

    The first of them come before the others.
    """
    p = A.shape[1]
    chosen = np.empty(0, np.int64)
    for most in (2 * p, ROWS_PER_COLUMN * p, len(order)):
        few = order[:most]
        lengths = np.sqrt(np.asarray(A[few].multiply(A[few]).sum(axis=1)).ravel())
        few = few[lengths > 0]
        weight = (depth[few] + 1e-3) / lengths[lengths > 0]
        if not len(few):
            return chosen
        factors, pivots, _, _, info = dgeqp3((A[few].toarray() * weight[:, None]).T)
        diagonal = np.abs(np.diagonal(factors))
        rank = int((diagonal > SMALLEST * diagonal[0]).sum()) if not info else 0
        chosen = few[pivots[:rank] - 1]
        if rank == p or most >= len(order):
            break
    return chosen


def _completed(
    A: sparse.csr_array,
    y: NDArray[np.float64],
    w: NDArray[np.float64],
    rows: NDArray[np.int64],
    interpolated: NDArray[np.bool_],
) -> NDArray[np.int64]:
    """3. Add rows, each the first to reach residual zero.

    w moves, with the residuals of those before at zero.
    """
    p = A.shape[1]
    full = np.linalg.qr(A[rows].toarray().T, mode="complete").Q if len(rows) else np.eye(p)
    free = full[:, len(rows) :]  # directions in which the residuals of the rows stay, orthonormal
    open_rows = ~interpolated
    while free.shape[1]:
        found = _first_crossing(A, y, w, free, open_rows)
        if found is None:
            break
        row, w = found
        rows = np.append(rows, row)
        open_rows[row] = False
        # A reflection that leaves one direction with a part along the row: that one is no longer free.
        v = np.asarray(A[[row]] @ free).ravel()
        v[0] += np.copysign(np.sqrt(v @ v), v[0])
        free = (free - np.outer(free @ v, 2 / (v @ v) * v))[:, 1:]
    return rows


def _first_crossing(
    A: sparse.csr_array,
    y: NDArray[np.float64],
    w: NDArray[np.float64],
    free: NDArray[np.float64],
    open_rows: NDArray[np.bool_],
) -> tuple[int, NDArray[np.float64]] | None:
    """Find the first row to reach residual zero along a free direction.

    Returned are the row and w there; None if none ever does.
    """
    r = y - A @ w
    for direction in (sign * column for column in free.T for sign in (1, -1)):
        along = A @ direction
        moving = (np.abs(along) > 1e-9 * np.abs(along).max(initial=0)) & open_rows
        t = np.where(moving & (r * along > 0), r / np.where(along == 0, 1, along), np.inf)
        row = int(t.argmin())
        if np.isfinite(t[row]):
            return row, w + t[row] * direction
    return None
