"""The specification against formulas written out here; gradients have a file of their own."""

import math
import os
import subprocess
import sys
import tracemalloc

import numpy as np
import pytest
from scipy.special import erf, expit

import treadle.engines.numpy_engine as module
from treadle.engines.dropout import dropout_mask
from treadle.engines.engine import TrainingProblem
from treadle.engines.gradient_check import random_batch
from treadle.engines.numpy_engine import NumpyEngine
from treadle.engines.objective import Objective
from treadle.errors import InvalidInput, TrainingDiverged
from treadle.maths.loss_table import LOSSES
from treadle.network import Network, Parameters
from treadle.optimizers import SGD, Adam, AdamW

ENGINE = NumpyEngine()
FORMULAS = {
    "identity": lambda z: z,
    "relu": lambda z: np.where(z > 0, z, 0),
    "tanh": lambda z: (np.exp(2 * z) - 1) / (np.exp(2 * z) + 1),
    "logistic": expit,
    "gelu": lambda z: z * (1 + erf(z / math.sqrt(2))) / 2,
    "silu": lambda z: z * expit(z),
}


def start(network, dtype=np.float64):
    return Parameters.initialise(network, random_state=4, dtype=dtype)


def problem(network, n_rows=22, **changes):
    X, y, sample_weight = random_batch(network, n_rows, 9)
    arguments = {
        "network": network,
        "objective": Objective("cross_entropy" if network.output == "softmax" else "squared"),
        "optimizer": Adam(),
        "X": X,
        "y": y,
        "sample_weight": sample_weight,
        "batch_size": 8,
        "noise_seed": 6,
    }
    return TrainingProblem(**(arguments | changes))


@pytest.mark.parametrize("activation", FORMULAS)
def test_logits_are_affine_maps_and_activations(activation):
    network = Network((4, 6, 5, 3), activation, input_scale=0.5)
    (W1, W2, W3), (b1, b2, b3) = start(network).weights, start(network).biases
    X = np.random.default_rng(0).normal(size=(9, 4))
    f = FORMULAS[activation]
    expected = f(f(X * 0.5 @ W1 + b1) @ W2 + b2) @ W3 + b3
    np.testing.assert_allclose(ENGINE.logits(start(network), X), expected, rtol=1e-12, atol=1e-13)


def test_each_layer_has_its_own_activation():
    network = Network((4, 6, 5, 3), ("tanh", "gelu"))
    (W1, W2, W3), (b1, b2, b3) = start(network).weights, start(network).biases
    X = np.random.default_rng(0).normal(size=(9, 4))
    expected = FORMULAS["gelu"](np.tanh(X @ W1 + b1) @ W2 + b2) @ W3 + b3
    np.testing.assert_allclose(ENGINE.logits(start(network), X), expected, rtol=1e-12, atol=1e-13)


def test_predictions_are_probabilities_or_the_logits():
    X = np.random.default_rng(0).normal(size=(9, 4))
    for output in ("softmax", "identity"):
        network = Network((4, 6, 3), output=output)
        logits, prediction = (f(start(network), X) for f in (ENGINE.logits, ENGINE.predict))
        shares = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
        np.testing.assert_allclose(prediction, shares if output == "softmax" else logits, rtol=1e-13)


@pytest.mark.parametrize("n_rows", [0, 1, 3, 4, 10])
def test_rows_are_predicted_in_blocks_and_none_is_lost(n_rows, monkeypatch):
    network = Network((4, 6, 3))
    X = np.random.default_rng(0).normal(size=(n_rows, 4))
    at_once = ENGINE.logits(start(network), X)
    monkeypatch.setattr(module, "ROWS_PER_PREDICTION", 3)
    in_blocks = ENGINE.logits(start(network), X)
    assert in_blocks.shape == (n_rows, 3)
    np.testing.assert_allclose(in_blocks, at_once, rtol=1e-13)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("X_dtype", [np.float32, np.float64])
