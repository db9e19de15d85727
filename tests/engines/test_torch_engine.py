"""What the torch engine refuses, and what it leaves alone. Its arithmetic is checked in tests/agreement."""

import subprocess
import sys

import numpy as np
import pytest
import torch

from treadle.engines.engine import TrainingProblem
from treadle.engines.objective import Objective
from treadle.engines.torch_engine import TorchEngine
from treadle.errors import EngineUnavailable, InvalidInput, TrainingDiverged
from treadle.network import Network, Parameters
from treadle.optimizers import SGD, Adam, AdamW, Optimizer

NETWORK = Network((5, 8, 3), dropout=0.25)


def make_problem(optimizer=None, dtype=np.float32, **changes):
    rng = np.random.default_rng(0)
    arguments = {
        "network": NETWORK,
        "objective": Objective(),
        "optimizer": optimizer or Adam(),
        "X": rng.standard_normal((50, 5)).astype(dtype),
        "y": rng.integers(3, size=50),
        "sample_weight": None,
        "batch_size": 16,
        "noise_seed": 3,
    }
    return TrainingProblem(**(arguments | changes))


def order(epoch):
    return np.random.default_rng(epoch).permutation(50)


RATES = np.array([0.01, 0.02, 0.01, 0.005])


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("optimizer", [Adam(), AdamW(), SGD(), SGD(nesterov=False), SGD(0.0)], ids=str)
def test_a_resumed_run_ends_in_the_same_bits(optimizer, dtype):
    problem = make_problem(optimizer, dtype)
    start = Parameters.initialise(NETWORK, dtype=dtype)
    whole = TorchEngine("cpu").trainer(problem, start)
    losses = [whole.run_epoch(order(epoch), RATES) for epoch in range(4)]

    first = TorchEngine("cpu").trainer(problem, start)
    for epoch in range(2):
        first.run_epoch(order(epoch), RATES)
    state = first.state()
    first.run_epoch(order(3), RATES)  # the state is a copy: what comes after does not touch it
    second = TorchEngine("cpu").trainer(problem, Parameters.zeros(NETWORK, dtype))
    second.load_state(state)
    resumed = [second.run_epoch(order(epoch), RATES) for epoch in (2, 3)]

    np.testing.assert_array_equal(resumed, losses[2:])
    for name, array in whole.state().items():
        np.testing.assert_array_equal(second.state()[name], array, err_msg=name)
    assert second.parameters().dtype == dtype


def test_state_before_the_first_step_is_zero_moments():
    start = Parameters.initialise(NETWORK)
    state = TorchEngine("cpu").trainer(make_problem(), start).state()
    assert list(state) == ["parameters", "statistics", "step", "m", "v"]
    assert state["step"] == 0
    assert state["step"].dtype == np.int64
    np.testing.assert_array_equal(state["parameters"], start.flat)
    assert not state["m"].any()
    assert not state["v"].any()


def test_training_leaves_the_parameters_it_started_from():
    start = Parameters.initialise(NETWORK)
    before = start.flat.copy()
    trainer = TorchEngine("cpu").trainer(make_problem(), start)
    trainer.run_epoch(order(0), RATES)
    np.testing.assert_array_equal(start.flat, before)
    assert (trainer.parameters().flat != before).any()


@pytest.mark.parametrize("mode", [torch.no_grad, torch.inference_mode])
def test_it_trains_where_the_caller_records_no_gradients(mode):
    start = Parameters.initialise(NETWORK)
    expected = TorchEngine("cpu").trainer(make_problem(), start).run_epoch(order(0), RATES)
    with mode():
        trainer = TorchEngine("cpu").trainer(make_problem(), start)
        np.testing.assert_array_equal(trainer.run_epoch(order(0), RATES), expected)
        assert not torch.is_grad_enabled()


def test_global_state_of_torch_stays_as_it_was():
    def state():
        return (
            torch.get_num_threads(),
            torch.get_default_dtype(),
            torch.is_grad_enabled(),
            torch.are_deterministic_algorithms_enabled(),
            torch.get_rng_state().tolist(),
            # A subnormal product: 0 if flushing is on.
            (torch.tensor([1e-30]) * torch.tensor([1e-10])).item(),
        )

    before = state()
    assert before[-1] != 0
    engine = TorchEngine("cpu")
    trainer = engine.trainer(make_problem(), Parameters.initialise(NETWORK))
    trainer.run_epoch(order(0), RATES)
    engine.logits(trainer.parameters(), np.zeros((2, 5)))
    assert state() == before


