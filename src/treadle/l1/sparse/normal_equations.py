r"""Solves the normal equations A'DA x = b of a sparse A.

A is (n, p); D is positive, and changes in every step.

Up to ``MOST_DENSE`` columns the matrix is dense and Cholesky's: 8 p^2 bytes. Beyond, it stays sparse, and
SuperLU factorises it, in an order of columns that is found once: by least degrees, full columns last, over
which the search would take most of the time. A may be rank-deficient, as dummies of two factors always are:
the diagonal is raised by a little, and the solution refined, so that equations which have a solution are
solved.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.linalg.lapack import dpotrf, dpotrs
from scipy.sparse.linalg import splu

MOST_DENSE = 4000
# What the diagonal is raised by, relative to itself; more where a factorisation fails.
RAISES = (1e-14, 1e-12, 1e-10, 1e-8)
# A column of so many times sqrt(p) entries is full.
FULL = 10
# Numbers of a block of rows that is made dense, where products of stored entries would take longer.
NUMBERS_PER_BLOCK = 1 << 20

Solve = Callable[[NDArray[np.float64]], NDArray[np.float64]]


class SparseNormalEquations:
    """Factorises a sparse A's normal equations for ``interior_point``."""

    def __init__(self, A: sparse.csr_array) -> None:
        self._A = sparse.csr_array(A)
        self._transposed = self._A.T.tocsr()
        n, p = A.shape
        self._is_dense = p <= MOST_DENSE
        stored = np.diff(self._A.indptr).astype(np.float64)
        # A product of two stored entries costs about as much as 20 of a dense product.
        self._order: NDArray[np.int64] | None = None
        self._in_blocks = self._is_dense and 20 * float(stored @ stored) > float(n) * p * p

    def __call__(self, D: NDArray[np.float64]) -> Solve | None:
        """Return a solver for one D, or None without a factorisation."""
        if not np.isfinite(D).all():
            return None
        M = self._matrix(D)
        diagonal = np.array(M.diagonal())
        diagonal[diagonal <= 0] = diagonal.max(initial=1)  # columns of zeros
        for raised in RAISES:
            factor = self._factor(M, raised * diagonal)
            if factor is not None:
                return self._refined(D, factor)
        return None

    def _matrix(self, D: NDArray[np.float64]) -> NDArray[np.float64] | sparse.csc_array:
        A = self._A
        if not self._in_blocks:
            M = self._transposed @ sparse.diags_array(D).dot(A)
            return M.toarray(order="F") if self._is_dense else M.tocsc()
        n, p = A.shape
        M = np.zeros((p, p), order="F")
        step = max(1, NUMBERS_PER_BLOCK // p)
        root = np.sqrt(D)
        for start in range(0, n, step):
            block = A[start : start + step].toarray() * root[start : start + step, None]
            M += block.T @ block
        return M

    def _factor(self, M: NDArray[np.float64] | sparse.csc_array, raised: NDArray[np.float64]) -> Solve | None:
        if self._is_dense:
            copy = M.copy(order="F")
            copy[np.diag_indices_from(copy)] += raised
            factor, info = dpotrf(copy, lower=1, overwrite_a=1)
            return None if info else lambda b: np.asarray(dpotrs(factor, b, lower=1)[0])
        if self._order is None:
            self._order = _order_of_columns(M)
        order = self._order
        try:
            factors = _symmetric_factors(
                (M + sparse.diags_array(raised)).tocsr()[order][:, order].tocsc(), "NATURAL"
            )
        except RuntimeError:  # singular to SuperLU
            return None

        def solve(b: NDArray[np.float64]) -> NDArray[np.float64]:
            x = np.empty(len(b))
            x[order] = factors.solve(b[order])
            return x

        return solve

    def _refined(self, D: NDArray[np.float64], solve: Solve) -> Solve:
        def refined(b: NDArray[np.float64]) -> NDArray[np.float64]:
            x = solve(b)
            return x + solve(b - self._transposed @ (D * (self._A @ x)))

        return refined


# Any: SciPy's factors have no type.
def _symmetric_factors(M: sparse.csc_array, order: str) -> Any:
    return splu(M, permc_spec=order, diag_pivot_thresh=0.0, options={"SymmetricMode": True})


def _order_of_columns(M: sparse.csc_array) -> NDArray[np.int64]:
    """Order the columns of a symmetric matrix so that factors fill up little."""
    counts = np.diff(M.indptr)
    full = counts > FULL * np.sqrt(len(counts))
    others = np.flatnonzero(~full)
    # The order depends on the places of entries alone; with these numbers no factorisation fails.
    pattern = M[others][:, others]
    halves = np.full(pattern.nnz, 0.5)
    pattern = sparse.csc_array((halves, pattern.indices, pattern.indptr), shape=pattern.shape)
    pattern = (pattern + sparse.diags_array(counts[others] + 1.0)).tocsc()
    found = _symmetric_factors(pattern, "MMD_AT_PLUS_A").perm_c if len(others) else others
    return np.concatenate([others[np.argsort(found)], np.flatnonzero(full)])
