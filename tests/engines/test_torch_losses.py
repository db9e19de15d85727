"""Losses row by row in PyTorch: each formula written out in NumPy, in the outputs' own type."""

import numpy as np
import pytest
import torch
from scipy.special import log_softmax, xlogy

from treadle.engines.torch_losses import ROW_LOSSES

RNG = np.random.default_rng(0)
Z = 2 * RNG.standard_normal((7, 3))


def one_hot(labels):
    return np.eye(3)[labels]


LABELS = RNG.integers(0, 3, 7)
SOFT = RNG.dirichlet(np.ones(3), 7)
CASES = [
    (
        "cross_entropy",
        LABELS,
        {"label_smoothing": 0.0},
        lambda z, t: -(one_hot(t) * log_softmax(z, 1)).sum(1),
    ),
    ("cross_entropy", SOFT, {"label_smoothing": 0.0}, lambda z, t: -(t * log_softmax(z, 1)).sum(1)),
    (
        "cross_entropy",
        LABELS,
        {"label_smoothing": 0.3},
        lambda z, t: -((0.7 * one_hot(t) + 0.1) * log_softmax(z, 1)).sum(1),
    ),
    (
        "binary_cross_entropy",
        RNG.random((7, 3)),
        {"label_smoothing": 0.2},
        lambda z, t: (np.logaddexp(0, z) - (0.8 * t + 0.1) * z).sum(1),
    ),
    ("squared", RNG.standard_normal((7, 3)), {}, lambda z, t: ((z - t) ** 2).sum(1) / 2),
    ("absolute", RNG.standard_normal((7, 3)), {}, lambda z, t: np.abs(z - t).sum(1)),
    (
        "huber",
        RNG.standard_normal((7, 3)),
        {"delta": 0.7},
        lambda z, t: np.where(abs(z - t) <= 0.7, (z - t) ** 2 / 2, 0.7 * (abs(z - t) - 0.35)).sum(1),
    ),
    ("poisson", RNG.integers(0, 5, (7, 3)), {}, lambda z, t: (np.exp(z) - t * z + xlogy(t, t) - t).sum(1)),
]


@pytest.mark.parametrize(("name", "target", "options", "formula"), CASES)
@pytest.mark.parametrize(("dtype", "rtol"), [(torch.float64, 1e-12), (torch.float32, 1e-5)])
def test_each_row_has_the_loss_of_the_formula(name, target, options, formula, dtype, rtol):
    found = ROW_LOSSES[name](torch.tensor(Z, dtype=dtype), torch.tensor(target), **options)
    assert found.dtype == dtype and found.shape == (7,)
    np.testing.assert_allclose(found.numpy(), formula(Z, target), rtol=rtol, atol=rtol)


@pytest.mark.parametrize("name", ["squared", "absolute", "poisson"])
def test_a_flat_target_goes_with_one_output(name):
    """Without the reshape it would be broadcast to (N, N)."""
    target = np.arange(7.0)
    found = ROW_LOSSES[name](torch.tensor(Z[:, :1]), torch.tensor(target))
    again = ROW_LOSSES[name](torch.tensor(Z[:, :1]), torch.tensor(target[:, None]))
    assert found.shape == (7,)
    np.testing.assert_array_equal(found.numpy(), again.numpy())