def test_the_default_dtype_does_not_matter():
    start = Parameters.initialise(NETWORK)
    expected = TorchEngine("cpu").trainer(make_problem(), start).run_epoch(order(0), RATES)
    torch.set_default_dtype(torch.float64)
    try:
        losses = TorchEngine("cpu").trainer(make_problem(), start).run_epoch(order(0), RATES)
    finally:
        torch.set_default_dtype(torch.float32)
    np.testing.assert_array_equal(losses, expected)


def test_read_only_arrays_serve():
    problem = make_problem()
    for array in (problem.X, problem.y):
        array.setflags(write=False)
    engine = TorchEngine("cpu")
    trainer = engine.trainer(problem, Parameters.initialise(NETWORK))
    trainer.run_epoch(order(0), RATES)
    assert engine.logits(trainer.parameters(), problem.X).shape == (50, 3)


def test_the_module_does_not_load_torch():
    code = "import sys, treadle.engines.torch_engine; print('torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


def test_without_torch_it_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "torch", None)
    with pytest.raises(EngineUnavailable, match=r"needs PyTorch.*pip install 'treadle\[torch\]'"):
        TorchEngine()


def test_cuda_without_a_gpu_is_unavailable(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(EngineUnavailable, match=r"device='cuda' needs a GPU.*take device='cpu'"):
        TorchEngine("cuda")
    assert TorchEngine("auto").device == torch.device("cpu")


def test_auto_takes_the_gpu_that_torch_finds(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    assert TorchEngine("auto").device == torch.device("cuda")


def test_another_device_is_refused():
    with pytest.raises(InvalidInput, match="device must be one of auto, cpu, cuda; got 'tpu'"):
        TorchEngine("tpu")


def test_an_unknown_update_rule_is_refused():
    class Other(Optimizer):
        moments = ()

        def update(self, parameters, gradients, moments, step, learning_rate):
            parameters.flat -= gradients.flat

    with pytest.raises(EngineUnavailable, match="adam, adamw and sgd; got Other: take the numpy engine"):
        TorchEngine("cpu").trainer(make_problem(Other()), Parameters.initialise(NETWORK))


def test_a_loss_that_is_not_finite_stops_the_epoch_at_its_step():
    problem = make_problem()
    rows = order(0)
    problem.X[rows[20]] = np.inf
    trainer = TorchEngine("cpu").trainer(problem, Parameters.initialise(NETWORK))
    with pytest.raises(TrainingDiverged, match="the loss became nan at step 2 of the epoch"):
        trainer.run_epoch(rows, RATES)
    assert trainer.state()["step"] == 1


def test_targets_that_do_not_fit_are_refused_before_training():
    engine, start = TorchEngine("cpu"), Parameters.initialise(NETWORK)
    y = np.zeros(50, np.int64)
    y[49] = 3
    with pytest.raises(InvalidInput, match=r"labels must lie in 0..2.*got 3 at index 49"):
        engine.trainer(make_problem(y=y), start)
    with pytest.raises(InvalidInput, match="target must be labels"):
        engine.loss_and_gradients(start, np.zeros((4, 5)), np.zeros(3, np.int64), objective=Objective())
    with pytest.raises(InvalidInput, match="sample_weight must be at least 0"):
        engine.trainer(make_problem(sample_weight=np.full(50, -1.0)), start)


def test_rows_that_do_not_fit_the_network_are_refused():
    start = Parameters.initialise(NETWORK)
    X = np.zeros((4, 6))
    message = r"of shape \(N, 5\), for the 5 inputs of the network; got float64 of shape \(4, 6\)"
    with pytest.raises(InvalidInput, match=message):
        TorchEngine("cpu").logits(start, X)
    with pytest.raises(InvalidInput, match=message):
        TorchEngine("cpu").loss_and_gradients(start, X, np.zeros(4, np.int64), objective=Objective())


def test_a_loss_that_does_not_fit_the_output_is_refused():
    start = Parameters.initialise(NETWORK)
    squared = Objective("squared")
    with pytest.raises(InvalidInput, match="'squared' needs a network with output='identity'"):
        TorchEngine("cpu").loss_and_gradients(start, np.zeros((4, 5)), np.zeros((4, 3)), objective=squared)
