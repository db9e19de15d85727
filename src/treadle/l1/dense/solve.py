r"""Solves an L1 regression exactly, in six steps from coordinates to proof.

The objective, of weights c_i, residuals r_i = y_i - x_i'w - b and rho_tau(r) = max(tau r, (tau - 1) r)::

    sum_i c_i 2 rho_tau(r_i) + 2 alpha (sum_i c_i) ||w||_1

which for the median, tau = 1/2, is sum_i c_i |r_i| plus the penalty, and in general 2 sum_i c_i times that of
scikit-learn's QuantileRegressor.

1. Coordinates in which the columns are orthonormal and independent (``coordinates``).
2. Random samples, each larger than the last, solved loosely: a guess, the ball about it that the optimum is
   in as a rule, and coordinates in which that is a ball (``samples``, ``scatter``, ``radii``).
3. One pass keeps the rows that may change the sign of their residual in the ball, and folds the others
   (``screening``; Portnoy and Koenker 1997).
4. A Newton step with the gradient of all rows, before that pass if it would keep many and after it, leaves
   few undecided (``newton``). Where the sample's curvature is too rough for it, it starts at the minimum of a
   smoothed loss of all rows, with the curvature there (``smoothed_loss``). Those few are solved loosely, then
   exactly, at a vertex (``reduced_problem``, ``interior_point``, ``vertex_search``, ``crossover``).
5. If the solution is in the ball of the screening, all rows folded keep their sign: it is optimal for all.
   If not, another pass looks for those that do not, and they join the rows kept.
6. Coefficients and dual values are refined in extended precision (``refinement``).

All of it runs on columns that are fit for doubles (``preparation``). Where a margin at the end is not far
larger than rounding, the exact theorem decides, and where it says no, the vertex is mended (``settling``).
``docs/maths/l1_solver.md`` has the same steps as a program of sixty lines.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike, NDArray

from treadle.errors import CertificateFailed, InvalidInput
from treadle.hardware.blas_threads import one_blas_thread
from treadle.l1.dense.coordinates import Coordinates, coordinates_of, coordinates_of_all
from treadle.l1.dense.crossover import Vertex
from treadle.l1.dense.newton import ball_after_newton, nearer_guess
from treadle.l1.dense.preparation import NearlyDependent
from treadle.l1.dense.radii import Ball, typical_size
from treadle.l1.dense.reduced_problem import EPS, Reduced, reduced_of
from treadle.l1.dense.refinement import candidate_of
from treadle.l1.dense.samples import Guess, guess_from_samples, least_squares_guess, sample_sizes
from treadle.l1.dense.screening import (
    FoldedSides,
    Screen,
    Screened,
    check,
    refuse_not_finite,
    screen,
    with_kept,
)
from treadle.l1.dense.settling import Found, settled
from treadle.l1.dense.task import Task
from treadle.l1.dense.vertex_search import optimal_vertex
from treadle.l1.interior.interior_point import Unbounded
from treadle.l1.proof.claim import Problem
from treadle.l1.proof.solution import Solution
from treadle.l1.sources.rows import ArrayRows, Chunk, Rows, Subset

MAX_PASSES = 30
# What the rounding of a residual is taken to be at least, so that no radius is 0.
SMALLEST_NOISE = 1e-300
OUT_OF_RANGE = (
    "no vertex was found to the precision of a double: a row, a column or a weight is larger than the others "
    "by too many orders of magnitude; scale or drop it"
)


def solve(
    X: ArrayLike,
    y: ArrayLike,
    *,
    quantile: float = 0.5,
    sample_weight: ArrayLike | None = None,
    alpha: float = 0.0,
    fit_intercept: bool = True,
    random_state: int = 0,
    start: NDArray[np.float64] | None = None,
) -> Solution:
    """Find the exact optimum of an L1 or quantile regression of arrays.

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
    start: NDArray[np.float64] | None = None,
) -> Solution:
    """Solve as ``solve`` does, for rows that need not be in memory."""
    if not 0 < quantile < 1:
        raise InvalidInput(f"quantile must be between 0 and 1, both excluded; got {quantile}")
    if not 0 <= alpha < math.inf:
        raise InvalidInput(f"alpha must be finite and at least 0; got {alpha}")
    problem = Problem(quantile, alpha, fit_intercept)

    def search(prepared: Rows, accept: bool, guess: NDArray[np.float64] | None) -> Found:
        return optimum(prepared, problem, np.random.default_rng(random_state), guess, accept)

    # What overflows on the way is no matter: the certificate is checked, number by number.
    with one_blas_thread(), np.errstate(all="ignore"):
        return settled(rows, problem, search, start)


