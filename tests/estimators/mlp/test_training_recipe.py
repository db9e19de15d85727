"""From hyper-parameters to what training takes: scikit-learn's defaults and words, and what they refuse."""

import numpy as np
import pytest
import sklearn.neural_network

from treadle import MLPClassifier, MLPRegressor
from treadle.errors import InvalidInput
from treadle.estimators.mlp.training_recipe import (
    batch_size_of,
    check_together,
    dtype_of,
    network_of,
    one_epoch,
    optimizer_of,
    scikit_learns_generator,
    whole_fit,
)
from treadle.optimizers import SGD, Adam, AdamW, Adaptive, Constant, Cosine, InverseScaling, OneCycle


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"hidden_layer_sizes": (3, 2.5)}, r"hidden_layer_sizes must be integers above 0; got \(3, 2\.5\)"),
        ({"hidden_layer_sizes": (3, 0)}, r"hidden_layer_sizes must be > 0, got \[3, 0\]\."),
        (
            {"weight_decay": 0.1, "solver": "sgd"},
            "weight_decay=0.1 needs solver='adam', .*; got 'sgd': use alp",
        ),
        (
            {"n_threads": 2, "engine": "torch"},
            "n_threads=2 is for treadle's own engines; for engine='torch' ca",
        ),
        (
            {"solver": "lbfgs", "dropout": 0.5},
            "dropout=0.5 is for the solvers adam and sgd; got solver='lbfgs'",
        ),
        ({"solver": "lbfgs", "batch_norm": [False, True]}, r"batch_norm=\[False, True\] is for the solvers"),
        (
            {"solver": "lbfgs", "learning_rate": "cosine"},
            "learning_rate='cosine' is for the solvers adam and",
        ),
        (
            {"solver": "lbfgs", "precision": "bfloat16"},
            "precision='bfloat16' is for the solvers adam and sgd",
        ),
    ],
)
def test_what_does_not_go_together_is_refused(options, message):
    with pytest.raises(InvalidInput, match=message):
        check_together(MLPClassifier(**options))


@pytest.mark.parametrize(
    "options",
    [{}, {"solver": "lbfgs", "dropout": (0.0, 0.0), "batch_norm": [False]}, {"hidden_layer_sizes": ()}],
)
def test_what_goes_together_is_let_pass(options):
    check_together(MLPRegressor(**options))


@pytest.mark.parametrize(
    ("precision", "expected"), [("auto", None), ("float32", "f4"), ("float64", "f8"), ("bfloat16", "f4")]
)
@pytest.mark.parametrize("X", ["u1", "f4", "f8"])
def test_parameters_have_the_precision_that_is_asked_for_or_that_of_doubles(precision, expected, X):
    found = dtype_of(MLPClassifier(precision=precision), np.zeros((1, 1), X))
    assert np.dtype(found) == np.dtype(expected or ("f8" if X == "f8" else "f4"))


@pytest.mark.parametrize("sizes", [5, (5,), [5, 3], np.array([5, 3]), ()])
def test_the_network_has_the_layers_of_scikit_learns(sizes):
    X, y = np.arange(12.0).reshape(6, 2), np.arange(6) % 3
    options = {"hidden_layer_sizes": sizes, "max_iter": 1}
    with pytest.warns(UserWarning):
        theirs = sklearn.neural_network.MLPClassifier(**options).fit(X, y)
    network = network_of(MLPClassifier(**options), 2, 3, "softmax")
    assert [(layer.n_in, layer.n_out) for layer in network.layers] == [W.shape for W in theirs.coefs_]
    hash(network)


def test_a_batch_is_200_rows_or_all_there_are():
    assert batch_size_of(MLPClassifier(), 1000) == 200 and batch_size_of(MLPClassifier(), 50) == 50
    assert batch_size_of(MLPClassifier(batch_size=7), 50) == 7
    with pytest.warns(UserWarning, match="Got `batch_size` less than 1 or larger than sample size"):
        assert batch_size_of(MLPClassifier(batch_size=70), 50) == 50


def test_update_rules_have_the_numbers_that_are_given():
    given = {"beta_1": 0.8, "beta_2": 0.95, "epsilon": 1e-5}
    assert optimizer_of(MLPClassifier(**given)) == Adam(0.8, 0.95, 1e-5)
    assert optimizer_of(MLPClassifier(**given, weight_decay=0.2)) == AdamW(0.8, 0.95, 1e-5, 0.2)
    sgd = MLPClassifier(solver="sgd", momentum=0.7, nesterovs_momentum=False)
    assert optimizer_of(sgd) == SGD(momentum=0.7, nesterov=False)


@pytest.mark.parametrize(
    ("options", "schedule"),
    [
        ({}, Constant()),
        ({"learning_rate": "one_cycle"}, OneCycle()),
        ({"learning_rate": "cosine"}, Cosine()),
        (
            {"learning_rate": "invscaling", "power_t": 0.3, "solver": "sgd"},
            InverseScaling(0.3, rows_before=11),
        ),
        ({"learning_rate": "adaptive", "solver": "sgd", "tol": 0.2}, Adaptive(0.2, 10)),
        ({"learning_rate": "invscaling"}, Constant()),  # as scikit-learn: of Adam only where it plans nothing
        ({"learning_rate": "adaptive"}, Constant()),
    ],
)
def test_a_whole_fit_is_planned_by_the_named_schedule(options, schedule):
    plan = whole_fit(MLPClassifier(max_iter=9, learning_rate_init=0.3, shuffle=False, **options), 5, 11)
    assert (plan.n_epochs, plan.learning_rate, plan.seed, plan.shuffled) == (9, 0.3, 5, False)
    assert plan.schedule == schedule


def test_one_epoch_has_the_rate_that_a_whole_fit_would_have_there():
    falling = MLPClassifier(solver="sgd", learning_rate="invscaling", power_t=0.5, learning_rate_init=0.4)
    plan = one_epoch(falling, 5, 99, [1.0, 0.5])
    # scikit-learn: init / (t + 1)^power_t, t the rows seen before.
    assert plan.learning_rate == pytest.approx(0.4 / 100**0.5)
    assert (plan.n_epochs, plan.epochs_before, plan.schedule) == (1, 2, Constant())
    stalled = MLPClassifier(
        solver="sgd", learning_rate="adaptive", n_iter_no_change=1, learning_rate_init=0.5
    )
    rates = [one_epoch(stalled, 5, 0, [1.0] * n).learning_rate for n in range(5)]
    assert rates == pytest.approx([0.5, 0.5, 0.5, 0.1, 0.1])


@pytest.mark.parametrize("name", ["one_cycle", "cosine"])
def test_a_rate_that_plans_a_whole_fit_has_no_single_epoch(name):
    with pytest.raises(
        InvalidInput, match=f"learning_rate='{name}' plans a whole fit, which partial_fit does"
    ):
        one_epoch(MLPClassifier(learning_rate=name), 0, 0, [])


def test_initial_parameters_come_from_scikit_learns_stream():
    draws = scikit_learns_generator(7).uniform(-1, 1, 5)
    np.testing.assert_allclose(draws, np.random.RandomState(7).uniform(-1, 1, 5), rtol=1e-15)
