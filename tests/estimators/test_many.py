"""Fits at once: the bits of one by one, errors that say which, and a stop that stops them all."""

import os
import signal
import subprocess
import sys
import threading
import time
import warnings
from pathlib import Path

import numpy as np
import pytest
import sklearn
from sklearn.base import BaseEstimator, clone
from sklearn.exceptions import ConvergenceWarning
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from tests.estimators.mlp.mlp_cases import bits, blobs, plane
from treadle import (
    BoxRegressor,
    EarlyStopping,
    FitsFailed,
    InvalidInput,
    LADRegressor,
    MLPClassifier,
    MLPRegressor,
    fit_many,
)
from treadle.hardware import processors
from treadle.hardware.processors import usable_threads

quiet = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
OPTIONS = {
    "hidden_layer_sizes": (16, 8),
    "max_iter": 12,
    "batch_size": 7,
    "dropout": 0.2,
    "batch_norm": (True, False),
}


def members(n=4, **options):
    return [MLPClassifier(**(OPTIONS | options), random_state=seed, alpha=10.0**-seed) for seed in range(n)]


def same(found, wanted):
    assert bits(found) == bits(wanted)
    assert found.loss_curve_ == wanted.loss_curve_ and found.n_iter_ == wanted.n_iter_
    assert found.validation_scores_ == wanted.validation_scores_


@quiet
@pytest.mark.parametrize("n_threads", [1, 3])
@pytest.mark.parametrize(
    ("dtype", "options"),
    [
        (np.float32, {}),
        (np.float32, {"engine": "numpy"}),
        (np.float64, {"engine": "numpy"}),
        (np.float32, {"engine": "torch", "batch_norm": False, "max_iter": 2}),
        (np.float32, {"early_stopping": True, "validation_fraction": 0.3}),
        (np.float64, {"solver": "lbfgs", "dropout": 0.0, "batch_norm": False}),
        (np.float32, {"n_threads": 2}),
    ],
    ids=str,
)
def test_each_has_the_bits_that_it_has_by_itself(dtype, options, n_threads):
    X, y = blobs(dtype=dtype)
    wanted = [member.fit(X, y) for member in members(**options)]
    given = members(**options)
    found = fit_many(given, X, y, n_threads=n_threads)
    assert len(found) == 4 and all(f is g for f, g in zip(found, given, strict=True))
    for one, other in zip(found, wanted, strict=True):
        same(one, other)


@quiet
def test_estimators_of_all_kinds_may_have_data_of_their_own():
    X, y = blobs()
    X2, y2 = plane()
    weights = np.arange(len(y2)) % 3 + 1.0

    def make():
        return [
            (MLPClassifier(8, max_iter=3, random_state=0), X, y),
            (MLPRegressor(hidden_layer_sizes=8, max_iter=3, random_state=0), X2, y2, weights),
            (LADRegressor(), X2, y2, weights),
            (BoxRegressor(n_boxes=4), X2[:, :1], y2),
            (make_pipeline(StandardScaler(), MLPClassifier(8, max_iter=3, random_state=0)), X, y, None),
            (StandardScaler(), X),
        ]

    found = fit_many(make())
    for one, (estimator, *data) in zip(found, make(), strict=True):
        estimator.fit(*(part for part in data if part is not None))
        rows = data[0]
        method = "predict" if hasattr(estimator, "predict") else "transform"
        np.testing.assert_array_equal(getattr(one, method)(rows), getattr(estimator, method)(rows))


@quiet
def test_weights_are_of_all():
    X, y = blobs()
    weights = np.arange(60) % 4 + 0.5
    (found,) = fit_many(members(1), X, y, weights)
    same(found, members(1)[0].fit(X, y, weights))
    assert fit_many([], X, y) == []


@quiet
def test_folds_and_generators_of_estimators():
    X, y = blobs(dtype=np.float32)
    folds = [np.flatnonzero(np.arange(60) % 3 != k) for k in range(3)]
    found = fit_many((clone(members(1)[0]), X[rows], y[rows]) for rows in folds)
    for one, rows in zip(found, folds, strict=True):
        same(one, members(1)[0].fit(X[rows], y[rows]))


