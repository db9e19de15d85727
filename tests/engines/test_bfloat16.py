"""Training with products in bfloat16, by every kernel for it that runs here; the emulated one always does.

Where numbers are small integers, every sum of a product is exact in float32, in whatever order. What remains
is the rounding of the factors, and that has but one right result: a model in NumPy must agree to the bit.
"""

from itertools import pairwise

import numpy as np
import pytest

from tests.engines.native_kernels import KERNELS as FLOAT32_KERNELS
from tests.engines.native_kernels import native, random_problem
from treadle.engines.augmentation import Augmentation
from treadle.engines.engine import TrainingProblem
from treadle.engines.numpy_engine import NumpyEngine
from treadle.engines.objective import Objective
from treadle.errors import EngineUnavailable, TrainingDiverged
from treadle.hardware.native import extension
from treadle.hardware.native.extension import EMULATED_BFLOAT16
from treadle.network import Network, Parameters
from treadle.optimizers import SGD, Adam, AdamW

KERNELS = extension.available_bfloat16_kernels()

# After one step from rest its velocity is the gradient.
KEEPS_GRADIENT = SGD(momentum=0.9, nesterov=False)


def in_bfloat16(x):
    """The nearest numbers of 8 significant bits, ties to even."""
    mantissa, exponent = np.frexp(x)
    return np.ldexp(np.rint(np.ldexp(mantissa, 8)), exponent - 8)


class Model:
    """Back-propagation in float64 for squared error and ReLU; the factors of each product are ``rounded``."""

    def __init__(self, rounded=in_bfloat16):
        self.rounded = rounded
        self.largest_sum = 0.0

    def product(self, a, b, unit=1.0):
        """Of the rounded factors, terms being multiples of the unit; notes the largest sum of magnitudes."""
        a, b = self.rounded(a), self.rounded(b)
        self.largest_sum = max(self.largest_sum, (np.abs(a) @ np.abs(b)).max() / unit)
        return a @ b

    def logits(self, coefs, X):
        values = [X]
        for W in coefs[:-1]:
            values.append(np.maximum(self.product(values[-1], W), 0))
        return values, self.product(values[-1], coefs[-1])

    def gradients(self, coefs, X, residuals, shares):
        values, _ = self.logits(coefs, X)
        unit = shares[shares > 0].min()
        d = residuals * shares[:, None]
        gradients = []
        for W, a in zip(coefs[::-1], values[::-1], strict=True):
            gradients.insert(0, self.product(a.T, d, unit))
            d = self.product(d, W.T, unit) * (a > 0)
        return gradients


def in_integers(sizes, n_rows):
    """Layers' weights, inputs, residuals, sample weights whose sum is a power of two: shares are exact."""
    rng = np.random.default_rng(len(sizes) * n_rows)

    def integers(largest, shape):
        return rng.integers(-largest, largest + 1, shape).astype(np.float64)

    shapes = list(pairwise(sizes))
    largest = [15, *(1 for _ in shapes[2:]), 15][: len(shapes)]
    weights = np.ones(n_rows)
    weights[: 2 ** (n_rows - 1).bit_length() - n_rows] += 1
    coefs = [integers(size, shape) for size, shape in zip(largest, shapes, strict=True)]
    return coefs, integers(15, (n_rows, sizes[0])), integers(7, (n_rows, sizes[-1])), weights


def gradients_found(kernels, coefs, X, y, weights, n_threads):
    network = Network((len(coefs[0]), *(W.shape[1] for W in coefs)), output="identity")
    parameters = Parameters.zeros(network)
    parameters.flat[: sum(W.size for W in coefs)] = np.concatenate([W.ravel() for W in coefs])
    problem = TrainingProblem(
        network, Objective("squared"), KEEPS_GRADIENT, X, y, len(X), weights, precision="bfloat16"
    )
    trainer = native(kernels, n_threads).trainer(problem, parameters)
    losses = trainer.run_epoch(np.arange(len(X)), np.array([0.5]))
    return losses[0], Parameters(network, trainer.state()["velocity"]).weights


@pytest.mark.parametrize("kernels", KERNELS)
@pytest.mark.parametrize(
    "sizes", [(45, 33, 37, 3), (1, 1, 1), (64, 32, 32), (31, 16, 8, 17), (5, 66, 2), (7, 3)], ids=str
)
@pytest.mark.parametrize(("n_rows", "n_threads"), [(1, 1), (2, 2), (32, 3), (37, 1), (66, 2)])
def test_products_of_factors_rounded_to_bfloat16_are_right_to_the_bit(kernels, sizes, n_rows, n_threads):
    coefs, X, residuals, weights = in_integers(sizes, n_rows)
    model, shares = Model(), weights / weights.sum()
    y = model.logits(coefs, X)[1] - residuals
    expected = model.gradients(coefs, X, residuals, shares)
    assert model.largest_sum <= 2**24

    loss, found = gradients_found(kernels, coefs, X.astype(np.float32), y, weights, n_threads)

    assert loss == pytest.approx(shares @ (residuals**2).sum(axis=1) / 2, rel=1e-6)
    for W_found, W_expected in zip(found, expected, strict=True):
        np.testing.assert_array_equal(W_found, W_expected)