def optimum(
    rows: Rows, problem: Problem, rng: np.random.Generator, start: NDArray[np.float64] | None, accept: bool
) -> Found:
    """Take the six steps, on prepared rows.

    Parameters
    ----------
    rows : Rows
        With columns that are fit for doubles.
    problem : Problem
    rng : numpy.random.Generator
    start : ndarray of shape (D + 1,), or None
        A guess of the coefficients, the intercept last.
    accept : bool
        Whether columns that are nearly dependent are to be put up with.

    Raises
    ------
    NearlyDependent
        If they are not, and there are some.
    InvalidInput, CertificateFailed
        As ``solve`` does.
    """
    total_weight = rows.total_weight()
    if not total_weight > 0:
        raise InvalidInput("sample_weight is zero in every row; at least one row must count")
    # One look at the rows, of which the smaller samples are random parts.
    sizes = sample_sizes(rows, problem.fit_intercept)
    largest = rows.sample(sizes[max(0, len(sizes) - 2)], rng).weighted()
    refuse_not_finite(largest.X @ np.ones(rows.n_features) + largest.y, largest)
    first = largest.part(sizes[0], rng)
    noise = max(64 * EPS * typical_size(first.y), SMALLEST_NOISE)
    bytes_per_row = rows.n_features * largest.X.itemsize + 24
    task = Task(rows, problem, total_weight, noise, bytes_per_row, rng)
    task.effort.n_passes += rows.passes_per_sample
    # 1. Coordinates.
    coordinates = _coordinates(task, first, accept, are_all=len(sizes) == 1)
    # 2. A guess, and the ball about it.
    if start is None:
        theta = least_squares_guess(coordinates, first)
    else:
        theta = coordinates.theta(start[:-1], float(start[-1]))
    guess = Guess(coordinates, theta)
    if len(sizes) == 1:
        return _found(task, coordinates, _solution_of_all(task, guess, first))
    guess = guess_from_samples(task, guess, largest, first, sizes)
    del largest, first  # before rows are kept
    # 3. to 5. Screen, step, solve and check.
    return _found(task, guess.coordinates, _proved_solution(task, nearer_guess(task, guess)))


@dataclass(frozen=True)
class _RowsSolution:
    """The optimal vertex of a reduced problem, and the screen of its rows.

    ``center`` (p,) is where the losses of the rows folded were counted; ``is_of_all``: no row folded changes
    its sign between there and the vertex, so that it is optimal for all rows; ``folded``: on which side they
    were, where the vertex is outside of a ball, so that some may have become zero.
    """

    screened: Screened
    center: NDArray[np.float64]
    reduced: Reduced
    vertex: Vertex
    is_of_all: bool = True
    folded: FoldedSides | None = None


def _found(task: Task, coordinates: Coordinates, solution: _RowsSolution) -> Found:
    """6. Refine the solution; return it with its counts of steps."""
    candidate = candidate_of(
        coordinates, solution.screened, solution.center, solution.reduced, solution.vertex, task.rows.n_rows
    )
    if solution.folded is not None and candidate.side is None:
        candidate = replace(candidate, sure=False)  # a row folded may be a tie
    effort = task.effort
    return Found(candidate, effort.n_iter, effort.n_pivots, effort.n_passes, solution.folded)


def _coordinates(task: Task, first: Chunk, accept: bool, are_all: bool) -> Coordinates:
    """1. Choose coordinates from the smallest sample, or all rows.

    All where the sample lacks a column.
    """
    rows, fit_intercept, penalised = task.rows, task.problem.fit_intercept, task.problem.alpha > 0
    coordinates = coordinates_of(first.X, fit_intercept, penalised)
    if not are_all and coordinates.size < rows.n_features + fit_intercept:
        coordinates = coordinates_of_all(rows, first.X, fit_intercept, penalised)
        task.effort.n_passes += 1
    if coordinates.is_doubtful and not (accept or task.penalty):
        raise NearlyDependent
    if coordinates.size == 0:
        raise InvalidInput(
            "every column of X is zero where rows count, and there is no intercept: there is nothing to "
            "fit; pass fit_intercept=True"
        )
    return coordinates


def _solution_of_all(task: Task, guess: Guess, rows: Chunk) -> _RowsSolution:
    """3. to 5. Solve rows so few that all are kept."""
    n, n_features = task.rows.n_rows, task.rows.n_features
    screened = Screened(Subset.of(rows), np.zeros(1 + n_features), 0.0, 0.0, np.zeros(n, np.int8))
    reduced = reduced_of(task, guess.coordinates, screened, 1.0)
    try:
        vertex = optimal_vertex(task, reduced, Ball(guess.theta, math.inf), math.inf)
    except Unbounded:
        raise CertificateFailed(OUT_OF_RANGE) from None
    return _RowsSolution(screened, guess.theta, reduced, vertex)


