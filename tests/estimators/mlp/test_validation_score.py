"""The score of rows held out: the estimator's own, minus the loss, or any scorer of scikit-learn."""

import numpy as np
import pytest
from scipy.special import log_softmax
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.metrics import balanced_accuracy_score

from treadle.engines.objective import Objective
from treadle.estimators.mlp.validation_score import score_of_held_out

RNG = np.random.default_rng(0)
X, CODES, LOGITS = RNG.standard_normal((12, 2)), np.arange(12) % 3, RNG.standard_normal((5, 3))
ROWS = np.array([1, 3, 4, 8, 11])
WEIGHTS = RNG.uniform(0.5, 2, 12)
NAMES = np.array(["a", "b", "c"])


class Kind:
    """Classes by name; their own score is what it is given, to be seen."""

    def labels(self, targets):
        return NAMES[targets]

    def score(self, logits, targets, sample_weight):
        return logits, targets, sample_weight


class Predicts(ClassifierMixin, BaseEstimator):
    """Predicts the classes that its parameters name."""

    classes_ = NAMES

    def __init__(self, names):
        self.names = names

    def fit(self): ...

    def predict(self, X):
        assert X.tolist() == self.expected.tolist()
        return self.names


def scorer(scoring, rows=ROWS, weights=WEIGHTS, expected=None):
    def estimator_with(names):
        made = Predicts(names)
        made.expected = X[ROWS] if expected is None else expected
        return made

    return score_of_held_out(scoring, Kind(), estimator_with, Objective(), X, CODES, rows, weights)


def test_the_estimators_own_score_gets_targets_and_weights_of_the_rows_held_out():
    logits, targets, weights = scorer(None)("parameters", LOGITS)
    assert logits is LOGITS
    assert targets.tolist() == CODES[ROWS].tolist() and weights.tolist() == WEIGHTS[ROWS].tolist()
    assert scorer(None, weights=None)("parameters", LOGITS)[2] is None


def test_minus_the_loss_is_by_its_formula():
    losses = -log_softmax(LOGITS, axis=1)[np.arange(5), CODES[ROWS]]
    expected = -(losses @ WEIGHTS[ROWS]) / WEIGHTS[ROWS].sum()
    assert scorer("loss")("parameters", LOGITS) == pytest.approx(expected)


def test_a_named_scorer_sees_the_users_labels_and_weights():
    names = NAMES[CODES[ROWS]][::-1]
    expected = balanced_accuracy_score(NAMES[CODES[ROWS]], names, sample_weight=WEIGHTS[ROWS])
    found = scorer("balanced_accuracy")(names, LOGITS)
    assert type(found) is float and found == pytest.approx(expected)


def test_a_function_gets_the_estimator_rows_and_labels_alone():
    seen = []

    def score(estimator, rows, y):
        seen.append((estimator.names, rows.tolist(), y.tolist()))
        return np.float32(0.5)

    assert scorer(score)("names", LOGITS) == 0.5
    assert seen == [("names", X[ROWS].tolist(), NAMES[CODES[ROWS]].tolist())]


def test_all_rows_may_be_a_set_of_their_own():
    names = NAMES[CODES]
    assert scorer("accuracy", rows=None, weights=None, expected=X)(names, LOGITS) == 1.0


def test_an_unknown_scorer_is_refused_at_once():
    with pytest.raises(ValueError, match="no_such_score"):
        scorer("no_such_score")
