"""Trains by L-BFGS (Liu and Nocedal 1989) on all rows at once.

SciPy's L-BFGS-B minimises the objective. It trains behind the contract of every trainer; an epoch is an
iteration. The rows go through the engine a block at a time, so that memory does not grow with their number;
loss and gradient are summed in float64. What is random from step to step (dropout) or lives from batch to
batch (batch normalisation's running statistics) has no place here and is refused. Dimensions: N rows, P
parameters.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from treadle.engines.engine import Engine, Trainer, TrainingProblem
from treadle.errors import InvalidInput, TrainingDiverged
from treadle.maths.dtypes import ArrayMapping, Arrays
from treadle.network import Parameters
from treadle.optimizers import Schedule
from treadle.optimizers.schedules import EpochPlace
from treadle.training.search import Search

ROWS_AT_A_TIME = 8192


@dataclass(frozen=True)
class Minimum:
    """The end of a search: the parameters and the reason.

    Parameters
    ----------
    parameters : Parameters
    loss : float
        The objective there, penalty included.
    n_iterations : int
    converged : bool
        Also where it was stopped.
    status : str
        SciPy's number and words for why it ended.
    """

    parameters: Parameters
    loss: float
    n_iterations: int
    converged: bool
    status: str


@dataclass(frozen=True)
class LineSearch(Schedule):
    """A schedule without rates: L-BFGS searches for each step's length itself."""

    def _rates(self, peak: float, place: EpochPlace) -> NDArray[np.float64]:
        return np.full(place.n_steps, math.nan)


class LbfgsTrainer(Trainer):
    """A search in progress; close it, or get its minimum, after training.

    Parameters
    ----------
    engine : Engine
    problem : TrainingProblem
        Its optimizer and batch size are not used.
    start : Parameters
    rows : ndarray of int64, or None
        Numbers of the rows to sum over; None: all.
    max_iterations, max_evaluations : int >= 1
    tolerance : float >= 0
        The search has converged where no entry of the gradient is larger, or SciPy's default for the relative
        decrease of the objective is reached.

    Raises
    ------
    InvalidInput
        If the network has dropout or batch normalisation, or a block with a learning rate of its own.
    """

    sees_all_rows_in_a_step: ClassVar[bool] = True

    def __init__(
        self,
        engine: Engine,
        problem: TrainingProblem,
        start: Parameters,
        rows: NDArray[np.int64] | None = None,
        *,
        max_iterations: int,
        max_evaluations: int,
        tolerance: float,
    ) -> None:
        for layer in problem.network.layers:
            if layer.dropout or layer.batch_norm:
                raise InvalidInput(
                    "L-BFGS minimises one function of the parameters, which dropout and batch normalisation "
                    f"change from step to step; got {layer}: use the solver adam or sgd"
                )
        if any(block.rate != 1 for block in problem.network.blocks):
            raise InvalidInput(
                "L-BFGS has one length of step for all parameters, and a part of this network has a learning "
                "rate of its own: use the solver adam or sgd"
            )
        self._objective = FullObjective(engine, problem, start, rows)
        self._at = start.flat.astype(np.float64)
        self._n_iterations = 0
        self._max_iterations = max_iterations
        options = {"maxfun": max_evaluations, "maxiter": max_iterations, "gtol": tolerance}
        self._search = Search(self._objective, self._at, options)

    def run_epoch(self, order: NDArray[np.int64], learning_rates: NDArray[np.float64]) -> NDArray[np.float64]:
        """Run one iteration; return its loss at the end.

        Order and rates do not matter to a search over all rows.

        Returns
        -------
        ndarray of shape (1,), float64; (0,) where the search had ended
        """
        iterate = self._search.advance()
        if iterate is None:
            return np.empty(0)
        self._at = iterate.x
        self._n_iterations += 1
        return np.array([iterate.loss])

    def parameters(self) -> Parameters:
        """Copy the current parameters."""
        return self._objective.parameters(self._at)

    def state(self) -> Arrays:
        """Return the parameters and the number of iterations.

        What the search knows of curvature stays within.
        """
        parameters = self.parameters()
        return {
            "parameters": parameters.flat,
            "statistics": parameters.statistics.copy(),
            "step": np.array(self._n_iterations, np.int64),
        }

    def load_state(self, state: ArrayMapping) -> None:
        """Refuse: a search cannot be resumed.

        Raises
        ------
        InvalidInput
            Always.
        """
        raise InvalidInput(
            f"L-BFGS cannot go on from a checkpoint; got one of step {int(state['step'])}: what it knows of "
            "the curvature is not in it; start anew from its parameters, or use the solver adam or sgd"
        )

    def minimum(self) -> Minimum:
        """End the search; return where and why it ended.

        One that has iterations left is stopped.

        Raises
        ------
        TrainingDiverged
            If the parameters or the loss there are not finite.
        """
        result = self._search.result(stop=self._n_iterations < self._max_iterations)
        parameters = self._objective.parameters(result.x)
        if not (np.isfinite(parameters.flat).all() and math.isfinite(result.fun)):
            raise TrainingDiverged(f"L-BFGS ended at a loss of {result.fun} after {result.nit} iterations")
        status = f"status={result.status}: {result.message}"
        stopped = result.status == 99  # what SciPy says of StopIteration
        return Minimum(parameters, float(result.fun), int(result.nit), result.status == 0 or stopped, status)

    def close(self) -> None:
        """End the search at once."""
        self._search.close()


class FullObjective:
    """The objective and its gradient (P,) in float64, as functions of the parameters (P,)."""

    def __init__(
        self, engine: Engine, problem: TrainingProblem, like: Parameters, rows: NDArray[np.int64] | None
    ) -> None:
        self._problem = problem
        self._like = like
        self._rows = rows
        self._n_rows = problem.n_rows if rows is None else len(rows)
        self._gradients = engine.batch_gradients(
            replace(
                problem,
                objective=replace(problem.objective, l2=0.0),
                batch_size=min(ROWS_AT_A_TIME, self._n_rows),
            )
        )
        weights = problem.sample_weight
        if weights is not None:
            self._total = float((weights if rows is None else weights[rows]).sum())
        else:
            self._total = float(self._n_rows)

    def parameters(self, flat: NDArray[np.float64]) -> Parameters:
        """Copy the parameters in the dtype of training."""
        return Parameters(self._like.network, flat.astype(self._like.dtype), self._like.statistics)

    def __call__(self, flat: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        """Compute the loss and its gradient at these parameters."""
        problem, parameters = self._problem, self.parameters(flat)
        weights = problem.sample_weight
        loss, gradient = 0.0, np.zeros_like(flat)
        for start in range(0, self._n_rows, ROWS_AT_A_TIME):
            stop = min(start + ROWS_AT_A_TIME, self._n_rows)
            rows = slice(start, stop) if self._rows is None else self._rows[start:stop]
            block_loss, block_gradient = self._gradients(parameters, rows)
            share = (stop - start if weights is None else float(weights[rows].sum())) / self._total
            loss += share * block_loss
            gradient += share * block_gradient.flat
        for where, _rate, decay in parameters.network.decays:
            some, l2 = flat[where], problem.objective.l2 * decay
            loss += 0.5 * l2 * float(some @ some)
            gradient[where] += l2 * some
        return loss, gradient
