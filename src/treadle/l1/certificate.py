r"""What proves that coefficients are optimal, and how to check it from nothing but data.

For any u in the box, l_i <= u_i <= h_i, and any coefficients w', each loss is at least u_i r_i(w'). With the
penalty's lambda = 2 alpha sum c, and E what of X'u is beyond [-lambda, lambda] (and the sum of u, where
there is an intercept)::

    objective(w) - objective(w') <= sum_i (loss_i(r_i) - u_i r_i) + penalty slack + E'(w' - w)      (1)

The terms of the sum are at least 0, and 0 where the sign of r_i is that of the bound which u_i is at. So w is
optimal exactly if there is a u in the box with E = 0 and no slack. A double has 53 bits: what is checked is
that each of these is zero to within the rounding of the numbers that make it up, never relative to an
objective, of which one outlier can make anything. A residual is a sum of |y_i| + |x_i|'|w|, and w itself is
known to |X_B^-1| times the sizes of the rows interpolated. ``verify`` computes all in ``numpy.longdouble``
(64 bits on x86, 113 on some; as double on Windows), where a sum of n products errs by n 2^-64 of the sum of
their sizes.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from treadle.errors import InvalidInput
from treadle.l1.rows import ArrayRows, Chunk, Rows
from treadle.l1.screening import boxes
from treadle.l1.sparse_rows import SparseRows

EPS = float(np.finfo(np.float64).eps)
EXTENDED = np.longdouble


def tolerance_for(n_rows: int, n_features: int) -> float:
    """How far from zero, relative to the sizes that sum up to it, a double's rounding may leave a number."""
    return float(EPS * (8 * n_rows**0.5 + 100 * (n_features + 1)))


@dataclass(frozen=True)
class Verification:
    """What ``Certificate.verify`` found; true if the optimum is proved.

    Parameters
    ----------
    primal, dual : float
        The objective of the coefficients, and y'u.
    slack : float
        The sum of (1), at least 0.
    complementarity : float
        The largest |r_i| on the wrong side of a u_i, relative to |y_i| + |x_i|'(|w| + its uncertainty).
    stationarity : float
        The largest |E_j|, relative to sum_i (h_i - l_i) |x_ij|.
    box_excess : float
        How far the largest u_i is beyond its box, relative to the box's width.
    tolerance : float
        What the last three may be.
    """

    primal: float
    dual: float
    slack: float
    complementarity: float
    stationarity: float
    box_excess: float
    tolerance: float
    n_rows: int

    def __bool__(self) -> bool:
        return all(
            value <= self.tolerance for value in (self.complementarity, self.stationarity, self.box_excess)
        )

    def __str__(self) -> str:
        verdict = "optimal" if self else "NOT PROVED OPTIMAL"
        return f"""{verdict}: {self.n_rows} rows, checked in extended precision
  primal objective       {self.primal:.12g}
  dual objective         {self.dual:.12g}
  complementary slack    {self.slack:.3g}
  residuals against u    {self.complementarity:.1e}  (at most {self.tolerance:.1e})
  X'u                    {self.stationarity:.1e}  (at most {self.tolerance:.1e})
  u beyond its box       {self.box_excess:.1e}  (at most {self.tolerance:.1e})"""


