r"""The coordinates in which the solver computes: scaled, and of full rank.

A row with its intercept is (1, x). Columns are scaled by powers of two, which rounds nothing, and R of their
QR decomposition whitens them: z = A'(1, x), A = sqrt(m) R^-1 scaled back, has columns of mean square 1 over
the m rows it was made from. A column that is a combination of those before it, to rounding, is left out, and
its coefficient is 0, as in R's ``lm`` (LINPACK's dqrdc2). w = A theta are the user's coefficients.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import solve_triangular
from scipy.linalg.lapack import dgeqrf, dtrtri

from treadle.l1.sources.rows import Chunk, Rows
from treadle.maths.dtypes import Floats

# A column whose part independent of the columns before is less than this share of it depends on them.
DEPENDENT_BELOW = 1e-11
# One of which so little is left is looked at more closely.
DOUBTFUL_BELOW = 1e-8
# Weight of the rows that stand for a penalty in R, in root mean squares of the columns.
PENALTY_SHARE = 0.03

# Columns that LAPACK's QR decomposition takes at a time: what it asks for; unasked it takes fewer.
COLUMNS_PER_BLOCK = 32
# With fewer columns than that, NumPy goes faster over each column of a copy than over all abreast.
COPY_BELOW_COLUMNS = 32


@dataclass(frozen=True)
class Coordinates:
    """z = x[columns] A[1:] + A[0], where A[0] is 0 without an intercept.

    ``columns`` (k,) are the features kept, ``A`` (1 + k, p) takes (1, x) there, p = k + 1 with an intercept
    and k without; ``n_features`` counts all. ``least_share`` is the least share of a column, measured from
    its mean where there is an intercept, that those before it leave.
    """

    columns: NDArray[np.int64]
    A: NDArray[np.float64]
    n_features: int
    least_share: float = 1.0

    @property
    def is_doubtful(self) -> bool:
        """Whether some column is nearly a combination of others, to doubles."""
        return self.least_share < DOUBTFUL_BELOW

    @property
    def size(self) -> int:
        """p, the number of coordinates."""
        return int(self.A.shape[1])

    @property
    def fit_intercept(self) -> bool:
        """Whether the first coordinate is the constant's."""
        return bool(self.A.shape[0] == self.A.shape[1])

    def of(self, X: Floats) -> NDArray[np.float64]:
        """Compute Z (n, p) of rows X (n, D), in float64."""
        if len(self.columns) < self.n_features:
            X = X[:, self.columns]
        Z = np.asarray(X, np.float64) @ self.A[1:]
        Z += self.A[0]
        return np.asarray(Z)

    def residuals(self, X: Floats, y: Floats, theta: NDArray[np.float64]) -> NDArray[np.float64]:
        """Compute y - Z theta of rows X (n, D), without their Z."""
        coef, intercept = self.coefficients(theta)
        return np.asarray(y - X @ coef - intercept)

    def coefficients(
        self, theta: NDArray[np.float64], A: NDArray[np.float64] | None = None
    ) -> tuple[NDArray[np.float64], float]:
        """Convert theta to coefficients (D,) and intercept, perhaps through another A."""
        w = (self.A if A is None else A) @ theta
        coef = np.zeros(self.n_features)
        coef[self.columns] = w[1:]
        return coef, float(w[0])

    def theta(self, coef: NDArray[np.float64], intercept: float) -> NDArray[np.float64]:
        """Convert coefficients to theta.

        What columns left out contribute is lost.
        """
        w = np.concatenate(([intercept], coef[self.columns]))[len(self.A) - self.size :]
        return np.asarray(solve_triangular(self.A[len(self.A) - self.size :], w, check_finite=False))

    def gradient(self, fold: NDArray[np.float64]) -> NDArray[np.float64]:
        """Compute sum u_i z_i (p,) from ``fold`` (1 + D,).

        ``fold`` is the sum of u_i (1, x_i).
        """
        kept = np.concatenate(([fold[0]], fold[1:][self.columns]))
        return np.asarray(kept @ self.A)

    def penalty_rows(self) -> NDArray[np.float64]:
        """Return the penalty's rows z (k, p).

        Their residuals, with target 0, are the coefficients' negatives.
        """
        return self.A[1:]


def row_lengths(Z: NDArray[np.float64]) -> NDArray[np.float64]:
    """Compute |z_i| of each row, (n,)."""
    return np.asarray(np.sqrt(np.einsum("ij,ij->i", Z, Z)))


def column_scales(X: Floats) -> NDArray[np.float64]:
    """Return powers of two (D,) that scale columns to about one.

    Each column's largest entry comes to lie in [1, 2). 1 for columns of zeros.
    """
    if X.shape[1] < COPY_BELOW_COLUMNS:
        X = np.asfortranarray(X)
    largest = np.maximum(X.max(axis=0), -X.min(axis=0)).astype(np.float64)
    largest[largest == 0] = 1
    return np.asarray(np.exp2(1 - np.frexp(largest)[1]))


