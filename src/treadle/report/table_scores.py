"""The scores of a fitted estimator on rows of a table, beside those of one answer for all rows."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from treadle.estimators.tables.given_tables import LabelledTable
from treadle.estimators.tables.table_classifier import TableClassifier
from treadle.estimators.tables.table_regressor import TableRegressor
from treadle.report.evaluation import Evaluation
from treadle.report.table_evaluation import NumberEvaluation, evaluate_classes, evaluate_numbers


@dataclass(frozen=True, eq=False)
class TableScores:
    """What was found on labelled rows.

    Parameters
    ----------
    classes : Evaluation, or None
        Of a classifier.
    roc_auc : float, or None
        The area under the ROC curve: of two classes, or the mean of each class against the others. None for
        numbers, and where a class has no row.
    majority : float
        The accuracy of the class that is most frequent in these rows; NaN for numbers.
    numbers : tuple of NumberEvaluation
        Of a regressor, one a target.
    mean_rmse : tuple of float
        The root mean squared error of these rows' own mean, one a target.
    """

    classes: Evaluation | None = None
    roc_auc: float | None = None
    majority: float = float("nan")
    numbers: tuple[NumberEvaluation, ...] = ()
    mean_rmse: tuple[float, ...] = ()

    def to_dict(self) -> dict[str, object]:
        """Return the scores for JSON."""
        if self.classes is not None:
            return {**self.classes.to_dict(), "roc_auc": self.roc_auc, "majority_accuracy": self.majority}
        return {
            "targets": [
                {**one.to_dict(), "mean_rmse": deviation}
                for one, deviation in zip(self.numbers, self.mean_rmse, strict=True)
            ]
        }


def scores_of(model: TableClassifier | TableRegressor, rows: LabelledTable) -> TableScores:
    """Score a fitted estimator on labelled rows."""
    if isinstance(model, TableClassifier):
        evaluation = evaluate_classes(model, rows)
        counts = np.bincount(evaluation.y_true, minlength=evaluation.n_classes)
        majority = float(counts.max() / counts.sum())
        return TableScores(classes=evaluation, roc_auc=_roc_auc(evaluation), majority=majority)
    numbers = tuple(evaluate_numbers(model, rows))
    return TableScores(numbers=numbers, mean_rmse=tuple(float(np.std(one.y_true)) for one in numbers))


def _roc_auc(evaluation: Evaluation) -> float | None:
    from sklearn.metrics import roc_auc_score

    y, probabilities = evaluation.y_true, evaluation.probabilities
    if len(np.unique(y)) < evaluation.n_classes:
        return None
    if evaluation.n_classes == 2:
        return float(roc_auc_score(y, probabilities[:, 1]))
    return float(roc_auc_score(y, probabilities, multi_class="ovr"))