@quiet
@pytest.mark.parametrize("n_threads", [1, 4])
def test_a_failing_fit_loses_no_other_and_is_named(n_threads):
    X, y = blobs(dtype=np.float32)
    given = members(5)
    given[1].set_params(alpha=-1.0)
    given[3].set_params(engine="numpy", precision="bfloat16")
    with pytest.raises(
        FitsFailed,
        match=r"2 of 5 fits failed, 1, 3 \(from 0\); the others are fitted. "
        r"Of number 1, MLP.*InvalidInput: The 'alpha' parameter",
    ) as caught:
        fit_many(given, X, y, n_threads=n_threads)
    assert caught.value.errors.keys() == {1, 3} and caught.value.__cause__ is caught.value.errors[1]
    assert "the numpy engine does not compute in bfloat16" in str(caught.value.errors[3])
    for i in (0, 2, 4):
        same(given[i], members(5)[i].fit(X, y))
    assert not hasattr(given[1], "coefs_")


def test_many_failures_are_counted():
    X, y = blobs()
    with pytest.raises(FitsFailed, match=r"7 of 7 fits failed, 0, 1, 2, 3, 4 \.\.\. \(from 0\)"):
        fit_many(members(7, max_iter=0), X, y)


class TestWhatCannotBe:
    @pytest.mark.parametrize(
        "shared", [np.random.RandomState(0), EarlyStopping("train_loss")], ids=["RandomState", "callback"]
    )
    def test_parts_that_fits_change_are_not_shared(self, shared):
        X, y = blobs()
        name = "random_state" if isinstance(shared, np.random.RandomState) else "callbacks"
        for value in (shared, [shared]) if name == "callbacks" else (shared,):
            given = [
                MLPClassifier(4),
                MLPClassifier(4, **{name: value}),
                make_pipeline(MLPClassifier(4, **{name: value})),
            ]
            with pytest.raises(
                InvalidInput,
                match=r"estimators 1 and 2 \(from 0\) have one (RandomState|EarlyStopping): give each",
            ):
                fit_many(given, X, y)

    def test_an_estimator_is_fitted_once(self):
        X, y = blobs()
        one = MLPClassifier(4)
        for given in ([one, MLPClassifier(4), one], [one, MLPClassifier(4), make_pipeline(one)]):
            with pytest.raises(InvalidInput, match=r"estimators 0 and 2 \(from 0\) have one MLPClassifier"):
                fit_many(given, X, y)

    @pytest.mark.parametrize(
        ("arguments", "message"),
        [
            (
                ([MLPClassifier()],),
                "X is missing: give it beside the estimators, or with each; got MLPClassifier",
            ),
            (
                ([(MLPClassifier(), [[1]], [1])], [[1]], [1]),
                "as tuples, need no X, y or sample_weight beside them",
            ),
            (([(MLPClassifier(),)],), "must be .estimator, X, y. or .*got one of 1 entries"),
            (([(MLPClassifier(), 1, 2, 3, 4)],), "got one of 5 entries"),
            ((["MLP"], [[1]], [1]), "estimators must have a method fit, or be tuples .*got 'MLP'"),
        ],
    )
    def test_data_are_given_once(self, arguments, message):
        with pytest.raises(InvalidInput, match=message):
            fit_many(*arguments)

    @pytest.mark.parametrize("n_threads", [0, -1, 1.5, True, "2"])
    def test_threads_are_a_positive_integer(self, n_threads):
        with pytest.raises(InvalidInput, match="n_threads must be an integer of at least 1, or None; got"):
            fit_many([MLPClassifier()], [[1.0]], [1], n_threads=n_threads)


class Probe(BaseEstimator):
    """Notes what its fit sees, and may wait for others."""

    def __init__(self, barrier=None, error=None):
        self.barrier = barrier
        self.error = error

    def fit(self, X, y):
        self.thread_ = threading.current_thread()
        self.config_ = sklearn.get_config()
        self.errstate_ = np.geterr()
        self.n_threads_ = usable_threads()
        if self.barrier is not None:
            self.barrier.wait(60)
        if self.error is not None:
            raise self.error
        return self


def test_fits_see_what_their_caller_has_set_and_run_at_once(monkeypatch):
    monkeypatch.setattr(os, "cpu_count", lambda: 3)
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: {0, 1, 2}, raising=False)
    monkeypatch.setattr(processors, "CPU_MAX", Path("no such file"))
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    barrier = threading.Barrier(3)
    probes = [Probe(barrier) for _ in range(3)]
    with sklearn.config_context(assume_finite=True), np.errstate(over="raise"):
        fit_many(probes, [[1]], [1], n_threads=3)
    assert len({probe.thread_.ident for probe in probes} - {threading.get_ident()}) == 3
    for probe in probes:
        assert probe.config_["assume_finite"] and probe.errstate_["over"] == "raise"
        assert (
            probe.n_threads_.n == 1
            and probe.n_threads_.reason == "the share of one of several computations at once"
        )
    assert not sklearn.get_config()["assume_finite"]
    assert usable_threads().reason != probes[0].n_threads_.reason


