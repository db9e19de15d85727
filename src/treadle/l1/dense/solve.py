r"""The exact L1 regression: coordinates, coarse levels, one screening pass, interior point, crossover, proof.

The objective, of weights c_i, residuals r_i = y_i - x_i'w - b and rho_tau(r) = max(tau r, (tau - 1) r)::

    sum_i c_i 2 rho_tau(r_i) + 2 alpha (sum_i c_i) ||w||_1

which for the median, tau = 1/2, is sum_i c_i |r_i| plus the penalty, and in general 2 sum_i c_i times that of
scikit-learn's QuantileRegressor.

1. Coordinates in which the columns are orthonormal and independent (``coordinates``).
2. Random samples, each larger than the last, solved loosely: a guess, how far it may be from the optimum, and
   coordinates in which it is so in all directions (``levels``, ``interior_point``).
3. One pass keeps the rows that may change the sign of their residual, and folds the others (``screening``).
4. A Newton step with the gradient of all rows, before that pass if it would keep many and after it, leaves
   few undecided. Where the sample's curvature is too rough for it, it starts at the least of a smoothed loss
   of all rows, with the curvature there (``smoothed_loss``). Those few are solved loosely, then exactly, at a
   vertex (``reduced``, ``interior_point``, ``crossover``).
5. If the solution is in the ball of the screening, all rows folded keep their sign: it is optimal for all.
   If not, another pass looks for those that do not, and they join the rows kept.
6. Coefficients and dual values are refined in extended precision (``refinement``).

All of it runs on columns that are fit for doubles (``preparation``). Where a margin at the end is not far
larger than rounding, the exact theorem decides, and where it says no, the vertex is mended (``settling``).
"""

from __future__ import annotations

import math
from dataclasses import replace
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from treadle.errors import CertificateFailed, InvalidInput
from treadle.hardware.blas_threads import one_blas_thread
from treadle.l1.dense.coordinates import coordinates_of, coordinates_of_all, row_lengths
from treadle.l1.dense.crossover import Vertex
from treadle.l1.dense.preparation import NearlyDependent
from treadle.l1.dense.radii import kept_share, radius, reach, typical_size, upper_median, wider
from treadle.l1.dense.reduced_problem import EPS, Reduced, basis_near, closely, exactly
from treadle.l1.dense.refinement import candidate_of
from treadle.l1.dense.samples import Scatter, level_sizes, limited_sizes, scatter, smallest_sample
from treadle.l1.dense.screening import Screen, Screened, check, refuse_not_finite, screen, with_kept
from treadle.l1.dense.settling import Found, settled
from treadle.l1.dense.smoothed_loss import SmoothedLoss, descend
from treadle.l1.dense.weighted_median import weighted_median
from treadle.l1.interior.interior_point import Unbounded
from treadle.l1.interior.interior_rows import corner
from treadle.l1.proof.claim import Problem
from treadle.l1.proof.pinball import dual_bounds
from treadle.l1.proof.solution import Solution
from treadle.l1.sources.rows import ArrayRows, Chunk, Rows, Subset, weight_of

MAX_PASSES = 30
# Gaps at which an interior point stops, times p and the median |r|: of a sample, and of the rows kept.
LOOSE, CLOSE = 0.06, 0.1
# Rows of a sample, for each coordinate, that the next coordinates are made from.
ROWS_PER_COORDINATE = 200
# What a pass over rows which memory need not hold may be expected to keep, in bytes.
KEPT_BYTES = 64 << 20
# Rows fewer than so many smallest samples are solved as they are.
FEW = 1.5
# Near rows for each coordinate from which on a sample's curvature is good enough.
KNOWN = 32
# What rounding is taken to be at least, so that no radius is 0.
LEAST = 1e-300
# Residuals, in medians of them, beyond which rows weigh no less in coordinates.
FARTHEST = 1e3
OUT_OF_RANGE = (
    "no vertex was found to the precision of a double: a row, a column or a weight is larger than the others "
    "by too many orders of magnitude; scale or drop it"
)


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
    problem = Problem(quantile, alpha, fit_intercept)

    def search(prepared: Rows, accept: bool, guess: NDArray[Any] | None) -> Found:
        rng = np.random.default_rng(random_state)
        return _Solver(prepared, quantile, alpha, fit_intercept, rng, guess, accept).solve()

    # What overflows on the way is no matter: the certificate is checked, number by number.
    with one_blas_thread(), np.errstate(all="ignore"):
        return settled(rows, problem, search, start)


