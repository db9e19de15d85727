"""The native engine against the NumPy engine: predictions, gradients, and steps from equal states."""

from dataclasses import replace

import numpy as np
import pytest

from tests.engines.native_kernels import KERNELS, LAYOUTS, OPTIMIZERS, laid_out, native, random_problem
from treadle.engines.agreement import compare_engines
from treadle.engines.augmentation import Augmentation
from treadle.engines.engine import TrainingProblem
from treadle.engines.gradient_check import random_targets
from treadle.engines.numpy_engine import NumpyEngine
from treadle.engines.objective import Objective
from treadle.maths.activations import ACTIVATIONS
from treadle.maths.loss_table import LOSSES
from treadle.network import OUTPUTS, Network, Parameters
from treadle.optimizers import Adam

NUMPY = NumpyEngine()
# Sums of a few hundred terms against float64, relative to the largest value of the array.
TOLERANCES = {np.float32: 1e-5, np.float64: 1e-12}

pytestmark = [pytest.mark.parametrize("kernels", KERNELS), pytest.mark.parametrize("dtype", TOLERANCES)]


def in_float64(parameters):
    return Parameters(
        parameters.network, parameters.flat.astype(np.float64), parameters.statistics.astype(np.float64)
    )


def drawn(network, dtype, seed=0):
    """Parameters with nothing at its neutral value."""
    rng = np.random.default_rng(seed)
    parameters = Parameters.initialise(network, "glorot", seed, dtype)
    half = network.n_statistics // 2
    parameters.statistics[:half] = rng.normal(size=half)
    parameters.statistics[half:] = rng.uniform(0.5, 2, half)
    for b, scale in zip(parameters.biases, parameters.scales, strict=True):
        b += rng.uniform(-0.5, 0.5, b.shape)
        if scale is not None:
            scale[:] = rng.uniform(0.5, 2, scale.shape)
    return parameters


def error(found, expected):
    """The largest difference, relative to the largest value expected."""
    assert found.shape == expected.shape
    return np.abs(found - expected).max(initial=0) / max(np.abs(expected).max(initial=0), 1e-30)


def gradient_errors(engine, parameters, X, y, sample_weight=None, *, objective, noise_key=None):
    """Of the loss, and of each array's gradient, against the NumPy engine in float64."""
    loss, gradients = engine.loss_and_gradients(
        parameters, X, y, sample_weight, objective=objective, noise_key=noise_key
    )
    exact_loss, exact = NUMPY.loss_and_gradients(
        in_float64(parameters), X, y, sample_weight, objective=objective, noise_key=noise_key
    )
    assert gradients.dtype == parameters.dtype
    pairs = zip(gradients.trainable(), exact.trainable(), strict=True)
    return {
        "loss": abs(loss - exact_loss) / max(abs(exact_loss), 1e-30),
        **{name: error(found, expected) for (name, found), (_, expected) in pairs},
    }


def classification(network, n_rows, seed=0):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n_rows, network.sizes[0])).astype(np.float32)
    return X, rng.integers(network.sizes[-1], size=n_rows)


@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("width", [1, 3, 17, 33])
def test_logits_and_predictions_for_every_activation_and_odd_widths(kernels, dtype, activation, width):
    network = Network((width, 2 * width + 1, width, 5), activation)
    parameters = drawn(network, dtype)
    X, _ = classification(network, 40)
    for n_rows in (0, 1, 7, 8, 40):
        engine, rows = native(kernels), X[:n_rows]
        assert (
            error(engine.logits(parameters, rows), NUMPY.logits(in_float64(parameters), rows))
            <= TOLERANCES[dtype]
        )
        found = engine.predict(parameters, rows)
        assert error(found, NUMPY.predict(in_float64(parameters), rows)) <= TOLERANCES[dtype]


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("x_dtype", [np.uint8, np.float32, np.float64])
@pytest.mark.parametrize("n_rows", [3, 200])
def test_rows_of_every_type_and_layout(kernels, dtype, x_dtype, layout, n_rows):
    network = Network((35, 20, 3), input_scale=1 / 100, input_offset=-0.7)
    parameters = drawn(network, dtype)
    X = np.random.default_rng(1).uniform(0, 255, (n_rows, 35)).astype(x_dtype)
    expected = NUMPY.logits(in_float64(parameters), X)
    X = laid_out(X, layout)
    X.flags.writeable = False
    assert error(native(kernels, 2).logits(parameters, X), expected) <= TOLERANCES[dtype]


