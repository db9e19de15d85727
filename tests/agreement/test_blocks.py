"""Blocks of parameters with rates and decays of their own: NumPy's engine, PyTorch's, and plain formulas."""

from contextlib import closing
from dataclasses import replace
from functools import cached_property

import numpy as np
import pytest

from treadle import SGD, Adam, AdamW, Network, Objective, Parameters, TrainingProblem, select_engine
from treadle.engines.native_engine import NativeEngine
from treadle.engines.numpy_engine import NumpyEngine
from treadle.engines.torch_engine import TorchEngine
from treadle.errors import EngineUnavailable, InvalidInput
from treadle.training.lbfgs import LbfgsTrainer

N = 40
# (rate, decay) where they are not those of every network.
OTHERS = {"weights.0": (0.3, 2.0), "weights.1": (2.0, 0.0), "biases.0": (0.0, 0.0), "biases.1": (1.0, 0.5)}


class Uneven(Network):
    @cached_property
    def blocks(self):
        return tuple(
            replace(b, rate=OTHERS[b.name][0], decay=OTHERS[b.name][1]) if b.name in OTHERS else b
            for b in super().blocks
        )


class Decaying(Network):
    @cached_property
    def blocks(self):
        return tuple(replace(b, decay=0.5 if b.name == "biases.1" else b.decay) for b in super().blocks)


def problem(network, optimizer, l2=0.05):
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(N, network.sizes[0])), rng.integers(network.sizes[-1], size=N)
    return TrainingProblem(network, Objective(l2=l2), optimizer, X, y, 8)


def trained(engine, problem, n_epochs=3):
    parameters = Parameters.initialise(problem.network, random_state=1, dtype=np.float64)
    trainer = engine.trainer(problem, parameters)
    rates = np.linspace(0.05, 0.01, problem.n_steps(N))
    losses = [trainer.run_epoch(np.arange(N), rates) for _ in range(n_epochs)]
    return parameters, trainer.parameters(), np.concatenate(losses)


@pytest.mark.parametrize("optimizer", [Adam(), AdamW(weight_decay=0.3), SGD(), SGD(0.0)], ids=str)
@pytest.mark.parametrize("batch_norm", [False, True])
def test_every_engine_takes_the_same_steps(optimizer, batch_norm):
    uneven = problem(Uneven((4, 6, 3), "tanh", batch_norm=batch_norm), optimizer)
    start, ours, our_losses = trained(NumpyEngine(), uneven)
    _, theirs, their_losses = trained(TorchEngine("cpu"), uneven)
    np.testing.assert_allclose(our_losses, their_losses, rtol=1e-10)
    np.testing.assert_allclose(ours.flat, theirs.flat, rtol=1e-9, atol=1e-12)
    without_penalty = replace(uneven, objective=Objective())
    _, expected, losses = trained(NumpyEngine(), without_penalty)
    _, native, native_losses = trained(NativeEngine(2), without_penalty)
    np.testing.assert_allclose(native_losses, losses, rtol=1e-10)
    np.testing.assert_allclose(native.flat, expected.flat, rtol=1e-9, atol=1e-12)
    even = problem(Network((4, 6, 3), "tanh", batch_norm=batch_norm), optimizer)
    assert np.abs(trained(NumpyEngine(), even)[1].flat - ours.flat).max() > 1e-3
    # A rate of 0 leaves the parameters as they were, to the bit.
    np.testing.assert_array_equal(ours.biases[0], start.biases[0])


def test_a_step_is_the_gradient_times_both_rates():
    network = Uneven((4, 6, 3), "tanh")
    one = replace(problem(network, SGD(0.0)), batch_size=N)
    start = Parameters.initialise(network, random_state=1, dtype=np.float64)
    _, g = NumpyEngine().loss_and_gradients(start, one.X, one.y, objective=one.objective)
    trainer = NumpyEngine().trainer(one, start)
    trainer.run_epoch(np.arange(N), np.array([0.1]))
    moved = dict(trainer.parameters().trainable())
    for (name, before), (_, slope) in zip(start.trainable(), g.trainable(), strict=True):
        np.testing.assert_allclose(moved[name], before - 0.1 * OTHERS[name][0] * slope, rtol=1e-14, atol=0)


