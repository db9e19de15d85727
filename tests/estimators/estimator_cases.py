"""Small data and fitted estimators of every kind of output."""

import warnings

import numpy as np
from sklearn.datasets import load_iris, make_multilabel_classification

from treadle import MLPClassifier, MLPRegressor

X, LABELS = load_iris(return_X_y=True)
X = (X - X.mean(axis=0)) / X.std(axis=0)
NAMES = np.array(["setosa", "versicolor", "virginica"])[LABELS]
MANY_X, MANY = make_multilabel_classification(150, 4, n_classes=3, random_state=0)
MANY_X = MANY_X / 10
COUNTS = np.random.default_rng(0).poisson(np.exp(X[:, 0]))

# Classifier or not, X, y.
TARGETS = {
    "three classes, texts": (MLPClassifier, X, NAMES),
    "two classes, booleans": (MLPClassifier, X, LABELS > 1),
    "two classes, integers": (MLPClassifier, X, np.where(LABELS > 1, 7, -2)),
    "several labels": (MLPClassifier, MANY_X, MANY),
    "one class": (MLPClassifier, X, np.ones(len(X), int)),
    "one number": (MLPRegressor, X[:, :3], X[:, 3]),
    "two numbers": (MLPRegressor, X[:, :2], X[:, 2:]),
}


def fitted(estimator_class, X, y, **params):
    """Fitted for a few epochs."""
    defaults = {"hidden_layer_sizes": (7, 5), "max_iter": 12, "learning_rate_init": 0.02, "random_state": 3}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return estimator_class(**defaults | params).fit(X, y)


def predictions(estimator, X):
    """All that it predicts, by method."""
    names = ("predict", "predict_proba", "predict_log_proba")
    return {name: getattr(estimator, name)(X) for name in names if hasattr(estimator, name)}
