import math
import pickle
from types import SimpleNamespace

import numpy as np
import pytest
from rich.console import Console

from tests.training.training_cases import N_EPOCHS, make_loop, result
from treadle.errors import CorruptFile, InvalidInput
from treadle.optimizers import Cosine
from treadle.training.callbacks import Callback, Training, as_callbacks
from treadle.training.checkpoint import Checkpoint
from treadle.training.checkpointing import Checkpointing
from treadle.training.early_stopping import EarlyStopping
from treadle.training.held_out import HeldOut
from treadle.training.progress import Progress


class Noting(Callback):
    def __init__(self, log, name="", stop_at=None):
        self.log, self.name, self.stop_at = log, name, stop_at

    def on_fit_begin(self, training):
        self.log.append(f"{self.name}begin {len(training.history)}")

    def on_epoch_end(self, training):
        self.log.append(f"{self.name}epoch {training.record.epoch}")
        return training.record.epoch == self.stop_at

    def on_fit_end(self, training):
        self.log.append(f"{self.name}end {len(training.history)}")


def test_callbacks_are_called_in_their_order_and_end_in_the_opposite_one():
    log = []
    Training(make_loop(), [Noting(log, "a"), Noting(log, "b", stop_at=2)]).run()
    assert log == [
        *("abegin 0", "bbegin 0", "aepoch 1", "bepoch 1", "aepoch 2", "bepoch 2"),
        *("bend 2", "aend 2"),
    ]


def test_whoever_stops_the_others_still_see_the_epoch():
    log = []
    first = Noting(log, "a", stop_at=1)
    training = Training(make_loop(), [first, Noting(log, "b", stop_at=1)])
    training.run()
    assert log[-3:] == ["bepoch 1", "bend 1", "aend 1"]
    assert training.stopped_by is first


@pytest.mark.parametrize("place", ["on_fit_begin", "on_epoch_end", "on_fit_end"])
def test_the_end_is_told_after_an_exception_too(place):
    log = []

    class Failing(Callback):
        pass

    def fail(self, training):
        raise KeyError(place)

    setattr(Failing, place, fail)
    with pytest.raises(KeyError, match=place):
        Training(make_loop(), [Noting(log), Failing()]).run()
    assert log[0] == "begin 0" and log[-1].startswith("end ")


def test_a_function_is_called_each_epoch_and_only_true_stops():
    seen = []
    Training(make_loop(), lambda training: seen.append(training.record.epoch) or "yes").run()
    assert seen == [1, 2, 3, 4, 5]
    for true in (True, np.True_):
        training = Training(
            make_loop(), lambda training, true=true: true if training.record.epoch == 3 else 1
        )
        training.run()
        assert len(training.history) == 3


def test_training_without_callbacks_is_the_loop():
    loop, plain = make_loop(), make_loop()
    Training(loop).run()
    list(plain.epochs())
    assert result(loop) == result(plain)


class OfScikitLearn:
    def on_fit_task_end(self, estimator, context):
        """Stands for any callback of scikit-learn."""


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (5, "callbacks must be a callback, a function of the training, or a sequence of such; got 5"),
        ("progress", "got 'progress'"),
        ([None], "got None"),
        (EarlyStopping, "callbacks must be instances; got the class EarlyStopping: call it"),
        (OfScikitLearn(), "OfScikitLearn is a callback of scikit-learn: give it to the estimator's set_call"),
    ],
)
def test_what_is_no_callback_is_refused(value, message):
    with pytest.raises(InvalidInput, match=message):
        as_callbacks(value)


def test_no_record_before_the_first_epoch():
    with pytest.raises(InvalidInput, match="there is no record before the end of the first epoch"):
        _ = Training(make_loop()).record


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


class Killed(BaseException):
    """Stands for a process that ends."""


def killed_after(epoch):
    def kill(training):
        if training.record.epoch == epoch:
            raise Killed

    return kill


def stopping_early():
    return EarlyStopping(figures_of([3.0, 1.0, math.nan, 2.0, 0.5]), mode="min", n_iter_no_change=2)


@pytest.mark.parametrize("every", [1, 2, 10])
@pytest.mark.parametrize("epoch", range(1, N_EPOCHS))
def test_a_killed_training_goes_on_to_the_same_bits(tmp_path, every, epoch):
    whole = make_loop()
    Training(whole, stopping_early()).run()
    path = tmp_path / "checkpoint.safetensors"
    with pytest.raises(Killed):
        # A dead process does not write either: nothing at the end.
        saving = Checkpointing(path, every=every)
        saving.on_fit_end = lambda training: None
        Training(make_loop(), [saving, stopping_early(), killed_after(epoch)]).run()
    assert path.exists() == (epoch > every)
    again = make_loop()
    Training(again, [Checkpointing(path, every=every), stopping_early(), lambda training: None]).run()
    assert result(again) == result(whole)
    np.testing.assert_array_equal(again.parameters().flat, whole.parameters().flat)


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


