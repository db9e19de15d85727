"""Everything at once, step by step: batch normalisation, flips, shifts, offset, dropout, weights, penalty."""

import numpy as np
import pytest

from treadle.engines.agreement import compare_engines
from treadle.engines.augmentation import Augmentation
from treadle.engines.batch_norm import BatchNorm
from treadle.engines.engine import TrainingProblem
from treadle.engines.gradient_check import random_targets
from treadle.engines.numpy_engine import NumpyEngine
from treadle.engines.objective import Objective
from treadle.engines.torch_engine import TorchEngine
from treadle.maths.activations import ACTIVATIONS
from treadle.maths.loss_table import LOSSES
from treadle.network import Network, Parameters
from treadle.optimizers import AdamW

ENGINES = (NumpyEngine(), TorchEngine("cpu"))


def make_problem(n_rows=225):
    """Batches of 32, the last of one row."""
    rng = np.random.default_rng(0)
    network = Network(
        (64, 24, 16, 10), ("tanh", "silu"), dropout=(0.2, 0.1), input_scale=1 / 80,
        batch_norm=(True, True), input_offset=-0.9,
    )  # fmt: skip
    return TrainingProblem(
        network,
        Objective(label_smoothing=0.05, l2=0.001),
        AdamW(weight_decay=0.1),
        rng.integers(256, size=(n_rows, 64), dtype=np.uint8),
        rng.integers(10, size=n_rows),
        32,
        rng.uniform(0.5, 2, n_rows),
        noise_seed=5,
        augmentation=Augmentation((8, 8), True, 1),
    )


def after_epochs(engine, dtype, n_epochs=3):
    problem = make_problem()
    trainer = engine.trainer(problem, Parameters.initialise(problem.network, dtype=dtype))
    orders = [np.random.default_rng(epoch).permutation(225) for epoch in range(n_epochs)]
    losses = np.concatenate([trainer.run_epoch(order, np.full(8, 0.01)) for order in orders])
    return losses, trainer.parameters()


@pytest.mark.parametrize(("dtype", "tolerance"), [(np.float64, 1e-12), (np.float32, 2e-4)])
def test_losses_parameters_and_running_statistics_agree_after_three_epochs(dtype, tolerance):
    (losses, ours), (by_torch, theirs) = (after_epochs(engine, dtype) for engine in ENGINES)
    assert np.abs(losses / by_torch - 1).max() <= tolerance
    for name in ("flat", "statistics"):
        found, expected = getattr(ours, name), getattr(theirs, name)
        assert found.dtype == expected.dtype == dtype
        assert np.abs(found - expected).max() <= tolerance * np.abs(expected).max()
    assert losses[-8:].mean() < losses[:8].mean()


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_each_step_from_equal_states_agrees_to_rounding(dtype):
    problem = make_problem()
    start = Parameters.initialise(problem.network, dtype=dtype)
    agreement = compare_engines(
        *ENGINES, problem, start, n_steps=8, learning_rate=0.01, seed=3, synchronised=True
    )
    assert agreement.passed


def test_one_engine_goes_on_from_the_others_running_statistics():
    problem = make_problem()
    order, rates = np.arange(225), np.full(8, 0.01)
    start = Parameters.initialise(problem.network, dtype=np.float64)
    for first, second in (ENGINES, ENGINES[::-1]):
        one, other = first.trainer(problem, start), second.trainer(problem, start)
        one.run_epoch(order, rates)
        other.load_state(one.state())
        np.testing.assert_array_equal(other.state()["statistics"], one.state()["statistics"])
        losses = [trainer.run_epoch(order, rates) for trainer in (one, other)]
        assert np.abs(losses[0] / losses[1] - 1).max() <= 1e-12
        difference = one.parameters().statistics - other.parameters().statistics
        assert np.abs(difference).max() <= 1e-12


def test_the_biased_variance_in_the_running_one_is_seen(monkeypatch):
    def biased(norm):
        norm._running_variance += 0.1 * (norm._variance - norm._running_variance)

    monkeypatch.setattr(BatchNorm, "update_statistics", biased)
    (_, ours), (_, theirs) = (after_epochs(engine, np.float64, 1) for engine in ENGINES)
    n = theirs.statistics.size // 2
    assert not np.abs(ours.statistics - theirs.statistics)[n:].max() <= 1e-12


@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("loss", LOSSES)
def test_gradients_agree_with_autograd_for_every_loss_and_activation(loss, activation):
    network = Network(
        (6, 7, 5, 3), activation, LOSSES[loss].output, dropout=0.3, batch_norm=True, input_offset=0.2
    )
    rng = np.random.default_rng(5)
    X, weights = rng.standard_normal((17, 6)), rng.uniform(0, 2, 17)
    y = random_targets(network, 17, rng)
    parameters = Parameters(network, rng.standard_normal(network.n_parameters))
    (loss_by_hand, ours), (by_autograd, theirs) = (
        engine.loss_and_gradients(
            parameters, X, y, weights, objective=Objective(loss, l2=0.1), noise_key=(3, 4)
        )
        for engine in ENGINES
    )
    assert abs(loss_by_hand / by_autograd - 1) <= 1e-12
    for (_, mine), (_, other) in zip(ours.trainable(), theirs.trainable(), strict=True):
        assert np.abs(mine - other).max() <= 1e-12 * np.abs(other).max()
