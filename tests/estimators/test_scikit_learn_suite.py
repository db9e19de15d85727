"""scikit-learn's own tests of its MLP, of the version that is installed, with the import changed to treadle.

Nothing is copied: the file is read where scikit-learn has it, and each of its tests is one of this module's.
One that rests on private names, of scikit-learn's classes or modules, is left out by name, with where that
behaviour is tested through public names instead; a test below makes sure that it does rest on them.
"""

import ast
import types
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
from sklearn.exceptions import ConvergenceWarning

import treadle

SUITE = Path(find_spec("sklearn.neural_network").origin).parent / "tests" / "test_mlp.py"
MODULE = "sklearn.neural_network"

PRIVATE = {
    "test_fit": "test_one_step_of_gradient_descent below; sets eleven attributes in place of a first fit",
    "test_gradient": "tests/agreement, by finite differences; calls _loss_grad_lbfgs",
    "test_learning_rate_warmstart": "test_the_rate_goes_on_in_a_warm_start below; reads _optimizer",
    "test_adaptive_learning_rate": "test_the_adaptive_rate_falls below; reads _optimizer",
    "test_n_iter_no_change": "test_epochs_without_improvement_are_counted below; reads _no_improvement_count",
    "test_n_iter_no_change_inf": "test_an_infinite_patience_never_stops below; reads _no_improvement_count",
}


def with_treadle(tree):
    """The module's tree, with the classes of sklearn.neural_network from treadle."""
    changed = [node for node in tree.body if isinstance(node, ast.ImportFrom) and node.module == MODULE]
    for node in changed:
        node.module = "treadle"
    return len(changed)


TREE = ast.parse(SUITE.read_text("utf-8"), str(SUITE))
N_CHANGED = with_treadle(TREE)
TESTS = {
    node.name: node for node in TREE.body if isinstance(node, ast.FunctionDef) and node.name[:5] == "test_"
}


def run_module():
    module = types.ModuleType("sklearn_suite")
    exec(compile(TREE, str(SUITE), "exec"), module.__dict__)
    return module


MODULE_OF_TESTS = run_module()
for name in sorted(TESTS.keys() - PRIVATE.keys()):
    globals()[name] = getattr(MODULE_OF_TESTS, name)

# scikit-learn's runs do not turn warnings into errors; a few of these tests end before they converge.
pytestmark = pytest.mark.filterwarnings("default")


@pytest.fixture
def global_random_seed():
    """What scikit-learn's conftest gives by default."""
    return 42


def private_names(test):
    """Attributes that begin with an underscore, anywhere in a test."""
    return {
        node.attr for node in ast.walk(test) if isinstance(node, ast.Attribute) and node.attr.startswith("_")
    }


def test_the_import_was_changed_and_the_tests_are_there():
    assert N_CHANGED == 1
    assert MODULE_OF_TESTS.MLPClassifier is treadle.MLPClassifier
    assert MODULE_OF_TESTS.MLPRegressor is treadle.MLPRegressor
    assert len(TESTS) >= 30


def test_only_tests_of_private_names_are_left_out():
    assert {name for name, test in TESTS.items() if private_names(test)} == PRIVATE.keys() & TESTS.keys()


def test_every_exception_is_still_a_test_of_scikit_learn():
    assert PRIVATE.keys() <= TESTS.keys()


# What the tests that are left out ask for, by public names.


