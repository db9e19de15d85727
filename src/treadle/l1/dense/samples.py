"""Solves random samples of growing size loosely, for a guess.

1. A first guess, of the smallest sample: least squares.
2. Each sample in turn is solved loosely, its rows far from the last guess being folded.
3. The columns are made orthonormal as the residuals there weigh them, so that solutions of samples scatter
   alike in all directions.
4. From the density of residuals at 0: how far the solution of the next sample, or of all rows, may be.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from treadle.l1.dense.coordinates import Coordinates, coordinates_of, row_lengths
from treadle.l1.dense.radii import Ball, radius_that_keeps, share_to_keep, typical_size, upper_median
from treadle.l1.dense.reduced_problem import EPS, reduced_of
from treadle.l1.dense.scatter import Scatter, scatter_of
from treadle.l1.dense.screening import Screen, Screened, screen
from treadle.l1.dense.task import Task
from treadle.l1.dense.vertex_search import closely
from treadle.l1.interior.interior_point import Unbounded
from treadle.l1.proof.pinball import dual_bounds
from treadle.l1.sources.rows import ArrayRows, Chunk, Rows, Subset, weight_of

# A sample is at most so many times as large as the one before.
LARGEST_RATIO = 16
# The gap at which a sample's interior point stops, times p and the median |r|.
SAMPLE_GAP = 0.06
# Rows of a sample, for each coordinate, that the next coordinates are made from.
ROWS_PER_COORDINATE = 200
# Residuals, in medians of them, beyond which rows weigh no less in coordinates.
FARTHEST_WEIGHED = 1e3


@dataclass(frozen=True)
class Guess:
    """An estimate of the optimum from samples, and its likely error.

    ``theta`` (p,), in ``coordinates``, is the solution of the last sample, and that of the next or of all
    rows is within ``radius`` of it, as a rule; ``open_share`` of the rows lie within that of it. ``scatter``
    says how samples' solutions scatter, None where too few rows tell.
    """

    coordinates: Coordinates
    theta: NDArray[np.float64]
    scatter: Scatter | None = None
    radius: float = math.inf
    open_share: float = 1.0


def smallest_sample(size: int) -> int:
    """Return the first sample's size; twice as many rows are solved directly."""
    return max(2000, 60 * size)


def sample_sizes(rows: Rows, fit_intercept: bool) -> list[int]:
    """Return the size of each sample, the last being all rows."""
    sizes = growing_sizes(rows.n_rows, rows.n_features + fit_intercept)
    return sizes if rows.in_memory else limited_sizes(sizes, rows.n_features + 1)


def growing_sizes(n_rows: int, size: int) -> list[int]:
    """Return sizes in one ratio, the last being all rows.

    ``size`` counts the coordinates p.
    """
    smallest = smallest_sample(size)
    if n_rows <= 2 * smallest:
        return [n_rows]
    n_steps = max(1, math.ceil(math.log(n_rows / smallest, LARGEST_RATIO)))
    ratio = (n_rows / smallest) ** (1 / n_steps)
    return [*(round(smallest * ratio**i) for i in range(n_steps)), n_rows]


def limited_sizes(sizes: list[int], size: int) -> list[int]:
    """Limit sample sizes for rows not in memory, to a pass's kept rows.

    With rows far off that pull at the solution, a sample of m rows of N leaves some 4 N sqrt(p / m) to keep
    or more, which is m itself at m^3 = (4 N)^2 p. So memory grows as N^(2/3).
    """
    *samples, n_rows = sizes
    if not samples:
        return sizes
    most = max(samples[0], math.ceil(((4 * n_rows) ** 2 * size) ** (1 / 3)))
    return [*(m for m in samples if 2 * m < most), min(most, n_rows), n_rows]


