"""Early stopping: the rule, the epoch that is restored, and what is refused."""

import math

import numpy as np
import pytest

from tests.training.training_cases import Noting, make_loop
from treadle.errors import InvalidInput
from treadle.training.callbacks import Training
from treadle.training.checkpointing import Checkpointing
from treadle.training.early_stopping import EarlyStopping

FIGURES = [3.0, 2.0, math.nan, 2.5, 1.99999, 2.2]


def figures_of(figures):
    return lambda training: figures[training.record.epoch - 1]


def test_early_stopping_stops_at_a_stall_and_restores_the_best_epoch():
    at_epoch = {}
    stopping = EarlyStopping(figures_of([3, 1, 2, math.nan, 0]), mode="min", n_iter_no_change=1)
    training = Training(
        make_loop(), [lambda t: at_epoch.update({t.record.epoch: t.parameters()}) or False, stopping]
    )
    training.run()
    assert (stopping.figures_[:3], len(training.history), stopping.best_epoch_) == ([3, 1, 2], 4, 2)
    np.testing.assert_array_equal(training.parameters().flat, at_epoch[2].flat)
    assert not np.array_equal(at_epoch[2].flat, at_epoch[4].flat)


@pytest.mark.parametrize(
    ("changes", "n_epochs", "best"),
    [
        ({"mode": "max", "n_iter_no_change": 1}, 3, 1),
        ({"n_iter_no_change": math.inf}, 5, 1),  # a function's figure is a score: more is better
        ({"mode": "min", "n_iter_no_change": 1}, 4, 2),
        ({"mode": "min", "n_iter_no_change": 2, "tol": 1e-3}, 5, 5),
        ({"mode": "min", "n_iter_no_change": 2, "tol": 0.0}, 5, 5),
    ],
)
def test_the_rule_of_early_stopping(changes, n_epochs, best):
    stopping = EarlyStopping(figures_of(FIGURES), restore_best=False, **changes)
    training = Training(make_loop(), stopping)
    training.run()
    assert (len(training.history), stopping.best_epoch_) == (n_epochs, best)


def test_early_stopping_on_a_column_of_the_history():
    stopping = EarlyStopping("held_out_score", n_iter_no_change=1, tol=10)
    training = Training(make_loop(), stopping)
    training.run()
    assert stopping.figures_ == training.history.column("held_out_score")
    assert len(training.history) == 3  # the first is better than nothing; then two stalled ones
    loss = EarlyStopping()
    Training(make_loop(), loss).run()
    assert loss.best_epoch_ == 1 + int(np.argmin(loss.figures_))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"monitor": 3}, "monitor must be a column of the history or a function; got 3"),
        ({"mode": "least"}, "mode must be one of auto, min, max; got 'least'"),
        ({"tol": math.nan}, "tol must be at least 0; got nan"),
        ({"n_iter_no_change": 0}, "n_iter_no_change must be an integer, at least 1, or infinity; got 0"),
        ({"n_iter_no_change": 1.5}, "n_iter_no_change must be an integer, .*; got 1.5"),
    ],
)
def test_early_stopping_refuses_nonsense(arguments, message):
    with pytest.raises(InvalidInput, match=message):
        EarlyStopping(**arguments)


def test_a_column_that_is_not_there_is_told():
    with pytest.raises(InvalidInput, match="no column of numbers 'loss' to monitor; it has epoch, "):
        Training(make_loop(), EarlyStopping("loss")).run()


def stopping_early():
    return EarlyStopping(figures_of([3.0, 1.0, math.nan, 2.0, 0.5]), mode="min", n_iter_no_change=2)


def test_training_that_had_been_stopped_stays_stopped(tmp_path):
    path = tmp_path / "checkpoint.safetensors"
    for n_calls in (3, 0):
        calls = []
        stop = Noting(calls, stop_at=3)
        training = Training(make_loop(), [stop, Checkpointing(path)])
        training.run()
        assert len(training.history) == 3
        assert len([call for call in calls if call.startswith("epoch")]) == n_calls
        assert training.stopped_by is stop


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"figures": None}, r"the state of early stopping holds no figures; it holds \['best', 'best_stat"),
        ({"figures": np.ones(2)}, "holds no figures"),
        ({"figures": np.array(3)}, "holds no figures"),
        ({"best": np.ones(3, np.float32)}, "flat must be float32 or float64 of shape"),
    ],
)
def test_a_state_that_is_none_of_early_stopping_is_refused(change, message):
    training = Training(make_loop(), stopping_early())
    training.run()
    checkpoint, prefix = training.checkpoint(), "callback.0.EarlyStopping."
    for name, array in change.items():
        checkpoint.state[prefix + name] = array
        if array is None:
            del checkpoint.state[prefix + name]
    other = Training(make_loop(), stopping_early())
    other.callbacks[0].on_fit_begin(other)
    with pytest.raises(InvalidInput, match=message):
        other.restore(checkpoint)
