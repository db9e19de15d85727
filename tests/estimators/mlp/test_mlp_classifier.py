import math
import pickle
import subprocess
import sys

import numpy as np
import pytest
from sklearn import neural_network
from sklearn.base import clone
from sklearn.datasets import load_digits
from sklearn.exceptions import ConvergenceWarning, NotFittedError
from sklearn.model_selection import GridSearchCV
from sklearn.utils import estimator_checks
from sklearn.utils.estimator_checks import parametrize_with_checks

from tests.estimators.mlp.mlp_cases import expected_failures
from treadle import (
    Adam,
    Constant,
    InvalidInput,
    MLPClassifier,
    Network,
    Objective,
    Parameters,
    TrainingDiverged,
    TrainingLoop,
    TrainingPlan,
    TrainingProblem,
)
from treadle.engines.numpy_engine import NumpyEngine
from treadle.estimators.mlp import fitting
from treadle.estimators.mlp.training_rows import X_DTYPES

ignores_convergence = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


def data(n_rows=60, n_classes=3, dtype=np.float64):
    rng = np.random.default_rng(4)
    y = np.arange(n_rows) % n_classes
    return (rng.standard_normal((n_rows, 4)) + 3 * np.eye(n_classes, 4)[y]).astype(dtype), y


def classifier(**arguments):
    return MLPClassifier(**{"hidden_layer_sizes": 8, "random_state": 0, "max_iter": 5, "tol": 0} | arguments)


@pytest.fixture
def fit(recwarn):
    """Fit where training to its end is not the point."""

    def fit(X=None, y=None, sample_weight=None, **arguments):
        if X is None:
            X, y = data()
        return classifier(**arguments).fit(X, y, sample_weight)

    yield fit
    assert {w.category for w in recwarn} <= {ConvergenceWarning}


def scikit_learns_stream(seed):
    """As a Generator of NumPy, the numbers that a RandomState of that seed gives."""
    bits = np.random.MT19937()
    bits.state = np.random.RandomState(seed).get_state(legacy=False)
    return np.random.Generator(bits)


def bits(fitted):
    return b"".join(array.tobytes() for array in (*fitted.coefs_, *fitted.intercepts_))


@ignores_convergence
@parametrize_with_checks(
    [
        MLPClassifier(10, max_iter=60, learning_rate_init=0.03),
        MLPClassifier(
            10,
            solver="sgd",
            early_stopping=True,
            learning_rate="adaptive",
            learning_rate_init=0.1,
            max_iter=50,
            validation_fraction=0.3,
        ),
    ],
    expected_failed_checks=expected_failures,
)
def test_keeps_scikit_learns_contract(estimator, check):
    check(estimator)


@ignores_convergence
@pytest.mark.parametrize("name", ["MLPClassifier", "MLPRegressor"])
@pytest.mark.parametrize("check_name", sorted(expected_failures(MLPClassifier(early_stopping=True))))
def test_scikit_learns_own_fails_what_is_expected_to_fail(name, check_name):
    # Called by itself: for its own classifier scikit-learn changes the solver to lbfgs before the check of
    # sample weights, and lbfgs holds no rows out.
    own = getattr(neural_network, name)(hidden_layer_sizes=10, early_stopping=True, validation_fraction=0.3)
    with pytest.raises((AssertionError, AttributeError, ValueError)):
        getattr(estimator_checks, check_name)(name, own)


def test_is_loaded_with_scikit_learn_only_when_it_is_touched():
    program = (
        "import sys, treadle; assert 'sklearn' not in sys.modules; treadle.MLPClassifier; "
        "assert 'sklearn' in sys.modules; assert not {'torch', 'matplotlib'} & sys.modules.keys()"
    )
    subprocess.run([sys.executable, "-c", program], check=True)