def least_squares_guess(coordinates: Coordinates, sample: Chunk) -> NDArray[np.float64]:
    """Fit least squares of y cut to where most of it is.

    One outlier may be of any size.
    """
    y, n_cut = sample.y, len(sample) // 20
    places = [n_cut, len(sample) // 2, len(sample) - 1 - n_cut]
    low, middle, high = np.partition(y.astype(np.float64), places)[places]
    spread = high - low
    y = np.minimum(np.maximum(y, low - 2 * spread), high + 2 * spread)
    y = y - (middle if coordinates.fit_intercept else 0)
    # The columns are orthonormal but for a factor.
    theta = coordinates.gradient(np.concatenate(([y.sum()], y @ sample.X))) / len(y)
    if coordinates.fit_intercept:
        theta[0] += middle / coordinates.A[0, 0]
    return theta


def guess_from_samples(task: Task, guess: Guess, largest: Chunk, first: Chunk, sizes: list[int]) -> Guess:
    """Return the guess after samples of those sizes.

    They are parts of the largest.
    """
    for size, n_next in pairwise(sizes):
        sample = first if size == sizes[0] else largest.part(size, task.rng)
        guess = _after_sample(task, guess, sample, n_next)
    return guess


def _after_sample(task: Task, guess: Guess, sample: Chunk, n_next: int) -> Guess:
    """Update the guess by one more sample, for ``n_next`` rows."""
    p, m = guess.coordinates.size, len(sample)
    share = weight_of(sample) / task.total_weight
    # 2. A loose solution.
    theta = _loose_solution(task, guess, sample, share)
    r = guess.coordinates.residuals(sample.X, sample.y, theta)
    noise = task.noise + 16 * EPS * math.sqrt(float(theta @ theta))
    # 3. Coordinates.
    coordinates, theta = _rounded_coordinates(task, guess.coordinates, sample, r, theta)
    # 4. A radius; one that keeps a fixed share where too few rows tell of the density, or there is a penalty.
    Z = coordinates.of(sample.X)
    weight = np.ones(m) if sample.weight is None else sample.weight
    scatter = scatter_of(Z, r, *dual_bounds(weight, task.problem.quantile), share)
    lengths = row_lengths(Z)
    if scatter is not None and not task.penalty:
        radius = scatter.radius(n_next)
    else:
        radius = radius_that_keeps(share_to_keep(p, m), r, lengths, noise)
    radius = max(radius, noise / typical_size(lengths))
    return Guess(coordinates, theta, scatter, radius, float(np.mean(np.abs(r) <= radius * lengths)))


def _loose_solution(task: Task, guess: Guess, sample: Chunk, share: float) -> NDArray[np.float64]:
    """Solve a sample by interior point; return the guess, if that is better."""
    coordinates, theta = guess.coordinates, guess.theta
    fewest = task.fewest_rows(coordinates)
    ball = Ball(theta, guess.radius)
    while True:
        screened = _screened(task, coordinates, sample, ball)
        n_kept = len(screened.kept)
        if n_kept < fewest:
            ball = ball.too_empty()
            continue
        reduced = reduced_of(task, coordinates, screened, share)
        median = upper_median(np.abs(coordinates.residuals(sample.X, sample.y, theta)))
        gap = SAMPLE_GAP * coordinates.size * median
        try:
            close = closely(reduced, theta, min(ball.radius, median), gap, ball.farthest(n_kept, len(sample)))
            break
        except Unbounded:
            ball = ball.unbounded(n_kept, len(sample))
    task.effort.n_iter += close.n_steps
    return close.w if reduced.loss(close.w) <= reduced.loss(theta) else theta


def _screened(task: Task, coordinates: Coordinates, sample: Chunk, ball: Ball) -> Screened:
    """Screen a sample about a ball; a first guess keeps all rows."""
    if math.isinf(ball.radius):
        return Screened(Subset.of(sample), np.zeros(1 + task.rows.n_features), 0.0, 0.0, None)
    return screen(
        ArrayRows(sample.X, sample.y, sample.weight),
        Screen(coordinates, ball.center, ball.radius, task.problem.quantile, False),
    )


def _rounded_coordinates(
    task: Task, coordinates: Coordinates, sample: Chunk, r: NDArray[np.float64], theta: NDArray[np.float64]
) -> tuple[Coordinates, NDArray[np.float64]]:
    """Return coordinates in which samples' solutions scatter alike, and theta in them.

    Alike means: by as much in all directions.

    They scatter by the density of residuals at 0, which far rows have no part in, however long: so rows
    weigh 1 / (1 + (r / s)^2), s being the median |r|, not so little that columns of few rows are lost.
    """
    some = slice(None, None, max(1, len(sample) // (ROWS_PER_COORDINATE * coordinates.size)))
    scale = upper_median(np.abs(r))
    if not scale > 0:
        return coordinates, theta
    weight = 1 / (1 + np.minimum(np.abs(r[some]) / scale, FARTHEST_WEIGHED) ** 2)
    problem = task.problem
    turned = coordinates_of(sample.X[some], problem.fit_intercept, problem.alpha > 0, weight)
    if not np.array_equal(turned.columns, coordinates.columns):
        return coordinates, theta
    return turned, turned.theta(*coordinates.coefficients(theta))
