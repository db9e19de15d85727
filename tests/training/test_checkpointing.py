"""Checkpoints of a training: killed and gone on with to the same bits; those of another are refused."""

import math

import numpy as np
import pytest

from tests.training.training_cases import N_EPOCHS, make_loop, result
from treadle.errors import CorruptFile, InvalidInput
from treadle.optimizers import Cosine
from treadle.training.callbacks import Training
from treadle.training.checkpoint import Checkpoint
from treadle.training.checkpointing import Checkpointing
from treadle.training.early_stopping import EarlyStopping
from treadle.training.held_out import HeldOut


def figures_of(figures):
    return lambda training: figures[training.record.epoch - 1]


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