# Parameters whose change must show, with what else it takes for that.
EFFECTS = [
    ({"hidden_layer_sizes": (8, 8)}, {}),
    ({"activation": "gelu"}, {}),
    ({"solver": "sgd"}, {}),
    ({"alpha": 1.0}, {}),
    ({"batch_size": 7}, {}),
    *(({"learning_rate": name}, {}) for name in ("one_cycle", "cosine")),
    ({"learning_rate": "invscaling"}, {"solver": "sgd"}),
    ({"learning_rate": "adaptive"}, {"solver": "sgd", "tol": 1.0, "n_iter_no_change": 1}),
    ({"shuffle": False}, {"batch_size": 7}),
    ({"learning_rate_init": 0.01}, {}),
    ({"power_t": 0.1}, {"solver": "sgd", "learning_rate": "invscaling"}),
    ({"max_iter": 4}, {}),
    ({"random_state": 1}, {}),
    ({"tol": 1.0}, {"n_iter_no_change": 1}),
    ({"momentum": 0.5}, {"solver": "sgd"}),
    ({"nesterovs_momentum": False}, {"solver": "sgd"}),
    ({"early_stopping": True}, {}),
    ({"validation_fraction": 0.5}, {"early_stopping": True}),
    ({"beta_1": 0.5}, {}),
    ({"beta_2": 0.5}, {}),
    ({"epsilon": 1e-2}, {}),
    ({"n_iter_no_change": 1}, {"tol": 1.0, "max_iter": 20}),
    ({"max_fun": 3}, {"solver": "lbfgs"}),
    ({"scoring": "neg_log_loss"}, {"early_stopping": True, "max_iter": 40, "learning_rate_init": 0.1}),
    ({"dropout": 0.5}, {}),
    ({"batch_norm": True}, {}),
    ({"weight_decay": 0.1}, {}),
    ({"class_weight": {0: 5}}, {}),
    ({"precision": "float32"}, {}),
    ({"label_smoothing": 0.2}, {}),
    ({"input_scale": 0.5}, {}),
]


@pytest.mark.parametrize(("change", "setting"), EFFECTS, ids=lambda d: ",".join(f"{k}={d[k]}" for k in d))
def test_every_parameter_has_an_effect(fit, change, setting):
    assert bits(fit(**setting)) != bits(fit(**setting | change))


def test_the_table_of_effects_is_complete():
    names = {name for change, _ in EFFECTS for name in change}
    elsewhere = {"engine", "n_threads", "verbose", "warm_start", "callbacks"}
    assert names | elsewhere == set(MLPClassifier().get_params())


def test_one_random_state_gives_one_result(fit):
    arguments = {"dropout": 0.3, "batch_size": 7}
    assert bits(fit(**arguments)) == bits(fit(**arguments))


def test_random_state_is_the_seed_of_initial_parameters_order_and_dropout(fit):
    X, y = data()
    network = Network((4, 8, 3), dropout=0.3)
    problem = TrainingProblem(network, Objective(l2=0.01 / 7), Adam(), X, y, 7, noise_seed=5)
    loop = TrainingLoop(
        NumpyEngine(),
        problem,
        TrainingPlan(5, 0.001, Constant(), 5),
        Parameters.initialise(network, "glorot", scikit_learns_stream(5), X.dtype),
    )
    by_hand = [record.train_loss for record in loop.epochs()]
    fitted = fit(X, y, random_state=5, dropout=0.3, batch_size=7, alpha=0.01, engine="numpy")
    assert fitted.loss_curve_ == by_hand


def test_a_random_state_object_goes_on_from_fit_to_fit(fit):
    first, again = (
        fit(random_state=np.random.RandomState(3)),
        fit(random_state=np.random.RandomState(3)),
    )
    assert bits(first) == bits(again)
    assert bits(first.fit(*data())) != bits(again)


def test_without_random_state_two_fits_differ(fit):
    assert bits(fit(random_state=None)) != bits(fit(random_state=None))


@pytest.mark.parametrize(
    ("given", "trained"),
    [
        (np.float64, np.float64),
        (np.float32, np.float32),
        (np.uint8, np.float32),
        (np.int64, np.float64),
        (np.float16, np.float64),
    ],
)
def test_parameters_have_the_float_type_that_goes_with_x(fit, given, trained):
    X, y = data()
    X = (20 * (X + 6)).astype(given)
    fitted = fit(X, y, input_scale=1 / 255)
    assert {array.dtype for array in (*fitted.coefs_, *fitted.intercepts_)} == {np.dtype(trained)}
    assert fitted.predict_proba(X).dtype == trained


@pytest.mark.parametrize("dtype", X_DTYPES)
def test_x_is_trained_on_without_a_copy(monkeypatch, fit, dtype):
    seen = []

    def spy(engine, problem, *others, **options):
        seen.append(problem.X)
        return loop(engine, problem, *others, **options)

    loop = fitting.TrainingLoop
    monkeypatch.setattr(fitting, "TrainingLoop", spy)
    X, y = data()
    X = (20 * (X + 6)).astype(dtype)
    fit(X, y)
    assert seen[0].dtype == dtype
    assert np.shares_memory(seen[0], X)


def test_pixels_stay_uint8_and_give_what_scaled_floats_give(fit):
    X, y = load_digits(return_X_y=True)
    pixels = X[:300].astype(np.uint8)
    scaled = pixels.astype(np.float32) * np.float32(1 / 16)
    kept, converted = fit(pixels, y[:300], input_scale=1 / 16), fit(scaled, y[:300])
    assert bits(kept) == bits(converted)
    np.testing.assert_array_equal(kept.predict_proba(pixels), converted.predict_proba(scaled))


