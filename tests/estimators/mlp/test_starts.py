"""partial_fit and warm starts: what goes on from what."""

import copy
import pickle

import numpy as np
import pytest
import sklearn.neural_network

from tests.estimators.mlp.mlp_cases import bits, blobs, plane
from treadle import InvalidInput, MLPClassifier, MLPRegressor
from treadle.estimators.mlp.starts import Continuation, Fresh, WarmStart

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


def classifier(**options):
    return MLPClassifier(
        **{"hidden_layer_sizes": 8, "random_state": 0, "max_iter": 6, "tol": 0, "batch_size": 7} | options
    )


def regressor(**options):
    return MLPRegressor(**{"hidden_layer_sizes": 8, "random_state": 0, "max_iter": 6, "tol": 0} | options)


def halves(X, y):
    return X[::2], y[::2], X[1::2], y[1::2]


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(
    "options",
    [{}, {"solver": "sgd"}, {"solver": "sgd", "momentum": 0}, {"dropout": 0.3}, {"batch_norm": True}],
    ids=str,
)
def test_as_many_calls_of_partial_fit_are_fit_to_the_bit(options, dtype):
    X, y = blobs(dtype=dtype)
    whole = classifier(**options).fit(X, y)
    parts = classifier(**options)
    for _ in range(6):
        parts.partial_fit(X, y, classes=[0, 1, 2])
    assert bits(parts) == bits(whole)
    assert parts.loss_curve_ == whole.loss_curve_
    assert (parts.t_, parts.n_iter_) == (whole.t_, 1)
    np.testing.assert_array_equal(parts.predict_proba(X), whole.predict_proba(X))


def test_partial_fit_goes_on_after_pickling_and_after_fit():
    X, y = blobs()
    parts = classifier().fit(X, y)
    again = pickle.loads(pickle.dumps(parts))
    assert bits(parts.partial_fit(X, y)) == bits(again.partial_fit(X, y))
    assert bits(parts) == bits(classifier(max_iter=7).fit(X, y))


def test_partial_fit_takes_rows_of_any_number_and_classes_not_in_them():
    X, y = blobs()
    parts = classifier(batch_size="auto").partial_fit(X[:1], y[:1], classes=[0, 1, 2])
    for size in (2, 30, 5):
        parts.partial_fit(X[:size], y[:size])
    assert parts.t_ == 38 and len(parts.loss_curve_) == 4
    assert parts.predict_proba(X).shape == (60, 3)


def test_partial_fit_asks_for_the_classes_once():
    X, y = blobs()
    with pytest.raises(InvalidInput, match=r"classes must be passed on the first call to partial_fit\."):
        classifier().partial_fit(X, y)
    parts = classifier().partial_fit(X, y, classes=[0, 1, 2])
    with pytest.raises(
        InvalidInput, match=r"`classes=\[1, 2\]` is not the same as on last call to partial_fit"
    ):
        parts.partial_fit(X, y, classes=[1, 2])
    with pytest.raises(ValueError, match="X has 3 features, but MLPClassifier is expecting 4"):
        parts.partial_fit(X[:, :3], y)


def test_partial_fit_is_not_there_for_lbfgs():
    assert not hasattr(classifier(solver="lbfgs"), "partial_fit")
    with pytest.raises(AttributeError, match="'MLPClassifier' has no attribute 'partial_fit'"):
        classifier(solver="lbfgs").partial_fit(*blobs())


@pytest.mark.parametrize("schedule", ["one_cycle", "cosine"])
def test_a_planned_schedule_is_refused_in_partial_fit(schedule):
    with pytest.raises(InvalidInput, match=rf"learning_rate='{schedule}' plans a whole fit"):
        regressor(learning_rate=schedule).partial_fit(*plane())


def test_the_rates_of_partial_fit_are_those_of_fit():
    X, y = blobs()
    for options in (
        {"learning_rate": "invscaling", "power_t": 0.3},
        {"learning_rate": "adaptive", "tol": 1.0, "n_iter_no_change": 2},
    ):
        whole = classifier(solver="sgd", **options).fit(X, y)
        parts = classifier(solver="sgd", **options)
        for _ in range(6):
            parts.partial_fit(X, y, classes=[0, 1, 2])
        np.testing.assert_allclose(
            parts.history_["learning_rate"], whole.history_["learning_rate"], rtol=1e-12
        )
        assert len(set(whole.history_["learning_rate"])) > 1


def test_parameters_written_from_outside_are_gone_on_from():
    X, y = plane()
    one, other = regressor().fit(X, y), regressor(random_state=5).fit(X, y)
    one.coefs_, one.intercepts_ = copy.deepcopy(other.coefs_), copy.deepcopy(other.intercepts_)
    one.set_params(warm_start=True, solver="sgd", learning_rate_init=1e-12, max_iter=1).fit(X, y)
    np.testing.assert_allclose(one.predict(X), other.predict(X), atol=1e-6)
    one.coefs_ = one.coefs_[:1]
    with pytest.raises(
        InvalidInput, match=r"coefs_ and intercepts_ are of shapes .* where the hyper-parameters"
    ):
        one.predict(X)