class _Solver:
    def __init__(
        self,
        rows: Rows,
        quantile: float,
        alpha: float,
        fit_intercept: bool,
        rng: np.random.Generator,
        start: NDArray[Any] | None,
        accept: bool,
    ) -> None:
        self.rows = rows
        self.accept = accept
        self.quantile = quantile
        self.alpha = alpha
        self.fit_intercept = fit_intercept
        self.rng = rng
        self.start = start
        self.total_weight = rows.total_weight()
        self.penalty = 2 * alpha * self.total_weight
        self.scatter: Scatter | None = None
        self.open_share = 1.0
        self.n_iter = self.n_pivots = self.n_passes = 0
        if not self.total_weight > 0:
            raise InvalidInput("sample_weight is zero in every row; at least one row must count")

    def solve(self) -> Found:
        n, n_features = self.rows.n_rows, self.rows.n_features
        sizes = level_sizes(n, n_features + self.fit_intercept)
        sizes = sizes if self.rows.in_memory else limited_sizes(sizes, n_features + 1)
        # One look at the rows, of which the smaller levels are random parts.
        largest = self.rows.sample(sizes[max(0, len(sizes) - 2)], self.rng).weighted()
        refuse_not_finite(largest.X @ np.ones(n_features) + largest.y, largest)
        self.n_passes += self.rows.passes_per_sample
        first = largest.part(sizes[0], self.rng)
        self.coordinates = coordinates_of(first.X, self.fit_intercept, self.alpha > 0)
        if len(sizes) > 1 and self.coordinates.size < n_features + self.fit_intercept:
            self.coordinates = coordinates_of_all(self.rows, first.X, self.fit_intercept, self.alpha > 0)
            self.n_passes += 1
        if self.coordinates.is_doubtful and not (self.accept or self.penalty):
            raise NearlyDependent
        if self.coordinates.size == 0:
            raise InvalidInput(
                "every column of X is zero where rows count, and there is no intercept: there is nothing to "
                "fit; pass fit_intercept=True"
            )
        self.noise = max(64 * EPS * typical_size(first.y), LEAST)
        # Of a row kept: its entries, its number, target and weight.
        self.bytes_per_row = n_features * largest.X.itemsize + 24
        theta = self._guess(first)
        if len(sizes) == 1:
            screened = Screened(Subset.of(first), np.zeros(1 + n_features), 0.0, 0.0, np.zeros(n, np.int8))
            reduced = self._reduced(screened, 1.0)
            try:
                vertex = self._vertex(reduced, theta, math.inf, math.inf)
            except Unbounded:
                raise CertificateFailed(OUT_OF_RANGE) from None
            return self._solution(screened, theta, reduced, vertex)
        T = math.inf
        for m, n_next in pairwise(sizes):
            level = first if m == sizes[0] else largest.part(m, self.rng)
            theta, T = self._level(level, theta, T, n_next)
        del largest, first, level  # before rows are kept
        return self._over_all(theta, T)

    def _over_all(self, theta: NDArray[Any], T: float) -> Found:
        """Screen, solve and prove, until all rows folded are seen to keep their side."""
        theta, T = self._nearer(theta, T)
        n_failed, growth = 0, 1.0
        most = self.n_passes + MAX_PASSES
        while self.n_passes < most:
            request = Screen(self.coordinates, theta, T, self.quantile, self.rows.in_memory)
            screened = screen(self.rows, request)
            self.n_passes += 1
            n_kept = len(screened.kept)
            if n_kept < self._fewest():
                growth *= 16
                T *= growth
                continue
            center, width = self._newton(screened, theta, T)
            try:
                while True:
                    inner, center, reduced, vertex = self._within(screened, theta, center, width, T)
                    if math.dist(vertex.w, theta) <= T:
                        return self._solution(inner, center, reduced, vertex)
                    crossed = check(self.rows, request, screened, vertex.w)
                    self.n_passes += 1
                    if len(crossed) == 0:
                        return self._solution(inner, center, reduced, vertex)
                    if len(crossed) > n_kept or self.n_passes >= most:
                        break
                    center = vertex.w
                    del inner, reduced, vertex  # before as many rows are copied again
                    screened = with_kept(screened, request, crossed)
                theta = vertex.w
                # What is left to move is less than what has been; if that is not so, more each time.
                T *= 0.5 if n_failed == 0 else 4
                n_failed += 1
            except Unbounded:
                if math.isinf(T):
                    raise CertificateFailed(OUT_OF_RANGE) from None
                growth *= 2
                T = wider(T, growth, n_kept, self.rows.n_rows)
        raise CertificateFailed(
            f"no optimum was proved in {MAX_PASSES} passes over the rows: columns may be dependent but for "
            "rounding; scale or drop some"
        )

    def _within(
        self, screened: Screened, theta: NDArray[Any], center: NDArray[Any], width: float, T: float
    ) -> tuple[Screened, NDArray[Any], Reduced, Vertex]:
        """The exact solution of the rows kept by a pass about theta, with those folded.

        Few of them are near to change sign about ``center``: the others are folded in turn, and looked at
        again once a solution is there.
        """
        growth = 1.0
        while True:
            request = Screen(self.coordinates, center, width, self.quantile)
            inner = screen(screened.kept, request)
            if len(inner.kept) < self._fewest():
                if math.isinf(width):
                    raise Unbounded
                growth *= 16
                width *= growth
                continue
            both = self._both(screened, inner, theta, center)
            reduced = self._reduced(both, 1.0)
            try:
                far = reach(width, len(inner.kept), self.rows.n_rows)
                vertex = self._vertex(reduced, center, width, far)
            except Unbounded:
                if width >= 2 * T:
                    raise
                growth *= 2
                width = wider(width, growth, len(inner.kept), self.rows.n_rows)
                continue
            if math.dist(vertex.w, center) <= width or not len(
                check(screened.kept, request, inner, vertex.w)
            ):
                return both, center, reduced, vertex
            center, width = vertex.w, 2 * width

    def _fewest(self) -> int:
        """Rows that a vertex needs, besides those of the penalty; at least one."""
        n_penalties = len(self.coordinates.columns) if self.penalty else 0
        return max(1, self.coordinates.size - n_penalties)

    def _newton(self, screened: Screened, theta: NDArray[Any], T: float) -> tuple[NDArray[Any], float]:
        """A step that takes the gradient of all rows away, and how far it may be from the solution then."""
        n_kept = len(screened.kept)
        if self._few(n_kept):
            return theta, 2 * T
        everything = screen(screened.kept, Screen(self.coordinates, theta, 0.0, self.quantile))
        return self._stepped(screened.fold + everything.fold, theta, T, n_kept)

    def _nearer(self, theta: NDArray[Any], T: float) -> tuple[NDArray[Any], float]:
        """The guess and its radius after a pass that keeps no row, if one from here would keep too many."""
        n_kept = self.open_share * self.rows.n_rows
        fit = not self.rows.in_memory and n_kept * self.bytes_per_row <= KEPT_BYTES
        if fit or self._few(n_kept):
            return theta, T
        theta = self._descended(theta)
        everything = screen(self.rows, Screen(self.coordinates, theta, 0.0, self.quantile, False))
        self.n_passes += 1
        center, width = self._stepped(everything.fold, theta, T, n_kept)
        # Few rows are left to keep, and another pass would cost more than they do.
        return center, min(2 * width, T)

    def _descended(self, theta: NDArray[Any]) -> NDArray[Any]:
        """The guess; if a sample knows too little, the least of all rows' smoothed loss, whose J is taken."""
        assert self.scatter is not None
        known = self.scatter.n_near >= KNOWN * self.coordinates.size
        if known or not isinstance(self.rows, ArrayRows):
            return theta
        loss = SmoothedLoss(self.rows, self.coordinates, self.quantile, self.scatter.window)
        found = descend(loss, theta)
        self.n_passes += loss.n_passes
        if found is None:
            return theta
        theta, at = found
        self.scatter = replace(self.scatter, J=at.J, n_near=at.n_near, share=1.0)
        return theta

    def _few(self, n_kept: float) -> bool:
        """Whether so many rows are solved as they are, without a Newton step first."""
        return (
            self.scatter is None or self.penalty > 0 or n_kept < FEW * smallest_sample(self.coordinates.size)
        )

    def _stepped(
        self, fold: NDArray[Any], theta: NDArray[Any], T: float, n_kept: float
    ) -> tuple[NDArray[Any], float]:
        """The Newton step from theta, ``n_kept`` rows being within T of it."""
        assert self.scatter is not None
        step = self.scatter.step(self.coordinates.gradient(fold))
        length = math.sqrt(float(step @ step))
        if not 0 < length <= 2 * T:
            return theta, 2 * T
        return theta + step, self.scatter.miss(n_kept * length / T) * length

    def _both(self, outer: Screened, inner: Screened, theta: NDArray[Any], center: NDArray[Any]) -> Screened:
        """What a pass about theta folded, and of the rows that it kept what one about center folded."""
        side = outer.side
        if side is not None and inner.side is not None:
            side[outer.kept.indices] = inner.side
        return Screened(
            inner.kept,
            outer.fold + inner.fold,
            outer.loss - float(self.coordinates.gradient(outer.fold) @ (center - theta)) + inner.loss,
            outer.size + inner.size,
            side,
        )

    def _level(self, level: Chunk, theta: NDArray[Any], T: float, n_next: int) -> tuple[NDArray[Any], float]:
        """A loose solution of a sample, from the last guess, and how far that of n_next rows may be."""
        p, m = self.coordinates.size, len(level)
        share = weight_of(level) / self.total_weight
        w = self._loosely(level, theta, T, share)
        r = self.coordinates.residuals(level.X, level.y, w)
        noise = self.noise + 16 * EPS * math.sqrt(float(w @ w))
        theta = self._turn(level, r, w)
        Z = self.coordinates.of(level.X)
        weight = np.ones(m) if level.weight is None else level.weight
        self.scatter = scatter(Z, r, *dual_bounds(weight, self.quantile), share)
        lengths = row_lengths(Z)
        least = noise / typical_size(lengths)
        if self.scatter is not None and not self.penalty:
            T = max(self.scatter.radius(n_next), least)
        else:
            T = max(radius(r, lengths, kept_share(p, m), noise), least)
        self.open_share = float(np.mean(np.abs(r) <= T * lengths))
        return theta, T

    def _loosely(self, level: Chunk, theta: NDArray[Any], T: float, share: float) -> NDArray[Any]:
        """The interior point's solution of a sample; the guess, if that is better: the point went astray."""
        growth = 1.0
        while True:
            screened = self._screened(level, theta, T)
            if len(screened.kept) < self._fewest():
                growth *= 16
                T *= growth
                continue
            reduced = self._reduced(screened, share)
            median = upper_median(np.abs(self.coordinates.residuals(level.X, level.y, theta)))
            try:
                gap = LOOSE * self.coordinates.size * median
                far = reach(T, len(screened.kept), len(level))
                close = closely(reduced, theta, min(T, median), gap, far)
                break
            except Unbounded:
                growth *= 2
                T = wider(T, growth, len(screened.kept), len(level))
        self.n_iter += close.n_steps
        return close.w if reduced.loss(close.w) <= reduced.loss(theta) else theta

    def _screened(self, level: Chunk, theta: NDArray[Any], T: float) -> Screened:
        """A sample's rows within T of theta, the others folded; a first guess folds none."""
        if math.isinf(T):
            return Screened(Subset.of(level), np.zeros(1 + self.rows.n_features), 0.0, 0.0, None)
        return screen(
            ArrayRows(level.X, level.y, level.weight),
            Screen(self.coordinates, theta, T, self.quantile, False),
        )

    def _turn(self, level: Chunk, r: NDArray[Any], theta: NDArray[Any]) -> NDArray[Any]:
        """Coordinates in which solutions of samples scatter alike in all directions; theta in them.

        They scatter by the density of residuals at 0, which far rows have no part in, however long: so rows
        weigh 1 / (1 + (r / s)^2), s being the median |r|, not so little that columns of few rows are lost.
        """
        some = slice(None, None, max(1, len(level) // (ROWS_PER_COORDINATE * self.coordinates.size)))
        scale = upper_median(np.abs(r))
        if not scale > 0:
            return theta
        turned = coordinates_of(
            level.X[some],
            self.fit_intercept,
            self.alpha > 0,
            1 / (1 + np.minimum(np.abs(r[some]) / scale, FARTHEST) ** 2),
        )
        if not np.array_equal(turned.columns, self.coordinates.columns):
            return theta
        coefficients = self.coordinates.coefficients(theta)
        self.coordinates = turned
        return turned.theta(*coefficients)

    def _reduced(self, screened: Screened, share: float) -> Reduced:
        """The rows kept of a level, which is a share of all, after those of the penalty."""
        kept = screened.kept
        extra = self.coordinates.penalty_rows()[: None if self.penalty else 0]
        bound = np.full(len(extra), self.penalty * share)
        low, high = dual_bounds(kept.weights(), self.quantile)
        Z = corner(len(extra) + len(kept), self.coordinates.size)
        Z[: len(extra)] = extra
        for place, chunk in kept.blocks():
            Z[len(extra) :][place] = self.coordinates.of(chunk.X)
        return Reduced(
            Z,
            np.concatenate([np.zeros(len(extra)), kept.targets()]),
            np.concatenate([-bound, low]),
            np.concatenate([bound, high]),
            self.coordinates.gradient(screened.fold),
            len(extra),
            self.noise,
        )

    def _guess(self, first: Chunk) -> NDArray[Any]:
        if self.start is not None:
            return self.coordinates.theta(self.start[:-1], float(self.start[-1]))
        # Least squares of y cut to where most of it is: one outlier may be of any size.
        places = [len(first) // 20, len(first) // 2, len(first) - 1 - len(first) // 20]
        low, middle, high = np.partition(first.y.astype(np.float64), places)[places]
        spread = high - low
        y = np.minimum(np.maximum(first.y, low - 2 * spread), high + 2 * spread)
        y = y - (middle if self.fit_intercept else 0)
        # The columns are orthonormal but for a factor.
        theta = self.coordinates.gradient(np.concatenate(([y.sum()], y @ first.X))) / len(y)
        if self.fit_intercept:
            theta[0] += middle / self.coordinates.A[0, 0]
        return theta

    def _vertex(self, reduced: Reduced, theta: NDArray[Any], width: float, far: float) -> Vertex:
        """The exact solution of some rows, from a guess off by ``width``, and no further than ``far``."""
        if self.coordinates.size == 1:
            return weighted_median(reduced)
        median = upper_median(np.abs(reduced.y - reduced.Z @ theta))
        gap = CLOSE * self.coordinates.size * median
        close = closely(reduced, theta, min(width, median), gap, far)
        self.n_iter += close.n_steps
        tolerance = 8 * EPS * math.sqrt(self.rows.n_rows) * (self.total_weight / self.rows.n_rows)
        basis = basis_near(reduced, close)
        vertex = exactly(reduced, close.w, basis, self.rng, tolerance + EPS * self.penalty)
        self.n_pivots += vertex.n_pivots
        return vertex

    def _solution(self, screened: Screened, guess: NDArray[Any], reduced: Reduced, vertex: Vertex) -> Found:
        found = candidate_of(self.coordinates, screened, guess, reduced, vertex, self.rows.n_rows)
        return Found(found, self.n_iter, self.n_pivots, self.n_passes)