@pytest.mark.parametrize("kernels", KERNELS)
def test_that_comparison_sees_factors_that_are_not_rounded(kernels):
    coefs, X, residuals, weights = in_integers((45, 33, 37, 3), 37)
    y = Model().logits(coefs, X)[1] - residuals
    unrounded = Model(rounded=lambda x: x).gradients(coefs, X, residuals, weights / weights.sum())
    _, found = gradients_found(kernels, coefs, X.astype(np.float32), y, weights, 1)
    for W_found, W_unrounded in zip(found, unrounded, strict=True):
        assert not np.array_equal(W_found, W_unrounded)


def test_the_model_rounds_as_bfloat16_is_defined():
    torch = pytest.importorskip("torch")
    x = np.random.default_rng(0).normal(size=1000).astype(np.float32)
    x[:4] = 257, 259, 1 + 2**-8, 1 + 3 * 2**-8  # ties
    np.testing.assert_array_equal(in_bfloat16(x), torch.from_numpy(x).bfloat16().float().numpy())


def problem(n_rows=150, pixels=False, **changes):
    rng = np.random.default_rng(0)
    network = changes.pop("network", Network((36, 70, 33, 10)))
    X = rng.normal(size=(n_rows, network.sizes[0])).astype(np.float32)
    if pixels:
        X = rng.integers(256, size=X.shape, dtype=np.uint8)
    arguments = {
        "network": network,
        "objective": Objective(),
        "optimizer": SGD(),
        "X": X,
        "y": rng.integers(network.sizes[-1], size=n_rows),
        "batch_size": 64,
        "noise_seed": 3,
        "precision": "bfloat16",
    }
    return TrainingProblem(**(arguments | changes))


def trained(engine, some_problem, n_epochs=2, rate=0.05):
    """Losses of the steps, what the parameters have moved by, and the trainer."""
    start = Parameters.initialise(some_problem.network, "torch", 1)
    trainer = engine.trainer(some_problem, start)
    n = len(some_problem.X)
    orders = [np.random.default_rng(epoch).permutation(n) for epoch in range(n_epochs)]
    rates = np.full(some_problem.n_steps(n), rate)
    losses = np.concatenate([trainer.run_epoch(order, rates) for order in orders])
    return losses, trainer.parameters().flat.astype(np.float64) - start.flat, trainer


def in_float32(bfloat16_problem):
    return TrainingProblem(**(vars(bfloat16_problem) | {"precision": "float32"}))


RNG = np.random.default_rng(1)

OPTIONS = {
    "activations": {"network": Network((36, 70, 33, 10), ("tanh", "gelu"))},
    "dropout": {"network": Network((36, 70, 33, 10), dropout=0.5)},
    "batch norm": {"network": Network((36, 70, 33, 10), batch_norm=(True, True))},
    "uint8, scale, offset": {
        "pixels": True,
        "network": Network((36, 70, 33, 10), input_scale=1 / 100, input_offset=-1.0),
    },
    "augmentation": {"augmentation": Augmentation((6, 6), True, 2)},
    "L2": {"objective": Objective(l2=0.5)},
    "label smoothing": {"objective": Objective(label_smoothing=0.5)},
    "soft targets": {"y": RNG.dirichlet(np.ones(10), 150)},
    "sample weights": {"sample_weight": RNG.uniform(0, 3, 150) * RNG.integers(0, 2, 150)},
    "huber": {
        "network": Network((36, 70, 33, 10), output="identity"),
        "objective": Objective("huber", huber_delta=0.5),
        "y": RNG.normal(size=(150, 10)),
    },
    "adam": {"optimizer": Adam()},
    "adamw": {"optimizer": AdamW(weight_decay=0.5)},
    "plain": {"optimizer": SGD(momentum=0)},
    "batches of one": {"batch_size": 1, "n_rows": 20, "network": Network((36, 10))},
}


def distance(a, b):
    return np.linalg.norm(a - b) / np.linalg.norm(b)


@pytest.mark.parametrize("kernels", KERNELS)
@pytest.mark.parametrize("option", OPTIONS)
def test_each_option_does_in_bfloat16_what_it_does_in_float32(kernels, option):
    bfloat16_problem = problem(**OPTIONS[option])
    rate = 0.002 if isinstance(bfloat16_problem.optimizer, Adam) else 0.05
    losses, moved, _ = trained(native(kernels), bfloat16_problem, rate=rate)
    expected_losses, expected_move, _ = trained(NumpyEngine(), in_float32(bfloat16_problem), rate=rate)
    np.testing.assert_allclose(losses, expected_losses, rtol=0.01, atol=0.01)
    assert distance(moved, expected_move) <= 0.15