def test_the_decay_of_adamw_is_that_of_the_block():
    network = Uneven((4, 6, 3), "tanh")
    start = Parameters.initialise(network, random_state=1, dtype=np.float64)
    zero, optimizer = Parameters.zeros(network, np.float64), AdamW(weight_decay=0.2)
    after = start.copy()
    optimizer.update(after, zero, optimizer.start(start.flat.size, np.float64), 1, 0.1)
    moved = dict(after.trainable())
    for name, before in start.trainable():
        rate, decay = OTHERS[name]
        np.testing.assert_allclose(moved[name], before * (1 - 0.1 * rate * 0.2 * decay), rtol=1e-14)


@pytest.mark.parametrize("engine", [NumpyEngine(), TorchEngine("cpu")], ids=["numpy", "torch"])
def test_the_penalty_is_that_of_each_block(engine):
    network = Uneven((4, 6, 3), "tanh")
    parameters = Parameters.initialise(network, random_state=1, dtype=np.float64)
    rows = problem(network, SGD())
    plain, g = engine.loss_and_gradients(parameters, rows.X, rows.y, objective=Objective())
    found, slope = engine.loss_and_gradients(parameters, rows.X, rows.y, objective=Objective(l2=0.4))
    squares = sum(OTHERS[name][1] * (array**2).sum() for name, array in parameters.trainable())
    assert found == pytest.approx(plain + 0.2 * squares, rel=1e-13)
    without, arrays = dict(g.trainable()), dict(parameters.trainable())
    for name, array in slope.trainable():
        expected = without[name] + 0.4 * OTHERS[name][1] * arrays[name]
        np.testing.assert_allclose(array, expected, rtol=1e-12, atol=1e-15)


def test_lbfgs_penalises_each_block_and_refuses_rates():
    rows = problem(Decaying((4, 6, 3), "tanh"), SGD())
    start = Parameters.initialise(rows.network, random_state=1, dtype=np.float64)
    limits = {"max_iterations": 5, "max_evaluations": 50, "tolerance": 1e-6}
    seen = []
    with closing(LbfgsTrainer(NumpyEngine(), rows, start, **limits)) as trainer:
        while len(loss := trainer.run_epoch(np.arange(N), np.array([np.nan]))):
            seen.append((trainer.parameters(), loss[0]))
    assert len(seen) > 1
    for parameters, loss in seen:
        expected, _ = NumpyEngine().loss_and_gradients(parameters, rows.X, rows.y, objective=rows.objective)
        assert loss == pytest.approx(expected, rel=1e-12)
    uneven = problem(Uneven((4, 6, 3), "tanh"), SGD())
    with pytest.raises(InvalidInput, match=r"one length of step .* of its own: use the solver"):
        LbfgsTrainer(NumpyEngine(), uneven, start, **limits)


@pytest.mark.parametrize("network", [Uneven((4, 6, 3)), Decaying((4, 6, 3))], ids=["rates", "decay"])
def test_the_native_engine_refuses_their_penalty_and_auto_takes_another(network):
    single = problem(network, Adam())
    parameters = Parameters.initialise(network)
    message = (
        r"native engine has one L2 penalty .* got l2=0.05 for a network whose blocks decay otherwise: take"
    )
    for call in (
        lambda: NativeEngine(1).trainer(single, parameters),
        lambda: NativeEngine(1).loss_and_gradients(
            parameters, single.X, single.y, objective=single.objective
        ),
        lambda: select_engine("native", single),
    ):
        with pytest.raises(EngineUnavailable, match=message):
            call()
    selection = select_engine("auto", single)
    assert selection.engine.name != "native" and "has one L2 penalty" in selection.reason
