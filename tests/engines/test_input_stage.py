"""The NumPy engine's input stage and parametric activations: loops, finite differences, refusals."""

import math
from dataclasses import replace

import numpy as np
import pytest
import scipy.sparse

from tests.engines.table_networks import NUMBERS, SOFTMAX, STAGE, STAGES, table_network, table_problem, varied
from treadle import InputStage, Network, Objective, check_gradients, select_engine
from treadle.engines.engine import TrainingProblem
from treadle.engines.gradient_check import random_batch
from treadle.engines.input_stage import StagePasses
from treadle.engines.native_engine import NativeEngine
from treadle.engines.numpy_engine import NumpyEngine
from treadle.errors import EngineUnavailable, InvalidInput
from treadle.maths.activations import ACTIVATIONS
from treadle.optimizers import Adam

ENGINE = NumpyEngine()


def first_inputs(stage, arrays, row):
    """Equations (18) to (21) of one row, number by number."""
    outputs = []
    for j in range(stage.n_numbers):
        cosines = [
            math.cos(2 * math.pi * row[j] * w + p)
            for w, p in zip(arrays["frequencies"][j], arrays["phases"][j], strict=True)
        ]
        for c in range(stage.n_combinations):
            weights = arrays["combinations"][j, :, c]
            outputs.append(sum(map(float.__mul__, cosines, weights)) + arrays["combination_biases"][j, c])
    outputs += list(row[: stage.n_numbers + stage.n_plain])
    first = 0
    for k, count in enumerate(stage.category_counts):
        outputs += list(arrays["embeddings"][first + int(row[stage.n_copied + k])])
        first += count
    return np.array(outputs) * arrays["input_scales"]


@pytest.mark.parametrize("stage", STAGES.values(), ids=STAGES)
def test_the_first_layers_inputs_are_those_of_a_plain_loop(stage):
    network = table_network(stage)
    parameters = varied(network)
    X, _, _ = random_batch(network, 11, 0)
    passes = StagePasses(20, stage, parameters, None)
    for rows in (X, X[:4]):
        expected = [first_inputs(stage, parameters.input_arrays, row) for row in rows]
        np.testing.assert_allclose(passes.forward(rows), expected, rtol=1e-12, atol=1e-13)