@pytest.mark.parametrize("output", OUTPUTS)
def test_predictions_with_batch_normalisation_and_mirror_images(kernels, dtype, output):
    network = Network((30, 21, 4), "tanh", output=output, batch_norm=True, mirror_width=5)
    parameters = drawn(network, dtype)
    X, _ = classification(network, 33)
    found = native(kernels, 2).predict(parameters, X)
    assert error(found, NUMPY.predict(in_float64(parameters), X)) <= TOLERANCES[dtype]


def test_many_classes_and_large_logits_stay_probabilities(kernels, dtype):
    network = Network((3, 70))
    parameters = drawn(network, dtype)
    parameters.flat *= 1e4
    for n_rows in (2, 30):
        found = native(kernels).predict(parameters, classification(network, n_rows)[0])
        np.testing.assert_allclose(found.sum(axis=1), 1, rtol=TOLERANCES[dtype] / 10)
        assert found.min() >= 0


@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("loss", LOSSES)
def test_gradients_of_every_activation_and_loss(kernels, dtype, activation, loss):
    network = Network((13, 18, 33, 5), activation, output=LOSSES[loss].output)
    X, y = classification(network, 50)
    if loss != "cross_entropy":
        y = random_targets(network, 50, np.random.default_rng(2))
    objective = Objective(loss, l2=0.01, huber_delta=0.3 if loss == "huber" else 1.0)
    errors = gradient_errors(native(kernels, 2), drawn(network, dtype), X, y, objective=objective)
    assert max(errors.values()) <= TOLERANCES[dtype], errors


@pytest.mark.parametrize("n_classes", [2, 3, 10, 16, 17, 33, 70])
@pytest.mark.parametrize("soft", [False, True])
def test_gradients_for_any_number_of_classes(kernels, dtype, n_classes, soft):
    network = Network((6, 9, n_classes), "tanh")
    X, y = classification(network, 21)
    if soft:
        y = np.random.default_rng(3).dirichlet(np.ones(n_classes), 21)
    weights = np.random.default_rng(4).uniform(0, 2, 21) * (np.arange(21) % 3 > 0)
    objective = Objective(label_smoothing=0.1)
    errors = gradient_errors(native(kernels), drawn(network, dtype), X, y, weights, objective=objective)
    assert max(errors.values()) <= TOLERANCES[dtype], errors


@pytest.mark.parametrize("batch_norm", [False, True])
@pytest.mark.parametrize("n_rows", [1, 2, 5, 31, 64, 130])
def test_gradients_of_any_batch_with_dropout_and_batch_normalisation(kernels, dtype, n_rows, batch_norm):
    network = Network((12, 34, 20, 4), ("silu", "gelu"), dropout=(0.3, 0.6), batch_norm=batch_norm)
    X, y = classification(network, n_rows)
    errors = gradient_errors(
        native(kernels, 2), drawn(network, dtype), X, y, objective=Objective(), noise_key=(2**64 - 1, 7)
    )
    # A batch of two normalised rows divides by a deviation that may be small.
    assert max(errors.values()) <= (100 if batch_norm else 1) * TOLERANCES[dtype], errors


@pytest.mark.parametrize("scale", [1e-50, 1, 1e60])
def test_only_the_ratios_of_sample_weights_count(kernels, dtype, scale):
    network = Network((4, 3))
    X, y = classification(network, 9)
    weights = np.arange(9.0) * scale
    errors = gradient_errors(native(kernels), drawn(network, dtype), X, y, weights, objective=Objective())
    assert max(errors.values()) <= TOLERANCES[dtype]


def test_a_batch_without_weight_has_loss_zero_and_no_gradient(kernels, dtype):
    network = Network((4, 6, 3))
    X, y = classification(network, 5)
    loss, gradients = native(kernels).loss_and_gradients(
        drawn(network, dtype), X, y, np.zeros(5), objective=Objective()
    )
    assert loss == 0
    assert not gradients.flat.any()


