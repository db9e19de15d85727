"""Callbacks on the estimators: treadle's own, and scikit-learn's through its protocol."""

import warnings

import numpy as np
import pandas as pd
import pytest
import sklearn
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV

from tests.estimators.estimator_cases import LABELS, NAMES, TARGETS, X, fitted
from treadle import (
    Callback,
    Checkpointing,
    EarlyStopping,
    LearningRateFinder,
    MLPClassifier,
    MLPRegressor,
    Progress,
)
from treadle.errors import InvalidInput, MissingDependency
from treadle.estimators.mlp import scikit_learn_callbacks

sklearn_callback = pytest.importorskip("sklearn.callback", reason="callbacks came with scikit-learn 1.9")


def test_a_function_sees_each_epoch_and_the_estimator():
    seen = []

    def look(training):
        seen.append((training.record.epoch, training.estimator, training.parameters().flat.size))
        return training.record.epoch == 3

    mlp = fitted(MLPClassifier, X, NAMES, callbacks=look)
    assert [epoch for epoch, _, _ in seen] == [1, 2, 3]
    assert all(estimator is mlp for _, estimator, _ in seen)
    assert mlp.n_iter_ == 3 and not mlp.stopped_early_


def test_a_callback_that_stops_is_no_failure_to_converge():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        MLPClassifier(max_iter=3, callbacks=lambda training: training.record.epoch == 3).fit(X, NAMES)


@pytest.mark.parametrize(
    ("estimator", "scoring", "y", "score"),
    [
        (MLPClassifier, None, NAMES, "accuracy"),
        (MLPClassifier, "loss", NAMES, "score"),
        (MLPClassifier, "balanced_accuracy", NAMES, "balanced accuracy"),
        (MLPClassifier, lambda estimator, X, y: 0.5, NAMES, "score"),
        (MLPRegressor, None, X[:, 0], "R2"),
    ],
)
def test_progress_calls_the_score_what_it_is(estimator, scoring, y, score, capsys):
    estimator(max_iter=1, learning_rate="cosine", scoring=scoring, callbacks=Progress()).fit(
        X, y, X_val=X, y_val=y
    )
    header, line = capsys.readouterr().err.splitlines()
    assert header == f"epoch  train loss  validation loss  validation {score}  learning rate  seconds"
    assert len(line) == len(header)


def test_callbacks_do_not_change_what_is_trained():
    plain = fitted(MLPClassifier, X, NAMES)
    watched = fitted(
        MLPClassifier, X, NAMES, callbacks=[Progress(), LearningRateFinder(n_steps=20), lambda t: None]
    )
    np.testing.assert_array_equal(plain.coefs_[0], watched.coefs_[0])
    assert plain.loss_curve_ == watched.loss_curve_


def test_early_stopping_on_a_validation_set_of_ones_own():
    stopping = EarlyStopping("held_out_loss", n_iter_no_change=2)
    mlp = MLPClassifier(
        hidden_layer_sizes=30, max_iter=500, learning_rate_init=0.05, random_state=0, callbacks=stopping
    )
    mlp.fit(X[::2], NAMES[::2], X_val=X[1::2], y_val=NAMES[1::2])
    assert mlp.n_iter_ < 500
    assert stopping.figures_ == mlp.validation_loss_curve_
    best = int(np.argmin(mlp.validation_loss_curve_))
    p = mlp.predict_proba(X[1::2])[np.arange(75), LABELS[1::2]]
    assert -np.log(p).mean() == pytest.approx(mlp.validation_loss_curve_[best], rel=1e-9)


class Killed(BaseException):
    """Stands for a process that ends."""


@pytest.mark.parametrize("case", ["three classes, texts", "two numbers"])
@pytest.mark.parametrize(
    "options",
    [
        {},
        {"early_stopping": True, "n_iter_no_change": 3, "tol": 0.01},
        {"solver": "sgd", "learning_rate": "adaptive", "tol": 0.05, "n_iter_no_change": 1},
        {"batch_norm": True, "dropout": 0.2, "learning_rate": "one_cycle"},
    ],
    ids=["plain", "early stopping", "adaptive", "batch norm, one cycle"],
)
def test_a_fit_that_was_killed_goes_on_to_the_same_bits(tmp_path, case, options):
    estimator_class, X, y = TARGETS[case]
    whole = fitted(estimator_class, X, y, **options)
    path = tmp_path / "checkpoint.safetensors"

    def kill(training):
        if training.record.epoch == 5:
            raise Killed

    with pytest.raises(Killed):
        fitted(estimator_class, X, y, callbacks=[Checkpointing(path, every=2), kill], **options)
    again = fitted(estimator_class, X, y, callbacks=[Checkpointing(path, every=2), lambda t: None], **options)
    for a, b in zip(whole.coefs_ + whole.intercepts_, again.coefs_ + again.intercepts_, strict=True):
        np.testing.assert_array_equal(a, b)
    assert again.loss_curve_ == whole.loss_curve_
    assert again.validation_scores_ == whole.validation_scores_
    assert (again.n_iter_, again.t_, again.best_loss_) == (whole.n_iter_, whole.t_, whole.best_loss_)
    assert again.stopped_early_ == whole.stopped_early_