def test_one_step_of_gradient_descent():
    X, y, alpha, rate = np.array([[0.6, 0.8, 0.7]]), [0], 0.1, 0.1
    mlp = treadle.MLPClassifier(
        solver="sgd",
        learning_rate_init=rate,
        alpha=alpha,
        activation="logistic",
        hidden_layer_sizes=2,
        momentum=0,
        random_state=1,
    )
    mlp.partial_fit(X, y, classes=[0, 1])
    W1, W2 = np.array([[0.1, 0.2], [0.3, 0.1], [0.5, 0.0]]), np.array([[0.1], [0.2]])
    b1, b2 = np.array([0.1, 0.1]), np.array([1.0])
    mlp.coefs_, mlp.intercepts_ = [W1, W2], [b1, b2]
    mlp.partial_fit(X, y)

    def logistic(z):
        return 1 / (1 + np.exp(-z))

    h = logistic(X @ W1 + b1)
    d2 = logistic(h @ W2 + b2) - 0
    d1 = d2 @ W2.T * h * (1 - h)
    expected = (
        [W1 - rate * (X.T @ d1 + alpha * W1), W2 - rate * (h.T @ d2 + alpha * W2)],
        [b1 - rate * d1[0], b2 - rate * d2[0]],
    )
    for arrays, wanted in zip((mlp.coefs_, mlp.intercepts_), expected, strict=True):
        for array, want in zip(arrays, wanted, strict=True):
            np.testing.assert_allclose(array, want, rtol=1e-12)
    # The figures that scikit-learn's test has, worked out by hand there to three digits.
    np.testing.assert_allclose(mlp.coefs_[1].ravel(), [0.04706, 0.154089], atol=1e-3)
    assert abs(mlp.predict_proba(X)[0, 1] - 0.739) <= 1e-3


@pytest.mark.parametrize("learning_rate", ["constant", "invscaling"])
def test_the_rate_goes_on_in_a_warm_start(learning_rate):
    X, y = [[3, 2], [1, 6], [5, 6], [-2, -4]], [1, 1, 1, 0]
    mlp = treadle.MLPClassifier(
        solver="sgd",
        hidden_layer_sizes=4,
        learning_rate=learning_rate,
        max_iter=2,
        power_t=0.25,
        warm_start=True,
    )
    with pytest.warns(ConvergenceWarning):
        mlp.fit(X, y).fit(X, y)
    rows_seen = [0, 4, 0, 12]  # scikit-learn's first epoch of a fit has the initial rate
    powers = [1.0 if learning_rate == "constant" else (seen + 1) ** -0.25 for seen in rows_seen]
    np.testing.assert_allclose(mlp.history_["learning_rate"], mlp.learning_rate_init * np.array(powers))
    assert mlp.t_ == 16


def test_the_adaptive_rate_falls():
    X, y = [[3, 2], [1, 6]], [1, 0]
    mlp = treadle.MLPClassifier(tol=0.5, max_iter=3000, solver="sgd", learning_rate="adaptive").fit(X, y)
    assert mlp.n_iter_ < mlp.max_iter
    assert mlp.history_["learning_rate"][-1] <= 1e-6
    steps = np.unique(mlp.history_["learning_rate"])
    np.testing.assert_allclose(steps[1:] / steps[:-1], 5)


@pytest.mark.parametrize("n_iter_no_change", [2, 5, 10, 50])
def test_epochs_without_improvement_are_counted(n_iter_no_change):
    X, y = MODULE_OF_TESTS.X_digits_binary[:100], MODULE_OF_TESTS.y_digits_binary[:100]
    tol = 0.01
    options = {"tol": tol, "solver": "sgd", "n_iter_no_change": n_iter_no_change}
    mlp = treadle.MLPClassifier(max_iter=3000, random_state=0, **options).fit(X, y)
    assert mlp.n_iter_ < mlp.max_iter
    best = np.minimum.accumulate([np.inf, *mlp.loss_curve_[:-1]])
    stalled = np.array(mlp.loss_curve_) > best - tol
    assert stalled[-n_iter_no_change - 1 :].all() and not stalled[-n_iter_no_change - 2]


def test_an_infinite_patience_never_stops():
    X, y = MODULE_OF_TESTS.X_digits_binary[:100], MODULE_OF_TESTS.y_digits_binary[:100]
    mlp = treadle.MLPClassifier(tol=1e9, max_iter=50, solver="sgd", n_iter_no_change=np.inf)
    with pytest.warns(ConvergenceWarning):
        mlp.fit(X, y)
    assert mlp.n_iter_ == 50