def _proved_solution(task: Task, guess: Guess) -> _RowsSolution:
    """3. to 5. Screen, solve and check, until all rows folded keep their sign."""
    rows, ball = task.rows, Ball(guess.theta, guess.radius)
    n_failed = 0
    last_pass = task.effort.n_passes + MAX_PASSES
    while task.effort.n_passes < last_pass:
        # 3. One pass keeps the rows that may change their sign in the ball, and folds the others.
        request = Screen(guess.coordinates, ball.center, ball.radius, task.problem.quantile, rows.in_memory)
        screened = screen(rows, request)
        task.effort.n_passes += 1
        n_kept = len(screened.kept)
        if n_kept < task.fewest_rows(guess.coordinates):
            ball = ball.too_empty()
            continue
        try:
            solution = _checked_solution(task, guess, request, screened, ball, last_pass)
        except Unbounded:
            if math.isinf(ball.radius):
                raise CertificateFailed(OUT_OF_RANGE) from None
            ball = ball.unbounded(n_kept, rows.n_rows)
            continue
        if solution.is_of_all:
            return solution
        # What is left to move is less than what has been; if that is not so, more each time.
        ball = ball.moved(solution.vertex.w, 0.5 if n_failed == 0 else 4)
        n_failed += 1
    raise CertificateFailed(
        f"no optimum was proved in {MAX_PASSES} passes over the rows: columns may be dependent but for "
        "rounding; scale or drop some"
    )


def _checked_solution(
    task: Task, guess: Guess, request: Screen, screened: Screened, ball: Ball, last_pass: int
) -> _RowsSolution:
    """4. and 5. Solve the rows that a pass kept, and check the others."""
    n_kept = len(screened.kept)
    # 4. A Newton step leaves few of the rows kept undecided; those are solved exactly.
    inner = ball_after_newton(task, guess, screened, ball)
    while True:
        solution, is_inside = _solution_of_kept(task, guess, screened, ball, inner)
        # 5. In the ball all rows folded keep their sign. Beyond, a pass looks for those that do not.
        if ball.holds(solution.vertex.w):
            return solution if is_inside else replace(solution, folded=FoldedSides(request, solution.center))
        crossed = check(task.rows, request, screened, solution.vertex.w)
        task.effort.n_passes += 1
        if len(crossed) == 0:
            return replace(solution, folded=FoldedSides(request, solution.center))
        if len(crossed) > n_kept or task.effort.n_passes >= last_pass:
            return replace(solution, is_of_all=False)
        inner = Ball(solution.vertex.w, inner.radius)
        del solution  # before as many rows are copied again
        screened = with_kept(screened, request, crossed)


def _solution_of_kept(
    task: Task, guess: Guess, screened: Screened, outer: Ball, ball: Ball
) -> tuple[_RowsSolution, bool]:
    """4. Solve the kept rows exactly; say whether the last ball holds it.

    The rows are those that a pass about ``outer`` kept. Few of them are near to change sign in ``ball``: the
    others are folded in turn, and looked at again once a solution is there.
    """
    coordinates, n_rows = guess.coordinates, task.rows.n_rows
    while True:
        request = Screen(coordinates, ball.center, ball.radius, task.problem.quantile)
        inner = screen(screened.kept, request)
        n_kept = len(inner.kept)
        if n_kept < task.fewest_rows(coordinates):
            if math.isinf(ball.radius):
                raise Unbounded
            ball = ball.too_empty()
            continue
        both = _both(coordinates, screened, inner, ball.center - outer.center)
        reduced = reduced_of(task, coordinates, both, 1.0)
        try:
            vertex = optimal_vertex(task, reduced, ball, ball.farthest(n_kept, n_rows))
        except Unbounded:
            if ball.radius >= 2 * outer.radius:
                raise
            ball = ball.unbounded(n_kept, n_rows)
            continue
        is_inside = ball.holds(vertex.w)
        if is_inside or not len(check(screened.kept, request, inner, vertex.w)):
            return _RowsSolution(both, ball.center, reduced, vertex), is_inside
        ball = ball.moved(vertex.w, 2)


def _both(coordinates: Coordinates, outer: Screened, inner: Screened, move: NDArray[np.float64]) -> Screened:
    """Join a screen of all rows with one of those it kept."""
    side = outer.side
    if side is not None and inner.side is not None:
        side[outer.kept.indices] = inner.side
    return Screened(
        inner.kept,
        outer.fold + inner.fold,
        outer.loss - float(coordinates.gradient(outer.fold) @ move) + inner.loss,
        outer.size + inner.size,
        side,
    )
