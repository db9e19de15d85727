import numpy as np
import pytest
from sklearn.datasets import load_digits
from sklearn.exceptions import NotFittedError
from sklearn.metrics import log_loss
from sklearn.model_selection import train_test_split

from tests.estimators.estimator_cases import MANY, MANY_X, NAMES, TARGETS, X, fitted
from treadle import MLPClassifier, MLPRegressor
from treadle.errors import InvalidInput


def overconfident():
    """A network trained to certainty on few of the digits, and the others in two halves."""
    X, y = load_digits(return_X_y=True)
    rng = np.random.default_rng(0)
    y = np.where(rng.random(len(y)) < 0.1, rng.integers(0, 10, len(y)), y)  # a tenth of the labels is noise
    X_train, X_rest, y_train, y_rest = train_test_split(X / 16, y, train_size=500, random_state=0)
    mlp = fitted(
        MLPClassifier, X_train, y_train, hidden_layer_sizes=50, max_iter=150, learning_rate_init=0.01
    )
    return mlp, *train_test_split(X_rest, y_rest, test_size=0.5, random_state=0)


def test_it_makes_an_overconfident_network_honest_on_rows_that_it_never_saw():
    mlp, X_cal, X_test, y_cal, y_test = overconfident()
    before, predicted = log_loss(y_test, mlp.predict_proba(X_test)), mlp.predict(X_test)
    assert mlp.calibrate(X_cal, y_cal) is mlp
    assert mlp.temperature_ > 1.5
    after = log_loss(y_test, mlp.predict_proba(X_test))
    assert after < 0.8 * before
    np.testing.assert_array_equal(mlp.predict(X_test), predicted)
    np.testing.assert_array_equal(mlp.classes_[mlp.predict_proba(X_test).argmax(axis=1)], predicted)


@pytest.mark.parametrize("case", ["three classes, texts", "two classes, booleans", "several labels"])
def test_no_other_temperature_has_a_smaller_cross_entropy(case):
    _, X, y = TARGETS[case]
    mlp = fitted(MLPClassifier, X, y).calibrate(X, y)
    assert mlp.temperature_ != 1

    def loss(temperature):
        mlp.temperature_ = temperature
        log_p = mlp.predict_log_proba(X)
        if case == "several labels":
            p = np.exp(log_p)
            return -np.mean(np.where(y, log_p, np.log1p(-p)))
        return -np.mean(log_p[np.arange(len(y)), np.searchsorted(mlp.classes_, y)])

    best = mlp.temperature_
    at_best = loss(best)
    assert at_best <= min(loss(best * 1.01), loss(best / 1.01))
    assert at_best < loss(1.0)


def test_weights_count_as_rows():
    mlp = fitted(MLPClassifier, X, NAMES)
    counts = np.random.default_rng(0).integers(0, 3, len(X))
    weighted = mlp.calibrate(X, NAMES, sample_weight=counts).temperature_
    repeated = mlp.calibrate(np.repeat(X, counts, axis=0), np.repeat(NAMES, counts)).temperature_
    assert weighted == pytest.approx(repeated, rel=1e-7)


def test_another_fit_forgets_it():
    mlp = fitted(MLPClassifier, X, NAMES)
    assert mlp.temperature_ == 1
    assert mlp.calibrate(X, NAMES).temperature_ != 1
    mlp.partial_fit(X, NAMES)
    assert mlp.temperature_ == 1


@pytest.mark.parametrize(
    ("X", "y", "weights", "message"),
    [
        (X, np.where(NAMES == "setosa", "rose", NAMES), None, r"has classes not in `self\.classes_`"),
        (X, NAMES[:-1], None, "inconsistent numbers of samples"),
        (X, NAMES, -np.ones(len(X)), "sample_weight"),
        (X[:, :2], NAMES, None, "X has 2 features, but MLPClassifier is expecting 4"),
        (X, [np.nan] * len(X), None, "y contains NaN|Input y contains NaN"),
        (X[:0], NAMES[:0], None, "minimum of 1 is required"),
    ],
)
def test_bad_rows_are_refused(X, y, weights, message):
    mlp = fitted(MLPClassifier, *TARGETS["three classes, texts"][1:])
    with pytest.raises(ValueError, match=message):
        mlp.calibrate(X, y, weights)
    assert mlp.temperature_ == 1


def test_an_indicator_matrix_of_other_columns_is_refused():
    mlp = fitted(MLPClassifier, MANY_X, MANY)
    with pytest.raises(InvalidInput, match="an indicator matrix of 3 columns"):
        mlp.calibrate(MANY_X, MANY[:, :2])


def test_what_is_not_fitted_and_what_has_no_probabilities():
    with pytest.raises(NotFittedError):
        MLPClassifier().calibrate(X, NAMES)
    assert not hasattr(MLPRegressor(), "calibrate")
