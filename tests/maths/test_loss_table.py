"""The table of losses: values and gradients against PyTorch's, and targets checked as values check them."""

from typing import get_args

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from treadle.choices import LossName
from treadle.engines.torch_losses import ROW_LOSSES
from treadle.errors import InvalidInput
from treadle.maths.loss_table import LOSSES

RNG = np.random.default_rng(0)
LOGITS = RNG.standard_normal((6, 3))
TARGETS = {
    "cross_entropy": RNG.integers(0, 3, 6),
    "binary_cross_entropy": RNG.random((6, 3)),
    "poisson": RNG.integers(0, 9, (6, 3)).astype(float),
}
PYTORCH = {
    "cross_entropy": lambda z, t: F.cross_entropy(z, t),
    "binary_cross_entropy": lambda z, t: (
        F.binary_cross_entropy_with_logits(z, t, reduction="none").sum(1).mean()
    ),
    "squared": lambda z, t: ((z - t) ** 2).sum(1).mean() / 2,
    "absolute": lambda z, t: (z - t).abs().sum(1).mean(),
    "huber": lambda z, t: F.huber_loss(z, t, reduction="none", delta=1.0).sum(1).mean(),
    "poisson": lambda z, t: (torch.exp(z) - t * z + torch.xlogy(t, t) - t).sum(1).mean(),
}


def target(name):
    return TARGETS.get(name, RNG.standard_normal((6, 3)))


def test_every_name_has_an_entry_under_it_here_and_in_pytorch():
    assert all(name == loss.name for name, loss in LOSSES.items())
    assert set(LOSSES) == set(get_args(LossName)) == set(PYTORCH) == set(ROW_LOSSES)


@pytest.mark.parametrize("name", LOSSES)
def test_value_and_gradient_are_those_of_pytorch(name):
    t = target(name)
    z = torch.tensor(LOGITS, requires_grad=True)
    expected = PYTORCH[name](z, torch.tensor(t))
    expected.backward()
    options = {"delta": 1.0} if name == "huber" else {}
    assert LOSSES[name].value(LOGITS, t, **options) == pytest.approx(expected.item(), rel=1e-12)
    np.testing.assert_allclose(
        LOSSES[name].gradient(LOGITS, t, **options), z.grad.numpy(), rtol=1e-9, atol=1e-12
    )


@pytest.mark.parametrize("name", LOSSES)
def test_a_check_refuses_what_the_value_refuses_in_the_same_words(name):
    loss = LOSSES[name]
    loss.check(target(name), (6, 3), np.ones(6))
    options = {"delta": 1.0} if name == "huber" else {}
    for bad, weights in ((target(name)[:4], None), (target(name), -np.ones(6))):
        texts = []
        for call in (
            lambda b=bad, w=weights: loss.check(b, (6, 3), w),
            lambda b=bad, w=weights: loss.value(LOGITS, b, sample_weight=w, **options),
        ):
            with pytest.raises(InvalidInput) as error:
                call()
            texts.append(str(error.value))
        assert texts[0] == texts[1]


def test_labels_go_with_cross_entropy_alone():
    for name, loss in LOSSES.items():
        assert loss.takes_labels == (name == "cross_entropy")
        if not loss.takes_labels:
            with pytest.raises(InvalidInput, match="target must have the shape"):
                loss.check(np.zeros(6, np.int64), (6, 3), None)
