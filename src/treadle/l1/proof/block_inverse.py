r"""Bounds the inverse of a sparse block in doubles, with a proof.

With R a rounded inverse of Z (k, k), alpha >= ||I - R Z|| in the maximum norm, and rho_i the sum of |R_ij|
over j::

    Z x = s    gives    |x_i| <= (rho_i + alpha / (1 - alpha) max(rho)) max(|s|)                          (1)

if alpha < 1, which proves Z nonsingular as well (Rump 2010, section 10). No sum of R Z has more terms than a
column of Z has entries, which bounds its rounding. R is a dense square where that is smaller or faster; else
its rows are solved for by sparse factors, some at a time, and none is kept.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.linalg.lapack import dgetrf, dgetri
from scipy.sparse.linalg import splu

from treadle.l1.proof.basis_system import UNIT, UP

# Rows of which the inverse is dense at once; and at most, where factors are as full.
DENSE, MOST_DENSE = 2000, 8000
# Products of stored entries that take as long as one of a dense inverse.
SPARSE_COST = 30
# Of all rows of R by factors: a minute or two.
MOST_PRODUCTS = 5e10
# Columns that LAPACK works on together; without that room it takes one by one.
LAPACK_BLOCK = 64
# Numbers of the rows of R that are looked at together.
NUMBERS_AT_ONCE = 1 << 21


class BlockInverse:
    """A rounded inverse of a block (k, k), and what (1) says of it.

    Parameters
    ----------
    Z : csr_array of finite doubles

    Attributes
    ----------
    is_found : bool
        Whether there is one.
    """

    def __init__(self, Z: sparse.csr_array) -> None:
        self._Z = Z
        self._transposed = sparse.csr_array(Z.T)
        self._bounds: dict[bool, NDArray[np.float64] | None] = {}
        self._factors = _factors_of(Z)
        self._R: NDArray[np.float64] | None = None
        if self._factors is None and Z.shape[0] <= MOST_DENSE:
            self._R = _inverse_of(Z)
        self.is_found = self._factors is not None or self._R is not None

    def solve(self, s: NDArray[np.float64], transposed: bool) -> NDArray[np.float64]:
        """Return about Z^-1 s, or Z'^-1 s; of k or (k, m) numbers."""
        if self._factors is not None:
            return np.asarray(self._factors.solve(s, "T" if transposed else "N"))
        assert self._R is not None  # or nothing would be solved for
        return np.asarray((self._R.T if transposed else self._R) @ s)

    def bounds(self, transposed: bool) -> NDArray[np.float64] | None:
        """Return what (1) multiplies max(|s|) by, (k,); None where R proves nothing."""
        if transposed not in self._bounds:
            self._bounds[transposed] = self._bounded(transposed)
        return self._bounds[transposed]

    def _bounded(self, transposed: bool) -> NDArray[np.float64] | None:
        if not self.is_found:
            return None
        k = self._Z.shape[0]
        # The rows of R Z are products of Z' with rows of R; for Z' its transposes take their places.
        by_columns = self._Z if transposed else self._transposed
        sizes = abs(by_columns)
        rounding = (int(np.diff(by_columns.indptr).max()) + 4) * UNIT * UP
        rho, alpha = np.empty(k), 0.0
        step = max(1, NUMBERS_AT_ONCE // k)
        with np.errstate(all="ignore"):
            for start in range(0, k, step):
                some = slice(start, min(start + step, k))
                rows = self._rows_of_inverse(some, transposed)
                unit = np.zeros(rows.shape)
                unit[np.arange(some.start, some.stop), np.arange(rows.shape[1])] = 1
                lengths = np.abs(rows)
                off = np.abs(unit - by_columns @ rows) + rounding * (sizes @ lengths + unit)
                rho[some] = lengths.sum(axis=0) * UP
                worst = float(off.sum(axis=0).max()) * UP
                if not worst < 0.5:
                    return None
                alpha = max(alpha, worst)
            found = (rho + alpha / (1 - alpha) * UP * rho.max()) * UP
        return found if np.isfinite(found).all() else None

    def _rows_of_inverse(self, some: slice, transposed: bool) -> NDArray[np.float64]:
        """Return some rows of R, or of its transpose, as columns."""
        if self._R is not None:
            return self._R[:, some] if transposed else self._R[some].T
        unit = np.zeros((self._Z.shape[0], some.stop - some.start))
        unit[np.arange(some.start, some.stop), np.arange(unit.shape[1])] = 1
        return self.solve(unit, not transposed)


# Any: SciPy's factors have no type.
def _factors_of(Z: sparse.csr_array) -> Any:
    """Return the factors of a block, None where a dense inverse is better, or they are too full."""
    k = Z.shape[0]
    if k <= DENSE:
        return None
    try:
        factors = splu(sparse.csc_array(Z))
    except RuntimeError:  # singular to SuperLU
        return None
    products = float(k) * factors.nnz
    is_full = k <= MOST_DENSE and SPARSE_COST * products > float(k) ** 3
    return None if is_full or products > MOST_PRODUCTS else factors


def _inverse_of(Z: sparse.csr_array) -> NDArray[np.float64] | None:
    """Return the rounded inverse, in place of the dense block; None if it is singular to LAPACK."""
    factors, pivots, info = dgetrf(Z.toarray(order="F"), overwrite_a=1)
    if info:
        return None
    inverse, info = dgetri(factors, pivots, lwork=LAPACK_BLOCK * len(pivots), overwrite_lu=1)
    return None if info else np.asarray(inverse, np.float64)
