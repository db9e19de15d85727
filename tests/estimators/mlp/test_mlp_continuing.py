"""partial_fit, warm starts, early stopping and validation sets: what goes on from what."""

import copy
import pickle

import numpy as np
import pytest
import sklearn.neural_network
from sklearn.exceptions import ConvergenceWarning
from sklearn.metrics import make_scorer, mean_absolute_error

from tests.estimators.mlp.mlp_cases import bits, blobs, plane
from treadle import InvalidInput, MLPClassifier, MLPRegressor
from treadle.engines.numpy_engine import NumpyEngine
from treadle.training.callbacks import Callback

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


def classifier(**options):
    return MLPClassifier(
        **{"hidden_layer_sizes": 8, "random_state": 0, "max_iter": 6, "tol": 0, "batch_size": 7} | options
    )


def regressor(**options):
    return MLPRegressor(**{"hidden_layer_sizes": 8, "random_state": 0, "max_iter": 6, "tol": 0} | options)


def halves(X, y):
    return X[::2], y[::2], X[1::2], y[1::2]


# --- partial_fit


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


# --- warm starts


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


# --- validation


def test_a_validation_set_of_ones_own_is_judged_and_changes_nothing():
    X, y, X_val, y_val = halves(*blobs())
    plain, judged = classifier().fit(X, y), classifier().fit(X, y, X_val=X_val, y_val=y_val)
    assert bits(judged) == bits(plain)
    assert plain.validation_loss_curve_ is None and plain.validation_scores_ is None
    assert judged.validation_scores_[-1] == judged.score(X_val, y_val)
    from sklearn.metrics import log_loss

    assert judged.validation_loss_curve_[-1] == pytest.approx(log_loss(y_val, judged.predict_proba(X_val)))
    assert len(judged.validation_loss_curve_) == len(judged.validation_scores_) == 6
    assert judged.best_validation_score_ == max(judged.validation_scores_)
    assert judged.best_loss_ == min(judged.loss_curve_)


@pytest.mark.parametrize("solver", ["adam", "lbfgs"])
def test_a_regressor_is_judged_by_r_squared_after_each_epoch_or_iteration(solver):
    X, y, X_val, y_val = halves(*plane(n_outputs=2))
    fitted = regressor(solver=solver).fit(X, y, X_val=X_val, y_val=y_val)
    assert fitted.validation_scores_[-1] == pytest.approx(fitted.score(X_val, y_val), rel=1e-12)
    residual = fitted.predict(X_val) - y_val
    assert fitted.validation_loss_curve_[-1] == pytest.approx((residual**2).sum(axis=1).mean() / 2, rel=1e-12)
    assert len(fitted.validation_scores_) == fitted.n_iter_


def test_the_loss_judged_is_without_penalty_and_smoothing():
    X, y, X_val, y_val = halves(*blobs())
    fitted = classifier(alpha=50.0, label_smoothing=0.3).fit(X, y, X_val=X_val, y_val=y_val)
    p = fitted.predict_proba(X_val)[np.arange(len(y_val)), y_val]
    assert fitted.validation_loss_curve_[-1] == pytest.approx(-np.log(p).mean(), rel=1e-12)


def test_early_stopping_by_a_validation_set_keeps_the_best_epoch():
    X, y, X_val, y_val = halves(*blobs(120))
    stopped = classifier(
        early_stopping=True, learning_rate_init=0.1, max_iter=100, n_iter_no_change=5, scoring="loss"
    ).fit(X, y, X_val=X_val, y_val=y_val)
    assert stopped.stopped_early_ and stopped.n_iter_ < 100
    best = int(np.argmax(stopped.validation_scores_))
    assert best + 1 < stopped.n_iter_
    assert stopped.validation_scores_ == [-loss for loss in stopped.validation_loss_curve_]
    p = stopped.predict_proba(X_val)[np.arange(len(y_val)), y_val]
    assert -np.log(p).mean() == pytest.approx(min(stopped.validation_loss_curve_), rel=1e-9)
    assert stopped.t_ == stopped.n_iter_ * len(y)  # no row of X was held out