@pytest.mark.parametrize(
    "option", ["dropout", "batch norm", "augmentation", "L2", "label smoothing", "soft targets"]
)
def test_that_comparison_sees_an_option_that_is_ignored(option):
    _, moved, _ = trained(NumpyEngine(), in_float32(problem(**OPTIONS[option])))
    _, moved_without, _ = trained(NumpyEngine(), in_float32(problem()))
    size = min(moved.size, moved_without.size)
    assert distance(moved[:size], moved_without[:size]) > 0.3


@pytest.mark.parametrize("kernels", KERNELS)
@pytest.mark.parametrize("seed", range(20))
def test_no_bit_depends_on_the_number_of_threads(kernels, seed):
    some_problem = TrainingProblem(**(vars(random_problem(seed)) | {"precision": "bfloat16"}))
    states = []
    for n_threads in range(1, 5):
        losses, _, trainer = trained(native(kernels, n_threads), some_problem, 1, 1e-3)
        states.append({"losses": losses, **trainer.state()})
    for state in states[1:]:
        for name, array in states[0].items():
            np.testing.assert_array_equal(state[name], array, err_msg=name)


@pytest.mark.parametrize("kernels", KERNELS)
def test_a_state_goes_on_to_the_same_bits(kernels):
    some_problem = problem(
        network=Network((36, 70, 33, 10), dropout=0.2, batch_norm=(True, False)), optimizer=Adam()
    )
    *_, never_stopped = trained(native(kernels, 2), some_problem, 2, 1e-3)
    *_, stopped = trained(native(kernels, 1), some_problem, 1, 1e-3)
    gone_on = native(kernels, 3).trainer(some_problem, Parameters.initialise(some_problem.network))
    gone_on.load_state(stopped.state())
    gone_on.run_epoch(np.random.default_rng(1).permutation(150), np.full(3, 1e-3))
    for name, array in never_stopped.state().items():
        np.testing.assert_array_equal(gone_on.state()[name], array, err_msg=name)


@pytest.mark.skipif("amx-bfloat16" not in KERNELS, reason="this processor has no AMX")
def test_emulation_gives_what_amx_gives():
    some_problem = problem(network=Network((36, 70, 33, 10), dropout=0.2, batch_norm=(True, False)))
    found, *_, trainer = trained(native("amx-bfloat16"), some_problem)
    expected, *_, emulated = trained(native(EMULATED_BFLOAT16), some_problem)
    np.testing.assert_allclose(found, expected, rtol=1e-5)
    np.testing.assert_allclose(trainer.parameters().flat, emulated.parameters().flat, rtol=1e-3, atol=1e-5)


@pytest.mark.parametrize("kernels", KERNELS)
@pytest.mark.parametrize("bits", [0x7FFFFFFF, 0xFFFFFFFF, 0x7FC00000, 0x7F800001, 0x7F800000])
def test_nan_and_infinity_do_not_become_numbers(kernels, bits):
    some_problem = problem(network=Network((36, 10)))
    some_problem.X[0, 0] = np.array(bits, np.uint32).view(np.float32)
    trainer = native(kernels).trainer(some_problem, Parameters.initialise(some_problem.network, "torch", 0))
    with pytest.raises(TrainingDiverged, match="the loss became nan at step 1 of the epoch"):
        trainer.run_epoch(np.arange(150), np.full(3, 0.1))


def test_predictions_are_of_float32_whatever_trains():
    parameters = Parameters.initialise(Network((36, 70, 10)), "torch", 0)
    X = problem().X
    engine = native(EMULATED_BFLOAT16)
    assert engine.kernels == FLOAT32_KERNELS[0]
    np.testing.assert_array_equal(
        engine.predict(parameters, X), native(FLOAT32_KERNELS[0]).predict(parameters, X)
    )


def test_emulation_is_never_chosen_but_only_named():
    assert native("").bfloat16_kernels != EMULATED_BFLOAT16
    assert native(EMULATED_BFLOAT16).bfloat16_kernels == EMULATED_BFLOAT16


def test_kernels_of_float32_refuse_bfloat16_and_say_what_it_takes():
    message = (
        "the native engine has no bfloat16 kernel here: it takes a processor and a system with AMX "
        r"\(amx_tile, amx_bf16\) or AVX512_BF16, and TREADLE_SIMD must not name a float32 kernel; take "
        "precision float32"
    )
    with pytest.raises(EngineUnavailable, match=message):
        native("portable").trainer(problem(), Parameters.initialise(problem().network))


def test_the_extension_lists_these_kernels_apart():
    assert not set(extension.available_kernels()) & set(extension.available_bfloat16_kernels())
    features = set(extension.processor_features())
    avx512_bf16 = {"avx512f", "avx512bw", "avx512dq", "avx512vl", "fma", "avx512_bf16"} <= features
    assert ("avx512-bfloat16" in KERNELS) == avx512_bf16
    # Tiles are the operating system's to give, so that the processor's having them is not all.
    assert ("amx-bfloat16" in KERNELS) <= (avx512_bf16 and {"amx_tile", "amx_bf16"} <= features)
