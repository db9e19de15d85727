"""The kernel's powers of Adam's decay factors, as a step shows them: the bits of treadle.optimizers.decay."""

import os

import numpy as np
import pytest

from treadle.hardware.native import extension, networks
from treadle.optimizers.decay import decayed

if os.environ.get("TREADLE_WITHOUT_NATIVE") == "1":
    pytest.skip("TREADLE_WITHOUT_NATIVE=1", allow_module_level=True)

BETA_1, BETA_2, EPSILON, RATE = 0.9, 0.999, 1e-8, 0.01
GRADIENT = 0.5


def of_the_kernel(n_before, kernels):
    """The weight after step n_before + 1 from 0 and from moments of 0, its gradient being GRADIENT."""
    network = networks.Network([networks.Layer(1, 1, "identity", False, 0.0)])
    trainer = networks.Trainer(
        network,
        networks.Inputs(network, np.ones((1, 1)), None, None, 1.0, 0.0),
        networks.Targets("squared", 0.0, 1.0, 0.0, None, np.array([[-GRADIENT]]), None),
        networks.NO_AUGMENTATION,
        networks.Optimizer("adam", BETA_1, BETA_2, EPSILON),
        dtype=np.dtype(np.float64),
        batch_size=1,
        noise_seed=0,
        threads=1,
        kernels=kernels,
    )
    trainer.write(np.zeros(2), np.zeros(2), np.zeros(2), np.zeros(0), n_before)
    trainer.run_epochs(np.array([[0]]), np.array([[RATE]]))
    found = np.empty(2)
    trainer.read(found, None, None, None)
    return found[0]


def by_the_equations(left_1, left_2):
    """The same, where that much is left of the two factors' powers."""
    m, v = GRADIENT * (1 - BETA_1), GRADIENT**2 * (1 - BETA_2)
    root = np.sqrt(1 - left_2)
    return -RATE * root / (1 - left_1) * (m / (np.sqrt(v) + EPSILON * root))


@pytest.mark.parametrize("kernels", extension.available_kernels())
def test_the_kernel_has_the_same_bits(kernels):
    for n_before in (0, 1, 7, 39, 352, 353, 998, 18_759, 10**6):
        left = decayed(BETA_1, n_before + 1), decayed(BETA_2, n_before + 1)
        assert of_the_kernel(n_before, kernels) == by_the_equations(*left)


def test_it_would_be_seen():
    left = decayed(BETA_1, 8), decayed(BETA_2, 8)
    assert by_the_equations(*left) != by_the_equations(left[0] * (1 + 1e-15), left[1])
    assert by_the_equations(*left) != by_the_equations(left[0], left[1] * (1 - 1e-15))
