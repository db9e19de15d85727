"""The multilayer perceptrons against scikit-learn's: the same initial parameters, batches and held-out rows.

Both draw the same initial parameters from an integer seed. Batches and held-out rows scikit-learn draws from
the same stream, treadle from others; here scikit-learn is given treadle's. What then differs is arithmetic.
"""

import numpy as np
import pytest
import sklearn.neural_network
from sklearn.datasets import load_breast_cancer, load_digits, load_iris, load_wine
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import train_test_split
from sklearn.neural_network import _multilayer_perceptron
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import treadle
from treadle import MLPClassifier
from treadle.estimators.mlp.training_rows import split as split_rows
from treadle.training.batches import epoch_order

SEED = 5
# Both sum in float64, in another order; over some hundred steps rounding grows to no more than this.
TOLERANCE = 1e-10

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


def blobs(n_rows=120, n_classes=3):
    rng = np.random.default_rng(2)
    y = rng.integers(n_classes, size=n_rows)
    X = rng.standard_normal((n_rows, 4)) + 1.2 * np.eye(n_classes, 4)[y]
    return X, y


@pytest.fixture
def fit_twins(monkeypatch):
    """Fit both with the same arguments; returns (treadle's, scikit-learn's)."""

    def fit(X, y, sample_weight=None, make="MLPClassifier", **arguments):
        arguments = {"hidden_layer_sizes": (6, 5), "activation": "tanh", "random_state": SEED} | arguments
        epochs = iter(range(1, 1000))

        def split(*arrays, random_state, test_size, stratify):
            kept, held_out = split_rows(len(X), None, y, test_size, SEED, strictly=False)
            return [part for array in arrays for part in (array[kept], array[held_out])]

        monkeypatch.setattr(
            _multilayer_perceptron,
            "shuffle",
            lambda rows, random_state: epoch_order(SEED, next(epochs), len(rows)),
        )
        monkeypatch.setattr(_multilayer_perceptron, "train_test_split", split)
        theirs = getattr(sklearn.neural_network, make)(**arguments)
        return (
            getattr(treadle, make)(**arguments).fit(X, y, sample_weight),
            theirs.fit(X, y, sample_weight),
        )

    return fit


def assert_same(ours, theirs, X):
    assert ours.n_iter_ == theirs.n_iter_
    np.testing.assert_allclose(ours.loss_curve_, theirs.loss_curve_, rtol=0, atol=TOLERANCE)
    for name in ("coefs_", "intercepts_"):
        for mine, other in zip(getattr(ours, name), getattr(theirs, name), strict=True):
            np.testing.assert_allclose(mine, other, rtol=0, atol=TOLERANCE)
    predict = "predict_proba" if hasattr(ours, "predict_proba") else "predict"
    np.testing.assert_allclose(getattr(ours, predict)(X), getattr(theirs, predict)(X), rtol=0, atol=TOLERANCE)
    for name in ("n_features_in_", "n_layers_", "n_outputs_", "out_activation_", "t_"):
        assert getattr(ours, name) == getattr(theirs, name), name
    for name in ("loss_", "best_loss_", "best_validation_score_", "validation_scores_"):
        if getattr(theirs, name) is None:
            assert getattr(ours, name) is None, name
        else:
            np.testing.assert_allclose(getattr(ours, name), getattr(theirs, name), atol=TOLERANCE)


