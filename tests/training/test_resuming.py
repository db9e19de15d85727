"""Training stopped and taken up again ends in the same bits as training that was not."""

import numpy as np
import pytest

from tests.training.training_cases import (
    ADAPTIVE,
    N_EPOCHS,
    OPTIMIZERS,
    SCHEDULE_CASES,
    make_loop,
    result,
)
from treadle.optimizers import SCHEDULES, Fading
from treadle.training.checkpoint import Checkpoint


def interrupted(path, n_before, *arguments, **options):
    """Train n_before epochs, save, and finish in a new loop that knows the file alone."""
    first = make_loop(*arguments, **options)
    for record in first.epochs():
        if record.epoch == n_before:
            break
    first.checkpoint().save(path)
    second = make_loop(*arguments, **options)
    second.restore(Checkpoint.load(path))
    assert [record.epoch for record in second.epochs()] == list(range(n_before + 1, N_EPOCHS + 1))
    return second


def test_every_schedule_is_here():
    assert {type(schedule) for schedule in SCHEDULE_CASES} == set(SCHEDULES.values())


@pytest.mark.parametrize("schedule", SCHEDULE_CASES, ids=SCHEDULES)
@pytest.mark.parametrize("optimizer", OPTIMIZERS.values(), ids=OPTIMIZERS)
def test_every_optimizer_and_schedule(tmp_path, optimizer, schedule):
    whole = make_loop(optimizer, schedule)
    list(whole.epochs())
    assert result(interrupted(tmp_path / "checkpoint", 3, optimizer, schedule)) == result(whole)
    if schedule is ADAPTIVE:
        rates = whole.history.column("learning_rate")
        assert rates[0] == 0.02 and rates[-1] < 0.02


@pytest.mark.parametrize("n_before", range(1, N_EPOCHS + 1))
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_from_the_end_of_every_epoch_in_both_precisions(tmp_path, n_before, dtype):
    whole = make_loop(dtype=dtype)
    list(whole.epochs())
    assert result(interrupted(tmp_path / "checkpoint", n_before, dtype=dtype)) == result(whole)


def test_where_dropout_and_decay_fade(tmp_path):
    options = {"optimizer": OPTIMIZERS["adamw"], "fading": Fading(N_EPOCHS * 2), "drops_remainder": True}
    whole = make_loop(**options)
    list(whole.epochs())
    assert result(interrupted(tmp_path / "checkpoint", 3, **options)) == result(whole)
    steady = make_loop(**{**options, "fading": None})
    list(steady.epochs())
    assert result(steady) != result(whole)


@pytest.mark.parametrize("changed", ["noise_seed", "seed"])
def test_another_seed_after_the_interruption_is_noticed(tmp_path, changed):
    whole = make_loop()
    next(whole.epochs())
    other = make_loop(**{changed: 99})
    other.restore(whole.checkpoint())
    list(whole.epochs())
    list(other.epochs())
    assert result(other) != result(whole)


@pytest.mark.parametrize("forgotten", ["step", "m", "v"])
def test_a_state_with_a_part_forgotten_is_noticed(forgotten):
    whole = make_loop()
    next(whole.epochs())
    checkpoint = whole.checkpoint()
    checkpoint.state[forgotten][...] = 0
    other = make_loop()
    other.restore(checkpoint)
    list(whole.epochs())
    list(other.epochs())
    assert result(other) != result(whole)


def test_restoring_goes_back_as_well():
    made = make_loop()
    epochs = made.epochs()
    next(epochs)
    checkpoint = made.checkpoint()
    list(epochs)
    finished = result(made)
    made.restore(checkpoint)
    assert len(made.history) == 1
    list(made.epochs())
    assert result(made) == finished
    assert len(checkpoint.history) == 1


def test_a_checkpoint_does_not_change_with_the_training_that_goes_on():
    made = make_loop()
    epochs = made.epochs()
    next(epochs)
    checkpoint = made.checkpoint()
    copies = {name: array.copy() for name, array in checkpoint.state.items()}
    list(epochs)
    assert all(np.array_equal(checkpoint.state[name], copies[name]) for name in copies)
    assert len(checkpoint.history) == 1