def test_other_layers_than_those_fitted_are_refused_in_a_warm_start():
    X, y = plane()
    fitted = regressor(warm_start=True).fit(X, y).set_params(hidden_layer_sizes=9)
    with pytest.raises(InvalidInput, match="give back the hyper-parameters of the first fit, or fit a new"):
        fitted.fit(X, y)


@pytest.mark.parametrize("solver", ["adam", "lbfgs"])
def test_a_warm_start_begins_where_the_last_fit_ended(solver):
    X, y = plane()
    fitted = regressor(warm_start=True, solver=solver, alpha=0).fit(X, y)
    first = list(fitted.loss_curve_)
    fitted.fit(X, y)
    assert fitted.loss_curve_[: len(first)] == first
    assert fitted.n_iter_ == len(fitted.loss_curve_) - len(first)
    assert fitted.loss_curve_[len(first)] < first[0]
    assert fitted.history_["epoch"] == list(range(1, len(fitted.loss_curve_) + 1))
    assert fitted.best_loss_ == min(fitted.loss_curve_)


@pytest.mark.parametrize("incremental", [False, True])
def test_another_precision_is_taken_in_going_on(incremental):
    X, y = blobs()
    options = {"batch_norm": True, "early_stopping": True, "warm_start": True}
    fitted = classifier(**options)

    def train():
        if incremental:
            return fitted.partial_fit(X, y, classes=[0, 1, 2], X_val=X, y_val=y)
        return fitted.fit(X, y)

    train()
    assert {a.dtype for a in (*fitted.coefs_, *fitted.intercepts_)} == {np.dtype(np.float64)}
    fitted.set_params(precision="float32")
    train()
    train()
    assert {a.dtype for a in (*fitted.coefs_, *fitted.intercepts_)} == {np.dtype(np.float32)}
    assert fitted.batch_norm_["scales"][0].dtype == np.float32


@pytest.mark.parametrize("n_before", [5, 20])
def test_a_warm_start_stops_by_the_limits_that_it_has_now_as_scikit_learns_does(n_before):
    X, y = blobs()
    ends = []
    for make in (MLPClassifier, sklearn.neural_network.MLPClassifier):
        fitted = make((4,), random_state=0, max_iter=n_before, warm_start=True, n_iter_no_change=50).fit(X, y)
        fitted.set_params(n_iter_no_change=2, tol=10.0, max_iter=100).fit(X, y)
        ends.append(len(fitted.loss_curve_) - n_before)
    assert ends == [3, 3]


def test_without_a_warm_start_all_begins_anew():
    X, y = plane()
    fitted = regressor().fit(X, y)
    once = bits(fitted)
    assert bits(fitted.fit(X, y)) == once and len(fitted.loss_curve_) == 6 and fitted.t_ == 6 * 80


def test_warm_starts_refuse_other_classes_in_scikit_learns_words():
    X, y = blobs()
    for make in (MLPClassifier, sklearn.neural_network.MLPClassifier):
        fitted = make(4, max_iter=2, warm_start=True, random_state=0).fit(X, y)
        with pytest.raises(
            ValueError,
            match=r"warm_start can only be used where `y` has the same classes as in the previous call to "
            r"fit\. Previously got \[0 1 2\], `y` has \[0 1\]",
        ):
            fitted.fit(X, y % 2)


# --- the three starts


def test_a_fresh_start_and_a_warm_one_plan_a_whole_fit_and_a_continuation_one_epoch():
    X, y = blobs()
    recipe = classifier(max_iter=9)
    earlier = classifier(random_state=5).fit(X, y)._fitted()
    fresh, warm, more = Fresh(), WarmStart(earlier), Continuation(earlier)
    assert [start.begins for start in (fresh, warm, more, Continuation(None))] == [True, False, False, True]
    assert [start.plan(recipe, 0).n_epochs for start in (fresh, warm, more)] == [9, 9, 1]
    assert more.plan(recipe, 0).epochs_before == 6 and warm.plan(recipe, 0).epochs_before == 0
    assert [start.seed(recipe) for start in (fresh, warm, more, Continuation(None))] == [0, 0, 5, 0]
    assert [len(start.moments) for start in (fresh, warm, more, Continuation(None))] == [0, 0, 3, 0]
    assert [start.is_part for start in (fresh, warm, more)] == [False, False, True]
    assert fresh.curves.loss_curve == [] and warm.curves is earlier.curves


def test_parameters_are_new_or_those_gone_on_from():
    X, y = blobs()
    earlier = classifier().fit(X, y)._fitted()
    network = earlier.parameters.network
    new = Fresh().parameters(network, 0, np.float32)
    assert new.dtype == np.float32
    np.testing.assert_array_equal(Continuation(None).parameters(network, 0, np.float32).flat, new.flat)
    old = WarmStart(earlier).in_precision(classifier(), X).parameters(network, 0, np.float32)
    assert old.dtype == np.float64
    np.testing.assert_array_equal(old.flat, earlier.parameters.flat)
    single = WarmStart(earlier).in_precision(classifier(precision="float32"), X)
    np.testing.assert_array_equal(
        single.parameters(network, 0, np.float32).flat, earlier.parameters.flat.astype(np.float32)
    )
