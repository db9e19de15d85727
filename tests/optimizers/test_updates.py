"""Each update rule against torch.optim; what all of them keep."""

import numpy as np
import pytest
import torch

from tests.optimizers.gradients import NETWORK, RATES, follow, gradient, start
from treadle.optimizers import SGD, Adam, AdamW


def follow_torch(make, rates, dtype=np.float64, network=NETWORK):
    """Weights and biases as two groups, so that decay can be of the weights alone."""
    parameters = start(dtype, network)
    n = parameters.n_weights
    weights = torch.tensor(parameters.flat[:n], requires_grad=True)
    biases = torch.tensor(parameters.flat[n:], requires_grad=True)
    optimizer = make(weights, biases)
    for step, rate in enumerate(rates, 1):
        g = torch.tensor(gradient(step, dtype, network).flat)
        weights.grad, biases.grad = g[:n], g[n:]
        for group in optimizer.param_groups:
            group["lr"] = rate
        optimizer.step()
    return torch.cat([weights, biases]).detach().numpy()


TORCH_RULES = [
    (Adam(), lambda w, b: torch.optim.Adam([w, b])),
    (Adam(0.5, 0.9, 1e-3), lambda w, b: torch.optim.Adam([w, b], betas=(0.5, 0.9), eps=1e-3)),
    (Adam(0.0, 0.0), lambda w, b: torch.optim.Adam([w, b], betas=(0.0, 0.0))),
    (
        AdamW(weight_decay=0.3),
        lambda w, b: torch.optim.AdamW(
            [{"params": [w], "weight_decay": 0.3}, {"params": [b], "weight_decay": 0.0}]
        ),
    ),
    (SGD(0.0), lambda w, b: torch.optim.SGD([w, b])),
    (SGD(0.9, nesterov=False), lambda w, b: torch.optim.SGD([w, b], momentum=0.9)),
    (SGD(0.8), lambda w, b: torch.optim.SGD([w, b], momentum=0.8, nesterov=True)),
]


@pytest.mark.parametrize(("optimizer", "make"), TORCH_RULES, ids=[str(rule) for rule, _ in TORCH_RULES])
def test_follows_torch_while_the_learning_rate_changes(optimizer, make):
    ours, _ = follow(optimizer, RATES)
    theirs = follow_torch(make, RATES)
    assert np.max(np.abs(ours.flat - theirs)) <= 1e-12


@pytest.mark.parametrize(("optimizer", "make"), TORCH_RULES, ids=[str(rule) for rule, _ in TORCH_RULES])
def test_follows_torch_to_rounding_in_float32(optimizer, make):
    ours, _ = follow(optimizer, RATES, np.float32)
    theirs = follow_torch(make, RATES, np.float32)
    assert ours.dtype == np.float32
    scale = np.maximum(np.abs(theirs), 1)
    assert np.max(np.abs(ours.flat - theirs) / scale) <= len(RATES) * np.finfo(np.float32).eps


def test_adam_keeps_torchs_moments():
    _, moments = follow(Adam(), RATES)
    w = torch.tensor(start().flat, requires_grad=True)
    optimizer = torch.optim.Adam([w])
    for step in range(1, len(RATES) + 1):
        w.grad = torch.tensor(gradient(step).flat)
        optimizer.step()
    np.testing.assert_allclose(moments["m"], optimizer.state[w]["exp_avg"].numpy(), rtol=1e-11)
    np.testing.assert_allclose(moments["v"], optimizer.state[w]["exp_avg_sq"].numpy(), rtol=1e-12)


def test_a_planted_error_in_a_hyper_parameter_is_seen():
    ours, _ = follow(Adam(beta_2=0.9990001), RATES)
    theirs = follow_torch(lambda w, b: torch.optim.Adam([w, b]), RATES)
    assert not np.max(np.abs(ours.flat - theirs)) <= 1e-12


@pytest.mark.parametrize("optimizer", [Adam(), AdamW(), SGD(), SGD(0.0), SGD(nesterov=False)], ids=str)
def test_chunks_do_not_show_in_the_result(optimizer, monkeypatch):
    whole, _ = follow(optimizer, RATES, np.float32)
    for module in ("optimizer", "adam", "sgd"):
        monkeypatch.setattr(f"treadle.optimizers.{module}.CHUNK", 13)
    in_chunks, _ = follow(optimizer, RATES, np.float32)
    np.testing.assert_array_equal(whole.flat, in_chunks.flat)


@pytest.mark.parametrize("optimizer", [Adam(), AdamW(), SGD(), SGD(0.0)], ids=str)
def test_gradients_are_only_read_and_a_zero_rate_leaves_the_parameters(optimizer):
    parameters, g = start(), gradient(1)
    expected_parameters, expected_g = parameters.flat.copy(), g.flat.copy()
    optimizer.update(parameters, g, optimizer.start(g.flat.size, np.float64), 1, 0.0)
    np.testing.assert_array_equal(parameters.flat, expected_parameters)
    np.testing.assert_array_equal(g.flat, expected_g)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(
    ("optimizer", "make", "name"),
    [
        (Adam(0.75), lambda w: torch.optim.Adam(w, betas=(0.75, 0.999)), "exp_avg"),
        (SGD(0.75), lambda w: torch.optim.SGD(w, momentum=0.75, nesterov=True), "momentum_buffer"),
    ],
)
def test_moments_fade_to_zero_where_torchs_get_stuck_in_subnormals(optimizer, make, name, dtype):
    """The gradient is zero after the first step, and 0.75 to the number of steps underflows."""
    parameters, g = start(dtype), gradient(1, dtype)
    moments = optimizer.start(g.flat.size, dtype)
    w = torch.tensor(parameters.flat, requires_grad=True)
    theirs = make([w])
    theirs.param_groups[0]["lr"] = 0.01
    for step in range(1, 500 if dtype == np.float32 else 2700):
        w.grad = torch.tensor(g.flat)
        theirs.step()
        optimizer.update(parameters, g, moments, step, 0.01)
        g.flat[:] = 0
    tiny = np.finfo(dtype).tiny
    left = np.abs(theirs.state[w][name].numpy())
    assert ((left > 0) & (left < tiny)).any()
    for moment in moments.values():
        assert not ((moment != 0) & (np.abs(moment) < tiny)).any()
    np.testing.assert_allclose(parameters.flat, w.detach().numpy(), rtol=100 * np.finfo(dtype).eps)


def test_moments_are_named_zeros_of_the_parameters_type():
    assert Adam().moments == AdamW().moments == ("m", "v")
    assert SGD().moments == ("velocity",)
    assert SGD(momentum=0).moments == ()
    moments = Adam().start(4, np.float32)
    assert list(moments) == ["m", "v"]
    assert all(m.dtype == np.float32 and m.shape == (4,) and not m.any() for m in moments.values())
