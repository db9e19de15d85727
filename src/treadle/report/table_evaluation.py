"""Evaluates a fitted estimator of tables on labelled rows: classes by ``Evaluation``, numbers here.

Rows count alike, whatever they weighed in training. Dimensions: N rows, K targets.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from treadle.errors import InvalidInput
from treadle.estimators.tables.given_tables import LabelledTable
from treadle.estimators.tables.table_classifier import TableClassifier
from treadle.estimators.tables.table_regressor import TableRegressor
from treadle.report.evaluation import Evaluation


@dataclass(frozen=True, eq=False)
class NumberEvaluation:
    """Predicted numbers beside true ones, and the scores derived from them.

    Parameters
    ----------
    name : str
        Of the target.
    y_true, predicted : ndarray of shape (N,), float64

    Raises
    ------
    InvalidInput
        If there is no row, or they are not finite numbers of one length.

    Examples
    --------
    >>> import numpy as np
    >>> from treadle.report.table_evaluation import NumberEvaluation
    >>> found = NumberEvaluation("price", np.array([1.0, 2.0, 6.0]), np.array([1.0, 3.0, 5.0]))
    >>> round(found.rmse, 3), round(found.mae, 3), round(found.r2, 3)
    (0.816, 0.667, 0.857)
    """

    name: str
    y_true: NDArray[np.float64]
    predicted: NDArray[np.float64]

    def __post_init__(self) -> None:
        shapes = (self.y_true.shape, self.predicted.shape)
        if shapes[0] != shapes[1] or len(shapes[0]) != 1 or not self.y_true.size:
            raise InvalidInput(f"true and predicted numbers must be a row each, at least one; got {shapes}")
        if not (np.isfinite(self.y_true).all() and np.isfinite(self.predicted).all()):
            raise InvalidInput(f"true and predicted numbers of {self.name} must be finite")

    @property
    def residuals(self) -> NDArray[np.float64]:
        """True minus predicted, shape (N,)."""
        return self.y_true - self.predicted

    @property
    def rmse(self) -> float:
        """Root of the mean squared residual."""
        return float(np.sqrt(np.mean(self.residuals**2)))

    @property
    def mae(self) -> float:
        """Mean absolute residual."""
        return float(np.mean(np.abs(self.residuals)))

    @property
    def r2(self) -> float:
        """Share of the variance that is explained; 0 where there is none."""
        variance = float(np.var(self.y_true))
        return 1 - float(np.mean(self.residuals**2)) / variance if variance else 0.0

    def worst(self, n: int) -> NDArray[np.int64]:
        """Return at most n rows of the largest absolute residuals, the largest first."""
        return np.argsort(-np.abs(self.residuals), kind="stable")[:n]

    def to_dict(self) -> dict[str, object]:
        """Return the scores as plain numbers for JSON."""
        return {
            "target": self.name,
            "n_samples": len(self.y_true),
            "rmse": self.rmse,
            "mae": self.mae,
            "r2": self.r2,
        }


def evaluate_classes(model: TableClassifier, rows: LabelledTable) -> Evaluation:
    """Compare the probabilities of classes with the true ones."""
    log_probabilities = model.predict_log_proba(rows.table)
    codes = np.searchsorted(model.classes_, np.asarray(rows.y))
    loss = -float(log_probabilities[np.arange(len(codes)), codes].mean())
    names = [str(label) for label in model.classes_.tolist()]
    return Evaluation(codes, model.predict_proba(rows.table), names, loss)


def evaluate_numbers(model: TableRegressor, rows: LabelledTable) -> list[NumberEvaluation]:
    """Compare predicted numbers with the true ones, target by target."""
    names = [use.name for use in model.columns_ if use.role == "target"]
    true, predicted = (
        np.asarray(numbers, np.float64).reshape(len(rows.table), -1)
        for numbers in (rows.y, model.predict(rows.table))
    )
    return [
        NumberEvaluation(name, one, other)
        for name, one, other in zip(names, true.T, predicted.T, strict=True)
    ]
