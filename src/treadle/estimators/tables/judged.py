"""What a scorer of scikit-learn sees of a training that goes on: an estimator of prepared rows."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin

from treadle.engines.engine import Engine
from treadle.estimators.tables.table_targets import ScaledNumbers, TableClasses
from treadle.maths.dtypes import Floats
from treadle.network import Parameters


class PreparedClassifier(ClassifierMixin, BaseEstimator):  # type: ignore[misc]  # scikit-learn has no types
    """Predicts classes with an epoch's parameters, from the rows as the network takes them."""

    def __init__(self, kind: TableClasses, engine: Engine, parameters: Parameters) -> None:
        self.kind = kind
        self.engine = engine
        self.parameters = parameters
        self.classes_ = kind.classes

    def predict(self, X: Floats) -> NDArray[np.generic]:
        """Predict the most probable class."""
        return self.kind.decode(self.engine.logits(self.parameters, X))

    def predict_proba(self, X: Floats) -> NDArray[np.float64]:
        """Predict the probability of each class, at temperature 1."""
        logits = self.engine.logits(self.parameters, X)
        return np.asarray(self.kind.probabilities(logits.astype(np.float64)), np.float64)


class PreparedRegressor(RegressorMixin, BaseEstimator):  # type: ignore[misc]  # scikit-learn has no types
    """Predicts numbers with an epoch's parameters, from the rows as the network takes them."""

    def __init__(self, kind: ScaledNumbers, engine: Engine, parameters: Parameters) -> None:
        self.kind = kind
        self.engine = engine
        self.parameters = parameters

    def predict(self, X: Floats) -> NDArray[np.float64]:
        """Predict the numbers."""
        return self.kind.decode(self.engine.logits(self.parameters, X))


# Any: the targets decide.
def judged(kind: Any, engine: Engine, parameters: Parameters) -> PreparedClassifier | PreparedRegressor:
    """Make the estimator of targets of that kind."""
    made = PreparedClassifier if isinstance(kind, TableClasses) else PreparedRegressor
    return made(kind, engine, parameters)
