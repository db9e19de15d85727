"""The kernels that run here, for the tests of the native engine.

Where the extension is not built these tests fail: an environment that is to be without it says so, with
TREADLE_WITHOUT_NATIVE=1.
"""

import os

import numpy as np
import pytest

from treadle.engines.augmentation import Augmentation
from treadle.engines.engine import TrainingProblem
from treadle.engines.gradient_check import random_targets
from treadle.engines.native_engine import NativeEngine
from treadle.engines.objective import Objective
from treadle.hardware.native import networks
from treadle.hardware.native.extension import SIMD, available_kernels
from treadle.maths.activations import ACTIVATIONS
from treadle.maths.loss_table import LOSSES
from treadle.network import Network
from treadle.optimizers import SGD, Adam, AdamW

if os.environ.get("TREADLE_WITHOUT_NATIVE") == "1":
    pytest.skip("TREADLE_WITHOUT_NATIVE=1", allow_module_level=True)

KERNELS = available_kernels()

OPTIMIZERS = (
    Adam(),
    Adam(beta_1=0.8, beta_2=0.95, epsilon=1e-4),
    AdamW(weight_decay=0.1),
    SGD(),
    SGD(nesterov=False),
    SGD(momentum=0),
)


def native(kernels, n_threads=1):
    """The engine with these kernels."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(SIMD, kernels)
        return NativeEngine(n_threads)


def laid_out(X, layout):
    """The same numbers in memory of another kind."""
    match layout:
        case "Fortran":
            return np.asfortranarray(X)
        case "every other row and column":
            wide = np.zeros((2 * X.shape[0], 2 * X.shape[1]), X.dtype)
            wide[::2, ::2] = X
            return wide[::2, ::2]
        case "backwards":
            return np.ascontiguousarray(X[::-1, ::-1])[::-1, ::-1]
        case "unaligned":
            return np.frombuffer(b"\0" + X.tobytes(), X.dtype, X.size, offset=1).reshape(X.shape)
        case _:
            return X


LAYOUTS = ("C", "Fortran", "every other row and column", "backwards", "unaligned")


def random_problem(seed):
    """Any network, data and options that the native engine takes; not large."""
    rng = np.random.default_rng(seed)

    def one_of(values):
        return values[rng.integers(len(values))]

    height, width = rng.integers(1, 9, 2)
    n_hidden = rng.integers(4)
    loss = one_of(tuple(LOSSES))
    n_outputs = int(rng.integers(1 + (loss == "cross_entropy"), 71))
    n_rows = int(one_of((1, 2, 5, 64, 131, 200)))
    kind = one_of((np.uint8, np.float32, np.float64))
    pixels = kind is np.uint8
    network = Network(
        (int(height * width), *(int(rng.integers(1, 71)) for _ in range(n_hidden)), n_outputs),
        tuple(one_of(list(ACTIVATIONS)) for _ in range(n_hidden)),
        output=LOSSES[loss].output,
        dropout=tuple(float(one_of((0, 0, 0.3, 0.8))) for _ in range(n_hidden)),
        input_scale=1 / 100 if pixels else float(one_of((1, 0.7))),
        input_offset=float(one_of((0, 0, -0.4))),
        batch_norm=tuple(bool(rng.integers(3) == 0) for _ in range(n_hidden)),
    )
    objective = Objective(
        loss,
        label_smoothing=float(one_of((0, 0.1))) if loss.endswith("cross_entropy") else 0.0,
        huber_delta=0.5 if loss == "huber" else 1.0,
        l2=float(one_of((0, 0.01))),
    )
    shape = (n_rows, network.sizes[0])
    X = rng.integers(256, size=shape, dtype=np.uint8) if pixels else rng.normal(size=shape).astype(kind)
    if loss == "cross_entropy" and rng.integers(2):
        y = rng.integers(n_outputs, size=n_rows).astype(one_of((np.uint8, np.int32, np.int64)))
    elif loss == "cross_entropy":
        y = rng.dirichlet(np.ones(n_outputs), n_rows)
    else:
        y = random_targets(network, n_rows, rng)
    weights = one_of(
        (None, rng.uniform(0, 3, n_rows) * rng.integers(0, 2, n_rows), rng.uniform(1, 2, n_rows))
    )
    shift = int(rng.integers(min(height, width)))
    return TrainingProblem(
        network,
        objective,
        one_of(OPTIMIZERS),
        laid_out(X, one_of(LAYOUTS)),
        y,
        int(rng.integers(1, 131)),
        weights,
        noise_seed=int(rng.integers(2**63)) * 2 + 1,
        augmentation=one_of((None, Augmentation((int(height), int(width)), bool(rng.integers(2)), shift))),
    )


def numbers_of_threads(monkeypatch, name):
    """A list that each use of ``networks.predict`` or ``networks.Trainer`` adds its number of threads to."""
    seen, used = [], getattr(networks, name)

    def spy(*arguments, threads, **options):
        seen.append(threads)
        return used(*arguments, threads=threads, **options)

    monkeypatch.setattr(networks, name, spy)
    return seen