@pytest.mark.parametrize(
    "scoring",
    ["balanced_accuracy", "neg_log_loss", "roc_auc_ovr", lambda e, X, y: -np.abs(e.predict(X) - y).mean()],
    ids=["balanced_accuracy", "neg_log_loss", "roc_auc_ovr", "function"],
)
@pytest.mark.parametrize("own_set", [False, True])
def test_any_scorer_of_scikit_learn_judges(scoring, own_set):
    X, y, X_val, y_val = halves(*blobs(120))
    y, y_val = y * 2 + 1, y_val * 2 + 1
    fitted = classifier(scoring=scoring, early_stopping=True, validation_fraction=0.3)
    fitted.fit(X, y, **{"X_val": X_val, "y_val": y_val} if own_set else {})
    assert len(set(fitted.validation_scores_)) > 1
    if own_set:
        from sklearn.metrics import get_scorer

        scorer = get_scorer(scoring) if isinstance(scoring, str) else scoring
        assert fitted.best_validation_score_ == pytest.approx(scorer(fitted, X_val, y_val), rel=1e-12)


def test_scorers_get_the_weights_of_the_rows_held_out_and_no_names():
    pandas = pytest.importorskip("pandas")
    X, y = plane()
    weights = np.random.default_rng(0).uniform(0.1, 2, len(y))
    frame = pandas.DataFrame(X, columns=list("abcd"))
    scorer = make_scorer(mean_absolute_error, greater_is_better=False)
    options = {"early_stopping": True, "validation_fraction": 0.5}
    by_name = regressor(scoring="neg_mean_absolute_error", **options).fit(frame, y, weights)
    assert by_name.validation_scores_ != regressor(scoring=scorer, **options).fit(X, y).validation_scores_
    assert list(by_name.feature_names_in_) == list("abcd")


def test_a_validation_set_of_other_columns_is_refused():
    X, y = plane()
    with pytest.raises(
        InvalidInput, match=r"y_val must have the columns of y: it has targets of shape \(80, 2\)"
    ):
        regressor().fit(X, y, X_val=X, y_val=np.stack([y, y], 1))


def test_an_unknown_scorer_and_half_a_validation_set_are_refused():
    X, y = blobs()
    with pytest.raises(ValueError, match="'best' is not a valid scoring value"):
        classifier(scoring="best", early_stopping=True).fit(X, y)
    with pytest.raises(InvalidInput, match="X_val and y_val go together: give both, or neither"):
        classifier().fit(X, y, X_val=X)
    with pytest.raises(ValueError, match="X has 2 features, but MLPClassifier is expecting 4"):
        classifier().fit(X, y, X_val=X[:, :2], y_val=y)
    with pytest.raises(
        InvalidInput, match=r"The validation set is too small\. Increase 'validation_fraction' or"
    ):
        classifier(early_stopping=True, validation_fraction=0.0).fit(X, y)
    with pytest.raises(
        InvalidInput, match=r"validation_fraction=0\.99 leaves none of the 60 rows to train on"
    ):
        classifier(early_stopping=True, validation_fraction=0.99).fit(X, y)


# --- early stopping in partial_fit


def test_early_stopping_goes_with_partial_fit_and_rows_to_judge_by():
    X, y, X_val, y_val = halves(*blobs(120))
    options = {"early_stopping": True, "learning_rate_init": 0.1, "n_iter_no_change": 4, "scoring": "loss"}
    whole = classifier(**options, max_iter=200).fit(X, y, X_val=X_val, y_val=y_val)
    parts = classifier(**options)
    calls = 0
    while not calls or not parts.stopped_early_:
        parts.partial_fit(X, y, classes=[0, 1, 2], X_val=X_val, y_val=y_val)
        calls += 1
        assert calls <= 200
    assert calls == whole.n_iter_ > np.argmax(whole.validation_scores_) + 1
    assert bits(parts) == bits(whole)
    assert parts.validation_scores_ == whole.validation_scores_
    with pytest.raises(
        InvalidInput, match="partial_fit does not support early_stopping=True without rows to ju"
    ):
        classifier(early_stopping=True).partial_fit(X, y, classes=[0, 1, 2])


