"""Mini-batches in PyTorch: each update rule against treadle's own equations; states that go on anywhere."""

import threading

import numpy as np
import pytest
import torch

from treadle.engines.engine import TrainingProblem
from treadle.engines.numpy_engine import NumpyTrainer
from treadle.engines.objective import Objective
from treadle.engines.torch_trainer import TorchTrainer
from treadle.errors import EngineUnavailable, TrainingDiverged
from treadle.hardware import at_once
from treadle.network import Network, Parameters
from treadle.optimizers import SGD, Adam, AdamW, Optimizer

NETWORK = Network((4, 6, 3), "tanh", batch_norm=(True,), dropout=(0.25,))
RNG = np.random.default_rng(0)
X, Y = RNG.standard_normal((22, 4)), RNG.integers(0, 3, 22)
RULES = [Adam(), Adam(0.8, 0.9, 1e-3), AdamW(weight_decay=0.3), SGD(), SGD(nesterov=False), SGD(0.0)]


def problem(optimizer, **changes):
    return TrainingProblem(
        NETWORK,
        Objective(l2=0.01),
        optimizer,
        **({"X": X, "y": Y, "batch_size": 8, "noise_seed": 5} | changes),
    )


def start():
    return Parameters.initialise(NETWORK, random_state=2, dtype=np.float64)


def orders(n):
    return [np.random.default_rng(epoch).permutation(22) for epoch in range(n)]


RATES = np.array([0.05, 0.02, 0.1])


@pytest.mark.parametrize("optimizer", RULES, ids=repr)
def test_losses_parameters_and_moments_are_those_of_the_specification(optimizer):
    ours = TorchTrainer(problem(optimizer), start(), torch.device("cpu"))
    theirs = NumpyTrainer(problem(optimizer), start())
    for order in orders(3):
        np.testing.assert_allclose(ours.run_epoch(order, RATES), theirs.run_epoch(order, RATES), rtol=1e-9)
    one, other = ours.state(), theirs.state()
    assert sorted(one) == sorted(other) and one["step"] == 9
    for name, values in one.items():
        np.testing.assert_allclose(values, other[name], rtol=1e-7, atol=1e-10, err_msg=name)


@pytest.mark.parametrize("optimizer", RULES, ids=repr)
def test_it_goes_on_from_the_state_of_the_specification(optimizer):
    first, *others = orders(3)
    theirs = NumpyTrainer(problem(optimizer), start())
    theirs.run_epoch(first, RATES)
    ours = TorchTrainer(problem(optimizer), Parameters.zeros(NETWORK, np.float64), torch.device("cpu"))
    ours.load_state(theirs.state())
    for order in others:
        np.testing.assert_allclose(ours.run_epoch(order, RATES), theirs.run_epoch(order, RATES), rtol=1e-9)
    np.testing.assert_allclose(ours.parameters().flat, theirs.parameters().flat, rtol=1e-7, atol=1e-10)


def test_a_loss_that_is_no_number_names_its_step():
    rows = X.copy()
    rows[13] = np.nan
    trainer = TorchTrainer(problem(Adam(), X=rows), start(), torch.device("cpu"))
    order = np.r_[0:13, 14:22, 13]
    with pytest.raises(TrainingDiverged, match="the loss became nan at step 3 of the epoch; try a smaller"):
        trainer.run_epoch(order, RATES)
    assert trainer.state()["step"] == 2


def test_among_others_it_ends_after_the_step_at_which_all_are_to_stop(monkeypatch):
    trainer = TorchTrainer(problem(Adam()), start(), torch.device("cpu"))
    second_step, steps, batch = threading.Event(), [], TrainingProblem.batch

    def noted(problem, rows, step):
        steps.append(step)
        if step == 1:
            second_step.set()
            assert at_once._stop.get().wait(60)
        return batch(problem, rows, step)

    def interrupt():
        assert second_step.wait(60)
        raise KeyboardInterrupt

    monkeypatch.setattr(TrainingProblem, "batch", noted)
    with pytest.raises(KeyboardInterrupt):
        at_once.run_at_once([lambda: trainer.run_epoch(np.arange(22), RATES), interrupt], 2)
    assert steps == [0, 1] and trainer.state()["step"] == 2


def test_a_rule_that_pytorch_has_not_is_refused():
    class Other(Optimizer):
        moments = ()

        def update(self, *arguments):
            raise AssertionError

    with pytest.raises(
        EngineUnavailable, match="has the update rules adam, adamw and sgd; got Other: take the"
    ):
        TorchTrainer(problem(Other()), start(), torch.device("cpu"))
