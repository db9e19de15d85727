"""Networks for tables: NumPy's engine and PyTorch's, from one start, in one order."""

import numpy as np
import pytest

from tests.engines.table_networks import NUMBERS, SOFTMAX, STAGES, table_network, table_problem, varied
from treadle import SGD, Adam, AdamW, check_gradients
from treadle.engines.agreement import compare_engines
from treadle.engines.numpy_engine import NumpyEngine
from treadle.engines.torch_engine import TorchEngine
from treadle.network import Parameters

NUMPY, TORCH = NumpyEngine(), TorchEngine("cpu")


@pytest.mark.parametrize("stage", STAGES.values(), ids=STAGES)
@pytest.mark.parametrize("options", [SOFTMAX, NUMBERS], ids=["classes", "numbers"])
def test_gradients_are_those_of_automatic_differentiation(stage, options):
    network = table_network(stage, dropout=0.3, **options)
    problem = table_problem(network, 12)
    reports = check_gradients(
        NUMPY,
        varied(network),
        problem.X,
        problem.y,
        problem.sample_weight,
        objective=problem.objective,
        noise_key=(4, 9),
        reference=TORCH,
    )
    assert all(report.passed for report in reports), reports


@pytest.mark.parametrize("options", [SOFTMAX, NUMBERS], ids=["classes", "numbers"])
@pytest.mark.parametrize("optimizer", [AdamW(0.9, 0.95, weight_decay=0.3), Adam(), SGD(0.5)], ids=str)
def test_both_take_the_same_steps(options, optimizer):
    network = table_network(dropout=0.2, **options)
    problem = table_problem(network, n_rows=960, optimizer=optimizer)
    arguments = {"n_steps": 60, "learning_rate": 0.02, "seed": 0}
    agreement = compare_engines(TORCH, NUMPY, problem, varied(network), **arguments)
    assert agreement.passed, agreement.largest_relative_difference
    assert agreement.losses[-10:].mean() < agreement.losses[:10].mean()


def trained(engine, problem, start):
    trainer = engine.trainer(problem, start)
    for _ in range(10):
        trainer.run_epoch(np.arange(90), np.linspace(0.05, 0.01, 6))
    return trainer.parameters().flat


def test_all_parameters_end_alike_and_each_option_of_the_steps_matters():
    network = table_network(dropout=0.2)
    problem, start = table_problem(network), varied(network)
    ours = trained(NUMPY, problem, start)
    np.testing.assert_allclose(ours, trained(TORCH, problem, start), rtol=1e-8, atol=1e-10)
    for change in ({"scaled_rates": False}, {"parametric": False}, {"dropout": 0.0}):
        other = table_network(**{"dropout": 0.2, **change})
        moved = trained(NUMPY, table_problem(other), Parameters(other, start.flat[: other.n_parameters]))
        assert np.abs(moved[: 7 * 37] - ours[: 7 * 37]).max() > 1e-3, change
    steady = trained(NUMPY, table_problem(network, fading=None), start)
    assert np.abs(steady - ours).max() > 1e-3


def test_predictions_agree_in_both_types():
    network = table_network()
    for dtype, tolerance in ((np.float64, 1e-12), (np.float32, 1e-5)):
        parameters = varied(network, dtype=dtype)
        X = table_problem(network).X.astype(dtype)
        ours, theirs = (engine.logits(parameters, X) for engine in (NUMPY, TORCH))
        assert theirs.dtype == dtype
        np.testing.assert_allclose(ours, theirs, rtol=tolerance, atol=tolerance)
