"""Networks for tables: NumPy's engine, PyTorch's and the native one, from one start, in one order."""

import numpy as np
import pytest

from tests.engines.native_kernels import KERNELS, native
from tests.engines.table_networks import NUMBERS, SOFTMAX, STAGES, table_network, table_problem, varied
from treadle import SGD, Adam, AdamW, InputStage, check_gradients
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


ENGINES = {"torch": TORCH} | {f"{kernels} on {n}": native(kernels, n) for kernels in KERNELS for n in (1, 3)}


@pytest.mark.parametrize("engine", ENGINES.values(), ids=ENGINES)
@pytest.mark.parametrize("options", [SOFTMAX, NUMBERS], ids=["classes", "numbers"])
@pytest.mark.parametrize("optimizer", [AdamW(0.9, 0.95, weight_decay=0.3), Adam(), SGD(0.5)], ids=str)
def test_all_take_the_same_steps(engine, options, optimizer):
    network = table_network(dropout=0.2, **options)
    problem = table_problem(network, n_rows=960, optimizer=optimizer)
    arguments = {"n_steps": 60, "learning_rate": 0.02, "seed": 0}
    agreement = compare_engines(engine, NUMPY, problem, varied(network), **arguments)
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
    for engine in (TORCH, native(KERNELS[0]), native(KERNELS[0], 2)):
        np.testing.assert_allclose(ours, trained(engine, problem, start), rtol=1e-8, atol=1e-10)
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
        ours = NUMPY.logits(parameters, X)
        for engine in ENGINES.values():
            for rows in (X, X[:1], X[:5], np.asfortranarray(X)):
                theirs = engine.logits(parameters, rows)
                assert theirs.dtype == dtype
                np.testing.assert_allclose(ours[: len(rows)], theirs, rtol=tolerance, atol=tolerance)


@pytest.mark.parametrize("kernels", KERNELS)
@pytest.mark.parametrize("stage", STAGES.values(), ids=STAGES)
@pytest.mark.parametrize("options", [SOFTMAX, NUMBERS], ids=["classes", "numbers"])
def test_the_kernels_gradients_are_numpys(kernels, stage, options):
    network = table_network(stage, dropout=0.3, **options)
    problem, start = table_problem(network, 37), varied(network)
    given = problem.X, problem.y, problem.sample_weight
    chosen = {"objective": problem.objective, "noise_key": (4, 9)}
    loss, expected = NUMPY.loss_and_gradients(start, *given, **chosen)
    for dtype, tolerance in ((np.float64, 1e-12), (np.float32, 2e-5)):
        parameters = Parameters(network, start.flat.astype(dtype))
        found, gradients = native(kernels, 2).loss_and_gradients(parameters, *given, **chosen)
        assert found == pytest.approx(loss, rel=tolerance)
        for (name, ours), (_, theirs) in zip(expected.trainable(), gradients.trainable(), strict=True):
            assert np.abs(ours - theirs).max() <= tolerance * max(np.abs(ours).max(), 1e-3), name


def state_after(engine, problem, start):
    trainer = engine.trainer(problem, start)
    trainer.run_epochs(np.tile(np.arange(90), (2, 1)), np.full((2, 6), 0.02))
    return b"".join(array.tobytes() for _name, array in sorted(trainer.state().items()))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_threads_and_kernels_give_the_same_bits(dtype):
    stage = InputStage(7, 5, (40, 1500, 3))  # a table of several units
    network = table_network(stage, dropout=0.3)
    problem, start = table_problem(network), varied(network, dtype=dtype)
    expected = state_after(native(KERNELS[0]), problem, start)
    for n_threads in (2, 3, 5):
        assert state_after(native(KERNELS[0], n_threads), problem, start) == expected
    for kernels in KERNELS if dtype == np.float32 else ():
        assert state_after(native(kernels), problem, start) == expected


def test_a_training_resumed_in_the_middle_of_fading_has_the_same_bits():
    network = table_network(dropout=0.3)
    problem, start = table_problem(network), varied(network, dtype=np.float32)
    order, rates = np.arange(90), np.full(6, 0.02)
    whole, begun = (native(KERNELS[0]).trainer(problem, start) for _ in range(2))
    for _ in range(6):
        whole.run_epoch(order, rates)
    for _ in range(3):
        begun.run_epoch(order, rates)
    resumed = native(KERNELS[0]).trainer(problem, start)
    resumed.load_state(begun.state())
    for _ in range(3):
        resumed.run_epoch(order, rates)
    assert resumed.parameters().flat.tobytes() == whole.parameters().flat.tobytes()


def test_a_code_that_was_written_after_the_check_reads_no_foreign_memory():
    network = table_network()
    problem, start = table_problem(network), varied(network)
    trainer = native(KERNELS[0]).trainer(problem, start)
    expected = native(KERNELS[0]).trainer(problem, start)
    problem.X[:, -1] = 5.0  # the last
    expected_losses = expected.run_epoch(np.arange(90), np.full(6, 0.01))
    problem.X[:, -1] = np.inf
    np.testing.assert_array_equal(trainer.run_epoch(np.arange(90), np.full(6, 0.01)), expected_losses)
