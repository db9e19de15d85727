"""Training stopped and taken up again ends in the same bits as training that was not."""

from dataclasses import astuple, replace

import numpy as np
import pytest

from treadle.engines.engine import TrainingProblem
from treadle.engines.gradient_check import random_batch
from treadle.engines.numpy_engine import NumpyEngine
from treadle.engines.objective import Objective
from treadle.network import Network, Parameters
from treadle.optimizers import (
    SCHEDULES,
    SGD,
    Adam,
    AdamW,
    Adaptive,
    Constant,
    Cosine,
    InverseScaling,
    OneCycle,
)
from treadle.training.checkpoint import Checkpoint
from treadle.training.loop import TrainingLoop, TrainingPlan

NETWORK = Network((4, 6, 5, 3), ("tanh", "gelu"), dropout=(0.4, 0.2))
N_EPOCHS = 5
OPTIMIZERS = {"adam": Adam(), "adamw": AdamW(), "sgd": SGD(), "plain sgd": SGD(0.0)}
# tol so large that every epoch after the first stalls: the rate is divided in epochs 4 and 6.
ADAPTIVE = Adaptive(tol=10, n_iter_no_change=1)
SCHEDULE_CASES = (Constant(), OneCycle(), Cosine(), InverseScaling(), ADAPTIVE)


def make_loop(
    optimizer=OPTIMIZERS["adam"], schedule=SCHEDULE_CASES[0], dtype=np.float32, noise_seed=6, seed=3
):
    X, y, sample_weight = random_batch(NETWORK, 22, 9)
    objective = Objective(label_smoothing=0.1, l2=0.01)
    problem = TrainingProblem(
        NETWORK,
        objective,
        optimizer,
        X,
        y,
        sample_weight=sample_weight,
        batch_size=8,
        noise_seed=noise_seed,
    )
    plan = TrainingPlan(N_EPOCHS, 0.02, schedule, seed)
    parameters = Parameters.initialise(NETWORK, random_state=4, dtype=dtype)
    return TrainingLoop(NumpyEngine(), problem, plan, parameters, random_batch(NETWORK, 30, 1)[:2])


def result(loop):
    """Every bit of the state, and of the history except the seconds."""
    checkpoint = loop.checkpoint()
    state = {name: (array.dtype, array.shape, array.tobytes()) for name, array in checkpoint.state.items()}
    return state, [tuple(map(repr, astuple(replace(record, seconds=0)))) for record in checkpoint.history]


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