def test_a_planted_error_of_a_hundred_times_the_tolerance_would_be_found(kernels, dtype):
    network = Network((13, 18, 5))
    X, y = classification(network, 50)
    parameters = drawn(network, dtype)
    _, gradients = native(kernels).loss_and_gradients(parameters, X, y, objective=Objective())
    _, exact = NUMPY.loss_and_gradients(in_float64(parameters), X, y, objective=Objective())
    found = gradients.weights[1]
    assert error(found, exact.weights[1]) <= TOLERANCES[dtype]
    found.flat[np.abs(found).argmax()] *= 1 + 100 * TOLERANCES[dtype]
    assert error(found, exact.weights[1]) > TOLERANCES[dtype]


def everything(optimizer, n_rows=97):
    """A problem with every option at once; the last batch holds one row."""
    rng = np.random.default_rng(0)
    network = Network(
        (48, 33, 17, 10),
        ("tanh", "silu"),
        dropout=(0.3, 0.1),
        batch_norm=(True, False),
        input_scale=1 / 80,
        input_offset=-0.9,
    )
    return TrainingProblem(
        network,
        Objective(label_smoothing=0.05, l2=0.001),
        optimizer,
        rng.integers(256, size=(n_rows, 48), dtype=np.uint8),
        rng.integers(10, size=n_rows),
        32,
        rng.uniform(0.5, 2, n_rows),
        noise_seed=5,
        augmentation=Augmentation((6, 8), True, 2),
    )


@pytest.mark.parametrize("optimizer", OPTIMIZERS, ids=repr)
def test_each_step_from_equal_states_ends_in_equal_states(kernels, dtype, optimizer):
    problem = everything(optimizer)
    ours, reference = (
        engine.trainer(problem, drawn(problem.network, dtype)) for engine in (native(kernels, 2), NUMPY)
    )
    order = np.random.default_rng(1).permutation(97)
    for step in range(8):
        rows = order[32 * (step % 4) : 32 * (step % 4 + 1)]
        ours.load_state(reference.state())
        losses = [trainer.run_epoch(rows, np.array([1e-3])) for trainer in (ours, reference)]
        assert abs(losses[0][0] / losses[1][0] - 1) <= TOLERANCES[dtype] / 10
        found, expected = ours.state(), reference.state()
        assert found.keys() == expected.keys()
        assert found["step"] == expected["step"] == step + 1
        for name in found.keys() - {"step"}:
            assert found[name].dtype == dtype
            assert error(found[name], expected[name]) <= TOLERANCES[dtype], (step, name)


def test_one_engine_goes_on_from_the_others_state(kernels, dtype):
    problem = everything(Adam())
    order, rates = np.arange(97), np.full(4, 1e-3)
    for first, second in ((native(kernels), NUMPY), (NUMPY, native(kernels))):
        one, other = (engine.trainer(problem, drawn(problem.network, dtype)) for engine in (first, second))
        one.run_epoch(order, rates)
        other.load_state(one.state())
        for name, array in one.state().items():
            np.testing.assert_array_equal(other.state()[name], array)
        losses = [trainer.run_epoch(order, rates) for trainer in (one, other)]
        assert np.abs(losses[0] / losses[1] - 1).max() <= TOLERANCES[dtype]


def test_moments_of_dead_units_fade_to_zero_and_are_never_subnormal(kernels, dtype):
    network = Network((4, 8, 3))
    X, y = classification(network, 16)
    problem = TrainingProblem(network, Objective(), Adam(), X, y, 16)
    trainer = native(kernels).trainer(problem, drawn(network, dtype))
    trainer.run_epoch(np.arange(16), np.array([1e-3]))
    state = trainer.state()
    Parameters(network, state["parameters"]).biases[0][:] = -1e3
    trainer.load_state(state)
    for _ in range({np.float32: 1200, np.float64: 8000}[dtype]):
        trainer.run_epoch(np.arange(16), np.array([1e-3]))
    m = np.abs(trainer.state()["m"])
    least = {np.float32: 2.0**-100, np.float64: 2.0**-996}[dtype]
    assert not ((m > 0) & (m < least)).any()