def test_pixels_with_a_scale_are_the_same_numbers_as_floats(dtype, X_dtype):
    network = Network((4, 6, 3), input_scale=1 / 255)
    pixels = np.random.default_rng(0).integers(256, size=(9, 4), dtype=np.uint8)
    floats = pixels.astype(X_dtype)
    y = np.arange(9) % 3
    logits = ENGINE.logits(start(network, dtype), pixels)
    assert logits.dtype == dtype
    # float64 inputs times a float32 scale round once, in another place than float32 ones.
    tolerance = 0 if X_dtype == dtype or dtype == np.float64 else 1e-6
    np.testing.assert_allclose(logits, ENGINE.logits(start(network, dtype), floats), rtol=tolerance)
    scaled = Network((4, 6, 3))
    divided = ENGINE.logits(Parameters(scaled, start(network, dtype).flat), floats / 255)
    np.testing.assert_allclose(logits, divided, rtol=1e-5 if dtype == np.float32 else 1e-13, atol=1e-6)
    (loss, gradients), (float_loss, float_gradients) = (
        ENGINE.loss_and_gradients(start(network, dtype), X, y, objective=Objective())
        for X in (pixels, floats)
    )
    assert gradients.dtype == dtype
    np.testing.assert_allclose(loss, float_loss, rtol=tolerance)
    np.testing.assert_allclose(gradients.flat, float_gradients.flat, rtol=10 * tolerance, atol=tolerance)


def test_rows_of_one_column_are_not_stretched_to_fit():
    network, y = Network((4, 3)), np.zeros(9, int)
    for X in (np.zeros((9, 1)), np.zeros(4)):
        for call in (
            lambda X: ENGINE.logits(start(network), X),
            lambda X: ENGINE.predict(start(network), X),
            lambda X: ENGINE.loss_and_gradients(start(network), X, y, objective=Objective()),
        ):
            with pytest.raises(InvalidInput, match=r"X must be .* of shape \(N, 4\), for the 4 inputs"):
                call(X)


def test_a_loss_that_does_not_go_with_the_output_is_refused():
    network = Network((4, 3))
    X, y, _ = random_batch(network, 5, 0)
    with pytest.raises(InvalidInput, match="the loss 'huber' needs a network with output='identity'"):
        ENGINE.loss_and_gradients(start(network), X, y, objective=Objective("huber"))


def test_dropout_is_for_training_alone():
    network, without = Network((4, 6, 3), dropout=0.5), Network((4, 6, 3))
    X, y, _ = random_batch(network, 9, 0)
    same = Parameters(without, start(network).flat)
    np.testing.assert_array_equal(ENGINE.logits(start(network), X), ENGINE.logits(same, X))
    losses = [
        ENGINE.loss_and_gradients(p, X, y, objective=Objective(), noise_key=key)[0]
        for n, p, key in (
            (network, start(network), None),
            (without, same, (1, 2)),
            (network, start(network), (1, 2)),
        )
    ]
    assert losses[0] == losses[1] != losses[2]


def test_dropout_multiplies_each_hidden_layer_by_its_mask():
    network = Network((4, 6, 5, 3), "tanh", "identity", dropout=(0.5, 0.2))
    (W1, W2, W3), (b1, b2, b3) = start(network).weights, start(network).biases
    X, y, _ = random_batch(network, 9, 0)
    first, second = (dropout_mask(8, 2, i, 9, n, rate, float) for i, n, rate in ((0, 6, 0.5), (1, 5, 0.2)))
    outputs = (np.tanh((np.tanh(X @ W1 + b1) * first) @ W2 + b2) * second) @ W3 + b3
    loss, gradients = ENGINE.loss_and_gradients(
        start(network), X, y, objective=Objective("squared"), noise_key=(8, 2)
    )
    assert loss == pytest.approx(0.5 * ((outputs - y) ** 2).sum() / 9, rel=1e-13)
    np.testing.assert_allclose(gradients.biases[2], (outputs - y).mean(axis=0), rtol=1e-12)


def test_the_penalty_is_half_l2_times_the_squared_weights_and_no_biases():
    network = Network((4, 6, 3))
    X, y, w = random_batch(network, 9, 0)
    (plain, gradients), (penalised, with_l2) = (
        ENGINE.loss_and_gradients(start(network), X, y, w, objective=Objective(l2=l2)) for l2 in (0, 0.3)
    )
    weights = start(network).weights
    assert penalised - plain == pytest.approx(0.15 * sum((W**2).sum() for W in weights), rel=1e-12)
    for i in range(2):
        np.testing.assert_allclose(with_l2.weights[i] - gradients.weights[i], 0.3 * weights[i], atol=1e-15)
        np.testing.assert_array_equal(with_l2.biases[i], gradients.biases[i])


