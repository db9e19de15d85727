"""What every engine's prediction does alike: fold batch normalisation, mirror, scale and offset."""

import numpy as np
import pytest

from treadle.engines import predictor as module
from treadle.engines.engine import TrainingProblem
from treadle.engines.numpy_engine import NumpyEngine
from treadle.engines.objective import Objective
from treadle.engines.torch_engine import TorchEngine
from treadle.errors import InvalidInput
from treadle.network import Network, Parameters
from treadle.optimizers import Adam

ENGINES = {"numpy": NumpyEngine(), "torch": TorchEngine("cpu")}
X = np.random.default_rng(0).normal(size=(11, 6))


@pytest.fixture(params=ENGINES.values(), ids=ENGINES)
def engine(request):
    return request.param


def test_running_statistics_take_the_place_of_the_batch_s(engine):
    network = Network((6, 5, 4, 3), "tanh", batch_norm=True)
    rng = np.random.default_rng(3)
    p = Parameters(network, rng.normal(size=network.n_parameters), rng.uniform(0.2, 2, network.n_statistics))
    (g1, g2, _), (m1, m2, _), (v1, v2, _) = p.scales, p.running_means, p.running_variances
    a1 = np.tanh(g1 * (X @ p.weights[0] - m1) / np.sqrt(v1 + 1e-5) + p.biases[0])
    a2 = np.tanh(g2 * (a1 @ p.weights[1] - m2) / np.sqrt(v2 + 1e-5) + p.biases[1])
    np.testing.assert_allclose(engine.logits(p, X), a2 @ p.weights[2] + p.biases[2], rtol=1e-12)


def test_pytorch_s_own_eval_mode_agrees_after_training():
    """BatchNorm1d in eval mode, from a state that the NumPy engine trained."""
    import torch
    from torch import nn

    network = Network((6, 5, 3), batch_norm=True)
    rng = np.random.default_rng(1)
    task = TrainingProblem(
        network, Objective(), Adam(), rng.normal(size=(60, 6)), rng.integers(3, size=60), 7
    )
    trainer = NumpyEngine().trainer(task, Parameters.initialise(network, dtype=np.float64))
    for _ in range(5):
        trainer.run_epoch(rng.permutation(60), np.full(9, 0.02))
    p = trainer.parameters()
    hidden, norm, last = nn.Linear(6, 5, bias=False), nn.BatchNorm1d(5), nn.Linear(5, 3)
    net = nn.Sequential(hidden, norm, nn.ReLU(), last).double().eval()
    with torch.no_grad():
        for tensor, array in (
            (hidden.weight, p.weights[0].T), (norm.weight, p.scales[0]), (norm.bias, p.biases[0]),
            (norm.running_mean, p.running_means[0]), (norm.running_var, p.running_variances[0]),
            (last.weight, p.weights[1].T), (last.bias, p.biases[1]),
        ):  # fmt: skip
            tensor.copy_(torch.tensor(array))
        expected = net(torch.tensor(X)).numpy()
    np.testing.assert_allclose(NumpyEngine().logits(p, X), expected, rtol=1e-12)


def test_logits_are_the_mean_of_an_image_and_its_mirror_image(engine):
    network = Network((6, 5, 3), "tanh", mirror_width=3)
    p = Parameters.initialise(network, random_state=2, dtype=np.float64)
    plain = Parameters(Network((6, 5, 3), "tanh"), p.flat)
    turned = X[:, [2, 1, 0, 5, 4, 3]]
    expected = (engine.logits(plain, X) + engine.logits(plain, turned)) / 2
    np.testing.assert_allclose(engine.logits(p, X), expected, rtol=1e-13)
    np.testing.assert_allclose(engine.logits(p, turned), expected, rtol=1e-13)
    assert not np.allclose(expected, engine.logits(plain, X), rtol=1e-3)


@pytest.mark.parametrize("n_rows", [0, 1, 3, 4, 11])
def test_mirror_images_are_made_in_blocks_and_none_is_lost(engine, n_rows, monkeypatch):
    network = Network((6, 5, 3), "tanh", mirror_width=2)
    p = Parameters.initialise(network, random_state=2, dtype=np.float64)
    at_once = engine.logits(p, X[:n_rows])
    monkeypatch.setattr(module, "MIRRORED_ROWS", 3)
    np.testing.assert_allclose(engine.logits(p, X[:n_rows]), at_once, rtol=1e-13)


def test_a_mirror_is_for_prediction_alone(engine):
    y = np.arange(11) % 3
    with_mirror, without = Network((6, 5, 3), mirror_width=3), Network((6, 5, 3))
    p = Parameters.initialise(without, dtype=np.float64)
    losses = [
        engine.loss_and_gradients(Parameters(n, p.flat), X, y, objective=Objective())[0]
        for n in (with_mirror, without)
    ]
    assert losses[0] == losses[1]


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_the_network_sees_x_times_the_scale_plus_the_offset(engine, dtype):
    pixels = np.random.default_rng(0).integers(256, size=(9, 6), dtype=np.uint8)
    network = Network((6, 5, 3), "tanh", input_scale=1 / 90, input_offset=-0.81)
    p = Parameters.initialise(network, random_state=2, dtype=dtype)
    plain = Parameters(Network((6, 5, 3), "tanh"), p.flat)
    seen = (pixels.astype(np.float64) / 90 - 0.81).astype(dtype)
    tolerance = 1e-5 if dtype == np.float32 else 1e-13
    np.testing.assert_allclose(
        engine.logits(p, pixels), engine.logits(plain, seen), rtol=tolerance, atol=tolerance
    )
    y = np.arange(9) % 3
    (loss, gradients), (other_loss, others) = (
        engine.loss_and_gradients(parameters, rows, y, objective=Objective())
        for parameters, rows in ((p, pixels), (plain, seen))
    )
    assert loss == pytest.approx(other_loss, rel=tolerance)
    np.testing.assert_allclose(gradients.flat, others.flat, rtol=10 * tolerance, atol=tolerance)


def test_rows_that_do_not_fit_are_refused_whatever_the_network(engine):
    for options in ({}, {"batch_norm": True}, {"mirror_width": 3}):
        network = Network((6, 5, 3), **options)
        with pytest.raises(InvalidInput, match=r"X must be uint8, float32 or float64 of shape \(N, 6\)"):
            engine.logits(Parameters.initialise(network), np.zeros((4, 3)))
