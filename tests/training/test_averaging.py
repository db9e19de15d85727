"""The mean over the last epochs: what is in it, what is evaluated; an interruption changes no bit."""

from dataclasses import replace

import numpy as np
import pytest

from treadle.engines.engine import TrainingProblem
from treadle.engines.gradient_check import random_batch
from treadle.engines.numpy_engine import NumpyEngine
from treadle.engines.objective import Objective
from treadle.errors import InvalidInput
from treadle.network import Network, Parameters
from treadle.optimizers import Adam, Constant
from treadle.training.checkpoint import Checkpoint
from treadle.training.held_out import plain_loss
from treadle.training.loop import TrainingLoop, TrainingPlan

NETWORK = Network((4, 6, 3), "tanh", batch_norm=True)
PLAN = TrainingPlan(5, 0.05, Constant(), 7)
TEST_SET = random_batch(NETWORK, 30, 1)[:2]


def make_loop(averaged_epochs=1, dtype=np.float32, **changes):
    X, y, weights = random_batch(NETWORK, 22, 9)
    problem = TrainingProblem(NETWORK, Objective(), Adam(), X, y, 8, weights)
    plan = replace(PLAN, averaged_epochs=averaged_epochs, **changes)
    parameters = Parameters.initialise(NETWORK, random_state=4, dtype=dtype)
    return TrainingLoop(NumpyEngine(), problem, plan, parameters, TEST_SET)


def ends_of_epochs(loop):
    return [loop.parameters() for _ in loop.epochs()]


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_the_model_is_the_mean_of_the_ends_of_the_last_epochs(dtype):
    ends = ends_of_epochs(make_loop(dtype=dtype))
    averaged = ends_of_epochs(make_loop(3, dtype=dtype))
    for epoch, found in enumerate(averaged, 1):
        taken = ends[2:epoch] if epoch > 2 else ends[epoch - 1 : epoch]
        assert found.dtype == dtype
        for name in ("flat", "statistics"):
            mean = np.mean([getattr(end, name).astype(np.float64) for end in taken], axis=0)
            np.testing.assert_array_equal(getattr(found, name), mean.astype(dtype))


def test_each_epoch_s_evaluation_is_of_the_average_so_far():
    loop = make_loop(3)
    for record in loop.epochs():
        logits = NumpyEngine().logits(loop.parameters(), TEST_SET[0])
        assert record.held_out_loss == plain_loss(Objective(), logits, TEST_SET[1])


def test_training_itself_does_not_see_the_average():
    plain, averaged = make_loop(), make_loop(4)
    for loop in (plain, averaged):
        list(loop.epochs())
    assert averaged.history.column("train_loss") == plain.history.column("train_loss")
    assert averaged.history.column("held_out_loss")[-1] != plain.history.column("held_out_loss")[-1]
    flats = [loop.checkpoint().state["parameters"] for loop in (plain, averaged)]
    np.testing.assert_array_equal(*flats)


@pytest.mark.parametrize("n_before", [1, 2, 3, 4, 5])
def test_an_interruption_before_in_and_after_the_last_epochs_changes_no_bit(tmp_path, n_before):
    whole, first, second = (make_loop(3) for _ in range(3))
    list(whole.epochs())
    for record in first.epochs():
        if record.epoch == n_before:
            break
    first.checkpoint().save(tmp_path / "checkpoint")
    second.restore(Checkpoint.load(tmp_path / "checkpoint"))
    list(second.epochs())
    for name in ("flat", "statistics"):
        np.testing.assert_array_equal(getattr(second.parameters(), name), getattr(whole.parameters(), name))
    assert second.history.column("held_out_loss") == whole.history.column("held_out_loss")
    state = whole.checkpoint().state
    assert all(np.array_equal(array, state[name]) for name, array in second.checkpoint().state.items())


def test_a_checkpoint_does_not_change_with_the_average_that_goes_on():
    loop = make_loop(3)
    epochs = loop.epochs()
    for _ in range(3):
        next(epochs)
    checkpoint = loop.checkpoint()
    before = {name: array.copy() for name, array in checkpoint.state.items()}
    list(epochs)
    assert all(np.array_equal(checkpoint.state[name], array) for name, array in before.items())


def test_a_checkpoint_without_an_average_does_not_fit_a_training_with_one_nor_the_reverse():
    for kept, wanted in ((1, 3), (3, 1)):
        with pytest.raises(
            InvalidInput, match=r"does not fit this training.* and the averaging that it was made"
        ):
            make_loop(wanted).restore(make_loop(kept).checkpoint())


def test_an_average_over_other_epochs_is_refused():
    loop = make_loop(3)
    list(loop.epochs())
    for changes in ({"averaged_epochs": 2}, {"averaged_epochs": 3, "n_epochs": 6}):
        with pytest.raises(
            InvalidInput,
            match="average has 3 epochs in it at the end of epoch 5, where 2 are needed: take the number",
        ):
            make_loop(**changes).restore(loop.checkpoint())


@pytest.mark.parametrize("averaged_epochs", [0, 6, -1])
def test_as_many_epochs_are_averaged_as_there_are_at_most(averaged_epochs):
    with pytest.raises(
        InvalidInput, match="the epochs to average over must be from 1 to the 5 of the training; got"
    ):
        replace(PLAN, averaged_epochs=averaged_epochs)
