"""A network as a torch module: parameters there and back, outputs and losses by formulas in NumPy."""

import numpy as np
import pytest
import torch
from scipy import sparse
from scipy.special import log_softmax

from treadle.engines.dropout import dropout_mask
from treadle.engines.objective import Objective
from treadle.engines.torch_model import TorchModel, differentiating, predicting
from treadle.network import BATCH_NORM_EPSILON, Network, Parameters

CPU = torch.device("cpu")
NETWORK = Network((4, 5, 3), "tanh", batch_norm=(True,), dropout=(0.5,), input_scale=0.5)
RNG = np.random.default_rng(0)
X, Y = RNG.standard_normal((9, 4)), RNG.integers(0, 3, 9)


def parameters(network=NETWORK, dtype=np.float64):
    made = Parameters.initialise(network, random_state=1, dtype=dtype)
    made.flat[:] += RNG.standard_normal(made.flat.size).astype(dtype) / 9
    made.statistics[:] = RNG.uniform(0.5, 2, made.statistics.size)
    return made


def logits(p, rows, noise_key=None):
    """The formulas of a batch, batch normalisation by its own statistics."""
    u = rows * 0.5 @ p.weights[0]
    u = (u - u.mean(axis=0)) / np.sqrt(u.var(axis=0) + BATCH_NORM_EPSILON) * p.scales[0] + p.biases[0]
    a = np.tanh(u)
    if noise_key is not None:
        a = a * dropout_mask(*noise_key, 0, len(rows), 5, 0.5, np.float64)
    return a @ p.weights[1] + p.biases[1]


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_parameters_and_statistics_come_back_to_the_bit(dtype):
    p = parameters(dtype=dtype)
    model = TorchModel(p, CPU)
    np.testing.assert_array_equal(model.gather(lambda tensor: tensor).flat, p.flat)
    np.testing.assert_array_equal(model.statistics(), p.statistics)
    assert model.gather(lambda tensor: None).flat.any() == np.False_
    shapes = [tuple(tensor.shape) for _, tensor in model.blocks()]
    assert shapes == [(5, 4), (3, 5), (5,), (3,), (5,)]


def test_the_parameters_are_a_copy():
    p = parameters()
    model = TorchModel(p, CPU)
    before = p.flat.copy()
    p.flat[:] = 0
    np.testing.assert_array_equal(model.gather(lambda tensor: tensor).flat, before)


def test_making_a_model_draws_no_number_of_torchs_generator():
    state = torch.get_rng_state()
    TorchModel(parameters(), CPU)
    assert torch.equal(state, torch.get_rng_state())


@pytest.mark.parametrize("noise_key", [None, (3, 7)])
@pytest.mark.parametrize("make", [np.asarray, sparse.csr_array])
def test_outputs_are_those_of_the_formulas(noise_key, make):
    p = parameters()
    with torch.no_grad():
        found = TorchModel(p, CPU)(make(X), noise_key).numpy()
    np.testing.assert_allclose(found, logits(p, X, noise_key), rtol=1e-10, atol=1e-12)


def test_one_row_is_normalised_to_its_bias():
    p = parameters()
    with torch.no_grad():
        found = TorchModel(p, CPU)(X[:1], None).numpy()
    np.testing.assert_allclose(found, np.tanh(p.biases[0])[None] @ p.weights[1] + p.biases[1], rtol=1e-12)


def test_bytes_are_scaled_before_they_are_rounded():
    network = Network((2, 1), output="identity", input_scale=1 / 255, input_offset=-0.5)
    p = Parameters.initialise(network, random_state=0)
    rows = np.array([[0, 255], [17, 128]], np.uint8)
    with torch.no_grad():
        found = TorchModel(p, CPU)(rows, None).numpy()
    np.testing.assert_allclose(found, (rows / 255 - 0.5) @ p.weights[0] + p.biases[0], rtol=1e-6)


@pytest.mark.parametrize("weights", [None, np.array([0, 1, 2, 0, 1, 1, 1, 3, 0.5])])
def test_the_objective_is_the_weighted_mean_and_the_penalty(weights):
    p = parameters()
    rows, w = -log_softmax(logits(p, X), axis=1)[np.arange(9), Y], np.ones(9) if weights is None else weights
    penalty = 0.05 * sum((W**2).sum() for W in p.weights)
    found = TorchModel(p, CPU).loss(X, Y, weights, Objective(l2=0.1), None)
    assert found.dtype == torch.float64
    assert found.item() == pytest.approx(rows @ w / w.sum() + penalty, rel=1e-10)


def test_rows_of_weight_zero_take_no_part_whatever_their_targets():
    network = Network((4, 1), output="identity")
    p, y = parameters(network), RNG.standard_normal((9, 1))
    y[0] = np.nan
    weights = np.where(np.arange(9) == 0, 0.0, 1.0)
    model = TorchModel(p, CPU)
    found = model.loss(X, y, weights, Objective("squared"), None)
    expected = ((X @ p.weights[0] + p.biases[0] - y)[1:] ** 2).mean() / 2
    assert found.item() == pytest.approx(expected)
    found.backward()
    assert all(torch.isfinite(tensor.grad).all() for _, tensor in model.blocks())
    assert model.loss(X, y, np.zeros(9), Objective("squared"), None).item() == 0


def test_gradients_are_recorded_where_the_caller_has_switched_that_off():
    with predicting():
        assert not torch.ones(1, requires_grad=True).mul(2).requires_grad
        with differentiating():
            assert torch.ones(1, requires_grad=True).mul(2).requires_grad