def test_the_last_epoch_is_saved_after_ctrl_c_but_not_from_within_an_epoch(tmp_path):
    path = tmp_path / "checkpoint.safetensors"
    with pytest.raises(Killed):
        Training(make_loop(), [Checkpointing(path, every=100), killed_after(2)]).run()
    assert len(Checkpoint.load(path).history) == 2
    path.unlink()
    loop = make_loop()
    run_epoch, calls = loop._trainer.run_epoch, []

    def interrupted(order, rates):
        run_epoch(order, rates)
        calls.append(1)
        if len(calls) == 3:
            raise KeyboardInterrupt

    loop._trainer.run_epoch = lambda order, rates: interrupted(order, rates) or np.ones(len(rates))
    with pytest.raises(KeyboardInterrupt):
        Training(loop, Checkpointing(path, every=2)).run()
    assert len(Checkpoint.load(path).history) == 2


def test_interrupted_in_an_evaluation_nothing_is_saved_that_has_gone_on_without_its_history(
    tmp_path, monkeypatch
):
    """The trainer has the third epoch behind it then, and the history two."""
    path, loop, evaluate = tmp_path / "fit", make_loop(), HeldOut.evaluate

    def interrupted(held_out, *arguments):
        if len(loop.history) == 2:
            raise KeyboardInterrupt
        return evaluate(held_out, *arguments)

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(HeldOut, "evaluate", interrupted)
        Training(loop, Checkpointing(path, every=100)).run()
    assert not path.exists()
    whole, again = make_loop(), make_loop()
    Training(whole).run()
    Training(again, Checkpointing(path, every=100)).run()
    assert result(again) == result(whole)


def test_a_checkpoint_of_other_callbacks_is_refused(tmp_path):
    path = tmp_path / "checkpoint.safetensors"
    Training(make_loop(), [stopping_early(), Checkpointing(path)]).run()
    with pytest.raises(
        InvalidInput, match=r"arrays of callbacks that are not here, 'callback\.0\.EarlyStopping\.best'"
    ):
        Training(make_loop(), [Checkpointing(path)]).run()


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


@pytest.mark.parametrize(
    "change", [{"seed": 4}, {"noise_seed": 7}, {"dtype": np.float64}, {"schedule": Cosine()}]
)
def test_a_checkpoint_of_another_training_is_refused(tmp_path, change):
    path = tmp_path / "checkpoint.safetensors"
    Training(make_loop(), Checkpointing(path)).run()
    with pytest.raises(InvalidInput, match=r"another training|does not fit this training"):
        Training(make_loop(**change), Checkpointing(path)).run()
    Training(make_loop(**change), Checkpointing(path, resume=False)).run()


def test_a_damaged_checkpoint_is_refused_and_resume_false_replaces_it(tmp_path):
    path = tmp_path / "checkpoint.safetensors"
    path.write_bytes(b"nothing of the kind")
    with pytest.raises(CorruptFile):
        Training(make_loop(), Checkpointing(path)).run()
    Training(make_loop(), Checkpointing(path, resume=False)).run()
    assert len(Checkpoint.load(path).history) == N_EPOCHS


@pytest.mark.parametrize("every", [0, 1.0, True, "1"])
def test_checkpointing_refuses_nonsense(every):
    with pytest.raises(InvalidInput, match="every must be a number of epochs, an integer of at least 1; got"):
        Checkpointing("x", every=every)


def shown(loop, **console):
    console = Console(record=True, width=100, file=SimpleNamespace(write=len, flush=int), **console)
    Training(loop, Progress(console)).run()
    return console.export_text().splitlines()


def test_progress_is_a_table_of_the_epochs():
    lines = shown(make_loop())
    assert " ".join(lines[0].split()) == "epoch train loss test loss test accuracy learning rate seconds"
    assert [line.split()[0] for line in lines[1:]] == ["1", "2", "3", "4", "5"]


def test_columns_without_figures_are_left_out():
    lines = shown(make_loop(tested=False))
    assert " ".join(lines[0].split()) == "epoch train loss learning rate seconds"


def test_a_terminal_shows_a_bar_too():
    lines = shown(make_loop(), force_terminal=True)
    assert "5/5" in "".join(lines)


def test_progress_can_be_pickled_after_it_was_used():
    progress = Progress()
    Training(make_loop(), progress).run()
    Training(make_loop(), pickle.loads(pickle.dumps(progress))).run()
