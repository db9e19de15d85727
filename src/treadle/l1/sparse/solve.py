r"""Solves the exact L1 regression of a sparse X, which stays sparse.

The problem is that of ``treadle.l1.dense.solve``; the way is another, because whitened columns would be
dense:

1. Columns and targets are scaled by powers of two; the intercept is a column of ones, the penalty p more
   rows.
2. The interior point goes on until its gap is all but rounding (``interior_point``), on sparse or dense
   normal equations (``normal_equations``).
3. Which residuals are zero at the optimum is read off, and the exact solution with these zeros computed
   (``optimal_partition``).
4. Rows of a basis are chosen among them (``sparse_vertex``; beyond ``MOST_DENSE`` columns ``wide_vertex``),
   and the theorem is applied; if it fails, step 3 is repeated with other readings. If none is proved, the
   best stands, and its certificate's ``verify`` says how far from the least it is. Where no basis of so many
   columns is found, nothing is proved.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from fractions import Fraction

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import sparse

from treadle.errors import CertificateFailed, InvalidInput
from treadle.l1.interior.interior_point import InteriorPoint, interior_point
from treadle.l1.pivots.mending import mended, proved
from treadle.l1.proof.certificate import Certificate
from treadle.l1.proof.claim import Claim, Problem, nearest
from treadle.l1.proof.claimed_basis import MOST_DENSE
from treadle.l1.proof.pinball import dual_bounds
from treadle.l1.proof.solution import Solution
from treadle.l1.sources.sparse_rows import SparseRows
from treadle.l1.sparse.merged_rows import merged_rows
from treadle.l1.sparse.normal_equations import SparseNormalEquations
from treadle.l1.sparse.optimal_partition import OptimalFace, optimal_face
from treadle.l1.sparse.sparse_vertex import SparseBasis, sparse_basis
from treadle.l1.sparse.wide_vertex import wide_basis
from treadle.maths.dtypes import EPS

# The gap to stop at, relative to the median absolute residual of every row.
GAP = 1e-13
# Products of residual and box count up to so many times their median in the first complementarity.
FAR = 1e6
# A residual that is so small a share of its terms may be zero.
MET = 1e-9


def solve_sparse(
    X: sparse.sparray | sparse.spmatrix,
    y: ArrayLike,
    *,
    quantile: float = 0.5,
    sample_weight: ArrayLike | None = None,
    alpha: float = 0.0,
    fit_intercept: bool = True,
) -> Solution:
    """Find the exact optimum of an L1 regression of a sparse X.

    It is of the median or another quantile. Memory is a few copies of X's stored entries, 20 numbers a row,
    the square of the columns up to 4000, and beyond what the normal equations' factors fill up to.

    Parameters
    ----------
    X : scipy.sparse array or matrix of shape (N, D)
    y : ndarray of shape (N,)
    quantile, sample_weight, alpha, fit_intercept
        As in ``solve``.

    Raises
    ------
    InvalidInput
        As ``solve`` does.
    CertificateFailed
        If no optimum could be proved to the precision of a double.
    """
    if not 0 < quantile < 1:
        raise InvalidInput(f"quantile must be between 0 and 1, both excluded; got {quantile}")
    if not 0 <= alpha < math.inf:
        raise InvalidInput(f"alpha must be finite and at least 0; got {alpha}")
    rows = SparseRows(X, y, sample_weight)
    return _Solver(rows, quantile, alpha, fit_intercept).solve()


class _Solver:
    """Solves the problem of A (m, p): merged rows, then the penalty's.

    The rows are X's of positive weight, with a column of ones first.
    """

    def __init__(self, rows: SparseRows, quantile: float, alpha: float, fit_intercept: bool) -> None:
        self.rows = rows
        self.quantile, self.alpha, self.fit_intercept = quantile, alpha, fit_intercept
        total = rows.total_weight()
        if not total > 0:
            raise InvalidInput("sample_weight is zero in every row; at least one row must count")
        weight = np.ones(rows.n_rows) if rows.weight is None else rows.weight
        self.counted = np.flatnonzero(weight > 0)
        self.merged = merged_rows(rows.X[self.counted], rows.y[self.counted])
        X = rows.X[self.counted[self.merged.first]].astype(np.float64)
        largest = abs(X).max(axis=0).toarray().ravel()
        self.scales = np.exp2(-np.frexp(np.where(largest > 0, largest, 1))[1])
        A = X @ sparse.diags_array(self.scales)
        y = rows.y[self.counted[self.merged.first]].astype(np.float64)
        self.n_merged = len(y)
        together = np.bincount(self.merged.group, weight[self.counted])
        self.share = weight[self.counted] / together[self.merged.group]
        # Heavy rows have wide boxes, which are scaled to about one.
        self.unit = np.exp2(-np.frexp(together.max())[1])
        low, high = dual_bounds(together * self.unit, quantile)
        self.penalty = 2 * alpha * total
        if alpha:
            # lambda |w| = lambda s |w / s|, w / s being the scaled coefficient.
            A = sparse.vstack([A, sparse.eye_array(rows.n_features)])
            bound = self.penalty * self.unit * self.scales
            y = np.concatenate([y, np.zeros(rows.n_features)])
            low, high = np.concatenate([low, -bound]), np.concatenate([high, bound])
        if fit_intercept:
            ones = np.zeros((len(y), 1))
            ones[: self.n_merged] = 1
            A = sparse.hstack([sparse.csr_array(ones), A])
        self.A = sparse.csr_array(A)
        self.low, self.high, self.y = low, high, y

    def solve(self) -> Solution:
        A, y = self.A, self.y
        factorise = SparseNormalEquations(A)
        w = self._least_squares(factorise)
        r = np.abs(y - A @ w)
        noise = EPS * float(np.median(np.abs(y[y != 0]))) if y.any() else 1.0
        typical = max(float(np.median(r[r > 0])) if r.any() else 0.0, noise)
        products = r * (self.high - self.low) / 2
        far = FAR * float(np.median(products[products > 0])) if products.any() else 0.0
        at = interior_point(
            A,
            y,
            self.low,
            self.high,
            np.zeros(A.shape[1]),
            w,
            0.3 * max(float(np.minimum(products, far).mean()), noise),
            GAP * typical * len(y) * float(np.min(self.high - self.low)),
            factorise=factorise,
        )
        best: tuple[Fraction, Certificate] | None = None
        for interpolated in _readings(at, typical, self.high - self.low):
            face = optimal_face(A, y, self.low, self.high, at.w, self.low + at.below, interpolated)
            found = None if face is None else self._certificate(face)
            if found is not None and (best is None or found[0] < best[0]):
                best = found
            if found is not None and found[0] == 0:
                break
        if best is None:
            raise CertificateFailed(
                "no vertex of this sparse problem was found to the precision of a double: a row or a weight "
                "may be larger than the others by too many orders of magnitude: scale or drop it, or pass "
                "X.toarray()"
            )
        certificate = best[1]
        return Solution(
            certificate.coef,
            certificate.intercept,
            certificate.primal,
            certificate,
            at.n_steps,
            0,
            at.n_steps,
        )

    def _least_squares(self, factorise: SparseNormalEquations) -> NDArray[np.float64]:
        """Guess by least squares of y cut to where most of it is.

        One outlier may be of any size. With a penalty, coefficients of 0: its rows' boxes are wide, and the
        middle of a box is a safe place.
        """
        w = np.zeros(self.A.shape[1])
        if self.alpha:
            w[:1] = np.median(self.y[: self.n_merged]) if self.fit_intercept else 0
            return w
        low, high = np.quantile(self.y[: self.n_merged], (0.05, 0.95))
        y = np.clip(self.y, low - 2 * (high - low), high + 2 * (high - low))
        solve = factorise(np.ones(len(y)))
        return w if solve is None else solve(self.A.T @ y)

    def _certificate(self, face: OptimalFace) -> tuple[Fraction, Certificate] | None:
        """Return a basis's certificate at this face, after its gap's bound.

        The bound is 0 if the basis is proved optimal.
        """
        k, first = self.n_merged, int(self.fit_intercept)
        width = self.high - self.low
        depth = np.clip(np.minimum(face.u - self.low, self.high - face.u) / width, 0, 0.5)
        r = self.y - self.A @ face.w
        sizes = np.abs(self.y) + abs(self.A) @ np.abs(face.w)
        tied = face.interpolated | (np.abs(r) <= 64 * EPS * sizes)
        is_wide = self.A.shape[1] > MOST_DENSE
        basis: SparseBasis | None
        if is_wide:
            basis = wide_basis(self.A, self.y, face.w, depth, face.interpolated, self.fit_intercept)
            if basis is not None:
                # Rows that have met their zero on the way to the vertex keep the bound that they were at.
                tied |= np.abs(basis.r) <= MET * sizes
        else:
            basis = sparse_basis(self.A, self.y, face.w, depth, face.interpolated)
        if basis is None:
            return self._without_basis(face, r) if is_wide else None
        if first and not (len(basis.columns) and basis.columns[0] == 0):
            return None
        u = np.clip(face.u, self.low, self.high)
        # Rows that are alike share the u of what they were merged into.
        u_rows = (u[:k] / self.unit)[self.merged.group] * self.share
        ties = {int(self.counted[i]): float(u_rows[i]) for i in np.flatnonzero(tied[:k][self.merged.group])}
        scale = np.concatenate([np.ones(first), self.scales])[first:]
        for j in np.flatnonzero(tied[k:]).tolist():
            ties[self.rows.n_rows + j] = float(u[k + j] / self.unit / scale[j])
        real = basis.rows[basis.rows < k]
        names = np.concatenate(
            [self.counted[self.merged.first[real]], self.rows.n_rows + basis.rows[basis.rows >= k] - k]
        )
        kept = basis.columns[first:] - first
        problem = Problem(self.quantile, self.alpha, self.fit_intercept)
        D = self.rows.n_features
        claim = Claim(problem, np.zeros(D), kept, names, ties)
        proof = proved(self.rows, claim)
        if proof is None or not proof.optimal:
            found = mended(self.rows, claim, proof)
            if found is not None and (proof is None or found[1].excess <= proof.excess):
                claim, proof = found
        if proof is None:
            return self._without_basis(face, r) if is_wide else None
        order = sorted(proof.tie_values)
        certificate = Certificate(
            coef=proof.coef,
            intercept=proof.intercept,
            quantile=self.quantile,
            alpha=self.alpha,
            fit_intercept=self.fit_intercept,
            primal=nearest(proof.least[1]),
            dual=nearest(proof.least[0]),
            basis=claim.basis,
            rows=np.array(order, np.int64),
            values=np.array([proof.tie_values[i] for i in order], np.float64),
            side=None,
            unique=True if proof.is_strict and len(kept) == D else None,
            centre=np.zeros(D),
            centre_intercept=proof.intercept,
            origin=np.zeros(D, np.int64),
            left_out=np.setdiff1d(np.arange(D), kept),
        )
        return (Fraction(0) if proof.optimal else proof.least[1] - proof.least[0]), certificate

    def _without_basis(
        self, face: OptimalFace, r: NDArray[np.float64]
    ) -> tuple[Fraction, Certificate] | None:
        """Return coefficients that nothing proves; None if they are no finite numbers.

        Of so many columns a basis is not always found.
        """
        first, D = int(self.fit_intercept), self.rows.n_features
        coef = face.w[first:] * self.scales
        intercept = float(face.w[0]) if first else 0.0
        objective = float(np.maximum(self.low * r, self.high * r).sum()) / self.unit
        dual = float(face.u @ self.y) / self.unit
        if not (np.isfinite(coef).all() and np.isfinite([intercept, objective, dual]).all()):
            return None
        nothing = np.empty(0, np.int64)
        return Fraction(0), Certificate(
            coef=coef,
            intercept=intercept,
            quantile=self.quantile,
            alpha=self.alpha,
            fit_intercept=self.fit_intercept,
            primal=objective,
            dual=dual,
            basis=nothing,
            rows=nothing,
            values=np.empty(0),
            side=None,
            unique=None,
            centre=np.zeros(D),
            centre_intercept=intercept,
            origin=np.zeros(D, np.int64),
            left_out=nothing,
        )


def _readings(at: InteriorPoint, typical: float, width: NDArray[np.float64]) -> Iterator[NDArray[np.bool_]]:
    """Yield guesses of the rows interpolated at the optimum, the likeliest first."""
    inside = np.minimum(at.below, at.above) / width
    off = np.abs(at.r) / typical
    yield inside > off
