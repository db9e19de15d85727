"""What the rows of each class weigh in training."""

import numpy as np
import pytest
from sklearn.metrics import balanced_accuracy_score

from tests.estimators.mlp.mlp_cases import bits, blobs, labels
from treadle import InvalidInput, MLPClassifier

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


def classifier(**options):
    return MLPClassifier(**{"hidden_layer_sizes": 8, "random_state": 0, "max_iter": 5, "tol": 0} | options)


def test_balanced_weights_are_the_weights_of_rows_that_balance():
    X, y = blobs(90)
    y[:60] = 0  # 70, 10 and 10 rows
    counts = np.bincount(y)
    weights = (len(y) / (3 * counts))[y]
    balanced = classifier(class_weight="balanced").fit(X, y)
    assert bits(balanced) == bits(classifier().fit(X, y, weights))
    assert bits(balanced) == bits(classifier(class_weight=dict(enumerate(len(y) / (3 * counts)))).fit(X, y))
    assert bits(balanced) != bits(classifier().fit(X, y))
    # With weights of rows, classes are balanced by them.
    rows = np.random.default_rng(0).integers(1, 3, len(y)).astype(float)
    repeated = classifier(class_weight="balanced", solver="lbfgs").fit(
        X.repeat(rows.astype(int), 0), y.repeat(rows.astype(int))
    )
    weighted = classifier(class_weight="balanced", solver="lbfgs").fit(X, y, rows)
    np.testing.assert_allclose(weighted.predict_proba(X), repeated.predict_proba(X), rtol=1e-6)


def test_balanced_weights_help_a_rare_class():
    rng = np.random.default_rng(0)
    y = (rng.uniform(size=2000) < 0.03).astype(int)
    X = rng.standard_normal((2000, 2)) + 1.2 * y[:, np.newaxis]
    options = {"max_iter": 30, "learning_rate_init": 0.01}
    plain, balanced = (
        balanced_accuracy_score(y, classifier(class_weight=weight, **options).fit(X, y).predict(X))
        for weight in (None, "balanced")
    )
    assert balanced > plain + 0.2


def test_weights_of_classes_are_named_by_their_labels():
    X, y = blobs()
    names = np.array(["cat", "dog", "eel"])
    by_name = classifier(class_weight={"dog": 3.0}).fit(X, names[y])
    assert bits(by_name) == bits(classifier().fit(X, y, np.array([1, 3, 1.0])[y]))
    with pytest.raises(InvalidInput, match=r"class_weight has the label 'fox', which is none of the classes"):
        classifier(class_weight={"fox": 3.0}).fit(X, names[y])
    with pytest.raises(InvalidInput, match=r"class_weight=.* leaves no row of y with any weight"):
        classifier(class_weight={"cat": 0, "dog": 0, "eel": 0}).fit(X, names[y])
    with pytest.raises(InvalidInput, match=r"class_weight='balanced' needs all rows at once"):
        classifier(class_weight="balanced").partial_fit(X, y, classes=[0, 1, 2])
    with pytest.raises(
        InvalidInput, match=r"class_weight='balanced' is for one label a row; got an indicator"
    ):
        classifier(class_weight="balanced").fit(*labels())


def test_the_validation_score_is_without_weights_of_classes():
    X, y = blobs()
    options = {"early_stopping": True, "validation_fraction": 0.5, "max_iter": 1}
    fitted = classifier(class_weight={0: 1e-6}, **options).fit(X, y)
    assert round(fitted.validation_scores_[0] * 30, 6) % 1 == 0
