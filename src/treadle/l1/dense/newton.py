"""Improves a guess by a Newton step with the gradient of all rows.

A sample's solution theta_0 is off by sampling alone. With g the sum of u_i z_i of all rows there, which a
pass gives, and J the Hessian (``scatter``), theta_0 + J^-1 g is off by no more than J is: the ball about it
is smaller by as much as the step is short, and few rows are undecided in it.
"""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from treadle.l1.dense.radii import Ball
from treadle.l1.dense.samples import Guess, smallest_sample
from treadle.l1.dense.screening import Screen, Screened, screen
from treadle.l1.dense.smoothed_loss import SmoothedLoss, descend
from treadle.l1.dense.task import Task
from treadle.l1.sources.rows import ArrayRows

# What a pass over rows which memory need not hold may be expected to keep, in bytes.
MOST_BYTES_KEPT = 64 << 20
# So many smallest samples of rows are solved without a Newton step first.
SOLVE_DIRECTLY_BELOW = 1.5
# Near rows for each coordinate from which on a sample's curvature is good enough.
NEAR_ROWS_FOR_CURVATURE = 32


def nearer_guess(task: Task, guess: Guess) -> Guess:
    """Take a Newton step first, if the guess's ball would keep too many rows."""
    n_kept = guess.open_share * task.rows.n_rows
    fits = not task.rows.in_memory and n_kept * task.bytes_per_row <= MOST_BYTES_KEPT
    if fits or _few_enough(task, guess, n_kept):
        return guess
    guess = _with_known_curvature(task, guess)
    ball = Ball(guess.theta, guess.radius)
    everything = screen(task.rows, Screen(guess.coordinates, guess.theta, 0.0, task.problem.quantile, False))
    task.effort.n_passes += 1
    after = _after_step(guess, everything.fold, ball, n_kept)
    # Few rows are left to keep, and another pass would cost more than they do.
    return replace(guess, theta=after.center, radius=min(2 * after.radius, guess.radius))


def ball_after_newton(task: Task, guess: Guess, screened: Screened, ball: Ball) -> Ball:
    """Take a Newton step from a ball's center; return the ball about its end.

    ``screened`` is what the pass about the ball kept and folded; the gradient of those kept is added here.
    """
    n_kept = len(screened.kept)
    if _few_enough(task, guess, n_kept):
        return Ball(ball.center, 2 * ball.radius)
    of_kept = screen(screened.kept, Screen(guess.coordinates, ball.center, 0.0, task.problem.quantile))
    return _after_step(guess, screened.fold + of_kept.fold, ball, n_kept)


def _few_enough(task: Task, guess: Guess, n_kept: float) -> bool:
    """Say that no Newton step is needed, or that none is possible."""
    few = SOLVE_DIRECTLY_BELOW * smallest_sample(guess.coordinates.size)
    return guess.scatter is None or task.penalty > 0 or n_kept < few


def _after_step(guess: Guess, fold: NDArray[np.float64], ball: Ball, n_kept: float) -> Ball:
    """The ball after the step from a ball that keeps ``n_kept`` rows."""
    assert guess.scatter is not None
    step = guess.scatter.step(guess.coordinates.gradient(fold))
    length = math.sqrt(float(step @ step))
    if not 0 < length <= 2 * ball.radius:
        return Ball(ball.center, 2 * ball.radius)
    return Ball(ball.center + step, guess.scatter.miss(n_kept * length / ball.radius) * length)


def _with_known_curvature(task: Task, guess: Guess) -> Guess:
    """Minimise the smoothed loss, and use its Hessian, if the sample's is too rough."""
    scatter, rows = guess.scatter, task.rows
    assert scatter is not None
    known = scatter.n_near >= NEAR_ROWS_FOR_CURVATURE * guess.coordinates.size
    if known or not isinstance(rows, ArrayRows):
        return guess
    loss = SmoothedLoss(rows, guess.coordinates, task.problem.quantile, scatter.window)
    found = descend(loss, guess.theta)
    task.effort.n_passes += loss.n_passes
    if found is None:
        return guess
    theta, at = found
    return replace(guess, theta=theta, scatter=replace(scatter, J=at.J, n_near=at.n_near, share=1.0))