def triangle_of(X: NDArray[np.float64]) -> NDArray[np.float64]:
    """Compute R (p, p) of the QR decomposition of X (n, p).

    It has zeros below row n.
    """
    p = X.shape[1]
    R = np.zeros((p, p))
    if len(X) == 0:
        return R
    factors, _, _, _ = dgeqrf(X, lwork=COLUMNS_PER_BLOCK * max(1, p), overwrite_a=1)
    R[: min(len(X), p)] = np.triu(factors[:p])
    return R


def coordinates_of(
    X: Floats, fit_intercept: bool, penalised: bool, weight: NDArray[np.float64] | None = None
) -> Coordinates:
    """Choose coordinates from rows X (m, D), with weights (m,) above 0.

    With a penalty, columns that depend on others stay.
    """
    scales = column_scales(X)
    R = _triangle(X, scales, fit_intercept, None if weight is None else np.sqrt(weight))
    m = len(X) if weight is None else float(weight.sum())
    return _from_triangle(R, scales, fit_intercept, penalised, m)


def coordinates_of_all(rows: Rows, X: Floats, fit_intercept: bool, penalised: bool) -> Coordinates:
    """Choose coordinates from every row, in one pass.

    For columns that a sample X shows nothing of.
    """
    scales = column_scales(X)
    R = np.zeros((0, X.shape[1] + fit_intercept))
    for partial in rows.map(_Triangle(scales, fit_intercept)):
        R = triangle_of(np.asfortranarray(np.vstack([R, partial])))
    return _from_triangle(R, scales, fit_intercept, penalised, rows.n_rows)


@dataclass(frozen=True)
class _Triangle:
    """Computes R of a chunk's scaled rows of positive weight.

    A cluster's workers send it.
    """

    scales: NDArray[np.float64]
    fit_intercept: bool

    def __call__(self, chunk: Chunk) -> NDArray[np.float64]:
        X = chunk.X if chunk.weight is None else chunk.X[chunk.weight > 0]
        return _triangle(X, self.scales, self.fit_intercept)


def _triangle(
    X: Floats,
    scales: NDArray[np.float64],
    fit_intercept: bool,
    root: NDArray[np.float64] | None = None,
) -> NDArray[np.float64]:
    matrix = np.empty((len(X), X.shape[1] + fit_intercept), order="F")
    if fit_intercept:
        matrix[:, 0] = 1
    np.multiply(X, scales, out=matrix[:, int(fit_intercept) :])
    if root is not None:
        matrix *= root[:, None]
    return triangle_of(matrix)


def _from_triangle(
    R: NDArray[np.float64], scales: NDArray[np.float64], fit_intercept: bool, penalised: bool, m: float
) -> Coordinates:
    """Compute the coordinates A = sqrt(m) R^-1 of the independent columns.

    They are scaled back.
    """
    n_features = len(scales)
    first = int(fit_intercept)
    # |r_jj| is what the columns before leave of column j: of its length, or of that of its part off the mean.
    lengths = np.sqrt(np.einsum("ij,ij->j", R, R))
    of_mean = np.sqrt(np.einsum("ij,ij->j", R[first:], R[first:]))[first:]
    shares = np.abs(np.diagonal(R))[first:] / np.where(of_mean > 0, of_mean, 1)
    # A column that is constant, to rounding, has no share: it is the intercept's.
    least_share = float(np.min(np.where(of_mean > DEPENDENT_BELOW * lengths[first:], shares, 1), initial=1))
    kept = np.flatnonzero(_independent(R, lengths))
    if len(kept) < len(R) and penalised:
        # The penalty's rows are independent.
        penalties = PENALTY_SHARE * np.sqrt(m) * np.eye(len(R))[first:]
        kept = np.arange(len(R))
        R = triangle_of(np.asfortranarray(np.vstack([R, penalties])))
    elif len(kept) < len(R):
        R = triangle_of(np.asfortranarray(R[:, kept]))
    inverse = dtrtri(R)[0] * np.sqrt(m) if len(R) else R
    columns = kept[first:] - first if fit_intercept else kept
    A = np.zeros((1 + len(columns), len(kept)))
    A[1 - first :] = inverse
    A[1:] *= scales[columns, None]
    return Coordinates(columns, A, n_features, least_share)


def _independent(R: NDArray[np.float64], lengths: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Return which columns of R are no combinations of columns before them."""
    # R's own diagonal tells until one is.
    diagonal = np.abs(np.diagonal(R))
    independent = diagonal > DEPENDENT_BELOW * lengths
    if independent.all():
        return np.asarray(independent)
    # After a dependent column, R's later rows hold rounding where that column's part would be: one at a time.
    p = len(R)
    independent = np.zeros(p, bool)
    basis = np.zeros((p, p))
    rank = 0
    for j in range(p):
        rest = R[:, j].copy()
        for _ in range(2):  # twice is enough (Kahan and Parlett)
            rest -= basis[:, :rank] @ (basis[:, :rank].T @ rest)
        size = np.sqrt(rest @ rest)
        if size > DEPENDENT_BELOW * lengths[j]:
            basis[:, rank] = rest / size
            rank += 1
            independent[j] = True
    return independent