def test_predictions_go_through_stage_and_slopes():
    network = table_network()
    parameters = varied(network)
    X, _, _ = random_batch(network, 9, 0)
    a = np.array([first_inputs(STAGE, parameters.input_arrays, row) for row in X])
    f = ACTIVATIONS["selu"].value
    for W, b, slopes in zip(parameters.weights, parameters.biases, parameters.slopes, strict=True):
        z = a @ W + b
        a = z if slopes is None else (1 - slopes) * z + slopes * f(z)
    np.testing.assert_allclose(ENGINE.logits(parameters, X), a, rtol=1e-12)
    in_float32 = parameters.network, parameters.flat.astype(np.float32)
    logits = ENGINE.logits(type(parameters)(*in_float32), X.astype(np.float32))
    assert logits.dtype == np.float32
    np.testing.assert_allclose(logits, a, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("stage", STAGES.values(), ids=STAGES)
@pytest.mark.parametrize("options", [SOFTMAX, NUMBERS], ids=["classes", "numbers"])
def test_every_derivative_passes_the_check(stage, options):
    network = table_network(stage, dropout=0.2, **options)
    problem = table_problem(network, 12)
    reports = check_gradients(
        ENGINE,
        varied(network),
        problem.X,
        problem.y,
        problem.sample_weight,
        objective=problem.objective,
        noise_key=(1, 2),
    )
    assert {report.name for report in reports} == {block.name for block in network.blocks}
    for report in reports:
        assert report.passed, f"{report.name}\n{report.finite_differences}"


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_slopes_go_with_every_activation_and_batch_normalisation(activation):
    network = table_network(activation=activation, batch_norm=(True, False))
    problem = table_problem(network, 12)
    reports = check_gradients(ENGINE, varied(network, 6), problem.X, problem.y, objective=problem.objective)
    for report in reports:
        assert report.passed, f"{report.name}\n{report.finite_differences}"


@pytest.mark.parametrize("name", ["slopes.0", "frequencies", "phases", "embeddings", "input_scales"])
def test_a_wrong_derivative_is_seen(name):
    network = table_network()
    problem, parameters = table_problem(network, 12), varied(network)
    objective = problem.objective
    _, gradients = ENGINE.loss_and_gradients(parameters, problem.X, problem.y, objective=objective)
    array = dict(gradients.trainable())[name]
    array.flat[np.abs(array).argmax()] *= 1.001
    reports = check_gradients(
        ENGINE, parameters, problem.X, problem.y, objective=objective, gradients=gradients
    )
    assert [report.name for report in reports if not report.passed] == [name]


def test_slopes_of_one_give_the_plain_activation_and_of_zero_none():
    X, _, _ = random_batch(Network((4, 6, 3)), 9, 0)
    plain = Network((4, 6, 3), "mish")
    start = varied(plain)
    bent = varied(Network((4, 6, 3), "mish", parametric=True))
    bent.flat[: start.flat.size] = start.flat
    for slope, activation in ((1, "mish"), (0, "identity")):
        bent.slopes[0][:] = slope
        same = type(start)(Network((4, 6, 3), activation), start.flat)
        np.testing.assert_allclose(ENGINE.logits(bent, X), ENGINE.logits(same, X), rtol=1e-12)


def test_rows_of_one_code_alone_move_its_embedding_alone():
    network = table_network()
    problem, parameters = table_problem(network, 12), varied(network)
    problem.X[:, -2:] = (2, 5)
    _, g = ENGINE.loss_and_gradients(parameters, problem.X, problem.y, objective=problem.objective)
    moved = np.flatnonzero(g.input_arrays["embeddings"].any(axis=1))
    np.testing.assert_array_equal(moved, [2, 4 + 5])


@pytest.mark.parametrize("code", [-1.0, 6.0, 1.5, np.nan, np.inf, -np.inf])
def test_a_code_that_is_none_is_refused_wherever_rows_come_in(code):
    network = table_network()
    problem, parameters = table_problem(network), varied(network)
    X = problem.X.copy()
    X[7, -1] = code
    message = (
        rf"column 6 of X must hold codes of a category, .* from 0 to 5; got {code} in row 7: make unknown"
    )
    with pytest.raises(InvalidInput, match=message):
        ENGINE.logits(parameters, X)
    with pytest.raises(InvalidInput, match=message):
        ENGINE.loss_and_gradients(parameters, X, problem.y, objective=problem.objective)
    with pytest.raises(InvalidInput, match=message):
        TrainingProblem(network, problem.objective, Adam(), X, problem.y, 4)


def test_sparse_rows_are_refused():
    with pytest.raises(InvalidInput, match="X must be dense for a network with an input stage; got sparse"):
        ENGINE.logits(varied(table_network()), scipy.sparse.csr_array(np.zeros((2, 7))))


def test_the_native_engine_says_what_it_has_not_and_auto_takes_another():
    network = table_network(InputStage(2, n_combinations=9))
    problem, parameters = table_problem(network), varied(network)
    message = "the native engine makes at most 8 combinations of a number's cosines; got 9: take the numpy or"
    native = NativeEngine(1)
    for call in (
        lambda: native.trainer(problem, parameters),
        lambda: native.predictor(parameters),
        lambda: native.loss_and_gradients(parameters, problem.X, problem.y, objective=problem.objective),
        lambda: select_engine("native", problem),
        lambda: select_engine("native", network=network),
    ):
        with pytest.raises(EngineUnavailable, match=message):
            call()
    for found in (select_engine("auto", problem), select_engine("auto", network=network)):
        assert found.engine.name != "native" and message in found.reason


def test_the_native_engine_takes_one_pace_for_a_number():
    network = table_network()
    network.__dict__["blocks"] = tuple(
        replace(block, rate=0.3) if block.name == "phases" else block for block in network.blocks
    )
    with pytest.raises(EngineUnavailable, match="phases and combinations at one pace; got several: take the"):
        NativeEngine(1).trainer(table_problem(network), varied(network))


def test_the_native_engine_has_no_penalty_of_blocks():
    problem = table_problem(table_network(), objective=Objective(l2=0.1))
    with pytest.raises(
        EngineUnavailable, match=r"one L2 penalty for all weights, .* got l2=0.1 for a network"
    ):
        NativeEngine(1).trainer(problem, varied(problem.network))
    assert select_engine("auto", problem).engine.name != "native"