def test_a_fit_under_early_stopping_that_diverges_keeps_its_best_epoch_and_says_so():
    X, y = plane()

    class Spoil(Callback):
        def on_epoch_end(self, training):
            if len(training.history) == 3:
                spoiled = training.problem.X
                spoiled.flags.writeable = True
                spoiled *= 1e200

    options = {"early_stopping": True, "solver": "sgd", "engine": "numpy", "max_iter": 20}
    good = regressor(**options | {"max_iter": 3}).fit(X, y)
    with pytest.warns(
        ConvergenceWarning, match="training ended before max_iter, and the best epoch so far is"
    ):
        fitted = regressor(**options, callbacks=Spoil()).fit(X.copy(), y)
    assert bits(fitted) == bits(good)
    assert np.isnan(fitted.validation_scores_[-1]) and fitted.n_iter_ == 4


# --- what goes by, and what is told


def test_the_history_becomes_a_data_frame():
    pandas = pytest.importorskip("pandas")
    X, y, X_val, y_val = halves(*blobs())
    table = pandas.DataFrame(classifier().fit(X, y, X_val=X_val, y_val=y_val).history_)
    assert list(table) == [
        "epoch",
        "train_loss",
        "held_out_loss",
        "held_out_score",
        "learning_rate",
        "seconds",
    ]
    assert len(table) == 6 and table["learning_rate"].eq(0.001).all() and (table["seconds"] >= 0).all()


def test_ctrl_c_keeps_what_was_trained(monkeypatch):
    X, y = blobs()

    def interrupt(training):
        if len(training.history) == 3:
            raise KeyboardInterrupt

    with pytest.warns(UserWarning, match=r"Training interrupted by user\."):
        fitted = classifier(callbacks=interrupt).fit(X, y)
    assert fitted.n_iter_ == 3
    assert bits(fitted) == bits(classifier(max_iter=3).fit(X, y))

    def at_once(*_arguments):
        raise KeyboardInterrupt

    monkeypatch.setattr(NumpyEngine, "trainer", at_once)
    with pytest.raises(KeyboardInterrupt):
        classifier(engine="numpy").fit(X, y)


def test_verbose_prints_what_scikit_learn_prints(capsys):
    X, y = blobs()
    options = {"max_iter": 4, "random_state": 0, "tol": 10.0, "n_iter_no_change": 1, "solver": "sgd"}
    for more in ({}, {"early_stopping": True}, {"learning_rate": "adaptive", "learning_rate_init": 1e-5}):
        texts = []
        for make in (MLPClassifier, sklearn.neural_network.MLPClassifier):
            make(4, **options, **more, verbose=True).fit(X, y)
            text = capsys.readouterr().out
            texts.append(
                [line for line in text.splitlines() if not line.startswith(("Iter", "Validation score:"))]
            )
            assert "Iteration 1, loss = " in text and ("Validation score: " in text) == (
                "early_stopping" in more
            )
        assert texts[0] == texts[1]


def test_threads_are_bounded_and_change_no_bit():
    X, y = blobs(dtype=np.float32)
    one = classifier(n_threads=1, batch_size=30).fit(X, y)
    assert bits(one) == bits(classifier(n_threads=2, batch_size=30).fit(X, y))


def test_precision_is_that_of_the_parameters_whatever_x_is():
    X, y = blobs()
    for precision, dtype in (("float32", np.float32), ("float64", np.float64), ("auto", np.float64)):
        fitted = classifier(precision=precision).fit(X, y)
        assert {array.dtype for array in fitted.coefs_} == {np.dtype(dtype)}
        assert fitted.predict_proba(X).dtype == dtype


def test_layers_may_differ_in_activation_dropout_and_normalisation():
    X, y = blobs()
    fitted = classifier(
        hidden_layer_sizes=(6, 5), activation=("gelu", "silu"), dropout=(0.0, 0.2), batch_norm=(True, False)
    ).fit(X, y)
    first, second, _ = fitted.network_.layers
    assert (first.activation, second.activation) == ("gelu", "silu")
    assert (first.dropout, second.dropout) == (0.0, 0.2)
    assert (first.batch_norm, second.batch_norm) == (True, False)
    assert [array.shape for array in fitted.batch_norm_["scales"]] == [(6,)]
    plain = fitted.set_params(batch_norm=False).fit(X, y)
    assert not hasattr(plain, "batch_norm_")
