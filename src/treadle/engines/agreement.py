"""Compares two engines: the loss of each step, with equal start and batches."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from treadle.engines.engine import Engine, TrainingProblem
from treadle.errors import InvalidInput
from treadle.maths.dtypes import Floats
from treadle.network import Parameters

# Rounding is 6e-8 in float32 and 1e-16 in float64. Two engines in float32 part for good where the sum of a
# ReLU unit is so close to zero, some 1e-6, that it is positive for one and negative for the other; within 200
# steps of the classic recipe that happens to four seeds in ten. In float64 it does not.
STEP_TOLERANCES = {np.dtype(np.float32): 1e-6, np.dtype(np.float64): 1e-12}


@dataclass(frozen=True)
class Agreement:
    """Losses of two engines, step by step.

    Parameters
    ----------
    losses, reference_losses : ndarray of shape (S,), float64
    tolerance : float
        What a step's relative difference may be; see ``STEP_TOLERANCES``.
    """

    losses: NDArray[np.float64]
    reference_losses: NDArray[np.float64]
    tolerance: float

    @property
    def relative_differences(self) -> Floats:
        """Each step's difference relative to the reference; 0 where both are 0."""
        size = np.maximum(np.abs(self.reference_losses), np.finfo(np.float64).tiny)
        with np.errstate(over="ignore"):
            return np.asarray(np.abs(self.losses - self.reference_losses) / size)

    @property
    def largest_relative_difference(self) -> float:
        """The largest relative difference; NaN if any is NaN."""
        return float(self.relative_differences.max())

    @property
    def step(self) -> int:
        """The step of the largest difference, counted from 1."""
        return int(self.relative_differences.argmax()) + 1

    @property
    def passed(self) -> bool:
        """Whether every step is within the tolerance; a NaN is not."""
        return self.largest_relative_difference <= self.tolerance


def compare_engines(
    engine: Engine,
    reference: Engine,
    problem: TrainingProblem,
    parameters: Parameters,
    *,
    n_steps: int,
    learning_rate: float,
    seed: int,
    synchronised: bool = False,
) -> Agreement:
    """Let both engines take the first n_steps steps of one shuffled epoch.

    Parameters
    ----------
    engine, reference : Engine
    problem : TrainingProblem
    parameters : Parameters
        Where both start, in float32 or float64.
    n_steps : int
        From 1 to the steps of an epoch.
    learning_rate : float
    seed : int
        Of the order of the rows.
    synchronised : bool
        Whether the engine takes each step from the reference's state, or goes its own way from the start.

    Raises
    ------
    InvalidInput
        If an epoch has fewer steps than n_steps, or n_steps is below 1.
    """
    n_rows = problem.n_rows
    if not 1 <= n_steps <= problem.n_steps(n_rows):
        raise InvalidInput(
            f"steps must be from 1 to the {problem.n_steps(n_rows)} of an epoch; got {n_steps}"
        )
    order = np.random.default_rng(seed).permutation(n_rows)[: n_steps * problem.batch_size]
    rates = np.full(n_steps, learning_rate)
    ours, theirs = engine.trainer(problem, parameters), reference.trainer(problem, parameters)
    losses, reference_losses = np.empty(n_steps), np.empty(n_steps)
    if not synchronised:
        losses, reference_losses = ours.run_epoch(order, rates), theirs.run_epoch(order, rates)
    for s in range(n_steps if synchronised else 0):
        rows = order[s * problem.batch_size : (s + 1) * problem.batch_size]
        ours.load_state(theirs.state())
        losses[s] = ours.run_epoch(rows, rates[s : s + 1])[0]
        reference_losses[s] = theirs.run_epoch(rows, rates[s : s + 1])[0]
    return Agreement(
        losses,
        reference_losses,
        STEP_TOLERANCES[parameters.dtype],
    )