@pytest.mark.parametrize(
    ("X", "y", "changes"),
    [
        (X + 0.01, NAMES, {}),
        (X, np.roll(NAMES, 1), {}),
        (X, NAMES, {"alpha": 0.5}),
        (X, NAMES, {"random_state": 4}),
        (X, NAMES, {"batch_size": 20}),
    ],
    ids=["X", "y", "alpha", "random_state", "batch_size"],
)
def test_the_checkpoint_of_another_fit_is_refused(tmp_path, X, y, changes):
    path = tmp_path / "checkpoint.safetensors"
    fitted(MLPClassifier, *TARGETS["three classes, texts"][1:], callbacks=Checkpointing(path))
    with pytest.raises(
        InvalidInput, match="is the checkpoint of another training, on other data, with other"
    ):
        fitted(MLPClassifier, X, y, callbacks=Checkpointing(path), **changes)


def test_more_epochs_go_on_from_a_checkpoint(tmp_path):
    path = tmp_path / "checkpoint.safetensors"
    fitted(MLPClassifier, X, NAMES, callbacks=Checkpointing(path))
    longer = fitted(MLPClassifier, X, NAMES, callbacks=Checkpointing(path), max_iter=20)
    np.testing.assert_array_equal(longer.coefs_[0], fitted(MLPClassifier, X, NAMES, max_iter=20).coefs_[0])


def test_a_fit_that_had_ended_early_is_as_it_was(tmp_path):
    options = {"early_stopping": True, "n_iter_no_change": 1, "tol": 1.0}
    checkpointing = Checkpointing(tmp_path / "checkpoint.safetensors")
    once, again = (fitted(MLPClassifier, X, NAMES, callbacks=checkpointing, **options) for _ in range(2))
    assert once.n_iter_ == again.n_iter_ < 12
    assert once.stopped_early_ and again.stopped_early_
    np.testing.assert_array_equal(once.coefs_[0], again.coefs_[0])


def test_the_learning_rate_finder_suggests_a_rate_that_trains():
    finder = LearningRateFinder(n_steps=80)
    fitted(MLPClassifier, X, NAMES, callbacks=finder, max_iter=1, batch_size=32)
    assert 1e-3 <= finder.suggestion_ <= 0.3
    table = pd.DataFrame(finder.table())
    assert list(table) == ["learning_rate", "loss", "smoothed_loss"]
    assert table.learning_rate.is_monotonic_increasing
    losses = {
        rate: fitted(MLPClassifier, X, NAMES, learning_rate_init=rate, max_iter=20, batch_size=32).loss_
        for rate in (finder.suggestion_, finder.suggestion_ / 1000)
    }
    assert losses[finder.suggestion_] < 0.5 * losses[finder.suggestion_ / 1000]


def test_the_finder_survives_rates_that_diverge():
    finder = LearningRateFinder(1e-3, 1e30, n_steps=60)
    fitted(MLPRegressor, X[:, :2], X[:, 2], solver="sgd", callbacks=finder, max_iter=1)
    assert len(finder.rates_) < 60 and np.isfinite(finder.losses_).all()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"low": 0}, "low and high must be finite, 0 < low < high; got 0 and 10"),
        ({"low": 2.0, "high": 1.0}, r"got 2\.0 and 1\.0"),
        ({"high": np.nan}, "got 1e-06 and nan"),
        ({"n_steps": 9}, "n_steps must be an integer, at least 10; got 9"),
        ({"n_steps": 20.0}, r"n_steps must be an integer, at least 10; got 20\.0"),
    ],
)
def test_the_finder_refuses_nonsense(arguments, message):
    with pytest.raises(InvalidInput, match=message):
        LearningRateFinder(**arguments)


def test_a_finder_that_has_not_run_says_so():
    with pytest.raises(InvalidInput, match="no learning rate has been tried yet: fit an estimator"):
        LearningRateFinder().table()


def test_callbacks_that_are_none_are_refused_by_name():
    with pytest.raises(ValueError, match="callbacks"):
        MLPClassifier(callbacks=5).fit(X, NAMES)


# scikit-learn's protocol.


