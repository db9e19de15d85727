"""Runs scikit-learn's own callbacks (``sklearn.callback``, version 1.9 on) on treadle's estimators.

``estimator.set_callbacks(ProgressBar(), ScoringMonitor(scoring="accuracy"))`` works as on scikit-learn's own:
the fit is a task, each epoch a task within it, and a callback that returns True stops the training. A search
or a pipeline hands its callbacks down. That protocol is young and may change: this file alone knows it.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Self, TypeVar

import sklearn
from numpy.typing import ArrayLike
from sklearn.base import BaseEstimator

from treadle.errors import MissingDependency
from treadle.network import Parameters
from treadle.training.callbacks import Callback, Training

Method = TypeVar("Method")

if TYPE_CHECKING:

    class CallbackSupport:
        """What scikit-learn's mixin gives: ``set_callbacks``."""

        def set_callbacks(self, *callbacks: object) -> Self:
            """Hang scikit-learn's callbacks on the estimator."""

    def with_callbacks(method: Method) -> Method:
        """The method, after which every callback is torn down, whatever happened."""
        return method

else:
    try:
        from sklearn.callback import CallbackSupportMixin as CallbackSupport
        from sklearn.callback import with_callbacks
    except ImportError:

        class CallbackSupport:
            """Says that this scikit-learn has no callbacks."""

            def set_callbacks(self, *callbacks: object) -> Self:
                """Refuse: there is no protocol to follow.

                Raises
                ------
                MissingDependency
                    Always.
                """
                raise MissingDependency(
                    f"callbacks of scikit-learn need scikit-learn 1.9 or later, and {sklearn.__version__} is "
                    "installed: pip install --upgrade scikit-learn, or use treadle's own (callbacks=...)"
                )

        def with_callbacks(method: Method) -> Method:
            """The method itself."""
            return method


@contextmanager
def tasks_of_fit(
    estimator: BaseEstimator, X: object, y: object, sample_weight: ArrayLike | None, *, epochs: bool
) -> Iterator[ScikitLearnTasks | None]:
    """Yield a fit's tasks for scikit-learn's callbacks; None without callbacks.

    The callbacks are torn down at the end, whatever happens.

    Parameters
    ----------
    estimator : MultilayerPerceptron
    X, y, sample_weight
        As fit was given them.
    epochs : bool
        Whether each epoch is a task within the fit's.
    """
    if not getattr(estimator, "_skl_callbacks", None):
        yield None
        return
    try:
        tasks = ScikitLearnTasks(estimator, X, y, sample_weight, epochs=epochs)
        yield tasks
        tasks.finish()
    finally:
        # Whatever fit it wraps, scikit-learn tears down what that fit had set up.
        with_callbacks(_no_fit)(estimator)


def _no_fit(estimator: BaseEstimator) -> None:
    """Fit nothing."""


class ScikitLearnTasks(Callback):
    """Informs scikit-learn's callbacks of a fit and its epochs; see ``tasks_of_fit``."""

    def __init__(
        self, estimator: BaseEstimator, X: object, y: object, sample_weight: ArrayLike | None, *, epochs: bool
    ) -> None:
        self._estimator = estimator
        metadata = None if sample_weight is None else {"sample_weight": sample_weight}
        self._data = {"X": X, "y": y, "metadata": metadata}
        self._has_epochs = epochs
        # Contexts of scikit-learn, of a class that is not public.
        self._fit: Any = None
        self._epoch: Any = None

    def on_fit_begin(self, training: Training) -> None:
        """Begin the fit's task, and its first epoch's."""
        n_epochs = training.plan.n_epochs if self._has_epochs else 0
        self._fit = self._estimator._init_callback_context(max_subtasks=n_epochs)
        self._fit.call_on_fit_task_begin(estimator=self._estimator, **self._data)
        self._begin_epoch(training)

    def _begin_epoch(self, training: Training) -> None:
        if self._has_epochs and len(training.history) < training.plan.n_epochs:
            self._epoch = self._fit.subcontext(task_name="epoch")
            self._epoch.call_on_fit_task_begin(estimator=self._estimator, **self._data)

    def on_epoch_end(self, training: Training) -> bool:
        """End an epoch's task; return True if a callback stops training."""
        if not self._has_epochs:
            return False
        stop = self._epoch.call_on_fit_task_end(
            estimator=self._estimator,
            reconstruction_attributes=lambda: self._fitted(training.parameters()),
            **self._data,
        )
        if not stop:
            self._begin_epoch(training)
        return bool(stop)

    def _fitted(self, parameters: Parameters) -> dict[str, object]:
        """Return the attributes of the estimator, were it fitted with these parameters."""
        before = vars(self._estimator)
        fitted = self._estimator._showing(parameters)
        return {name: value for name, value in vars(fitted).items() if before.get(name) is not value}

    def finish(self) -> None:
        """End the fit's task; the estimator is fitted."""
        self._fit.call_on_fit_task_end(estimator=self._estimator, reconstruction_attributes={}, **self._data)