# scikit-learn adds epsilon before, treadle after, the correction of the second moment: with none, no matter.
ADAM = {"solver": "adam", "epsilon": 1e-30}
SGD = {"solver": "sgd", "learning_rate_init": 0.05}
# scikit-learn leaves a velocity at the old rate when a new one comes: without momentum, no matter.
PLAIN_SGD = SGD | {"momentum": 0.0}
# Of 120 rows; 40 and 30 divide them, for the penalty of a last, smaller batch differs.
CASES = {
    "adam, full batch": ADAM | {"max_iter": 60},
    "adam, mini-batches": ADAM | {"max_iter": 20, "batch_size": 40, "beta_1": 0.8, "beta_2": 0.99},
    "adam until it stalls": ADAM | {"learning_rate_init": 0.02, "tol": 1e-2, "n_iter_no_change": 3},
    "sgd, Nesterov, full batch": SGD | {"max_iter": 60},
    "sgd, Nesterov, mini-batches": SGD | {"max_iter": 20, "batch_size": 30},
    "sgd, momentum": SGD | {"max_iter": 20, "batch_size": 30, "nesterovs_momentum": False, "momentum": 0.5},
    "sgd, invscaling": PLAIN_SGD
    | {"max_iter": 20, "batch_size": 30, "learning_rate": "invscaling", "power_t": 0.2},
    "sgd, adaptive": PLAIN_SGD
    | {"max_iter": 40, "batch_size": 30, "learning_rate": "adaptive", "tol": 2e-2, "n_iter_no_change": 2},
    "sgd, adaptive, to its end": PLAIN_SGD
    | {"learning_rate": "adaptive", "tol": 1.0, "n_iter_no_change": 1, "learning_rate_init": 1e-4},
    "early stopping": ADAM
    | {"early_stopping": True, "validation_fraction": 0.25, "batch_size": 30, "n_iter_no_change": 4},
    "early stopping, adaptive": PLAIN_SGD
    | {
        "early_stopping": True,
        "learning_rate": "adaptive",
        "learning_rate_init": 0.001,
        "validation_fraction": 0.25,
        "batch_size": 30,
        "n_iter_no_change": 2,
    },
    "strong penalty": SGD | {"max_iter": 20, "batch_size": 40, "alpha": 20.0},
    "logistic": ADAM | {"activation": "logistic", "max_iter": 30},
    "relu": SGD | {"activation": "relu", "max_iter": 30},
    "identity": SGD | {"activation": "identity", "max_iter": 30},
    "no hidden layer": SGD | {"hidden_layer_sizes": (), "max_iter": 30},
}


@pytest.mark.parametrize("arguments", CASES.values(), ids=CASES)
def test_follows_scikit_learn(fit_twins, arguments):
    X, y = blobs()
    assert_same(*fit_twins(X, y, **arguments), X)


def test_follows_scikit_learn_with_sample_weights(fit_twins):
    X, y = blobs()
    weights = np.random.default_rng(1).uniform(0.1, 3, len(y))
    assert_same(*fit_twins(X, y, weights, **SGD, max_iter=30, alpha=0.5), X)


def test_follows_scikit_learn_with_sample_weights_in_the_validation_score(fit_twins):
    X, y = blobs()
    weights = np.random.default_rng(1).uniform(0.1, 3, len(y))
    case = CASES["early stopping"] | {"alpha": 0.0, "tol": 0.0}
    assert_same(*fit_twins(X, y, weights, **case), X)


BRIEF = {
    "adam": ADAM | {"max_iter": 30, "batch_size": 40},
    "sgd": SGD | {"max_iter": 30, "batch_size": 30},
    "early stopping": CASES["early stopping"] | {"max_iter": 30},
}


@pytest.mark.parametrize("arguments", BRIEF.values(), ids=BRIEF)
def test_two_classes_follow_scikit_learn(fit_twins, arguments):
    X, y = blobs(n_classes=2)
    assert_same(*fit_twins(X, np.array(["no", "yes"])[y], **arguments), X)


@pytest.mark.parametrize("arguments", [BRIEF["adam"], BRIEF["sgd"]], ids=["adam", "sgd"])
def test_several_labels_a_row_follow_scikit_learn(fit_twins, arguments):
    X, _ = blobs()
    Y = (X[:, :3] + X[:, 1:] > 0).astype(int)
    assert_same(*fit_twins(X, Y, **arguments), X)


