"""Stops a fit early by scikit-learn's rule.

It goes by the training loss or a validation score. What scikit-learn prints with ``verbose`` is printed here,
to standard output.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from treadle.maths.dtypes import Floats
from treadle.network import Parameters
from treadle.optimizers.schedules import LEAST_RATE
from treadle.optimizers.stall import Stall
from treadle.training.callbacks import Training
from treadle.training.early_stopping import EarlyStopping
from treadle.training.history import EpochRecord


@dataclass(frozen=True)
class Memory:
    """The stopping rule's memory of earlier fits.

    It is the count, of which figure, and the best parameters.
    """

    stall: Stall
    by_score: bool
    best: tuple[Floats, Floats] | None


def print_epoch(record: EpochRecord) -> None:
    """Print an epoch's line as scikit-learn does."""
    print(f"Iteration {record.epoch}, loss = {record.train_loss:.8f}")
    if not math.isnan(record.held_out_loss):
        print(f"Validation score: {record.held_out_score:f}")


class StoppingRule(EarlyStopping):
    """Ends training once a figure stalls, and keeps the best epoch's parameters.

    They are kept where the figure is a score.

    Parameters
    ----------
    by_score : bool
        Whether the figure is the score of the rows held out; otherwise it is the training loss.
    ends : bool
        Whether a stall ends the training; otherwise it is only reported.
    adaptive : bool
        Whether a stall divides the learning rate as long as that is not least.
    tol, n_iter_no_change
        See ``EarlyStopping``.
    verbose : bool
        Whether to print.
    start : Parameters
        What training begins with: to keep if no epoch has a score.
    is_part : bool
        Whether this is a part of a longer training: the best epoch may be an earlier part's, and is kept only
        once the rule has ended it all.
    earlier : Memory, or None
        Of an earlier fit.
    """

    def __init__(
        self,
        *,
        by_score: bool,
        ends: bool,
        adaptive: bool,
        tol: float,
        n_iter_no_change: float,
        verbose: bool,
        start: Parameters,
        is_part: bool = False,
        earlier: Memory | None = None,
    ) -> None:
        self.stalled = False
        self._earlier = earlier
        self._start = start
        self._is_part = is_part
        self._ends = ends
        self._adaptive = adaptive
        self._verbose = verbose
        super().__init__(
            "held_out_score" if by_score else "train_loss",
            tol=tol,
            n_iter_no_change=n_iter_no_change,
            restore_best=by_score,
        )

    def _begin(self) -> None:
        super()._begin()
        self._watched: list[float] = []
        self.stalled = False
        if self.restore_best:
            self._best = self._start
        if self._earlier is not None and self._earlier.by_score == self.restore_best:
            self._stall = self._earlier.stall.with_limits(self.tol, self.n_iter_no_change)
            if self._is_part and self._earlier.best is not None:
                self._best = Parameters(self._start.network, *self._earlier.best)

    def memory(self) -> Memory:
        """The memory that a later fit continues from."""
        best = (self._best.flat, self._best.statistics) if self._is_part and self._best else None
        return Memory(self._stall, self.restore_best, best)

    def _add(self, figure: float) -> bool:
        self._watched.append(math.inf if math.isnan(figure) else self._sign * figure)
        return super()._add(figure)

    def watched(self) -> Sequence[float]:
        """The figure of each epoch of this training, smaller is better.

        Schedules go by it.
        """
        return self._watched

    def next_look(self) -> float:
        """When training can end at the earliest; each epoch where it prints."""
        return 1 if self._verbose else super().next_look()

    def on_epoch_end(self, training: Training) -> bool:
        """Take in the epoch's figure; return True to end training.

        That is once it has stalled and the learning rate cannot fall.
        """
        record = training.record
        if self._verbose:
            print_epoch(record)
        stalled = super().on_epoch_end(training)
        slows_down = self._adaptive and record.learning_rate > LEAST_RATE
        if stalled and self._verbose:
            self._print_stall(record.learning_rate / 5 if slows_down else None)
        self.stalled = stalled and self._ends and not slows_down
        return self.stalled

    def on_fit_end(self, training: Training) -> None:
        """Let training end with the best epoch's parameters."""
        if self.stalled or not self._is_part:
            super().on_fit_end(training)

    def _print_stall(self, next_rate: float | None) -> None:
        what = "Validation score" if self.restore_best else "Training loss"
        then = "Stopping." if next_rate is None else f"Setting learning rate to {next_rate:f}"
        print(
            f"{what} did not improve more than tol={self.tol:f} for {self.n_iter_no_change} consecutive "
            f"epochs. {then}"
        )
