"""Samples of growing size, and the guess that they lead to: against the optimum of all rows, by HiGHS."""

import itertools

import numpy as np
import pytest

from tests.l1.linear_programs import highs_dual
from treadle.l1.dense.coordinates import coordinates_of
from treadle.l1.dense.samples import (
    Guess,
    growing_sizes,
    guess_from_samples,
    least_squares_guess,
    limited_sizes,
    sample_sizes,
)
from treadle.l1.dense.task import Task
from treadle.l1.proof.claim import Problem
from treadle.l1.sources.chunk_rows import ChunkRows
from treadle.l1.sources.rows import ArrayRows, Chunk


def test_samples_grow_at_most_sixteenfold_and_end_with_all_rows():
    assert growing_sizes(4000, 11) == [4000]
    sizes = growing_sizes(10_000_000, 11)
    assert sizes[0] == 2000
    assert sizes[-1] == 10_000_000
    assert all(b <= 17 * a for a, b in itertools.pairwise(sizes))


def test_rows_that_memory_need_not_hold_have_a_last_sample_as_large_as_what_is_kept():
    assert limited_sizes([4000], 11) == [4000]
    *samples, last, n = limited_sizes(growing_sizes(10**9, 11), 11)
    assert n == 10**9
    assert last**3 == pytest.approx((4 * n) ** 2 * 11, rel=1e-6)
    assert all(2 * m < last for m in samples)


def test_sizes_depend_on_where_the_rows_are():
    X, y = np.zeros((50_000, 3)), np.zeros(50_000)
    arrays = sample_sizes(ArrayRows(X, y), True)
    chunks = sample_sizes(ChunkRows([(X, y)]), True)
    assert arrays == growing_sizes(50_000, 4)
    assert chunks == limited_sizes(arrays, 4)


@pytest.mark.parametrize("fit_intercept", [True, False])
def test_the_first_guess_is_least_squares_and_no_outlier_moves_it_far(fit_intercept):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(2000, 3)) + 5
    y = X @ [1.0, -2.0, 3.0] + 7 * fit_intercept + rng.normal(size=2000)
    coordinates = coordinates_of(X, fit_intercept, False)
    rows = [Chunk(np.arange(2000), X, target, None) for target in (y, np.where(np.arange(2000) < 5, 1e12, y))]
    for sample in rows:
        coef, _ = coordinates.coefficients(least_squares_guess(coordinates, sample))
        np.testing.assert_allclose(coef, [1.0, -2.0, 3.0], atol=0.3)


def guessed(X, y, alpha, seed):
    """The guess after a sample of 2000 rows, that sample, and the task."""
    rows = ArrayRows(X, y)
    task = Task(rows, Problem(0.5, alpha, True), float(len(y)), 1e-12, 0, np.random.default_rng(seed))
    first = rows.sample(2000, task.rng)
    coordinates = coordinates_of(first.X, True, alpha > 0)
    start = Guess(coordinates, least_squares_guess(coordinates, first))
    return guess_from_samples(task, start, first, first, [2000, len(y)]), first, task


@pytest.mark.parametrize("alpha", [0.0, 0.02])
def test_the_optimum_of_all_rows_is_within_the_radius_of_the_guess_as_a_rule(alpha):
    n, inside = 5000, 0
    penalty_rows = np.eye(4)[1:] if alpha else np.zeros((0, 4))
    bound = np.concatenate([np.ones(n), np.full(len(penalty_rows), 2 * alpha * n)])
    for seed in range(10):
        rng = np.random.default_rng(seed)
        X = rng.normal(size=(n, 3))
        y = X @ [1.0, 2.0, 3.0] + rng.standard_t(2, n)
        guess, first, task = guessed(X, y, alpha, seed)
        Z = np.vstack([np.column_stack([np.ones(n), X]), penalty_rows])
        _, w = highs_dual(Z, np.concatenate([y, np.zeros(len(penalty_rows))]), -bound, bound, np.zeros(4))
        inside += np.linalg.norm(guess.coordinates.theta(w[1:], w[0]) - guess.theta) <= guess.radius
        assert guess.radius < 0.1 * np.linalg.norm(guess.theta)
        lengths = np.linalg.norm(guess.coordinates.of(first.X), axis=1)
        r = guess.coordinates.residuals(first.X, first.y, guess.theta)
        share = np.mean(np.abs(r) <= guess.radius * lengths)
        assert guess.open_share == pytest.approx(share, abs=1e-3)  # the row at the radius is its own
        assert share < 0.5
        assert task.effort.n_iter > 0
    assert inside >= 9


def test_a_sample_that_is_linear_leaves_a_radius_above_zero():
    X = np.random.default_rng(0).normal(size=(9000, 3))
    guess, _, _ = guessed(X, X @ [1.0, 2.0, 3.0], 0.0, 0)
    assert guess.radius > 0
    coef, intercept = guess.coordinates.coefficients(guess.theta)
    np.testing.assert_allclose([*coef, intercept], [1, 2, 3, 0], atol=1e-6)