def test_weights_are_repetitions_in_a_full_batch():
    X, y = data()
    weights = np.random.default_rng(0).integers(0, 4, len(y))
    arguments = {"solver": "sgd", "max_iter": 50, "alpha": 0.3, "tol": 0, "n_iter_no_change": math.inf}
    with pytest.warns(ConvergenceWarning):
        weighted = classifier(**arguments).fit(X, y, weights)
        repeated = classifier(**arguments).fit(X.repeat(weights, axis=0), y.repeat(weights))
    np.testing.assert_allclose(weighted.loss_curve_, repeated.loss_curve_, rtol=1e-12)
    np.testing.assert_allclose(weighted.predict_proba(X), repeated.predict_proba(X), rtol=1e-10)


def test_rows_of_weight_zero_are_left_out_of_mini_batches_too(fit):
    X, y = data()
    weights = np.ones(len(y))
    weights[::4] = 0
    kept = weights > 0
    assert bits(fit(X, y, weights, batch_size=7)) == bits(fit(X[kept], y[kept], weights[kept], batch_size=7))


def test_a_class_without_weight_is_still_a_class(fit):
    X, y = data()
    fitted = fit(X, y, (y != 2).astype(float), early_stopping=True)
    assert fitted.predict_proba(X).shape == (len(y), 3)


@pytest.mark.parametrize("weights", [np.ones(59), np.ones((60, 1))])
def test_refuses_weights_of_another_shape(weights):
    with pytest.raises(InvalidInput, match=r"sample_weight must have a weight for each of the 60 rows; got"):
        classifier().fit(*data(), sample_weight=weights)


@pytest.mark.parametrize("weights", [np.zeros(60), -np.ones(60), np.full(60, 1e308)])
def test_refuses_weights_that_cannot_weigh(weights):
    message = (
        r"sample_weight must be at least 0 and finite, with a finite sum, and not all zero; got weights from"
    )
    with pytest.raises(InvalidInput, match=message), np.errstate(over="ignore"):
        classifier().fit(*data(), sample_weight=weights)


@pytest.mark.parametrize(
    "labels", [["cat", "dog", "eel"], [-1, 7, 30], [0.0, 1.0, 2.0]], ids=["strings", "integers", "floats"]
)
def test_predicts_the_labels_given(fit, labels):
    X, y = data()
    labels = np.array(labels)
    fitted = fit(X, labels[y], learning_rate_init=0.1, max_iter=20)
    np.testing.assert_array_equal(fitted.classes_, labels)
    assert fitted.predict(X).dtype == labels.dtype
    assert fitted.score(X, labels[y]) > 0.9


def test_two_classes_have_one_logistic_output(fit):
    X, y = data(n_classes=2)
    fitted = fit(X, y)
    assert (fitted.n_outputs_, fitted.out_activation_) == (1, "logistic")
    assert fitted.coefs_[-1].shape == (8, 1)
    np.testing.assert_allclose(fitted.predict_proba(X).sum(axis=1), 1)


def test_one_class_is_always_predicted(fit):
    X, _ = data()
    assert set(fit(X, ["only"] * len(X)).predict(X)) == {"only"}


def test_log_probabilities_are_finite_where_probabilities_are_zero(fit):
    fitted = fit()
    X = 1e5 * data()[0]
    assert (fitted.predict_proba(X) == 0).any()
    assert np.isfinite(fitted.predict_log_proba(X)).all()


def test_a_fit_that_failed_leaves_nothing_to_predict_with():
    X, y = data()
    unfitted = classifier(solver="sgd", learning_rate_init=1e200, activation="identity")
    with pytest.raises(TrainingDiverged), np.errstate(all="ignore"):
        unfitted.fit(1e100 * X, y)
    with pytest.raises(NotFittedError):
        unfitted.predict(X)


def test_a_fitted_classifier_survives_pickling(fit):
    X, _ = data()
    fitted = fit()
    again = pickle.loads(pickle.dumps(fitted))
    np.testing.assert_array_equal(again.predict_proba(X), fitted.predict_proba(X))
    assert again.get_params() == fitted.get_params()


def test_a_clone_has_the_parameters_and_no_more(fit):
    fitted = fit(dropout=0.1)
    copy = clone(fitted)
    assert copy.get_params() == fitted.get_params()
    assert not any(name.endswith("_") for name in vars(copy))