def test_fewer_fits_than_threads_share_them():
    probes = [Probe(), Probe()]
    fit_many(probes, [[1]], [1], n_threads=1)
    assert [probe.n_threads_.n for probe in probes] == [1, 1] and probes[0].thread_ is probes[1].thread_
    outer = usable_threads().n
    (probe,) = fit_many([Probe()], [[1]], [1])
    assert probe.n_threads_.n == outer


def test_warnings_are_said_at_the_callers_line_in_the_order_of_the_fits():
    X, y = blobs()
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        fit_many([MLPClassifier(4, max_iter=n, random_state=0) for n in (3, 1, 2)], X, y)
    assert [w.category for w in caught] == [ConvergenceWarning] * 3
    assert [str(w.message).partition("(")[2][0] for w in caught] == ["3", "1", "2"]
    assert {w.filename for w in caught} == {__file__}


@pytest.mark.parametrize("action", ["error", "always"])
def test_neither_failed_fits_nor_warnings_hide_the_other(action):
    X, y = blobs()
    given = [MLPClassifier(4, max_iter=2, random_state=0), Probe(error=ValueError("no fit"))]
    with (
        warnings.catch_warnings(record=True) as caught,
        pytest.raises(FitsFailed, match=r"1 of 2 fits failed, 1 .*ValueError: no fit"),
    ):
        warnings.simplefilter(action)
        fit_many(given, X, y)
    assert [w.category for w in caught] == ([ConvergenceWarning] if action == "always" else [])
    with warnings.catch_warnings(), pytest.raises(ConvergenceWarning):
        warnings.simplefilter("error")
        fit_many(given[:1], X, y)


def test_an_error_that_is_no_exception_of_a_fit_stops_the_others_and_is_raised():
    X, y = blobs(n_rows=600)
    long = MLPClassifier(64, max_iter=10**6, tol=0.0, n_iter_no_change=10**6, random_state=0)
    before = threading.active_count()
    with pytest.raises(SystemExit, match="7"):
        fit_many([long, Probe(error=SystemExit(7))], X, y, n_threads=2)
    assert threading.active_count() == before and not hasattr(long, "coefs_")


CONTROL_C = """
import os, signal, sys, threading, time, warnings
import numpy as np
import treadle
X = np.random.default_rng(0).normal(size=(4000, 20)).astype(sys.argv[1])
y = np.arange(4000) % 3
options = {"hidden_layer_sizes": (64,), "max_iter": 10**6, "tol": 0.0, "n_iter_no_change": 10**6}
short = treadle.MLPClassifier(4, max_iter=1)
members = [treadle.MLPClassifier(**options, random_state=i, **eval(sys.argv[2])) for i in range(2)]
warnings.simplefilter("ignore")
started = threading.active_count()
timer = threading.Timer(2, os.kill, (os.getpid(), signal.SIGINT))
timer.start()
try:
    treadle.fit_many([short, *members, treadle.MLPClassifier(4)], X, y, n_threads=3)
except KeyboardInterrupt:
    timer.join()
    fitted = [hasattr(estimator, "coefs_") for estimator in (short, members[0])]
    print("stopped", threading.active_count() - started, *fitted)
"""


@pytest.mark.skipif(not hasattr(signal, "SIGINT") or os.name != "posix", reason="sends a signal")
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(
    "options", ["{}", "{'engine': 'numpy', 'batch_size': 32}", "{'solver': 'lbfgs', 'max_fun': 10**9}"]
)
def test_control_c_stops_all_and_leaves_no_thread(dtype, options):
    done = subprocess.run(
        [sys.executable, "-c", CONTROL_C, dtype, options],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.stdout.strip() == "stopped 0 True False", done.stderr


@quiet
def test_fits_at_once_within_fits_at_once():
    X, y = blobs(dtype=np.float32)

    class Ensemble(BaseEstimator):
        def fit(self, X, y):
            self.members_ = fit_many(members(3), X, y)
            return self

    for ensemble in fit_many([Ensemble() for _ in range(3)], X, y, n_threads=3):
        for one, other in zip(ensemble.members_, members(3), strict=True):
            same(one, other.fit(X, y))


def test_processors_share_the_work():
    """Not a claim of speed: two fits of half a second that sleep in turn would take twice as long."""

    class Sleeper(BaseEstimator):
        def fit(self, X, y):
            time.sleep(0.5)
            return self

    start = time.monotonic()
    fit_many([Sleeper() for _ in range(8)], [[1]], [1], n_threads=8)
    assert time.monotonic() - start < 3
