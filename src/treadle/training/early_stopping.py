"""Stops training when a figure no longer improves, and keeps the best epoch.

The rule is scikit-learn's (``treadle.optimizers.stall``): an epoch counts as no improvement unless its figure
is better than the best so far by ``tol``, and more than ``n_iter_no_change`` such epochs in a row are the
end.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import get_args

import numpy as np

from treadle.choices import MonitorMode
from treadle.errors import InvalidInput
from treadle.maths.dtypes import Arrays
from treadle.network import Parameters
from treadle.optimizers.stall import Stall
from treadle.training.callbacks import Callback, Training
from treadle.training.monitored import monitored_figure

MODES = get_args(MonitorMode)


class EarlyStopping(Callback):
    """Stop when a figure no longer improves; keep the best epoch's parameters.

    Parameters
    ----------
    monitor : str or callable, default="held_out_loss"
        A column of the history, or a function of the training that returns a number: a score on rows of your
        own, for instance. An epoch whose figure is NaN is no improvement.
    mode : {"auto", "min", "max"}, default="auto"
        What is better. "auto": less for columns whose name ends in ``loss`` and ``seconds``, more for all
        else.
    tol : float >= 0, default=1e-4
        By how much a figure must beat the best one to be an improvement.
    n_iter_no_change : int >= 1, or inf, default=10
        How many epochs without an improvement are borne: one more ends the training.
    restore_best : bool, default=True
        Whether training ends with the parameters of the best epoch; otherwise with those of the last.

    Attributes
    ----------
    figures_ : list of float
        The monitored figure of each epoch.
    best_epoch_ : int or None
        From 1.

    Raises
    ------
    InvalidInput
        If a parameter is not as above; at the end of the first epoch, if the history has no such column.

    Examples
    --------
    >>> from treadle import EarlyStopping, MLPClassifier
    >>> scores = iter([0.5, 0.9, 0.8, 0.7, 0.6])
    >>> stopping = EarlyStopping(lambda training: next(scores), n_iter_no_change=2)
    >>> MLPClassifier((4,), callbacks=stopping).fit([[0.0], [1.0]], [0, 1]).n_iter_
    5
    >>> stopping.best_epoch_
    2
    """

    def __init__(
        self,
        monitor: str | Callable[[Training], float] = "held_out_loss",
        *,
        mode: str = "auto",
        tol: float = 1e-4,
        n_iter_no_change: float = 10,
        restore_best: bool = True,
    ) -> None:
        if not (isinstance(monitor, str) or callable(monitor)):
            raise InvalidInput(f"monitor must be a column of the history or a function; got {monitor!r}")
        if mode not in MODES:
            raise InvalidInput(f"mode must be one of {', '.join(MODES)}; got {mode!r}")
        if not tol >= 0:
            raise InvalidInput(f"tol must be at least 0; got {tol!r}")
        if not (n_iter_no_change >= 1 and (n_iter_no_change == math.inf or n_iter_no_change % 1 == 0)):
            raise InvalidInput(
                f"n_iter_no_change must be an integer, at least 1, or infinity; got {n_iter_no_change!r}"
            )
        self.monitor = monitor
        self.tol = tol
        self.n_iter_no_change = n_iter_no_change
        self.restore_best = restore_best
        less_is_better = isinstance(monitor, str) and monitor.endswith(("loss", "seconds"))
        self._sign = 1 if mode == "min" or (mode == "auto" and less_is_better) else -1
        self._begin()

    def _begin(self) -> None:
        self.figures_: list[float] = []
        self.best_epoch_: int | None = None
        self._best: Parameters | None = None
        self._stall = Stall(self.tol, self.n_iter_no_change)

    def on_fit_begin(self, training: Training) -> None:
        """Forget an earlier training's figures."""
        self._begin()
        self._network = training.problem.network

    def next_look(self) -> float:
        """When the figure can have stalled at the earliest."""
        return 1 if callable(self.monitor) or self.restore_best else self._stall.n_to_next

    def on_epoch_end(self, training: Training) -> bool:
        """Take in the figure; return True once it has stalled."""
        stalled = self._add(self._figure(training))
        if self._stall.improved and self.restore_best:
            self._best = training.parameters()
        return stalled

    def _figure(self, training: Training) -> float:
        if callable(self.monitor):
            return float(self.monitor(training))
        return monitored_figure(training.record, self.monitor)

    def _add(self, figure: float) -> bool:
        self.figures_.append(figure)
        # NaN would pass for an improvement: no comparison with it holds.
        stalled = self._stall.add(math.inf if math.isnan(figure) else self._sign * figure)
        if self._stall.improved:
            self.best_epoch_ = len(self.figures_)
        return stalled

    def on_fit_end(self, training: Training) -> None:
        """Let training end with the best epoch's parameters."""
        if self._best is not None:
            training.keep(self._best)

    def state(self) -> Arrays:
        """Return the figures, and the best epoch's parameters.

        Figures are the bits of float64, since they may be NaN.
        """
        state: Arrays = {"figures": np.array(self.figures_, np.float64).view(np.int64)}
        if self._best is not None:
            state |= {"best": self._best.flat, "best_statistics": self._best.statistics}
        return state

    def load_state(self, state: Arrays) -> None:
        """Restore the best parameters, and count through the figures again.

        Raises
        ------
        InvalidInput
            If the state is none of early stopping on this network.
        """
        self._begin()
        figures = state.get("figures")
        if figures is None or figures.ndim != 1 or figures.dtype != np.int64:
            raise InvalidInput(f"the state of early stopping holds no figures; it holds {sorted(state)}")
        for figure in figures.view(np.float64).tolist():
            self._add(figure)
        if "best" in state:
            self._best = Parameters(self._network, state["best"], state.get("best_statistics"))
