"""Back-propagation by hand against automatic differentiation, in float64."""

from dataclasses import replace

import numpy as np
import pytest

from treadle.engines.gradient_check import random_targets
from treadle.engines.numpy_engine import NumpyEngine
from treadle.engines.objective import Objective
from treadle.engines.torch_engine import TorchEngine
from treadle.maths.activations import ACTIVATIONS
from treadle.maths.loss_table import LOSSES
from treadle.network import Network, Parameters

TOLERANCE = 1e-12
N_ROWS = 17
SOFT = "soft targets"


def make_network(objective, activation, n_outputs, **options):
    return Network((6, 7, 5, n_outputs), activation, LOSSES[objective.loss].output, **options)


def make_batch(network, objective, seed=5, targets=None):
    rng = np.random.default_rng(seed)
    X = rng.standard_normal((N_ROWS, network.sizes[0]))
    if targets == SOFT:
        return X, rng.dirichlet(np.ones(network.sizes[-1]), N_ROWS)
    return X, random_targets(network, N_ROWS, rng)


def worst_relative_errors(network, X, y, weights=None, *, objective, noise_key=None, dtype=np.float64):
    """Of the loss, and of each parameter array relative to its largest entry."""
    parameters = Parameters.initialise(network, random_state=8, dtype=dtype)
    (loss, gradients), (loss_by_autograd, by_autograd) = (
        engine.loss_and_gradients(parameters, X, y, weights, objective=objective, noise_key=noise_key)
        for engine in (NumpyEngine(), TorchEngine("cpu"))
    )
    assert gradients.dtype == by_autograd.dtype == dtype
    errors = [abs(loss - loss_by_autograd) / max(abs(loss_by_autograd), 1e-300)]
    for (_, ours), (_, theirs) in zip(gradients.named(), by_autograd.named(), strict=True):
        errors.append(np.abs(ours - theirs).max() / max(np.abs(theirs).max(), 1e-300))
    return np.array(errors)


@pytest.mark.parametrize("n_outputs", [1, 2, 3, 10])
@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("loss", LOSSES)
def test_every_loss_activation_and_output_count(loss, activation, n_outputs):
    objective = Objective(loss, huber_delta=0.7 if loss == "huber" else 1)
    network = make_network(objective, activation, n_outputs)
    X, y = make_batch(network, objective)
    assert worst_relative_errors(network, X, y, objective=objective).max() <= TOLERANCE


OPTIONS = {
    "nothing": {},
    "weights": {"weighted": True},
    "l2": {"l2": 0.3},
    "dropout": {"dropout": (0.2, 0.5)},
    "all": {"weighted": True, "l2": 0.3, "dropout": (0.2, 0.5)},
}


@pytest.mark.parametrize("options", OPTIONS.values(), ids=OPTIONS)
@pytest.mark.parametrize(
    ("objective", "targets"),
    [
        (Objective(), None),
        (Objective(), SOFT),
        (Objective(label_smoothing=0.1), None),
        (Objective(label_smoothing=0.1), SOFT),
        (Objective("squared"), None),
        (Objective("absolute"), None),
        (Objective("huber", huber_delta=1.3), None),
    ],
)
def test_every_option(objective, targets, options):
    objective = replace(objective, l2=options.get("l2", 0.0))
    network = make_network(objective, ("gelu", "relu"), 3, dropout=options.get("dropout", 0.0))
    X, y = make_batch(network, objective, targets=targets)
    weights = np.random.default_rng(6).uniform(0, 2, N_ROWS) if options.get("weighted") else None
    errors = worst_relative_errors(network, X, y, weights, objective=objective, noise_key=(11, 4))
    assert errors.max() <= TOLERANCE


def test_a_network_without_hidden_layers():
    network = Network((6, 3))
    X, y = make_batch(network, Objective())
    assert worst_relative_errors(network, X, y, objective=Objective()).max() <= TOLERANCE


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("X_dtype", [np.uint8, np.float32, np.float64])
def test_inputs_of_every_dtype_are_scaled_alike(X_dtype, dtype):
    network = Network((6, 7, 3), "tanh", input_scale=1 / 255)
    X = np.random.default_rng(0).integers(256, size=(N_ROWS, 6)).astype(X_dtype)
    _, y = make_batch(network, Objective())
    errors = worst_relative_errors(network, X, y, objective=Objective(), dtype=dtype)
    assert errors.max() <= (TOLERANCE if dtype == np.float64 else 2e-6)


@pytest.mark.parametrize("loss", LOSSES)
def test_rows_of_weight_zero_take_no_part_whatever_is_in_them(loss):
    objective = Objective(loss)
    network = make_network(objective, "tanh", 3)
    X, y = make_batch(network, objective)
    weights = np.ones(N_ROWS)
    weights[[2, 9]] = 0
    assert worst_relative_errors(network, X, y, weights, objective=objective).max() <= TOLERANCE
    parameters = Parameters.initialise(network, dtype=np.float64)
    for engine in (NumpyEngine(), TorchEngine("cpu")):
        with_them = engine.loss_and_gradients(parameters, X, y, weights, objective=objective)
        rest = weights > 0
        without = engine.loss_and_gradients(parameters, X[rest], y[rest], objective=objective)
        assert with_them[0] == pytest.approx(without[0], rel=1e-14)
        np.testing.assert_allclose(with_them[1].flat, without[1].flat, rtol=1e-11, atol=1e-15)


def test_a_batch_without_weight_has_the_penalty_alone():
    objective = Objective(l2=0.5)
    network = make_network(objective, "relu", 3)
    X, y = make_batch(network, objective)
    parameters = Parameters.initialise(network, dtype=np.float64)
    for engine in (NumpyEngine(), TorchEngine("cpu")):
        loss, gradients = engine.loss_and_gradients(parameters, X, y, np.zeros(N_ROWS), objective=objective)
        n = parameters.n_weights
        assert loss == pytest.approx(0.25 * np.sum(parameters.flat[:n] ** 2), rel=1e-14)
        np.testing.assert_allclose(gradients.flat[:n], 0.5 * parameters.flat[:n], rtol=1e-14)
        assert not gradients.flat[n:].any()


def test_one_label_changed_is_seen():
    network = Network((6, 7, 3))
    X, y = make_batch(network, Objective())
    parameters = Parameters.initialise(network, dtype=np.float64)
    changed = y.copy()
    changed[0] = (y[0] + 1) % 3
    _, ours = NumpyEngine().loss_and_gradients(parameters, X, changed, objective=Objective())
    _, theirs = TorchEngine("cpu").loss_and_gradients(parameters, X, y, objective=Objective())
    assert not np.abs(ours.flat - theirs.flat).max() / np.abs(theirs.flat).max() <= TOLERANCE


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_predictions_agree_over_more_rows_than_are_computed_at_once(dtype):
    network = Network((4, 6, 3), "silu", dropout=0.5)
    parameters = Parameters.initialise(network, dtype=dtype)
    X = np.random.default_rng(2).standard_normal((9000, 4))
    ours = NumpyEngine().logits(parameters, X)
    theirs = TorchEngine("cpu").logits(parameters, X)
    assert ours.dtype == theirs.dtype == dtype
    assert np.abs(ours - theirs).max() <= 10 * np.finfo(dtype).eps