def test_prediction_goes_by_coefs_and_intercepts(fit):
    X, _ = data()
    fitted = fit()
    fitted.coefs_[-1][:] = 0
    fitted.intercepts_[-1][:] = np.log([0.5, 0.3, 0.2])
    np.testing.assert_allclose(fitted.predict_proba(X), [[0.5, 0.3, 0.2]] * len(X))


@ignores_convergence
def test_can_be_searched_over():
    X, y = data()
    search = GridSearchCV(
        classifier(max_iter=20), {"dropout": [0, 0.2], "learning_rate_init": [1e-6, 0.1]}, cv=2, n_jobs=1
    )
    assert search.fit(X, y).best_params_["learning_rate_init"] == 0.1
    assert search.best_score_ > 0.8


def test_feature_names_are_kept_and_checked(fit):
    pandas = pytest.importorskip("pandas")
    X, y = data()
    frame = pandas.DataFrame(X, columns=list("abcd"))
    fitted = fit(frame, pandas.Series(y))
    assert list(fitted.feature_names_in_) == list("abcd")
    np.testing.assert_array_equal(fitted.predict_proba(frame), fit(X, y).predict_proba(X))
    with pytest.raises(ValueError, match="feature names should match"):
        fitted.predict(frame[list("dcba")])


def test_torch_trains_the_same_network(fit):
    pytest.importorskip("torch")
    X, y = data()
    arguments = {"dropout": 0.2, "label_smoothing": 0.1, "batch_size": 7}
    by_torch, by_numpy = (fit(X, y, engine=name, **arguments) for name in ("torch", "numpy"))
    assert (by_torch.engine_, by_numpy.engine_) == ("torch", "numpy")
    np.testing.assert_allclose(by_torch.loss_curve_, by_numpy.loss_curve_, rtol=1e-10)
    np.testing.assert_allclose(by_torch.predict_proba(X), by_numpy.predict_proba(X), rtol=1e-8)


def test_warns_that_max_iter_came_before_the_end():
    for early_stopping in (False, True):
        with pytest.warns(ConvergenceWarning, match=r"Maximum iterations \(3\) reached and the optimization"):
            classifier(max_iter=3, early_stopping=early_stopping).fit(*data())


@pytest.mark.parametrize("schedule", ["one_cycle", "cosine"])
def test_a_planned_schedule_is_run_to_its_end_without_a_warning(schedule):
    fitted = classifier(learning_rate=schedule, max_iter=15, tol=100, n_iter_no_change=1).fit(*data())
    assert fitted.n_iter_ == 15


def test_early_stopping_ends_a_planned_schedule():
    arguments = {"early_stopping": True, "tol": 1.0, "n_iter_no_change": 3}
    assert classifier(learning_rate="one_cycle", max_iter=15, **arguments).fit(*data()).n_iter_ == 5


def test_early_stopping_keeps_the_best_epoch(fit):
    X, y = data()
    arguments = {"early_stopping": True, "learning_rate_init": 0.05, "validation_fraction": 0.5}
    stopped = fit(X, y, max_iter=30, **arguments)
    best = int(np.argmax(stopped.validation_scores_))
    assert best + 1 < stopped.n_iter_
    assert stopped.best_validation_score_ == stopped.validation_scores_[best]
    assert bits(stopped) == bits(fit(X, y, max_iter=best + 1, **arguments))


def test_early_stopping_holds_rows_out_of_training(fit):
    assert fit(early_stopping=True, validation_fraction=0.25, max_iter=2).t_ == 2 * 45


def test_early_stopping_takes_few_rows_of_many_classes(fit):
    X, _ = data(12)
    assert len(fit(X, np.arange(12), early_stopping=True).classes_) == 12


def test_warns_that_a_batch_is_larger_than_the_data():
    with pytest.warns(
        UserWarning,
        match=r"Got `batch_size` less than 1 or larger than sample size\. It is going to be clipped",
    ) as caught:
        classifier(batch_size=61, learning_rate="cosine").fit(*data())
    assert len(caught) == 1


def test_divergence_is_an_error():
    X, y = data()
    with (
        pytest.raises(TrainingDiverged, match=r"epoch \d+: the loss became .*try a smaller learning rate"),
        np.errstate(all="ignore"),
    ):
        classifier(solver="sgd", learning_rate_init=1e200, activation="identity").fit(1e100 * X, y)


def test_a_last_step_to_infinity_is_an_error():
    X, y = data()
    with pytest.raises(TrainingDiverged, match="not finite at its end"), np.errstate(all="ignore"):
        classifier(solver="sgd", learning_rate_init=1e308, max_iter=1).fit(1e5 * X, y)
