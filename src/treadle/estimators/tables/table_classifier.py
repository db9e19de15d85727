"""A network that classifies the rows of a table: two classes, several, or several labels.

The fit is that of ``table_estimator``. Dimensions: N rows, D columns, K classes.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import ClassifierMixin

from treadle.choices import ColumnKind
from treadle.engines.objective import Objective
from treadle.estimators.labels import GivenTargets, one_column, plain_labels
from treadle.estimators.mlp.class_targets import ClassTargets
from treadle.estimators.mlp.class_weights import ClassWeight, with_class_weights
from treadle.estimators.mlp.targets import Targets
from treadle.estimators.mlp.training_recipe import store
from treadle.estimators.tables.fitted_table import FittedTable
from treadle.estimators.tables.table_estimator import TableEstimator
from treadle.estimators.tables.table_targets import TableClasses
from treadle.maths.dtypes import Floats, Numbers
from treadle.training.callbacks import Callbacks

if TYPE_CHECKING:
    from sklearn.utils import Tags


class TableClassifier(ClassifierMixin, TableEstimator):  # type: ignore[misc]  # scikit-learn has no types
    r"""Classify the rows of a table, frames as they are, with a network that suits tables.

    Numbers, categories, dates, true and false: each column is understood by its type and content and prepared
    (``treadle.tables.prepare``); missing and unseen values are part of it. The network and its training are
    RealMLP-TD: embeddings of numbers and categories, parametric activations, a start from the data, schedules
    for the learning rate, dropout and weight decay, and the last best epoch on rows held out. It minimises
    the cross-entropy with label smoothing, which a temperature fitted on the rows held out undoes in the
    probabilities.

    Parameters
    ----------
    hidden_layer_sizes : int or sequence of int, default=(256, 256, 256)
    n_epochs : int, default=256
        Passes over the training rows; the schedules run over all of them.
    max_rows : int, default=8_000_000
        Rows that training sees at most, in all epochs together: of many rows there are less epochs, one at
        least.
    batch_size : int or "auto", default="auto"
        Rows in a step; "auto" is min(256, N). A last batch of less is left out, other rows in each epoch.
    learning_rate_init : float > 0, default=0.04
        The peak of the schedule.
    dropout : float in [0, 1) or sequence of float, default=0.15
        Probability with which a hidden unit is dropped in training.
    weight_decay : float >= 0, default=0.02
        Decoupled decay of the weights.
    label_smoothing : float in [0, 1), default=0.1
        Share of each label that is spread over all classes. 0 where probabilities, or what ranks by them,
        are all that matters.
    class_weight : None, "balanced" or mapping, default=None
        What the classes weigh in training, and in the choice of the epoch.
    validation_fraction : float in [0, 1), default=0.2
        Of the rows, held out to choose the epoch by, and to fit the temperature. 0: all are trained on, and
        the last epoch is kept.
    scoring : None, "loss", str or callable, default=None
        What chooses the epoch: the accuracy, minus the loss, or a scorer of scikit-learn by name or as a
        function of an estimator, the prepared rows and y.
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
    classes_ : ndarray of shape (K,)
        Labels, sorted; for several labels a row, the numbers of their columns.
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
    temperature_ : float
        What logits are divided by for probabilities.
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
    >>> from treadle import TableClassifier
    >>> frame = pd.DataFrame({"city": ["Bonn", "Ulm"] * 20, "area": [50.0, None, 80.0, 65.0] * 10})
    >>> model = TableClassifier((8,), n_epochs=20, random_state=0).fit(frame, ["dear", "cheap"] * 20)
    >>> model.predict(pd.DataFrame({"area": [70.0, 70.0], "city": ["Ulm", "Bonn"]})).tolist()
    ['cheap', 'dear']
    """

    _y_numeric = False

    def __init__(
        self,
        hidden_layer_sizes: int | Sequence[int] = (256, 256, 256),
        *,
        n_epochs: int = 256,
        max_rows: int = 8_000_000,
        batch_size: int | str = "auto",
        learning_rate_init: float = 0.04,
        dropout: float | Sequence[float] = 0.15,
        weight_decay: float = 0.02,
        label_smoothing: float = 0.1,
        class_weight: ClassWeight | None = None,
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
        y : array_like of shape (N,), or (N, K) of zeros and ones
            Labels, or which of K labels a row has.
        sample_weight : array_like of shape (N,), optional
            Finite, not negative, not all 0. Rows of weight 0 are left out. None: all 1.
        X_val, y_val : as X and y, optional
            Rows to judge each epoch by, in place of some of X.

        Raises
        ------
        InvalidInput
            If a hyper-parameter, a weight or a label is not as above, or a cell cannot be used, by row and
            column.
        TrainingDiverged
            If the loss or a parameter becomes NaN or infinite.
        """
        self._fit(X, plain_labels(y), sample_weight, X_val, plain_labels(y_val))
        return self

    def predict(self, X: object) -> NDArray[np.generic]:
        """Predict each row's most probable class, or all its probable labels.

        Parameters
        ----------
        X : frame or array_like of shape (N, D)
            A frame's columns in any order, by their names.

        Returns
        -------
        ndarray of shape (N,), of the labels' dtype; or (N, K), zeros and ones
        """
        logits = self._logits(X)
        return self._classes().decode(logits)

    def predict_proba(self, X: object) -> NDArray[np.float64]:
        """Predict the probability of each class.

        Parameters
        ----------
        X : frame or array_like of shape (N, D)

        Returns
        -------
        ndarray of shape (N, K), float64
            Columns in the order of ``classes_``. Rows sum to 1, but not those of several labels a row.
        """
        return self.predictions_of(self._logits(X))["probabilities"]

    def predict_log_proba(self, X: object) -> NDArray[np.float64]:
        """Predict the logarithm of each class's probability.

        Parameters
        ----------
        X : frame or array_like of shape (N, D)

        Returns
        -------
        ndarray of shape (N, K), float64
            In nats; columns in the order of ``classes_``.
        """
        logits = self._cooled(self._logits(X))
        return np.asarray(self._classes().log_probabilities(logits), np.float64)

    def score(self, X: object, y: object, sample_weight: ArrayLike | None = None) -> float:
        """Compute the accuracy of ``predict``.

        Of several labels a row, it is the share of rows that have all of them right.
        """
        return float(super().score(X, plain_labels(y), sample_weight))

    def predictions_of(self, logits: Floats) -> dict[str, NDArray[Any]]:
        """Return what logits (N, K) predict: ``classes`` and ``probabilities``."""
        kind = self._classes()
        return {
            "classes": kind.decode(logits),
            "probabilities": kind.probabilities(self._cooled(logits)),
        }

    def _cooled(self, logits: Floats) -> NDArray[np.float64]:
        """Divide the logits by the temperature, in float64."""
        return logits.astype(np.float64) / self.temperature_

    def _classes(self) -> TableClasses:
        kind = self._fitted.kind
        assert isinstance(kind, TableClasses)
        return kind

    def _kind_of(self, y: GivenTargets) -> TableClasses:
        found = ClassTargets.of(one_column(y))
        return TableClasses(found.classes, found.multilabel)

    def _kind_of_training(self, y: GivenTargets, weights: NDArray[np.float64] | None) -> TableClasses:
        return self._kind_of(y)

    def _objective(self, kind: Targets) -> Objective:
        assert isinstance(kind, TableClasses)
        return kind.objective(self.label_smoothing)

    def _weights_in_training(
        self, kind: Targets, targets: Numbers, weights: NDArray[np.float64] | None
    ) -> NDArray[np.float64] | None:
        if self.class_weight is None:
            return weights
        assert isinstance(kind, TableClasses)
        return with_class_weights(self.class_weight, kind, targets, weights, has_all_rows=True)

    def _become(self, fitted: FittedTable) -> None:
        super()._become(fitted)
        self.classes_ = self._classes().classes
        self.temperature_ = fitted.temperature

    def __sklearn_tags__(self) -> Tags:
        """Allow several labels a row."""
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_label = True
        return tags
