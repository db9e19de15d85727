"""The common base of the table's classifier and regressor: scikit-learn's contract over a fit.

An estimator is a face: it keeps hyper-parameters, reads tables, and shows what was fitted. What targets are,
and what is predicted of the logits, is for the classifier and the regressor to say.

Dimensions: N rows, D columns, K outputs.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator
from sklearn.utils.validation import check_is_fitted

from treadle.engines.objective import Objective
from treadle.engines.predictor import Predictor
from treadle.engines.selection import select_engine
from treadle.errors import InvalidInput
from treadle.estimators.files.saving import Savable, Saved
from treadle.estimators.hyperparameters import check_hyperparameters
from treadle.estimators.labels import GivenTargets
from treadle.estimators.mlp.targets import Targets
from treadle.estimators.mlp.training_recipe import Scoring
from treadle.estimators.mlp.training_rows import TrainingRows, rows_that_weigh, split
from treadle.estimators.random_state import seed_of
from treadle.estimators.sample_weights import checked_weights
from treadle.estimators.tables import saved_table
from treadle.estimators.tables.fitted_table import FittedTable
from treadle.estimators.tables.fitting import Assignment, train
from treadle.estimators.tables.given_tables import (
    LabelledTable,
    table_to_fit,
    table_to_predict,
    target_names,
    with_targets,
)
from treadle.maths.dtypes import Floats, Numbers
from treadle.tables.preparation.counts import Counts
from treadle.tables.preparation.prepare import prepare
from treadle.tables.table import Table

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sklearn.utils import Tags

    from treadle.choices import ColumnKind


class TableEstimator(Savable, BaseEstimator):  # type: ignore[misc]  # scikit-learn has no types
    """The common fit and logits of the classifier and the regressor.

    See there for the parameters.
    """

    _y_numeric: ClassVar[bool]

    scoring: Scoring

    # All that was fitted; the attributes with an underscore at the end show it.
    _fitted: FittedTable

    @abstractmethod
    def _kind_of(self, y: GivenTargets) -> Targets | None:
        """Return the targets' kind as all rows say it; None where the training rows alone do."""

    @abstractmethod
    def _kind_of_training(self, y: GivenTargets, weights: NDArray[np.float64] | None) -> Targets:
        """Return the targets' kind as the training rows say it."""

    @abstractmethod
    def _objective(self, kind: Targets) -> Objective:
        """Return the objective to minimise."""

    def _weights_in_training(
        self, kind: Targets, targets: Numbers, weights: NDArray[np.float64] | None
    ) -> NDArray[np.float64] | None:
        """Return the rows' weights in training, from those of the user."""
        return weights

    def _chooses_by(self) -> Scoring:
        """Return what chooses the epoch, None for the score of the targets' kind."""
        return self.scoring

    # --- fit

    def _fit(
        self, X: object, y: object, sample_weight: ArrayLike | None, X_val: object, y_val: object
    ) -> None:
        check_hyperparameters(type(self).__name__, vars(self))
        if (X_val is None) != (y_val is None):
            raise InvalidInput("X_val and y_val go together: give both, or neither")
        table, labels, kinds = table_to_fit(self, X, y, self.columns, y_numeric=self._y_numeric)
        weights = checked_weights(sample_weight, len(table))
        seed = seed_of(self.random_state)
        rows = LabelledTable(table, labels, weights)
        kind = self._kind_of(labels)
        weighing = rows_that_weigh(weights)
        held_out = None
        if X_val is not None:
            rows = rows if weighing is None else rows.take(weighing)
            held_out = self._given_rows(X_val, y_val, table)
        elif self.validation_fraction:
            strata = None if kind is None else kind.strata(kind.encode(labels))
            kept, judging = split(
                len(table), weighing, strata, self.validation_fraction, seed, strictly=False
            )
            rows, held_out = rows.take(kept), rows.take(judging)
        elif weighing is not None:
            rows = rows.take(weighing)
        names = target_names(y, labels, table)
        assignment = self._assignment(rows, held_out, kind, seed, names, kinds, whole=table)
        self._become(train(assignment))

    def _given_rows(self, X: object, y: object, like: Table) -> LabelledTable:
        """Read the rows that a user gives to judge epochs by."""
        table = table_to_predict(self, X, like.reading)
        columns = [name for name in like.columns if name not in table.columns]
        if columns:
            raise InvalidInput(f"X_val lacks columns of X: {', '.join(map(repr, columns[:20]))}")
        labels = np.asarray(y)
        if labels.shape[:1] != (len(table),):
            raise InvalidInput(
                f"y_val must have a target for each of the {len(table)} rows of X_val; got shape "
                f"{labels.shape}"
            )
        return LabelledTable(table, labels)

    def _see_columns(self, table: Table) -> None:
        """Set the attributes that name the columns of X."""
        self.n_features_in_ = len(table.columns)
        self.feature_names_in_ = np.array(list(table.columns), dtype=object)

    def _assignment(
        self,
        rows: LabelledTable,
        held_out: LabelledTable | None,
        kind: Targets | None,
        seed: int,
        names: Sequence[str],
        kinds: Mapping[str, ColumnKind],
        aside: Mapping[str, str] | None = None,
        whole: Table | None = None,
    ) -> Assignment:
        """Prepare the rows, and plan the training.

        Parameters
        ----------
        rows, held_out : LabelledTable
            To train on, and to judge epochs by.
        kind : Targets, or None
            As all rows say it; None where the training rows alone do.
        seed : int
        names : sequence of str
            Of the targets; no columns of the table.
        kinds : mapping of str to ColumnKind
            Of columns that were chosen.
        aside : mapping of str to str, optional
            Columns that serve otherwise, and how.
        whole : Table, optional
            What the rows are of: an error says the row there.
        """
        if kind is None:
            kind = self._kind_of_training(rows.y, rows.weights)
        with rows_said_of(whole, lambda table: prepare(table, (), kinds, aside)):
            preparation = prepare(with_targets(rows.table, rows.y, names), names, kinds, aside)
        targets = kind.encode(rows.y)
        data = TrainingRows(
            preparation.transform(rows.table).X,
            targets,
            self._weights_in_training(kind, targets, rows.weights),
            rows.weights,
        )
        judging = None
        if held_out is not None:
            targets, weights = kind.encode(held_out.y), held_out.weights
            with rows_said_of(whole, preparation.transform):
                X = preparation.transform(held_out.table).X
            judging = TrainingRows(
                X,
                targets,
                self._weights_in_training(kind, targets, weights),
                weights,
            )
        return Assignment(
            self, preparation, kind, self._objective(kind), self._chooses_by(), seed, data, judging
        )

    # --- what was fitted

    def _become(self, fitted: FittedTable) -> None:
        """Set all attributes from a fitted value."""
        self._fitted = fitted
        history = fitted.history
        self.preparation_ = fitted.preparation
        self.columns_ = fitted.preparation.columns
        self.network_ = fitted.parameters.network
        self.n_outputs_ = fitted.kind.n_outputs
        self.engine_ = fitted.engine
        self.history_ = history
        self.n_iter_ = len(history["epoch"])
        self.best_epoch_ = fitted.best_epoch
        scores = history.get("held_out_score")
        self.best_validation_score_ = scores[fitted.best_epoch - 1] if scores else None

    def _logits(self, X: object) -> Floats:
        """Read a user's rows, and compute the network's last sums, (N, K)."""
        check_is_fitted(self, "network_")
        fitted = self._fitted
        table = table_to_predict(self, X, fitted.preparation.reading)
        return fitted.logits(self._predictor().logits, table)

    @abstractmethod
    def predictions_of(self, logits: Floats) -> dict[str, NDArray[Any]]:
        """Return what logits (N, K) predict, by name."""

    def predict_prepared(self, X: Floats) -> dict[str, NDArray[Any]]:
        """Predict rows of the matrix that ``preparation_`` makes: what ``predictions_of`` says.

        Parameters
        ----------
        X : ndarray of shape (N, preparation_.n_outputs), float32
        """
        return self.predictions_of(self._predictor().logits(X))

    def predict_in_chunks(self, table: Table) -> Iterator[tuple[dict[str, NDArray[Any]], Counts]]:
        """Yield the predictions of some rows of a table after others, and what was replaced in them.

        Parameters
        ----------
        table : treadle.tables.Table
            Read with ``like=preparation_.reading``.

        Raises
        ------
        InvalidInput
            If a column is missing, or a cell cannot be what it is to be, by row and column.
        """
        for logits, counts in self._fitted.in_chunks(self._predictor().logits, table):
            yield self.predictions_of(logits), counts

    def _predictor(self) -> Predictor:
        parameters = self._fitted.parameters
        chosen = select_engine(
            self.engine, dtype=parameters.dtype, n_threads=self.n_threads, network=parameters.network
        )
        return chosen.engine.predictor(parameters)

    # --- files

    def save_onnx(self, path: str | Path) -> None:
        """Write the preparation and the network as ONNX, from a table's columns to the predictions.

        The graph has an input (N, 1) for each column that is used, by its name: numbers are float64, NaN
        where missing; categories text, empty where missing; dates int64, microseconds since 1970, the least
        number of 64 bits where missing. A classifier's gives ``probabilities`` (N, K), float32; a
        regressor's ``prediction`` (N, K), float64. ONNX Runtime comes within 1e-5 of ``predict_proba``, and
        of ``predict`` relative to the range of the targets.

        Raises
        ------
        MissingDependency
            If the package onnx is not installed.
        InvalidInput
            If a column's name is one of the graph's own.
        NotFittedError
            If the estimator is not fitted.
        OSError
            If the folder cannot be written or the disk is full.
        """
        from treadle.estimators.tables.onnx_table import save_table_onnx

        check_is_fitted(self, "network_")
        save_table_onnx(path, self._fitted)

    def _saved(self) -> Saved:
        names = vars(self).get("feature_names_in_")
        return saved_table.saved(self._fitted, self.n_features_in_, names)

    def _load_saved(self, saved: Saved) -> None:
        fitted, n_features, names = saved_table.fitted_from(saved, classifies=not self._y_numeric)
        self.n_features_in_ = n_features
        if names is not None:
            self.feature_names_in_ = names
        self._become(fitted)

    def __sklearn_tags__(self) -> Tags:
        """Allow missing cells, text and categories."""
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        tags.input_tags.categorical = True
        tags.input_tags.string = True
        return tags


@contextmanager
def rows_said_of(whole: Table | None, again: Callable[[Table], object]) -> Iterator[None]:
    """Let an error about some rows of a table be said again of the whole, where rows have their numbers."""
    try:
        yield
    except InvalidInput:
        if whole is not None:
            again(whole)
        raise
