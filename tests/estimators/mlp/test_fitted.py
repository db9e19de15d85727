import math
import re
from dataclasses import FrozenInstanceError, fields

import numpy as np
import pytest

from tests.estimators.estimator_cases import NAMES, TARGETS, X, fitted
from treadle import InvalidInput, MLPClassifier, Network, Parameters
from treadle.estimators.mlp.fitted import Curves, Fitted, norms_of, parameters_of
from treadle.estimators.mlp.stopping import Memory
from treadle.optimizers.stall import Stall
from treadle.training.history import EpochRecord, History

NETWORK = Network((3, 4, 2), batch_norm=True)


def history(*losses, scores=None):
    scores = [math.nan] * len(losses) if scores is None else scores
    return History(
        EpochRecord(i, loss, loss / 2, score, 0.1, 1.0)
        for i, (loss, score) in enumerate(zip(losses, scores, strict=True), 1)
    )


def test_curves_go_on_from_each_other():
    options = {"by_score": False, "has_scores": False}
    first = Curves().and_then(history(3.0, 2.0), 10, **options)
    both = first.and_then(history(2.5), 20, **options)
    assert first.loss_curve == [3.0, 2.0] and first.t == 20
    assert both.loss_curve == both.history["train_loss"] == [3.0, 2.0, 2.5]
    assert both.history["epoch"] == [1, 2, 3] and both.history.keys() == {
        *("epoch", "train_loss", "learning_rate", "seconds"),
    }
    assert (both.loss, both.best_loss, both.n_iter, both.t) == (2.5, 2.0, 1, 40)
    assert both.validation_scores is both.validation_loss_curve is both.best_validation_score is None


def test_scores_are_kept_and_the_best_is_no_nan():
    judged = history(3.0, 2.0, 1.0, scores=[0.5, 0.75, math.nan])
    curves = Curves().and_then(judged, 1, by_score=True, has_scores=True)
    assert curves.validation_scores[:2] == [0.5, 0.75] and curves.best_validation_score == 0.75
    assert curves.validation_loss_curve == [1.5, 1.0, 0.5] and curves.best_loss is None


def test_a_diverged_epoch_is_nan():
    curves = Curves().and_then(history(3.0), 1, by_score=False, has_scores=True, diverged=True)
    assert curves.history["epoch"] == [1, 2] and curves.n_iter == 2 and curves.best_loss == 3.0
    assert all(math.isnan(curves.history[name][1]) for name in curves.history if name != "epoch")


def test_no_iteration_leaves_the_loss_as_it_was():
    curves = Curves(loss=1.0).and_then(History(), 0, by_score=False, has_scores=False)
    assert (curves.loss, curves.loss_curve, curves.n_iter, curves.best_loss) == (1.0, [], 0, math.inf)


def test_parameters_come_out_of_the_arrays_that_show_them():
    shown = Parameters.initialise(NETWORK, "glorot", 0, np.float32)
    shown.statistics[:] = np.arange(len(shown.statistics))
    found = parameters_of(NETWORK, shown.weights, shown.biases, norms_of(shown))
    np.testing.assert_array_equal(found.flat, shown.flat)
    np.testing.assert_array_equal(found.statistics, shown.statistics)
    assert found.dtype == np.float32
    assert norms_of(Parameters.initialise(Network((3, 2)), "glorot", 0)) is None
    whole = parameters_of(Network((1, 1)), [[[2]]], [[3]], None)
    assert whole.dtype == np.float64 and whole.flat.tolist() == [2.0, 3.0]


def test_arrays_of_other_shapes_are_refused():
    with pytest.raises(
        InvalidInput, match=re.escape("coefs_ and intercepts_ are of shapes [(3, 1), (1,)], where")
    ):
        parameters_of(Network((3, 2)), [np.ones((3, 1))], [np.ones(1)], None)


def test_another_dtype_is_that_of_all_that_is_gone_on_from():
    parameters = Parameters.initialise(NETWORK, "glorot", 0, np.float64)
    memory = Memory(Stall(0.0, 1), True, (parameters.flat, parameters.statistics))
    moments = {"m": np.ones(3), "step": np.array(4)}
    before = Fitted(parameters, Curves(), "numpy", False, 0, moments, memory)
    after = before.astype(np.float32)
    arrays = (after.parameters.flat, after.parameters.statistics, after.moments["m"], *after.memory.best)
    assert {array.dtype for array in arrays} == {np.dtype(np.float32)}
    assert after.moments["step"].dtype == np.int64 and before.moments["m"].dtype == np.float64
    with pytest.raises(FrozenInstanceError):
        after.seed = 1


@pytest.mark.parametrize("case", TARGETS)
def test_an_estimator_shows_what_was_fitted_and_gives_it_back(case):
    estimator_class, X, y = TARGETS[case]
    estimator = fitted(estimator_class, X, y)
    value = estimator._fitted()
    other = estimator_class(**estimator.get_params())
    other._become(value)
    np.testing.assert_array_equal(other.predict(X), estimator.predict(X))
    again = other._fitted()
    for field in fields(Curves):
        assert getattr(again.curves, field.name) == getattr(estimator, f"{field.name}_")
    estimator.partial_fit(X, y)
    other.partial_fit(X, y)
    np.testing.assert_array_equal(other.coefs_[0], estimator.coefs_[0])


def test_what_was_written_from_outside_is_in_it():
    estimator = fitted(MLPClassifier, X, NAMES)
    estimator.coefs_[0] = np.zeros_like(estimator.coefs_[0])
    assert not estimator._fitted().parameters.weights[0].any()
