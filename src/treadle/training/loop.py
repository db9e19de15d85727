"""The loop over epochs: order, learning rates, training, evaluation, record.

It writes nothing and prints nothing: whoever iterates over ``TrainingLoop.epochs`` saves a checkpoint, shows
progress or stops, between two epochs.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from treadle.engines.engine import PRODUCTS_AT_ONCE, Engine, Trainer, TrainingProblem
from treadle.engines.rows import Rows
from treadle.errors import InvalidInput, TrainingDiverged
from treadle.hardware.at_once import stop_if_asked
from treadle.maths.dtypes import ArrayMapping, Arrays, Numbers
from treadle.network import Parameters
from treadle.optimizers import Schedule
from treadle.training.averaging import ParameterAverage
from treadle.training.batches import epoch_order, epoch_orders
from treadle.training.checkpoint import Checkpoint
from treadle.training.held_out import HeldOut
from treadle.training.history import EpochRecord, History

# Row numbers in the orders of epochs that are trained in one go: eight megabytes.
ROWS_AT_ONCE = 1 << 20


@dataclass(frozen=True)
class TrainingPlan:
    """The plan of training: epochs, learning rates, order of rows.

    Parameters
    ----------
    n_epochs : int >= 1
    learning_rate : float > 0
        The peak; the schedule says how much of it a step gets.
    schedule : Schedule
    seed : int >= 0
        Of the order of the rows, together with the epoch's number.
    averaged_epochs : int, from 1 to n_epochs
        The model is the mean of the parameters, and of the running statistics, at the ends of the last so
        many epochs. 1: those at the end of the last.
    shuffled : bool
        Whether each epoch has an order of its own; otherwise the rows are visited as they lie.
    epochs_before : int >= 0
        How many epochs of earlier training have used up the orders of that seed.
    drops_remainder : bool
        Whether an epoch ends before a last batch that would be smaller than the others, unless it is the
        only one. The rows that are left out are others in each epoch where the order is.

    Examples
    --------
    >>> from treadle import Constant, TrainingPlan
    >>> plan = TrainingPlan(n_epochs=2, learning_rate=0.1, schedule=Constant(), seed=0)
    >>> sorted(plan.order(1, None, n_rows=4).tolist())  # every row once, shuffled
    [0, 1, 2, 3]
    """

    n_epochs: int
    learning_rate: float
    schedule: Schedule
    seed: int
    averaged_epochs: int = 1
    shuffled: bool = True
    epochs_before: int = 0
    drops_remainder: bool = False

    def __post_init__(self) -> None:
        if self.n_epochs < 1:
            raise InvalidInput(f"epochs must be at least 1; got {self.n_epochs}")
        if not (self.learning_rate > 0 and math.isfinite(self.learning_rate)):
            raise InvalidInput(f"learning_rate must be positive and finite; got {self.learning_rate!r}")
        if self.seed < 0:
            raise InvalidInput(f"seed must be at least 0; got {self.seed}")
        if not 1 <= self.averaged_epochs <= self.n_epochs:
            raise InvalidInput(
                f"the epochs to average over must be from 1 to the {self.n_epochs} of the training; "
                f"got {self.averaged_epochs}"
            )

    def order(self, epoch: int, rows: NDArray[np.int64] | None, n_rows: int) -> NDArray[np.int64]:
        """Return an epoch's order of the given rows, or of all n_rows.

        Epochs count from 1.
        """
        if not self.shuffled:
            return np.arange(n_rows) if rows is None else rows
        order = epoch_order(self.seed, self.epochs_before + epoch, n_rows if rows is None else len(rows))
        return order if rows is None else rows[order]

    def orders(self, epochs: range, rows: NDArray[np.int64] | None, n_rows: int) -> NDArray[np.int64]:
        """Return the orders of epochs in succession, a row each: see ``order``."""
        if not self.shuffled:
            return np.tile(self.order(epochs[0], rows, n_rows), (len(epochs), 1))
        n = n_rows if rows is None else len(rows)
        orders = epoch_orders(self.seed, self.epochs_before + epochs[0], len(epochs), n)
        return orders if rows is None else rows[orders]

    def n_visited(self, n_rows: int, batch_size: int) -> int:
        """Return how many of n_rows rows an epoch visits."""
        return n_rows - n_rows % batch_size if self.drops_remainder and n_rows > batch_size else n_rows

    def n_averaged(self, epoch: int) -> int:
        """Return how many epochs are averaged at an epoch's end.

        Epochs count from 1; it is 0 before the last ``averaged_epochs``.
        """
        return max(0, epoch - self.n_epochs + self.averaged_epochs)


class TrainingLoop:
    """Trains from initial parameters or a checkpoint to the plan's last epoch.

    Parameters
    ----------
    engine : Engine
    problem : TrainingProblem
    plan : TrainingPlan
    parameters : Parameters
        To start from; copied.
    test_set : HeldOut, (X, y), or None
        Evaluated at the end of each epoch, never trained on.
    watched : callable, or None
        Asked before each epoch for the figures that the schedule goes by: a sequence of float, one for each
        epoch so far, smaller is better. None: the training losses.
    rows : ndarray of int64, or None
        Numbers of the rows of X that are trained on, each once. None: all.
    trainer : Trainer, or None
        What trains. None: the engine's, from the parameters.

    Attributes
    ----------
    history : History
        The epochs so far.
    n_rows : int
        How many rows are trained on in an epoch.
    held_out : HeldOut or None
        The test set.
    is_between_epochs : bool
        Whether the trainer's state is that of the history's last epoch. False after an exception within an
        epoch or its evaluation, and while records of epochs that were trained in one go are given out.

    Examples
    --------
    >>> import numpy as np
    >>> from treadle import SGD, Constant, Network, Objective, Parameters
    >>> from treadle import TrainingLoop, TrainingPlan, TrainingProblem, select_engine
    >>> network, X = Network((1, 1), output="identity"), np.ones((1, 1))
    >>> problem = TrainingProblem(network, Objective("squared"), SGD(momentum=0), X, 2 * X, batch_size=1)
    >>> plan, engine = TrainingPlan(2, 0.25, Constant(), seed=0), select_engine("numpy").engine
    >>> loop = TrainingLoop(engine, problem, plan, Parameters.zeros(network))
    >>> [record.train_loss for record in loop.epochs()]  # (0 - 2)^2 / 2, (1 - 2)^2 / 2
    [2.0, 0.5]
    """

    def __init__(
        self,
        engine: Engine,
        problem: TrainingProblem,
        plan: TrainingPlan,
        parameters: Parameters,
        test_set: HeldOut | tuple[Rows, Numbers] | None = None,
        watched: Callable[[], Sequence[float]] | None = None,
        rows: NDArray[np.int64] | None = None,
        trainer: Trainer | None = None,
    ) -> None:
        self._n_given = problem.n_rows if rows is None else len(rows)
        if self._n_given == 0:
            raise InvalidInput("the training set is empty: training needs at least one row")
        self.n_rows = plan.n_visited(self._n_given, problem.batch_size)
        self.history = History()
        self._train_losses: list[float] = []  # of the history, which is not gone through in each epoch
        self.engine = engine
        self.problem = problem
        self.plan = plan
        self.is_between_epochs = True
        self._kept: Parameters | None = None
        self.held_out = HeldOut(*test_set) if isinstance(test_set, tuple) else test_set
        self._rows = rows
        self._watched = watched
        self._trainer = engine.trainer(problem, parameters) if trainer is None else trainer
        self._average = ParameterAverage(parameters) if plan.averaged_epochs > 1 else None
        self._rows_in_step = np.full(problem.n_steps(self.n_rows), problem.batch_size)
        self._rows_in_step[-1] -= problem.batch_size * len(self._rows_in_step) - self.n_rows
        n_weights = sum(layer.n_in * layer.n_out for layer in problem.network.layers)
        self._n_products = max(1, self.n_rows * n_weights)

    def restore(self, checkpoint: Checkpoint) -> None:
        """Resume from the end of the checkpoint's last epoch.

        Raises
        ------
        InvalidInput
            If its arrays are not those that this training keeps: another network, optimizer or dtype, or an
            average over other epochs.
        """
        needed, given = _layout(self.state()), _layout(checkpoint.state)
        if given != needed:
            raise InvalidInput(
                f"the checkpoint does not fit this training: it holds {given}, and {needed} are needed; "
                "take the network, the optimizer, the dtype and the averaging that it was made with"
            )
        if self._average is not None:
            epoch, n_averaged = len(checkpoint.history), int(checkpoint.state["averaged_epochs"])
            if n_averaged != self.plan.n_averaged(epoch):
                raise InvalidInput(
                    f"the checkpoint's average has {n_averaged} epochs in it at the end of epoch {epoch}, "
                    f"where {self.plan.n_averaged(epoch)} are needed: take the number of epochs that it was "
                    "made with, and of those to average over"
                )
            self._average.load_state(checkpoint.state)
        self._trainer.load_state(checkpoint.state)
        self.history = History(checkpoint.history)
        self._train_losses = self.history.column("train_loss")

    def checkpoint(self) -> Checkpoint:
        """Return all that ``restore`` needs.

        Raises
        ------
        InvalidInput
            Unless ``is_between_epochs``: what is trained is then not what the history tells of.
        """
        if not self.is_between_epochs:
            raise InvalidInput(
                f"there is no checkpoint after epoch {len(self.history)}: training is within a later one, or "
                "beyond it; take one where is_between_epochs is True, as it is at each epoch that a callback "
                "looks at (next_look)"
            )
        return Checkpoint(self.state(), History(self.history))

    def parameters(self) -> Parameters:
        """Copy the parameters to end with: kept, averaged or current ones."""
        if self._kept is not None:
            return self._kept.copy()
        if self._average is not None and self._average.n_epochs:
            return self._average.mean()
        return self._trainer.parameters()

    def order(self, epoch: int) -> NDArray[np.int64]:
        """Return the numbers of the rows in an epoch's order.

        Epochs count from 1.
        """
        return self.plan.order(epoch, self._rows, self._n_given)[: self.n_rows]

    def keep(self, parameters: Parameters) -> None:
        """Let ``parameters`` return a copy of these from now on.

        Further epochs train those of the trainer.
        """
        self._kept = parameters.copy()

    def changing_parts(self) -> list[object]:
        """Return what ``epochs`` changes, which no two loops at once may share."""
        return [self, self._trainer]

    def state(self) -> Arrays:
        """Copy the state as it is now, within an epoch too."""
        return {**self._trainer.state(), **(self._average.state() if self._average is not None else {})}

    def epochs(self, next_look: Callable[[], float] | None = None) -> Iterator[EpochRecord]:
        """Train the epochs that are left, and yield each one's record.

        It ends earlier where the trainer has ended.

        Parameters
        ----------
        next_look : callable, or None
            Asked before an epoch in how many epochs, that one included, anybody looks at more than records.
            Short epochs before that are trained in one go, and their records given one by one after it: the
            parameters are then of the last of them. None: after each.

        Raises
        ------
        InvalidInput
            If ``watched`` gives another number of figures than there were epochs.
        TrainingDiverged
            If a step's loss is NaN or infinite, or the trainer's state is at the end of an epoch. Go on from
            the last checkpoint, if at all: the trainer is in the middle of an epoch.
        """
        may_go_ahead = True
        while (epoch := len(self.history) + 1) <= self.plan.n_epochs:
            stop_if_asked()
            n = self._n_at_once(next_look() if next_look and may_go_ahead else 1)
            records: Sequence[EpochRecord] | None = None
            if n > 1:
                records = self._run_ahead(range(epoch, epoch + n))
                may_go_ahead = records is not None
            if records is None:
                record = self._run_epoch(epoch)
                if record is None:
                    self.is_between_epochs = True
                    return
                records = [record]
            for record in records:
                self.history.append(record)
                self._train_losses.append(record.train_loss)
                self.is_between_epochs = record is records[-1]  # the trainer is at the end of that one
                yield record

    def _n_at_once(self, n_until_look: float) -> int:
        """How many of the next epochs need nobody's look, and are short together."""
        if (
            self.held_out is not None
            or self._average is not None
            or self._trainer.sees_all_rows_in_a_step
            or self.plan.schedule.goes_by_losses
        ):
            return 1
        n_left = self.plan.n_epochs - len(self.history)
        n_at_once = min(PRODUCTS_AT_ONCE // self._n_products, ROWS_AT_ONCE // self.n_rows)
        return int(max(1, min(n_until_look, n_left, n_at_once)))

    def _run_ahead(self, epochs: range) -> list[EpochRecord] | None:
        """Train them all; None where one diverged, and the trainer is as before, to find which."""
        before = self._trainer.state()
        watched = self._figures(epochs[0])
        start = time.perf_counter()
        self.is_between_epochs = False
        try:
            rates = [self._learning_rates(epoch, watched) for epoch in epochs]
            losses = self._trainer.run_epochs(
                self.plan.orders(epochs, self._rows, self._n_given)[:, : self.n_rows], np.array(rates)
            )
            self._check_finite(epochs[-1])
        except TrainingDiverged:
            # What is not finite stays so: the check at the end has missed none.
            self._trainer.load_state(before)
            self.is_between_epochs = True
            return None
        seconds = (time.perf_counter() - start) / len(epochs)
        return [
            self._record(epoch, of_epoch, float(of_epoch_rates[-1]), seconds)
            for epoch, of_epoch, of_epoch_rates in zip(epochs, losses, rates, strict=True)
        ]

    def _run_epoch(self, epoch: int) -> EpochRecord | None:
        """Train and evaluate an epoch; None if the trainer had ended before."""
        start = time.perf_counter()
        rates = self._learning_rates(epoch, self._figures(epoch))
        self.is_between_epochs = False
        losses = self._steps(epoch, rates)
        if self._average is not None and self.plan.n_averaged(epoch):
            self._average.add(self._trainer.parameters())
        if len(losses) == 0:
            return None
        seconds = time.perf_counter() - start
        held_out_loss, held_out_score = math.nan, math.nan
        if self.held_out is not None:
            held_out_loss, held_out_score = self.held_out.evaluate(
                self.engine, self.parameters(), self.problem.objective
            )
        return self._record(epoch, losses, float(rates[-1]), seconds, held_out_loss, held_out_score)

    def _record(
        self,
        epoch: int,
        losses: NDArray[np.float64],
        rate: float,
        seconds: float,
        held_out_loss: float = math.nan,
        held_out_score: float = math.nan,
    ) -> EpochRecord:
        """Of an epoch with these losses, one a step."""
        return EpochRecord(
            epoch=epoch,
            train_loss=self._mean_loss(losses),
            held_out_loss=held_out_loss,
            held_out_score=held_out_score,
            learning_rate=rate,
            seconds=seconds,
        )

    def _figures(self, epoch: int) -> Sequence[float]:
        """Return what the schedule goes by at the beginning of an epoch, from 1."""
        watched = self._watched() if self._watched else self._train_losses
        if len(watched) != epoch - 1:
            raise InvalidInput(
                f"epoch {epoch}: watched() must give one figure for each of the {epoch - 1} epochs so far; "
                f"it gave {len(watched)}: add one after each epoch, and restore them with a checkpoint"
            )
        return watched

    def _learning_rates(self, epoch: int, watched: Sequence[float]) -> NDArray[np.float64]:
        """Of the steps of epoch, from 1."""
        return self.plan.schedule.learning_rates(
            self.plan.learning_rate,
            epoch=epoch - 1,
            n_epochs=self.plan.n_epochs,
            n_steps=self.problem.n_steps(self.n_rows),
            n_rows=self.n_rows,
            losses=watched,
        )

    def _steps(self, epoch: int, rates: NDArray[np.float64]) -> NDArray[np.float64]:
        """Train an epoch, from 1; return the loss of each step."""
        try:
            losses = self._trainer.run_epoch(self.order(epoch), rates)
        except TrainingDiverged as error:
            raise TrainingDiverged(f"epoch {epoch}: {error}") from error
        self._check_finite(epoch)
        return losses

    def _check_finite(self, epoch: int) -> None:
        """See what the last update of the epoch did, which its losses do not tell."""
        if not all(np.isfinite(array).all() for array in self._trainer.state().values()):
            raise TrainingDiverged(
                f"epoch {epoch}: parameters or the optimizer's moments are not finite at its end; "
                "try a smaller learning rate, and look for extreme values in X and y"
            )

    def _mean_loss(self, losses: NDArray[np.float64]) -> float:
        """Average the steps' mean losses over the rows of the epoch."""
        if self._trainer.sees_all_rows_in_a_step:
            return float(losses[0])
        return float(np.add.reduce(losses * self._rows_in_step)) / self.n_rows


def _layout(state: ArrayMapping) -> dict[str, str]:
    """List names, types and shapes, to compare and to print."""
    return {name: f"{array.dtype} {array.shape}" for name, array in sorted(state.items())}