def test_the_first_hundred_steps_on_the_classic_network(kernels, dtype, fashion_mnist):
    network = Network((784, 256, 128, 64, 10), input_scale=1 / 255)
    problem = TrainingProblem(
        network, Objective(), Adam(), fashion_mnist.X_train, fashion_mnist.y_train, batch_size=64
    )
    agreement = compare_engines(
        native(kernels, 2),
        NUMPY,
        problem,
        Parameters.initialise(network, dtype=dtype),
        n_steps=100,
        learning_rate=1e-3,
        seed=0,
        synchronised=True,
    )
    assert agreement.passed, agreement.largest_relative_difference


@pytest.mark.parametrize("seed", range(40))
def test_any_problem_step_by_step(kernels, dtype, seed):
    """Fuzz: shapes, threads, types, layouts and options at random; see ``random_problem``."""
    problem = random_problem(seed)
    rng = np.random.default_rng(seed)
    n_rows = len(problem.X)
    rows = rng.permutation(n_rows)[: rng.integers(1, n_rows + 1)]
    steps = problem.n_steps(len(rows))
    ours, reference = (
        engine.trainer(problem, drawn(problem.network, dtype, seed))
        for engine in (native(kernels, int(rng.integers(1, 6))), NUMPY)
    )
    for s in range(min(steps, 4)):
        batch = rows[s * problem.batch_size : (s + 1) * problem.batch_size]
        ours.load_state(reference.state())
        losses = [trainer.run_epoch(batch, np.array([1e-3]))[0] for trainer in (ours, reference)]
        # Batches of a few normalised rows divide rounding by deviations that may be small.
        normalised = any(layer.batch_norm for layer in problem.network.layers)
        tolerance = (100 if normalised else 0.1) * TOLERANCES[dtype]
        assert abs(losses[0] - losses[1]) <= tolerance * max(abs(losses[1]), 1e-2), (s, losses)
        found, expected = ours.state(), reference.state()
        assert error(found["statistics"], expected["statistics"]) <= 10 * TOLERANCES[dtype]
        largest = np.abs(expected["parameters"]).max()
        difference = np.abs(found["parameters"] - expected["parameters"]).max()
        assert difference <= 10 * TOLERANCES[dtype] * max(largest, 1)
        if largest > 1e6:  # SGD runs away with a loss that grows as fast
            return
    parameters = reference.parameters()
    assert (
        error(native(kernels).logits(parameters, problem.X), NUMPY.logits(in_float64(parameters), problem.X))
        <= 10 * TOLERANCES[dtype]
    )


def test_smaller_batches_than_asked_for_are_all_rows(kernels, dtype):
    problem = replace(everything(Adam()), batch_size=10**12)
    loss = (
        native(kernels).trainer(problem, drawn(problem.network, dtype)).run_epoch(np.arange(97), np.ones(1))
    )
    expected = NUMPY.trainer(problem, drawn(problem.network, dtype)).run_epoch(np.arange(97), np.ones(1))
    assert abs(loss[0] / expected[0] - 1) <= TOLERANCES[dtype] / 10


@pytest.mark.parametrize("layout", LAYOUTS)
def test_gradients_of_batch_after_batch_are_those_of_each_alone(kernels, dtype, layout):
    engine = native(kernels)
    network = Network((5, 7, 3), dropout=0.5)
    rng = np.random.default_rng(1)
    X, y = laid_out(rng.standard_normal((20, 5)).astype(np.float32), layout), rng.integers(0, 3, 20)
    weights = rng.uniform(0.5, 2, 20)
    problem = TrainingProblem(network, Objective("cross_entropy", l2=0.1), Adam(), X, y, 12, weights)
    gradients = engine.batch_gradients(problem)
    for seed, rows in enumerate((slice(0, 12), slice(12, 20), np.array([3, 1, 7]))):
        parameters = drawn(network, dtype, seed)
        loss, found = gradients(parameters, rows)
        alone, expected = engine.loss_and_gradients(
            parameters, X[rows], y[rows], weights[rows], objective=problem.objective
        )
        assert abs(loss - alone) <= TOLERANCES[dtype] * abs(alone)
        assert error(found.flat, expected.flat) <= TOLERANCES[dtype]
