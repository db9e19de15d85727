r"""The exact L1 regression: coordinates, coarse levels, one screening pass, interior point, crossover, proof.

The objective, of weights c_i, residuals r_i = y_i - x_i'w - b and rho_tau(r) = max(tau r, (tau - 1) r)::

    sum_i c_i 2 rho_tau(r_i) + 2 alpha (sum_i c_i) ||w||_1

which for the median, tau = 1/2, is sum_i c_i |r_i| plus the penalty, and in general 2 sum_i c_i times that of
scikit-learn's QuantileRegressor.

1. Coordinates in which the columns are orthonormal and independent (``coordinates``).
2. Random samples, each larger than the last, solved loosely: a guess, how far it may be from the optimum, and
   coordinates in which it is so in all directions (``levels``, ``interior_point``).
3. One pass keeps the rows that may change the sign of their residual, and folds the others (``screening``).
4. A Newton step with the gradient of all rows leaves few of those kept undecided. These are solved loosely,
   then exactly, at a vertex (``interior_point``, ``crossover``); rows of those kept that it proves wrong join
   them.
5. If the solution is in the ball of the screening, all rows folded keep their sign: it is optimal for all.
   If not, the pass is repeated from there.
6. Coefficients and dual values are refined in extended precision, and certified (``certificate``).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from treadle.errors import CertificateFailed, InvalidInput
from treadle.l1.certificate import EPS, EXTENDED, Certificate
from treadle.l1.coordinates import coordinates_of, coordinates_of_all
from treadle.l1.crossover import Vertex, crossover, independent_rows
from treadle.l1.interior_point import InteriorPoint, Unbounded, interior_point
from treadle.l1.levels import Scatter, kept_share, level_sizes, limited_sizes, radius, scatter
from treadle.l1.rows import ArrayRows, Chunk, Rows
from treadle.l1.screening import Screen, Screened, boxes, refuse_not_finite, screen

MAX_PASSES = 30
# A solution that is so many radii away from its guess is none.
REACH = 20
# What counts as zero where y itself is: far from underflow, and so are its products.
NOTHING = 1e-100
# Gaps at which an interior point stops, times p and the median |r|: of a sample, and of the rows kept.
LOOSE, CLOSE = 0.02, 0.05
# Rows of a sample, for each coordinate, that the next coordinates are made from.
ROWS_PER_COORDINATE = 200


@dataclass(frozen=True)
class Solution:
    """The optimum, with its certificate.

    Parameters
    ----------
    coef : ndarray of shape (D,), float64
    intercept : float
    objective : float
        As the module's docstring gives it.
    certificate : Certificate
    n_iter : int
        Interior-point steps, of all levels.
    n_pivots : int
    n_passes : int
        Passes over all rows, with those that samples took.
    """

    coef: NDArray[Any]
    intercept: float
    objective: float
    certificate: Certificate
    n_iter: int
    n_pivots: int
    n_passes: int


def solve(
    X: NDArray[Any],
    y: NDArray[Any],
    *,
    quantile: float = 0.5,
    sample_weight: NDArray[Any] | None = None,
    alpha: float = 0.0,
    fit_intercept: bool = True,
    random_state: int = 0,
    start: NDArray[Any] | None = None,
) -> Solution:
    """The exact optimum of an L1 or quantile regression of arrays.

    Parameters
    ----------
    X : ndarray of shape (N, D), float32 or float64
        In any order of memory, a memory map as well; no copy of its size is made.
    y : ndarray of shape (N,)
    quantile : float
        tau, between 0 and 1.
    sample_weight : ndarray of shape (N,), or None
        At least 0.
    alpha : float
        The penalty's weight, at least 0, as in scikit-learn's QuantileRegressor.
    fit_intercept : bool
    random_state : int
        Of the samples; the objective does not depend on it.
    start : ndarray of shape (D + 1,), or None
        A guess of the coefficients, the intercept last.

    Raises
    ------
    InvalidInput
        If shapes do not fit, an option is out of its range, or a row is not finite; it names the row.
    CertificateFailed
        If no optimum could be proved to the precision of a double.
    """
    X, y = (np.asarray(a) for a in (X, y))
    if X.dtype not in (np.float32, np.float64):
        X = X.astype(np.float64)
    if y.dtype not in (np.float32, np.float64):
        y = y.astype(np.float64)
    if sample_weight is not None:
        sample_weight = np.asarray(sample_weight, np.float64)
    rows = ArrayRows(X, y, sample_weight)
    return solve_rows(
        rows,
        quantile=quantile,
        alpha=alpha,
        fit_intercept=fit_intercept,
        random_state=random_state,
        start=start,
    )


def solve_rows(
    rows: Rows,
    *,
    quantile: float = 0.5,
    alpha: float = 0.0,
    fit_intercept: bool = True,
    random_state: int = 0,
    start: NDArray[Any] | None = None,
) -> Solution:
    """As ``solve``, of rows that need not be in memory."""
    if not 0 < quantile < 1:
        raise InvalidInput(f"quantile must be between 0 and 1, both excluded; got {quantile}")
    if not 0 <= alpha < math.inf:
        raise InvalidInput(f"alpha must be finite and at least 0; got {alpha}")
    return _Solver(rows, quantile, alpha, fit_intercept, np.random.default_rng(random_state), start).solve()


def row_lengths(Z: NDArray[Any]) -> NDArray[Any]:
    """|z_i| of each row."""
    return np.asarray(np.sqrt(np.einsum("ij,ij->i", Z, Z)))


@dataclass
class _Part:
    """Rows to solve, in coordinates, those of the penalty last, and the linear term of all others."""

    Z: NDArray[Any]
    y: NDArray[Any]
    low: NDArray[Any]
    high: NDArray[Any]
    g: NDArray[Any]


class _Solver:
    def __init__(
        self,
        rows: Rows,
        quantile: float,
        alpha: float,
        fit_intercept: bool,
        rng: np.random.Generator,
        start: NDArray[Any] | None,
    ) -> None:
        self.rows = rows
        self.quantile = quantile
        self.alpha = alpha
        self.fit_intercept = fit_intercept
        self.rng = rng
        self.start = start
        self.total_weight = rows.total_weight()
        self.penalty = 2 * alpha * self.total_weight
        self.scatter: Scatter | None = None
        self.n_iter = self.n_pivots = self.n_passes = 0
        if not self.total_weight > 0:
            raise InvalidInput("sample_weight is zero in every row; at least one row must count")

    def solve(self) -> Solution:
        n = self.rows.n_rows
        sizes = level_sizes(n, self.rows.n_features + self.fit_intercept)
        sizes = sizes if self.rows.in_memory else limited_sizes(sizes, self.rows.n_features + 1)
        # One look at the rows, of which the smaller levels are random parts.
        largest = self.rows.sample(sizes[max(0, len(sizes) - 2)], self.rng)
        refuse_not_finite(np.asarray(largest.X, np.float64).sum(axis=1) + largest.y, largest)
        self.n_passes += self.rows.passes_per_sample
        first = largest.part(sizes[0], self.rng)
        # Rows of weight 0 are not to say which columns there are, unless the sample has no others.
        counted = first.X
        if first.weight is not None and first.weight.any():
            counted = counted[first.weight > 0]
        self.coordinates = coordinates_of(counted, self.fit_intercept, self.alpha > 0)
        if len(sizes) > 1 and self.coordinates.size < self.rows.n_features + self.fit_intercept:
            self.coordinates = coordinates_of_all(self.rows, first.X, self.fit_intercept, self.alpha > 0)
            self.n_passes += 1
        theta, mu = self._guess(first)
        if len(sizes) == 1:
            screened = Screened(first, np.zeros(1 + self.rows.n_features), 0.0, 0.0, np.zeros(n, np.int8))
            part = self._part(screened.kept, screened, 1.0)
            vertex = self._vertex(part, theta, mu, math.inf)
            return self._finish(theta, screened, part, vertex)
        T = math.inf
        for m, n_next in pairwise(sizes):
            level = first if m == sizes[0] else largest.part(m, self.rng)
            theta, T = self._level(level, theta, T, n_next)
        n_failed = 0
        for _ in range(MAX_PASSES):
            screened = screen(
                self.rows, Screen(self.coordinates, theta, T, self.quantile, self.rows.in_memory)
            )
            self.n_passes += 1
            try:
                reduced, center, part, vertex = self._reduced(screened, theta, T)
            except Unbounded:
                T *= 4
                continue
            moved = math.dist(vertex.w, theta)
            if moved <= T:
                return self._finish(center, reduced, part, vertex)
            theta = vertex.w
            # What is left to move is less than what has been; if that is not so, more each time.
            T *= 0.5 if n_failed == 0 else 4
            n_failed += 1
        raise CertificateFailed(
            f"no optimum was proved in {MAX_PASSES} passes over the rows: columns may be dependent but for "
            "rounding; scale or drop some"
        )

    def _reduced(
        self, screened: Screened, theta: NDArray[Any], T: float
    ) -> tuple[Screened, NDArray[Any], _Part, Vertex]:
        """The exact solution of the rows kept by a pass about theta, with those folded.

        Few of them are near to change sign, once a Newton step has taken the gradient of all rows away: the
        others are folded in turn, and looked at again once a solution is there.
        """
        kept = ArrayRows(screened.kept.X, screened.kept.y, screened.kept.weight)
        center, width = self._newton(screened, theta, T)
        while True:
            inner = screen(kept, Screen(self.coordinates, center, width, self.quantile))
            reduced = self._both(screened, inner, theta, center)
            part = self._part(reduced.kept, reduced, 1.0)
            try:
                vertex = self._vertex(part, center, 0.3 * width, REACH * width)
            except Unbounded:
                if width >= 2 * T:
                    raise
                width *= 2
                continue
            now = screen(kept, Screen(self.coordinates, vertex.w, 0.0, self.quantile))
            assert now.side is not None and inner.side is not None
            if not np.any(now.side * inner.side < 0):
                return reduced, center, part, vertex
            center, width = vertex.w, 2 * width

    def _newton(self, screened: Screened, theta: NDArray[Any], T: float) -> tuple[NDArray[Any], float]:
        n, n_kept = self.rows.n_rows, len(screened.kept)
        if self.scatter is None or self.penalty or n_kept < 4 * max(2000, 60 * self.coordinates.size):
            return theta, 2 * T
        kept = ArrayRows(screened.kept.X, screened.kept.y, screened.kept.weight)
        everything = screen(kept, Screen(self.coordinates, theta, 0.0, self.quantile))
        gradient = self.coordinates.gradient(screened.fold + everything.fold)
        step = self.scatter.step(gradient, n)
        length = math.sqrt(float(step @ step))
        if not length <= 2 * T:
            return theta, 2 * T
        # What the step misses: the counts of rows whose sign it changes vary by their root.
        share = math.sqrt(self.coordinates.size / max(1.0, n_kept * length / T))
        return theta + step, 4 * share * length

    def _both(self, outer: Screened, inner: Screened, theta: NDArray[Any], center: NDArray[Any]) -> Screened:
        """What a pass about theta folded, and of the rows that it kept what one about center folded."""
        side = outer.side
        if side is not None and inner.side is not None:
            side = side.copy()
            side[outer.kept.indices] = inner.side
        kept = inner.kept
        return Screened(
            Chunk(outer.kept.indices[kept.indices], kept.X, kept.y, kept.weight),
            outer.fold + inner.fold,
            outer.loss - float(self.coordinates.gradient(outer.fold) @ (center - theta)) + inner.loss,
            outer.size + inner.size,
            side,
        )

    def _level(self, level: Chunk, theta: NDArray[Any], T: float, n_next: int) -> tuple[NDArray[Any], float]:
        """A loose solution of a sample, from the guess of the last, and the radius that it leaves open."""
        p, m = self.coordinates.size, len(level)
        Z = self.coordinates.of(level.X)
        while True:
            screened = Screen(self.coordinates, theta, T, self.quantile)(level)
            part = self._part(screened.kept, screened, m / self.rows.n_rows)
            median = float(np.median(np.abs(level.y - Z @ theta)))
            try:
                theta = self._close(part, theta, 0.3 * min(T, median), LOOSE * p * median, REACH * T).w
                break
            except Unbounded:
                T *= 2
        r = level.y - Z @ theta
        theta = self._turn(level, r, theta)
        Z = self.coordinates.of(level.X)
        weight = np.ones(m) if level.weight is None else level.weight
        self.scatter = scatter(Z, r, *boxes(weight, self.quantile))
        if self.scatter is not None and not self.penalty:
            return theta, self.scatter.radius(n_next)
        return theta, radius(r, row_lengths(Z), kept_share(p, m))

    def _turn(self, level: Chunk, r: NDArray[Any], theta: NDArray[Any]) -> NDArray[Any]:
        """Coordinates in which solutions of samples scatter alike in all directions; theta in them.

        They scatter by the density of residuals at 0, which far rows have no part in, however long: so rows
        weigh 1 / (1 + (r / s)^2), s being the median |r|.
        """
        some = np.arange(0, len(level), max(1, len(level) // (ROWS_PER_COORDINATE * self.coordinates.size)))
        scale = float(np.median(np.abs(r)))
        if not scale > 0:
            return theta
        turned = coordinates_of(
            level.X[some], self.fit_intercept, self.alpha > 0, 1 / (1 + (r[some] / scale) ** 2)
        )
        if not np.array_equal(turned.columns, self.coordinates.columns):
            return theta
        coefficients = self.coordinates.coefficients(theta)
        self.coordinates = turned
        return turned.theta(*coefficients)

    def _part(self, chunk: Chunk, screened: Screened | None, share: float) -> _Part:
        """Rows of a level, which is a share of all."""
        Z = self.coordinates.of(chunk.X)
        y = chunk.y.astype(np.float64)
        weight = np.ones(len(chunk)) if chunk.weight is None else chunk.weight
        low, high = boxes(weight, self.quantile)
        p = self.coordinates.size
        g = np.zeros(p) if screened is None else self.coordinates.gradient(screened.fold)
        if self.penalty:
            extra = self.coordinates.penalty_rows()
            bound = np.full(len(extra), self.penalty * share)
            Z, y = np.vstack([Z, extra]), np.concatenate([y, np.zeros(len(extra))])
            low, high = np.concatenate([low, -bound]), np.concatenate([high, bound])
        return _Part(Z, y, low, high, g)

    def _guess(self, first: Chunk) -> tuple[NDArray[Any], float]:
        Z = self.coordinates.of(first.X)
        if self.start is not None:
            theta = self.coordinates.theta(self.start[:-1], float(self.start[-1]))
            return theta, 0.1 * float(np.median(np.abs(first.y - Z @ theta)))
        # Least squares of y cut to where most of it is: one outlier may be of any size.
        low, middle, high = np.quantile(first.y.astype(np.float64), (0.05, 0.5, 0.95))
        spread = high - low
        y = np.clip(first.y, low - 2 * spread, high + 2 * spread) - (middle if self.fit_intercept else 0)
        theta = np.linalg.lstsq(Z, y, rcond=None)[0]
        if self.fit_intercept:
            theta[0] += middle / self.coordinates.A[0, 0]
        return theta, 0.3 * float(np.median(np.abs(first.y - Z @ theta)))

    def _close(
        self, part: _Part, theta: NDArray[Any], mu: float, tolerance: float, reach: float
    ) -> InteriorPoint:
        counts = part.high > part.low
        smallest = 1e-14 * float(np.abs(part.y).sum()) + len(part.y) * NOTHING
        close = interior_point(
            part.Z[counts],
            part.y[counts],
            part.low[counts],
            part.high[counts],
            part.g,
            theta,
            max(mu, 1e-12 * float(np.median(np.abs(part.y))), NOTHING),
            max(tolerance, smallest),
            reach,
        )
        self.n_iter += close.n_steps
        return close

    def _vertex(self, part: _Part, theta: NDArray[Any], mu: float, reach: float) -> Vertex:
        counts = np.flatnonzero(part.high > part.low)
        median = float(np.median(np.abs(part.y - part.Z @ theta)))
        close = self._close(part, theta, mu, CLOSE * self.coordinates.size * median, reach)
        weight = np.zeros(len(part.y))
        weight[counts] = close.certainty
        basis = independent_rows(part.Z, weight)
        total = self.total_weight + self.penalty * len(part.g)
        tolerance = 8 * EPS * math.sqrt(self.rows.n_rows) * total / self.rows.n_rows
        lengths = row_lengths(part.Z)
        tie = 16 * EPS * (np.abs(part.y) + lengths * math.sqrt(float(close.w @ close.w)))
        vertex = crossover(part.Z, part.y, part.low, part.high, part.g, basis, self.rng, tolerance, tie)
        self.n_pivots += vertex.n_pivots
        return vertex

    def _finish(self, theta_0: NDArray[Any], screened: Screened, part: _Part, vertex: Vertex) -> Solution:
        """Refine and certify."""
        kept, n = screened.kept, self.rows.n_rows
        coordinates = self.coordinates
        theta = np.zeros(coordinates.size)  # so that basis rows whose targets are 0 give exactly 0
        basis = vertex.basis
        X = np.asarray(kept.X, np.float64)
        real = basis < len(kept)
        rows_b = np.zeros((len(basis), 1 + self.rows.n_features), EXTENDED)
        rows_b[real, 0] = float(self.fit_intercept)
        rows_b[real, 1:] = X[basis[real]]
        penalty_columns = coordinates.columns[basis[~real] - len(kept)]
        rows_b[np.flatnonzero(~real), 1 + penalty_columns] = 1
        y_b = part.y[basis].astype(EXTENDED)
        for _ in range(4):
            coef, intercept = coordinates.coefficients(theta)
            rest = y_b - rows_b[:, 1:] @ coef.astype(EXTENDED) - rows_b[:, 0] * EXTENDED(intercept)
            theta = theta + vertex.inverse @ rest.astype(np.float64)
        coef, intercept = coordinates.coefficients(theta)
        coef[penalty_columns] = 0
        # Dual values of the basis, once more from the sums in the user's units.
        u = vertex.u.copy()
        u[basis] = 0
        others = screened.fold + np.concatenate(([u[: len(kept)].sum()], u[: len(kept)] @ X))
        if self.penalty:
            others[1 + coordinates.columns] += u[len(kept) :]
        u_b = -(coordinates.gradient(others) @ vertex.inverse)
        for _ in range(2):
            rest = others + (u_b.astype(EXTENDED) @ rows_b).astype(np.float64)
            u_b -= coordinates.gradient(rest) @ vertex.inverse
        low, high = part.low[basis], part.high[basis]
        # A row of weight 0 has no box; its u is measured by the others'.
        width = np.where(high > low, high - low, np.max(high - low, initial=0))
        beyond = np.maximum(u_b - high, low - u_b)
        excess = float(np.max(beyond / np.where(width > 0, width, 1), initial=0))
        margin = 1e-10 * (high - low)
        strict = bool(np.all((u_b > low + margin) & (u_b < high - margin)))
        u[basis] = np.clip(u_b, low, high)
        rest = others + (u[basis].astype(EXTENDED) @ rows_b).astype(np.float64)
        scale = np.abs(coordinates.A).max(axis=1)
        off = np.abs(np.concatenate(([rest[0]], rest[1:][coordinates.columns]))) * scale
        stationarity = float(off.max()) / max(screened.size + float(np.abs(u).sum()), 1e-300)
        r = kept.y - X @ coef - intercept
        loss = np.maximum(part.low[: len(kept)] * r, part.high[: len(kept)] * r)
        moved = coordinates.gradient(screened.fold) @ (theta - theta_0)
        primal = screened.loss - moved + float(loss.sum()) + self.penalty * float(np.abs(coef).sum())
        slack = float((loss - u[: len(kept)] * r).sum())
        sizes = np.abs(kept.y) + np.abs(X) @ np.abs(coef) + abs(intercept)
        tied = np.abs(r) <= 64 * EPS * sizes
        tied[basis[real]] = True
        # Ties whose u is at the wrong bound for their rounded residual are known by value as well.
        at = np.flatnonzero(tied)
        side = screened.side
        if side is not None:
            side = side.copy()
            side[kept.indices] = np.sign(u[: len(kept)])
        names = np.where(
            real, np.concatenate([kept.indices, np.zeros(len(part.y) - len(kept), np.int64)])[basis], 0
        )
        names[~real] = n + penalty_columns
        unique: bool | None = (
            True if strict and coordinates.size == self.rows.n_features + self.fit_intercept else None
        )
        certificate = Certificate(
            coef,
            intercept,
            self.quantile,
            self.alpha,
            self.fit_intercept,
            primal,
            primal - slack,
            stationarity,
            max(0.0, excess),
            names,
            unique,
            kept.indices[at],
            u[at],
            side,
        )
        return Solution(coef, intercept, primal, certificate, self.n_iter, self.n_pivots, self.n_passes)
