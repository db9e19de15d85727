"""Scores of other models on the same prepared rows: a constant, a linear model, boosted trees.

They see the matrix of the network: categories as indicators for the linear model, as codes for the trees.
Each is at scikit-learn's defaults, and trained on the rows that the network was trained on, of many on some.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.dummy import DummyClassifier, DummyRegressor
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.metrics import accuracy_score, r2_score, root_mean_squared_error

from treadle.estimators.tables.given_tables import LabelledTable
from treadle.estimators.tables.table_classifier import TableClassifier
from treadle.maths.dtypes import Floats
from treadle.report.table_studies import TableModel, sampled
from treadle.tables.preparation.preparation import Preparation

MOST_ROWS = 20_000
MOST_INDICATORS = 200  # of a category, for the linear model
MOST_CODES = 255  # of a category, for the trees


@dataclass(frozen=True)
class Baseline:
    """A model's scores on the test rows.

    Parameters
    ----------
    name : str
    first, second : float
        Accuracy and cross-entropy of classes; RMSE and R^2 of numbers.
    """

    name: str
    first: float
    second: float


def baselines(model: TableModel, train: LabelledTable, test: LabelledTable, seed: int = 0) -> list[Baseline]:
    """Fit the baselines and score them; of several targets the first is taken."""
    train = sampled(train, MOST_ROWS, np.random.default_rng(seed))
    preparation = model.preparation_
    X, X_test = (preparation.transform(rows.table).X for rows in (train, test))
    y, y_test = (_first_target(rows) for rows in (train, test))
    linear, linear_test = (_with_indicators(preparation, matrix) for matrix in (X, X_test))
    codes = _few_codes(preparation)
    trees = {"categorical_features": codes, "random_state": seed} if any(codes) else {"random_state": seed}
    # Any: estimators of scikit-learn, which has no types.
    models: list[tuple[str, Any, Floats, Floats]]
    if isinstance(model, TableClassifier):
        models = [
            ("the most frequent class", DummyClassifier(strategy="prior"), X, X_test),
            ("logistic regression", LogisticRegression(max_iter=300), linear, linear_test),
            ("HistGradientBoosting", HistGradientBoostingClassifier(**trees), X, X_test),
        ]
    else:
        models = [
            ("the mean", DummyRegressor(), X, X_test),
            ("ridge regression", Ridge(), linear, linear_test),
            ("HistGradientBoosting", HistGradientBoostingRegressor(**trees), X, X_test),
        ]
    found = []
    for name, one, rows, test_rows in models:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)
            one.fit(rows, y)
        predicted = one.predict(test_rows)
        if isinstance(model, TableClassifier):
            probabilities = np.zeros((len(test_rows), len(model.classes_)))
            probabilities[:, np.searchsorted(model.classes_, one.classes_)] = one.predict_proba(test_rows)
            own = probabilities[np.arange(len(y_test)), np.searchsorted(model.classes_, y_test)]
            loss = -float(np.log(np.maximum(own, np.finfo(np.float64).eps)).mean())
            found.append(Baseline(name, float(accuracy_score(y_test, predicted)), loss))
        else:
            r2 = float(r2_score(y_test, predicted)) if len(y_test) > 1 else float("nan")
            found.append(Baseline(name, float(root_mean_squared_error(y_test, predicted)), r2))
    return found


def _first_target(rows: LabelledTable) -> NDArray[np.generic]:
    y = np.asarray(rows.y)
    return y if y.ndim == 1 else y[:, 0]


def _with_indicators(preparation: Preparation, X: Floats) -> Floats:
    """Replace codes by indicators, where they are not too many."""
    n_copied = preparation.n_numbers + preparation.n_plain
    parts = [X[:, :n_copied]]
    for k, count in enumerate(preparation.category_counts):
        if count <= MOST_INDICATORS:
            parts.append(np.eye(count, dtype=X.dtype)[X[:, n_copied + k].astype(np.int64)])
    joined = np.concatenate(parts, axis=1)
    return joined if joined.shape[1] else np.zeros((len(X), 1), X.dtype)


def _few_codes(preparation: Preparation) -> list[bool]:
    """Say which columns of the matrix are codes that the trees take as categories."""
    counts = preparation.category_counts
    return [False] * (preparation.n_outputs - len(counts)) + [count <= MOST_CODES for count in counts]
