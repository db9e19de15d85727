"""Keeps the parameters of the epoch that was best on held-out rows, the last of several alike.

It stops nothing: where the learning rate is planned for the whole run, the best epoch is near its end. See
``treadle.training.early_stopping`` for what stops.
"""

from __future__ import annotations

import math

import numpy as np

from treadle.errors import InvalidInput
from treadle.maths.dtypes import Arrays
from treadle.network import Parameters
from treadle.training.callbacks import Callback, Training
from treadle.training.monitored import monitored_figure


class BestEpoch(Callback):
    """Keep the last best epoch's parameters; train to the end.

    Parameters
    ----------
    monitor : str, default="held_out_score"
        A column of the history.
    less_is_better : bool, default=False

    Attributes
    ----------
    best_epoch_ : int or None
        From 1; None before the first figure that is a number.

    Examples
    --------
    >>> from treadle import BestEpoch, MLPClassifier
    >>> best = BestEpoch("train_loss", less_is_better=True)
    >>> three = lambda training: training.record.epoch == 3
    >>> model = MLPClassifier((4,), callbacks=[best, three], random_state=0).fit([[0.0], [1.0]], [0, 1])
    >>> best.best_epoch_, model.n_iter_
    (3, 3)
    """

    def __init__(self, monitor: str = "held_out_score", *, less_is_better: bool = False) -> None:
        if not isinstance(monitor, str):
            raise InvalidInput(f"monitor must be the name of a column of the history; got {monitor!r}")
        self.monitor = monitor
        self.less_is_better = less_is_better
        self._begin()

    def _begin(self) -> None:
        self.best_epoch_: int | None = None
        self._figure = math.nan
        self._best: Parameters | None = None

    def on_fit_begin(self, training: Training) -> None:
        """Forget an earlier training's figures."""
        self._begin()
        self._network = training.problem.network

    def on_epoch_end(self, training: Training) -> None:
        """Keep the parameters if no epoch before was better."""
        figure = monitored_figure(training.record, self.monitor)
        is_worse = figure > self._figure if self.less_is_better else figure < self._figure
        if not (math.isnan(figure) or is_worse):
            self.best_epoch_, self._figure = training.record.epoch, figure
            self._best = training.parameters()

    def on_fit_end(self, training: Training) -> None:
        """Let training end with the best epoch's parameters."""
        if self._best is not None:
            training.keep(self._best)

    def state(self) -> Arrays:
        """Return the best epoch, its figure as the bits of float64, and its parameters."""
        if self._best is None or self.best_epoch_ is None:
            return {}
        return {
            "epoch": np.array(self.best_epoch_),
            "figure": np.array(self._figure).view(np.int64),
            "best": self._best.flat,
            "best_statistics": self._best.statistics,
        }

    def load_state(self, state: Arrays) -> None:
        """Go on from what ``state`` returned.

        Raises
        ------
        InvalidInput
            If the state is none of a best epoch of this network.
        """
        self._begin()
        if not state:
            return
        epoch, figure = (state.get(name, np.zeros(1)) for name in ("epoch", "figure"))
        if not all(array.shape == () and array.dtype == np.int64 for array in (epoch, figure)) or (
            "best" not in state
        ):
            raise InvalidInput(
                f"the state of the best epoch holds no epoch and figure; it holds {sorted(state)}: take the "
                "checkpoint of a training with this callback"
            )
        self.best_epoch_ = int(epoch)
        self._figure = float(figure.view(np.float64))
        self._best = Parameters(self._network, state["best"], state.get("best_statistics"))