class Noting:
    """A callback of scikit-learn's kind."""

    def __init__(self, stop_at=None):
        self.calls = []
        self.scores = []
        self.stop_at = stop_at

    def setup(self, estimator, context):
        self.calls.append(("setup", context.task_name, context.max_subtasks))

    def teardown(self, estimator, context):
        self.calls.append(("teardown", context.task_name))

    def on_fit_task_begin(self, estimator, context, *, X=None, metadata=None):
        self.calls.append(("begin", context.task_name, context.task_id))
        assert X is not None

    def on_fit_task_end(self, estimator, context, *, X=None, y=None, fitted_estimator=None):
        self.calls.append(("end", context.task_name, context.task_id))
        self.scores.append(fitted_estimator.score(X, y))
        return context.task_name == "epoch" and context.task_id == self.stop_at


@pytest.mark.parametrize("case", TARGETS)
def test_scikit_learns_callbacks_see_the_fit_and_its_epochs(case):
    estimator_class, X, y = TARGETS[case]
    noting = Noting()
    mlp = estimator_class(hidden_layer_sizes=5, max_iter=3, random_state=0).set_callbacks(noting)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        assert mlp.fit(X, y) is mlp
    epochs = [("begin", "epoch", 0), ("end", "epoch", 0), ("begin", "epoch", 1), ("end", "epoch", 1)]
    assert noting.calls == [
        *(("setup", "fit", 3), ("begin", "fit", 0), *epochs, ("begin", "epoch", 2), ("end", "epoch", 2)),
        *(("end", "fit", 0), ("teardown", "fit")),
    ]
    assert noting.scores[-1] == noting.scores[-2] == mlp.score(X, y)
    assert "_callback_fit_ctx" not in vars(mlp)


def test_one_of_scikit_learns_can_stop_the_training():
    mlp = MLPClassifier(max_iter=50, random_state=0).set_callbacks(Noting(stop_at=4))
    mlp.fit(X, NAMES)
    assert mlp.n_iter_ == 5


def test_teardown_comes_after_a_failure_too():
    noting = Noting()
    mlp = MLPClassifier(callbacks=lambda training: 1 / 0).set_callbacks(noting)
    with pytest.raises(ZeroDivisionError):
        mlp.fit(X, NAMES)
    assert noting.calls[-1] == ("teardown", "fit")


def test_lbfgs_is_one_task():
    noting = Noting()
    fitted(MLPClassifier, X, NAMES, solver="lbfgs")  # does without
    mlp = MLPClassifier(solver="lbfgs", max_iter=5).set_callbacks(noting)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        mlp.fit(X, NAMES)
    assert [call[:2] for call in noting.calls] == [
        *(("setup", "fit"), ("begin", "fit"), ("end", "fit"), ("teardown", "fit"))
    ]


def test_scikit_learns_own_monitor_has_a_score_for_each_epoch():
    monitor = sklearn_callback.ScoringMonitor(scoring="accuracy")
    mlp = MLPClassifier(max_iter=4, random_state=0).set_callbacks(monitor)
    frame = pd.DataFrame(X, columns=list("abcd"))
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", category=sklearn.exceptions.ConvergenceWarning)
        mlp.fit(frame, NAMES)
    log = monitor.get_logs().data_as_pandas
    of_epochs = log[log.task_name == "epoch"].accuracy
    assert len(of_epochs) == 4
    assert of_epochs.iloc[-1] == mlp.score(frame, NAMES)


def test_a_search_hands_its_progress_bar_down(capsys):
    bar = sklearn_callback.ProgressBar(max_propagation_depth=None)
    mlp = MLPClassifier(hidden_layer_sizes=4, max_iter=3, random_state=0)
    search = GridSearchCV(mlp, {"alpha": [1e-4, 1e-2]}, cv=2).set_callbacks(bar)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        search.fit(X, NAMES)
    assert "MLPClassifier" in capsys.readouterr().out


def test_a_clone_has_the_same_listeners_and_partial_fit_none():
    noting = Noting()
    mlp = clone(MLPClassifier(random_state=0).set_callbacks(noting))
    mlp.partial_fit(X, NAMES, classes=np.unique(NAMES))
    assert noting.calls == []


def test_what_follows_no_protocol_is_refused():
    with pytest.raises(TypeError, match="callbacks must be instances following the FitCallback protocol"):
        MLPClassifier().set_callbacks(lambda training: None)
    with pytest.raises(ValueError, match=r"Noting is a callback of scikit-learn: give it to .*set_callbacks"):
        MLPClassifier(callbacks=Noting()).fit(X, NAMES)
    assert not isinstance(Noting(), Callback)


def test_an_older_scikit_learn_says_what_it_lacks(monkeypatch):
    import importlib
    import sys

    monkeypatch.setitem(sys.modules, "sklearn.callback", None)
    spec = importlib.util.find_spec(scikit_learn_callbacks.__name__)
    older = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(older)
    with pytest.raises(MissingDependency, match=r"need scikit-learn 1\.9 or later, and .* is installed"):
        older.CallbackSupport().set_callbacks()

    def fit():
        """A fit."""

    assert older.with_callbacks(fit) is fit
