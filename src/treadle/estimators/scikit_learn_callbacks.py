"""scikit-learn's own callbacks (``sklearn.callback``, from its version 1.9) on treadle's estimators.

``estimator.set_callbacks(ProgressBar(), ScoringMonitor(scoring="accuracy"))`` works as on scikit-learn's own:
the fit is a task, each epoch a task within it, and a callback that returns True stops the training. A search
or a pipeline hands its callbacks down. That protocol is young and may change: this file alone knows it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import sklearn

from treadle.errors import MissingDependency
from treadle.network import Parameters
from treadle.training.callbacks import Callback, Training

if TYPE_CHECKING:

    class CallbackSupport:
        """What scikit-learn's mixin gives: ``set_callbacks``."""

        def set_callbacks(self, *callbacks: object) -> Any:
            """Hang scikit-learn's callbacks on the estimator."""

    def with_callbacks(method: Any) -> Any:
        """The method, after which every callback is torn down, whatever happened."""

else:
    try:
        from sklearn.callback import CallbackSupportMixin as CallbackSupport
        from sklearn.callback import with_callbacks
    except ImportError:

        class CallbackSupport:
            """Says that this scikit-learn has no callbacks."""

            def set_callbacks(self, *callbacks: object) -> Any:
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

        def with_callbacks(method: Any) -> Any:
            """The method itself."""
            return method


class ScikitLearnTasks(Callback):
    """Tells an estimator's scikit-learn callbacks of a fit and of its epochs.

    Parameters
    ----------
    estimator : estimator
        That derives from ``CallbackSupport``, its fit decorated with ``with_callbacks``.
    data : dict
        ``X``, ``y`` and ``metadata``, as fit was given them.
    fitted : callable
        From parameters to the attributes that the estimator would have, were it fitted with these.
    """

    def __init__(
        self, estimator: Any, data: dict[str, Any], fitted: Callable[[Parameters], dict[str, Any]]
    ) -> None:
        self._estimator = estimator
        self._data = data
        self._fitted = fitted
        self._fit: Any = None
        self._epoch: Any = None

    @staticmethod
    def wanted_by(estimator: Any) -> bool:
        """Whether anybody listens."""
        return bool(getattr(estimator, "_skl_callbacks", None))

    def on_fit_begin(self, training: Training) -> None:
        """The fit's task begins, and its first epoch's."""
        self._fit = self._estimator._init_callback_context(max_subtasks=training.plan.n_epochs)
        self._fit.call_on_fit_task_begin(estimator=self._estimator, **self._data)
        self._begin_epoch(training)

    def _begin_epoch(self, training: Training) -> None:
        if len(training.history) < training.plan.n_epochs:
            self._epoch = self._fit.subcontext(task_name="epoch")
            self._epoch.call_on_fit_task_begin(estimator=self._estimator, **self._data)

    def on_epoch_end(self, training: Training) -> bool:
        """An epoch's task ends; True if one of scikit-learn's callbacks says stop."""
        stop = self._epoch.call_on_fit_task_end(
            estimator=self._estimator,
            reconstruction_attributes=lambda: self._fitted(training.parameters()),
            **self._data,
        )
        if not stop:
            self._begin_epoch(training)
        return bool(stop)

    def finish(self) -> None:
        """The fit's task ends: to be called once the estimator is fitted."""
        if self._fit is not None:
            self._fit.call_on_fit_task_end(
                estimator=self._estimator, reconstruction_attributes={}, **self._data
            )
