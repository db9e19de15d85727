"""A Newton step with the gradient of all rows: nearer to their optimum, by HiGHS, than the guess was."""

import numpy as np
import pytest

from tests.l1.linear_programs import highs_dual
from treadle.l1.dense import newton
from treadle.l1.dense.coordinates import coordinates_of
from treadle.l1.dense.newton import ball_after_newton, nearer_guess
from treadle.l1.dense.radii import Ball
from treadle.l1.dense.samples import Guess
from treadle.l1.dense.scatter import scatter_of
from treadle.l1.dense.screening import Screen, screen
from treadle.l1.dense.task import Task
from treadle.l1.proof.claim import Problem
from treadle.l1.sources.chunk_rows import ChunkRows
from treadle.l1.sources.rows import ArrayRows

N = 12_000


@pytest.fixture
def far_guess():
    """Rows, the theta that is best, a guess that is off by a sample's scatter, and the task."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(N, 3))
    y = X @ [1.0, 2.0, -1.0] + rng.standard_t(2, size=N)
    coordinates = coordinates_of(X, True, False)
    Z = coordinates.of(X)
    _, best = highs_dual(Z, y, -np.ones(N), np.ones(N), np.zeros(4))
    some = slice(0, 2000)
    scatter = scatter_of(Z[some], (y - Z @ best)[some], -np.ones(2000), np.ones(2000), 2000 / N)
    radius = scatter.radius(N)
    theta = best + radius * 0.5 * np.array([0.5, -0.5, 0.5, 0.5])
    open_share = np.mean(np.abs(y - Z @ theta) <= radius * np.linalg.norm(Z, axis=1))
    return X, y, best, Guess(coordinates, theta, scatter, radius, open_share)


def task_of(rows, alpha=0.0):
    return Task(rows, Problem(0.5, alpha, True), float(N), 1e-12, 48, np.random.default_rng(0))


def test_a_step_after_a_pass_is_nearer_and_its_ball_holds_the_optimum(far_guess, monkeypatch):
    monkeypatch.setattr(newton, "SOLVE_DIRECTLY_BELOW", 0)
    X, y, best, guess = far_guess
    rows = ArrayRows(X, y)
    ball = Ball(guess.theta, guess.radius)
    screened = screen(rows, Screen(guess.coordinates, ball.center, ball.radius, 0.5))
    after = ball_after_newton(task_of(rows), guess, screened, ball)
    assert np.linalg.norm(after.center - best) < 0.5 * np.linalg.norm(ball.center - best)
    assert after.radius < ball.radius
    assert after.holds(best)
    # The gradient does not depend on how much the pass kept.
    wide = screen(rows, Screen(guess.coordinates, ball.center, 3 * ball.radius, 0.5))
    np.testing.assert_allclose(ball_after_newton(task_of(rows), guess, wide, ball).center, after.center)


def test_few_rows_or_a_penalty_take_no_step(far_guess):
    X, y, _, guess = far_guess
    rows = ArrayRows(X, y)
    ball = Ball(guess.theta, guess.radius)
    screened = screen(rows, Screen(guess.coordinates, ball.center, ball.radius, 0.5))
    assert len(screened.kept) < 3000
    for task, some in (
        (task_of(rows), guess),
        (task_of(rows, 0.1), guess),
        (task_of(rows), Guess(guess.coordinates, guess.theta, None, guess.radius)),
    ):
        after = ball_after_newton(task, some, screened, ball)
        np.testing.assert_array_equal(after.center, ball.center)
        assert after.radius == 2 * ball.radius


@pytest.mark.parametrize("kind", ["arrays", "chunks"])
def test_a_guess_that_would_keep_too_many_rows_takes_a_step_first(far_guess, monkeypatch, kind):
    X, y, best, guess = far_guess
    rows = ArrayRows(X, y) if kind == "arrays" else ChunkRows([(X[:7000], y[:7000]), (X[7000:], y[7000:])])
    task = task_of(rows)
    assert nearer_guess(task, guess) is guess
    monkeypatch.setattr(newton, "SOLVE_DIRECTLY_BELOW", 0)
    monkeypatch.setattr(newton, "MOST_BYTES_KEPT", 1000)
    nearer = nearer_guess(task, guess)
    assert np.linalg.norm(nearer.theta - best) < 0.5 * np.linalg.norm(guess.theta - best)
    assert np.linalg.norm(nearer.theta - best) <= nearer.radius <= guess.radius
    assert task.effort.n_passes == 1


def test_rows_that_fit_are_kept_without_a_step(far_guess, monkeypatch):
    X, y, _, guess = far_guess
    monkeypatch.setattr(newton, "SOLVE_DIRECTLY_BELOW", 0)
    task = task_of(ChunkRows([(X, y)]))
    assert nearer_guess(task, guess) is guess
    assert task.effort.n_passes == 0


def test_a_rough_hessian_is_replaced_by_that_of_all_rows(far_guess, monkeypatch):
    X, y, best, guess = far_guess
    monkeypatch.setattr(newton, "SOLVE_DIRECTLY_BELOW", 0)
    monkeypatch.setattr(newton, "NEAR_ROWS_FOR_CURVATURE", 10**6)
    task = task_of(ArrayRows(X, y))
    nearer = nearer_guess(task, guess)
    assert task.effort.n_passes > 1
    assert (nearer.scatter.share, guess.scatter.share) == (1.0, 2000 / N)
    assert np.linalg.norm(nearer.theta - best) < 0.5 * np.linalg.norm(guess.theta - best)
