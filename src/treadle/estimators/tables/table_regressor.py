"""A network that predicts numbers of the rows of a table, of one output or several.

The fit is that of ``table_estimator``. Dimensions: N rows, D columns, K outputs.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import RegressorMixin

from treadle.choices import ColumnKind
from treadle.engines.objective import Objective
from treadle.estimators.labels import GivenTargets
from treadle.estimators.mlp.number_targets import LOSS_NAMES
from treadle.estimators.mlp.targets import Targets
from treadle.estimators.mlp.training_recipe import Scoring, store
from treadle.estimators.tables.table_estimator import TableEstimator
from treadle.estimators.tables.table_targets import ScaledNumbers
from treadle.maths.dtypes import Floats
from treadle.training.callbacks import Callbacks


class TableRegressor(RegressorMixin, TableEstimator):  # type: ignore[misc]  # scikit-learn has no types
    r"""Predict numbers of the rows of a table, frames as they are, with a network that suits tables.

    Columns are understood and prepared, and the network is built and trained, as ``TableClassifier`` says.
    Targets are standardised, and predictions clipped to the range of the training rows.

    Parameters
    ----------
    loss : {"squared_error", "absolute_error", "huber", "poisson"}, default="squared_error"
        Half the squared error; the absolute error, whose minimum is the median; Huber's loss, a square up to
        a residual of one deviation of y and a line beyond; or half the Poisson deviance of an output that is
        an exponential, for y of at least 0.
    hidden_layer_sizes : int or sequence of int, default=(256, 256, 256)
    n_epochs : int, default=256
        Passes over the training rows; the schedules run over all of them.
    max_rows : int, default=8_000_000
        Rows that training sees at most, in all epochs together: of many rows there are less epochs, one at
        least.
    batch_size : int or "auto", default="auto"
        Rows in a step; "auto" is min(256, N). A last batch of less is left out, other rows in each epoch.
    learning_rate_init : float > 0, default=0.2
        The peak of the schedule.
    dropout : float in [0, 1) or sequence of float, default=0.15
        Probability with which a hidden unit is dropped in training.
    weight_decay : float >= 0, default=0.02
        Decoupled decay of the weights.
    validation_fraction : float in [0, 1), default=0.2
        Of the rows, held out to choose the epoch by. 0: all are trained on, and the last epoch is kept.
    scoring : None, "loss", str or callable, default=None
        What chooses the epoch: R^2, which orders epochs as the root mean squared error does; minus the loss,
        which None is for all but the squared error; or a scorer of scikit-learn by name or as a function of
        an estimator, the prepared rows and y.
    columns : mapping of str to {"number", "category", "true/false", "date", "out"}, optional
        What columns are, where type and content say something else. Those of an array are x0, x1, ...
    random_state : int, RandomState or None, default=None
        Of initial parameters, order of the rows, dropout and rows held out. With an int, the same arguments
        give the same bits.
    engine : {"auto", "native", "numpy", "torch"}, default="auto"
        What computes, here and in prediction; see ``treadle.select_engine``.
    precision : {"auto", "float32", "float64", "bfloat16"}, default="auto"
        Of the parameters; "auto" is float32. bfloat16: of the matrix products of training.
    n_threads : int or None, default=None
        Threads of the native engine; None: as many as there is work for.
    callbacks : callback, function, sequence of such, or None, default=None
        See ``treadle.training.callbacks``.

    Attributes
    ----------
    columns_ : tuple of ColumnUse
        What each column was taken for, and why.
    preparation_ : treadle.tables.Preparation
    n_features_in_ : int
    feature_names_in_ : ndarray of shape (D,)
        Where X was a frame.
    n_iter_ : int
        Epochs.
    best_epoch_ : int
        The one whose parameters are kept, from 1.
    best_validation_score_ : float or None
        Its score on the rows held out.
    history_ : dict of lists
        A table with a row for each epoch.
    network_ : Network
    n_outputs_ : int
    engine_ : str
        Name of the engine that trained.

    References
    ----------
    Holzmüller, Grinsztajn and Steinwart, "Better by default: strong pre-tuned MLPs and boosted trees on
    tabular data" (NeurIPS 2024).

    Examples
    --------
    >>> import pandas as pd
    >>> from treadle import TableRegressor
    >>> frame = pd.DataFrame({"area": [50.0, 65.0, 80.0, 95.0] * 10, "new": [True, False] * 20})
    >>> model = TableRegressor(hidden_layer_sizes=8, n_epochs=100, random_state=0)
    >>> model.fit(frame, 10 * frame["area"]).predict(frame.head(2)).round(-2).tolist()
    [500.0, 600.0]
    """

    _y_numeric = True

    def __init__(
        self,
        loss: str = "squared_error",
        hidden_layer_sizes: int | Sequence[int] = (256, 256, 256),
        *,
        n_epochs: int = 256,
        max_rows: int = 8_000_000,
        batch_size: int | str = "auto",
        learning_rate_init: float = 0.2,
        dropout: float | Sequence[float] = 0.15,
        weight_decay: float = 0.02,
        validation_fraction: float = 0.2,
        scoring: str | Callable[..., float] | None = None,
        columns: Mapping[str, ColumnKind] | None = None,
        random_state: int | np.random.RandomState | None = None,
        engine: str = "auto",
        precision: str = "auto",
        n_threads: int | None = None,
        callbacks: Callbacks = None,
    ) -> None:
        store(self, locals())

    def fit(
        self,
        X: object,
        y: object,
        sample_weight: ArrayLike | None = None,
        X_val: object = None,
        y_val: object = None,
    ) -> Self:
        """Understand and prepare the columns, and train.

        Parameters
        ----------
        X : frame or array_like of shape (N, D)
            A frame of pandas, polars, PyArrow or DuckDB, with missing cells, categories, text and dates. Or
            an array: of numbers, whose columns are numbers all; or of objects, read as a frame is.
        y : array_like of shape (N,) or (N, K)
            Finite numbers; at least 0 for the loss poisson.
        sample_weight : array_like of shape (N,), optional
            Finite, not negative, not all 0. Rows of weight 0 are left out. None: all 1.
        X_val, y_val : as X and y, optional
            Rows to judge each epoch by, in place of some of X.

        Raises
        ------
        InvalidInput
            If a hyper-parameter, a weight or a target is not as above, or a cell cannot be used, by row and
            column.
        TrainingDiverged
            If the loss or a parameter becomes NaN or infinite.
        """
        self._fit(X, y, sample_weight, X_val, y_val)
        return self

    def predict(self, X: object) -> NDArray[np.float64]:
        """Predict the numbers of each row.

        Parameters
        ----------
        X : frame or array_like of shape (N, D)
            A frame's columns in any order, by their names.

        Returns
        -------
        ndarray of shape (N,) or (N, K), float64
        """
        return self.predictions_of(self._logits(X))["numbers"]

    def predictions_of(self, logits: Floats) -> dict[str, NDArray[Any]]:
        """Return what logits (N, K) predict: ``numbers``."""
        kind = self._fitted.kind
        assert isinstance(kind, ScaledNumbers)
        return {"numbers": kind.decode(logits)}

    def _kind_of(self, y: GivenTargets) -> None:
        return None

    def _kind_of_training(self, y: GivenTargets, weights: NDArray[np.float64] | None) -> ScaledNumbers:
        return ScaledNumbers.of(y, weights, self.loss)

    def _chooses_by(self) -> Scoring:
        return "loss" if self.scoring is None and self.loss != "squared_error" else self.scoring

    def _objective(self, kind: Targets) -> Objective:
        return Objective(LOSS_NAMES[self.loss])