@dataclass(frozen=True, repr=False)
class Certificate:
    """A dual solution, which proves coefficients optimal. N rows, D features.

    Parameters
    ----------
    coef : ndarray of shape (D,)
    intercept : float
    quantile, alpha : float
    fit_intercept : bool
        The problem: the least of sum_i c_i 2 rho(r_i) + 2 alpha (sum_i c_i) ||w||_1.
    primal, dual : float
        Its objective there, and y'u, which no coefficients can go below.
    stationarity : float
        The largest |X'u| beyond the penalty's, relative to the column's scale times sum |u_i|.
    box_excess : float
        How far u was beyond its box before it was cut, in shares of the box.
    basis : ndarray of int64
        The rows interpolated; N + j stands for the coefficient j being 0 under a penalty.
    unique : bool or None
        Whether no other coefficients are as good; None: not decided.
    rows, values : ndarrays
        Rows whose residual is zero to rounding, ascending, and their u; every other u is at the bound on the
        side of its residual.
    side : ndarray of shape (N,), int8, or None
        The sign of each u_i that is at a bound; None where the data were larger than memory.
    """

    coef: NDArray[Any]
    intercept: float
    quantile: float
    alpha: float
    fit_intercept: bool
    primal: float
    dual: float
    stationarity: float
    box_excess: float
    basis: NDArray[np.int64]
    unique: bool | None
    rows: NDArray[np.int64]
    values: NDArray[Any]
    side: NDArray[np.int8] | None

    def __str__(self) -> str:
        unique = {True: "the only optimum", False: "other coefficients are as good", None: "not decided"}
        return f"""certificate of {len(self.coef)} coefficients
  quantile, alpha        {self.quantile:g}, {self.alpha:g}
  primal objective       {self.primal:.12g}
  dual objective         {self.dual:.12g}
  X'u                    {self.stationarity:.1e}
  u beyond its box       {self.box_excess:.1e}
  rows interpolated      {len(self.basis)} ({len(self.rows)} have a residual of zero)
  uniqueness             {unique[self.unique]}
  verify(X, y) checks it from the data"""

    __repr__ = __str__

    @property
    def gap(self) -> float:
        """Primal less dual objective."""
        return self.primal - self.dual

    def dual_vector(
        self, X: NDArray[Any], y: NDArray[Any], sample_weight: NDArray[Any] | None = None
    ) -> NDArray[Any]:
        """u, of shape (N,), for the data that were fitted."""
        rows = ArrayRows(X, y, sample_weight)
        return np.concatenate([self.dual_of(chunk) for chunk in rows.chunks()]).astype(np.float64)

    def dual_of(self, chunk: Chunk, r: NDArray[Any] | None = None) -> NDArray[Any]:
        """u of some rows, in extended precision; ``r`` are their residuals, where they are known."""
        weight = np.ones(len(chunk)) if chunk.weight is None else chunk.weight
        low, high = (bound.astype(EXTENDED) for bound in boxes(weight, self.quantile))
        if self.side is None:
            r = self.residuals(chunk) if r is None else r
            u = np.where(r > 0, high, low)
        else:
            side = self.side[chunk.indices]
            u = np.where(side > 0, high, low)
        if len(self.rows):
            at = np.minimum(np.searchsorted(self.rows, chunk.indices), len(self.rows) - 1)
            known = self.rows[at] == chunk.indices
            u[known] = self.values[at[known]]
        return np.asarray(u)

    def residuals(self, chunk: Chunk) -> NDArray[Any]:
        """y - X w - b of some rows, in extended precision."""
        X = chunk.X.astype(EXTENDED)
        return np.asarray(
            chunk.y.astype(EXTENDED) - X @ self.coef.astype(EXTENDED) - EXTENDED(self.intercept)
        )

    def verify(
        self, X: Any, y: NDArray[Any] | None = None, sample_weight: NDArray[Any] | None = None
    ) -> Verification:
        """Check everything anew from data and dual solution, in extended precision.

        Parameters
        ----------
        X : ndarray or scipy.sparse array of shape (N, D), or Rows
        y, sample_weight : ndarrays of shape (N,)
            What was fitted; Rows have these with them.

        Raises
        ------
        InvalidInput
            If the data are not of the shape that was fitted.
        """
        if isinstance(X, Rows):
            return self.verify_rows(X)
        if sparse.issparse(X):
            return self.verify_rows(SparseRows(X, np.asarray(y), sample_weight))
        X, y = (
            a if a.dtype in (np.float32, np.float64) else a.astype(np.float64)
            for a in map(np.asarray, (X, y))
        )
        if sample_weight is not None:
            sample_weight = np.asarray(sample_weight, np.float64)
        return self.verify_rows(ArrayRows(X, y, sample_weight))

    def verify_rows(self, rows: Rows) -> Verification:
        """As ``verify``, of rows that need not be in memory, in one pass."""
        if rows.n_features != len(self.coef) or (self.side is not None and len(self.side) != rows.n_rows):
            n = "" if self.side is None else f"{len(self.side)} rows of "
            raise InvalidInput(
                f"the certificate is of {n}{len(self.coef)} features; got {rows.n_rows} rows of "
                f"{rows.n_features}: pass what was fitted"
            )
        with np.errstate(all="ignore"):
            return self._summary(rows.n_rows, rows.map(partial(self._sums_of, self._uncertainty(rows))))

    def _uncertainty(self, rows: Rows) -> NDArray[Any]:
        """What rounding in the rows interpolated does to intercept and coefficients, (1 + D,), per unit."""
        real = self.basis < rows.n_rows
        taken = rows.take(np.sort(self.basis[real]))
        if sparse.issparse(taken.X):
            return np.zeros(1 + rows.n_features)
        X = np.zeros((len(self.basis), 1 + rows.n_features))
        X[: real.sum(), 0] = float(self.fit_intercept)
        X[: real.sum(), 1:] = taken.X
        X[np.arange(real.sum(), len(X)), 1 + self.basis[~real] - rows.n_rows] = 1
        sizes = np.abs(X) @ np.abs(np.concatenate(([self.intercept], self.coef)))
        sizes[: real.sum()] += np.abs(taken.y)
        # Columns of one size, so that none is taken for a combination of others.
        scale = np.abs(X).max(axis=0)
        scale[scale == 0] = 1
        return np.asarray(np.abs(np.linalg.pinv(X / scale)) @ sizes / scale)

    def _sums_of(self, uncertainty: NDArray[Any], chunk: Chunk) -> _Sums:
        weight = np.ones(len(chunk)) if chunk.weight is None else chunk.weight
        low, high = (bound.astype(EXTENDED) for bound in boxes(weight, self.quantile))
        X = chunk.X.astype(EXTENDED)
        r = self.residuals(chunk)
        u = self.dual_of(chunk, r)
        loss = np.maximum(low * r, high * r)
        known_to = np.abs(self.coef) + uncertainty[1:]
        sizes = np.abs(chunk.y) + abs(X) @ known_to.astype(EXTENDED) + abs(self.intercept) + uncertainty[0]
        slack = loss - u * r
        # At a bound or not: a row with slack has |r_i| too large.
        width = np.where(high > low, high - low, 1)
        wrong = np.where(slack <= EPS * width * np.abs(r), 0, np.abs(r)) / np.where(sizes > 0, sizes, 1)
        excess = np.maximum(u - high, low - u) / width
        return _Sums(
            loss.sum(),
            chunk.y.astype(EXTENDED) @ u,
            slack.sum(),
            float(_largest(wrong)),
            float(_largest(excess)),
            u @ X,
            (high - low) @ abs(X),
            u.sum(),
            (high - low).sum(),
            float(weight.sum()),
        )

    def _summary(self, n_rows: int, parts: Iterator[_Sums]) -> Verification:
        total: _Sums | None = None
        for part in parts:
            total = part if total is None else total.plus(part)
        assert total is not None  # there is at least one row
        penalty = EXTENDED(2) * self.alpha * total.weight
        beyond = np.maximum(np.abs(total.X_u) - penalty, 0)
        sizes = total.sizes + penalty
        stationarity = float(_largest(beyond / np.where(sizes > 0, sizes, 1)))
        if self.fit_intercept:
            stationarity = max(stationarity, float(abs(total.sum_u) / max(total.sum_sizes, EXTENDED(1e-300))))
        w = self.coef.astype(EXTENDED)
        penalty_slack = penalty * np.abs(w) - total.X_u * w if self.alpha else EXTENDED(0) * w
        # A coefficient that is not 0 must have its X'u at the penalty's bound.
        off = np.where(w != 0, np.abs(total.X_u - penalty * np.sign(w)), 0) if self.alpha else 0 * w
        stationarity = max(stationarity, float(_largest(off / np.where(sizes > 0, sizes, 1))))
        return Verification(
            float(total.loss + penalty * np.abs(w).sum()),
            float(total.y_u),
            float(total.slack + penalty_slack.sum()),
            total.wrong,
            stationarity,
            max(0.0, total.excess),
            tolerance_for(n_rows, len(self.coef)),
            n_rows,
        )


@dataclass(frozen=True)
class _Sums:
    """What one chunk adds: extended sums, and the largest of two ratios."""

    loss: Any
    y_u: Any
    slack: Any
    wrong: float
    excess: float
    X_u: NDArray[Any]
    sizes: NDArray[Any]
    sum_u: Any
    sum_sizes: Any
    weight: float

    def plus(self, other: _Sums) -> _Sums:
        """Both together."""
        return _Sums(
            self.loss + other.loss,
            self.y_u + other.y_u,
            self.slack + other.slack,
            _larger(self.wrong, other.wrong),
            _larger(self.excess, other.excess),
            self.X_u + other.X_u,
            self.sizes + other.sizes,
            self.sum_u + other.sum_u,
            self.sum_sizes + other.sum_sizes,
            self.weight + other.weight,
        )


def _largest(values: NDArray[Any]) -> float:
    """The largest of values, NaN where there is one, 0 where there are none."""
    return float(np.max(values, initial=0))


def _larger(a: float, b: float) -> float:
    return float(np.maximum(a, b))