def test_with_many_weights_the_penalty_is_exact_in_float32_and_copies_none_of_them():
    network = Network((1000, 900, 10))
    parameters = start(network, np.float32)
    task = problem(network, objective=Objective(l2=0.3), optimizer=SGD(0.0))
    trainer = ENGINE.trainer(task, parameters)
    tracemalloc.start()
    loss = trainer.run_epoch(np.arange(8), np.array([1e-3]))[0]
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    # The largest is the block of 131072 numbers with which the optimizer works.
    assert peak <= 0.2 * parameters.flat.nbytes

    rows = slice(8)
    X, y, w = task.X[rows], task.y[rows], task.sample_weight[rows]
    plain, gradients = ENGINE.loss_and_gradients(parameters, X, y, w, objective=Objective())
    _, with_l2 = ENGINE.loss_and_gradients(parameters, X, y, w, objective=task.objective)
    weights = parameters.flat[: parameters.n_weights].astype(float)
    assert loss - plain == pytest.approx(0.15 * (weights**2).sum(), rel=5e-7)
    found = with_l2.flat.astype(float) - gradients.flat
    np.testing.assert_allclose(found[: weights.size], 0.3 * weights, atol=1e-7)
    assert not found[weights.size :].any()


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("l2", [0, 0.3])
def test_a_batch_without_weight_has_the_penalty_alone(loss, l2):
    network = Network((4, 6, 3), output=LOSSES[loss].output)
    X, y, w = random_batch(network, 9, 0)
    found, gradients = ENGINE.loss_and_gradients(
        start(network), X, y, 0 * w, objective=Objective(loss, l2=l2)
    )
    weights = start(network).flat[: gradients.n_weights]
    assert found == pytest.approx(l2 / 2 * (weights**2).sum(), rel=1e-12, abs=0)
    np.testing.assert_allclose(gradients.flat[: gradients.n_weights], l2 * weights, rtol=1e-14)
    assert not gradients.flat[gradients.n_weights :].any()


def test_a_row_of_weight_two_is_that_row_twice():
    network = Network((4, 6, 3))
    X, y, _ = random_batch(network, 5, 0)
    twice = [0, 1, 1, 2, 4, 4]
    loss, gradients = ENGINE.loss_and_gradients(
        start(network), X, y, np.array([1, 2, 1, 0, 2.0]), objective=Objective()
    )
    same, expected = ENGINE.loss_and_gradients(start(network), X[twice], y[twice], objective=Objective())
    assert loss == pytest.approx(same, rel=1e-14)
    np.testing.assert_allclose(gradients.flat, expected.flat, rtol=1e-12, atol=1e-16)


@pytest.mark.parametrize("optimizer", [Adam(), AdamW(), SGD(), SGD(0.0)], ids=lambda o: f"{o}"[:12])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_an_epoch_is_steps_of_loss_gradients_and_update_the_last_batch_partial(optimizer, dtype):
    network = Network((4, 6, 5, 3), "tanh", dropout=0.3)
    task = problem(network, objective=Objective(label_smoothing=0.1, l2=0.01), optimizer=optimizer)
    order = np.random.default_rng(1).permutation(22)
    rates = np.array([0.1, 0.2, 0.05])
    trainer = ENGINE.trainer(task, start(network, dtype))
    losses = np.concatenate([trainer.run_epoch(order, rates), trainer.run_epoch(order[::-1], rates)])

    parameters = start(network, dtype)
    moments = optimizer.start(parameters.flat.size, dtype)
    batches = [o[i : i + 8] for o in (order, order[::-1]) for i in (0, 8, 16)]
    assert [len(rows) for rows in batches] == [8, 8, 6] * 2
    for step, rows in enumerate(batches):
        loss, gradients = ENGINE.loss_and_gradients(
            parameters,
            task.X[rows],
            task.y[rows],
            task.sample_weight[rows],
            objective=task.objective,
            noise_key=(6, step),
        )
        assert losses[step] == loss
        optimizer.update(parameters, gradients, moments, step + 1, float(rates[step % 3]))
    np.testing.assert_array_equal(trainer.parameters().flat, parameters.flat)
    state = trainer.state()
    assert state.keys() == {"parameters", "statistics", "step", *optimizer.moments}
    assert state["step"] == 6 and state["step"].shape == () and state["step"].dtype == np.int64
    for name, moment in moments.items():
        np.testing.assert_array_equal(state[name], moment)