@pytest.mark.parametrize("loss", ["squared_error", "poisson"])
@pytest.mark.parametrize("arguments", [BRIEF["adam"], BRIEF["sgd"]], ids=["adam", "sgd"])
def test_regression_follows_scikit_learn(fit_twins, loss, arguments):
    X, y = blobs()
    y = np.abs(X[:, 0] + y)
    weights = np.random.default_rng(1).uniform(0.1, 3, len(y))
    for sample_weight in (None, weights):
        options = arguments | {"alpha": 0.0}  # whose share scikit-learn takes from each batch's weights
        assert_same(*fit_twins(X, y, sample_weight, "MLPRegressor", loss=loss, **options), X)


@pytest.mark.parametrize("n_outputs", [2, 3])
def test_several_outputs_follow_scikit_learn_but_for_the_loss_that_it_tells(fit_twins, n_outputs):
    X, _ = blobs()
    Y = X[:, :n_outputs] ** 2
    ours, theirs = fit_twins(X, Y, make="MLPRegressor", alpha=0.0, tol=0.0, **BRIEF["adam"])
    np.testing.assert_allclose(ours.predict(X), theirs.predict(X), rtol=0, atol=TOLERANCE)
    # Both follow the gradient of the sum over outputs; scikit-learn tells the mean.
    np.testing.assert_allclose(ours.loss_curve_, n_outputs * np.array(theirs.loss_curve_), rtol=1e-10)


@pytest.mark.parametrize("make", ["MLPClassifier", "MLPRegressor"])
def test_lbfgs_follows_scikit_learn(fit_twins, make):
    X, y = blobs()
    weights = np.random.default_rng(1).uniform(0.1, 3, len(y))
    for sample_weight in (None, weights):
        ours, theirs = fit_twins(X, y, sample_weight, make, solver="lbfgs", alpha=0.5, max_iter=15)
        assert ours.n_iter_ == theirs.n_iter_ == 15
        assert ours.loss_ == pytest.approx(theirs.loss_, rel=1e-6)
        for mine, other in zip(ours.coefs_, theirs.coefs_, strict=True):
            np.testing.assert_allclose(mine, other, atol=1e-5)
    assert len(ours.loss_curve_) == 15 and ours.loss_curve_[-1] == ours.loss_


def test_the_comparison_sees_another_penalty(fit_twins):
    X, y = blobs()
    ours, theirs = fit_twins(X, y, **SGD, max_iter=5)
    ours.set_params(alpha=ours.alpha * 1.01).fit(X, y)
    with pytest.raises(AssertionError):
        assert_same(ours, theirs, X)


def test_adaptive_gives_up_once_the_rate_is_least():
    X, y = blobs()
    arguments = CASES["sgd, adaptive, to its end"]
    fitted = MLPClassifier(random_state=SEED, **arguments).fit(X, y)
    # Stalls after 1 + 2 epochs, then after each 2, at rates 1e-4 / 5**(0, 1, 2, 3): the last is below 1e-6.
    assert fitted.n_iter_ == 3 + 3 * 2


@pytest.mark.parametrize("load", [load_iris, load_wine, load_breast_cancer, load_digits])
def test_classifies_as_well_as_scikit_learn(load):
    X, y = load(return_X_y=True)
    X_train, X_test, y_train, y_test = train_test_split(X, y, test_size=0.4, random_state=0, stratify=y)
    scores = [
        make_pipeline(
            StandardScaler(), make((30,), learning_rate_init=0.01, max_iter=40, random_state=0, batch_size=50)
        )
        .fit(X_train, y_train)
        .score(X_test, y_test)
        for make in (MLPClassifier, sklearn.neural_network.MLPClassifier)
    ]
    assert scores[0] >= 0.94
    # Other random numbers: two of iris's 60 test rows, and more of the others, may go either way.
    assert scores[0] >= scores[1] - 0.035


def test_warns_where_scikit_learn_does(fit_twins):
    X, y = blobs()
    with pytest.warns(ConvergenceWarning) as caught:
        fit_twins(X, y, max_iter=2)
    assert len(caught) == 2