def test_the_order_decides_which_rows_are_seen():
    network = Network((4, 6, 3))
    task = problem(network)
    spoiled = task.X.copy()
    spoiled[[3, 5]] = math.nan
    order = np.array([i for i in range(22) if i not in (3, 5)])
    results = []
    for X in (task.X, spoiled):
        trainer = ENGINE.trainer(problem(network, X=X), start(network))
        trainer.run_epoch(order, np.full(3, 0.1))
        results.append(trainer.parameters().flat)
    np.testing.assert_array_equal(*results)


def test_a_batch_larger_than_the_training_set_is_the_training_set():
    network = Network((4, 6, 3))
    task = problem(network, batch_size=1000)
    losses = ENGINE.trainer(task, start(network)).run_epoch(np.arange(22), np.array([0.1]))
    assert losses == [
        ENGINE.loss_and_gradients(start(network), task.X, task.y, task.sample_weight, objective=Objective())[
            0
        ]
    ]


def test_what_goes_in_and_out_of_a_trainer_is_copied():
    network = Network((4, 6, 3))
    parameters = start(network)
    trainer = ENGINE.trainer(problem(network), parameters)
    trainer.run_epoch(np.arange(22), np.full(3, 0.1))
    np.testing.assert_array_equal(parameters.flat, start(network).flat)
    before = trainer.state()
    for array in (*trainer.state().values(), trainer.parameters().flat):
        array[...] = 77
    other = ENGINE.trainer(problem(network), parameters)
    other.load_state(before)
    trainer.run_epoch(np.arange(22), np.full(3, 0.1))
    after = other.state()
    assert all(np.array_equal(after[name], before[name]) for name in before)
    other.run_epoch(np.arange(22), np.full(3, 0.1))
    assert all(np.array_equal(other.state()[name], array) for name, array in trainer.state().items())


@pytest.mark.parametrize("spoil", [math.nan, math.inf, 1e300])
def test_a_loss_that_is_not_finite_stops_at_its_step_without_warnings(spoil):
    network = Network((4, 6, 3), output="identity")
    task = problem(network)
    task.X[13] = spoil
    with pytest.raises(
        TrainingDiverged, match=r"the loss became (nan|inf) at step 2 of the epoch; try a smaller"
    ):
        ENGINE.trainer(task, start(network)).run_epoch(np.arange(22), np.full(3, 0.1))


def test_labels_outside_of_the_classes_are_refused():
    network = Network((4, 6, 3))
    task = problem(network)
    task.y[20] = 3
    with pytest.raises(InvalidInput, match=r"labels must lie in 0\.\.2"):
        ENGINE.trainer(task, start(network)).run_epoch(np.arange(22), np.full(3, 0.1))


TWENTY_STEPS = """
import hashlib, numpy as np, treadle
from treadle.engines.numpy_engine import NumpyEngine
rng = np.random.default_rng(0)
network = treadle.Network((784, 256, 128, 64, 10), input_scale=1 / 255)
X, y = rng.integers(256, size=(1280, 784), dtype=np.uint8), rng.integers(10, size=1280)
problem = treadle.TrainingProblem(network, treadle.Objective(), treadle.Adam(), X, y, 64)
trainer = NumpyEngine().trainer(problem, treadle.Parameters.initialise(network))
losses = trainer.run_epoch(np.arange(1280), np.full(20, 0.001))
logits = NumpyEngine().logits(trainer.parameters(), X)
for array in (losses, trainer.parameters().flat, logits):
    print(hashlib.sha256(array.tobytes()).hexdigest())
"""


def test_the_bits_are_the_same_whatever_the_number_of_blas_threads():
    def run(n_threads):
        environment = os.environ | {"OPENBLAS_NUM_THREADS": n_threads, "OMP_NUM_THREADS": n_threads}
        return subprocess.run(
            [sys.executable, "-c", TWENTY_STEPS], env=environment, capture_output=True, text=True, check=True
        ).stdout

    one, two = run("1"), run("2")
    assert len(one.split()) == 3
    assert one == two
