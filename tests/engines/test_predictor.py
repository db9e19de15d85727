"""A predictor, asked again and again: it goes by the parameters as they are, and by nothing that grew old."""

import os

import numpy as np
import pytest
import scipy.sparse
import scipy.special

from tests.at_once import agrees_in_a_child, in_threads
from tests.engines.native_kernels import LAYOUTS, laid_out, numbers_of_threads
from treadle.engines.native_engine import PRODUCTS_TO_WAKE_A_THREAD, NativeEngine, NativePredictor
from treadle.engines.numpy_engine import NumpyEngine
from treadle.engines.torch_engine import TorchEngine
from treadle.errors import InvalidInput
from treadle.hardware.processors import ThreadCount
from treadle.network import Network, Parameters

ENGINES = {"native": NativeEngine(2), "numpy": NumpyEngine(), "torch": TorchEngine("cpu")}
NETWORKS = (
    Network((6, 3)),
    Network((6, 5, 4, 3), ("tanh", "relu"), input_scale=0.5, input_offset=0.1),
    Network((6, 5, 4, 3), batch_norm=(True, False), dropout=0.3),
    Network((6, 5, 1), "gelu", output="logistic", batch_norm=True, mirror_width=3),
    Network((6, 5, 2), "silu", output="exp"),
)
X = np.random.default_rng(0).normal(size=(1300, 6))


@pytest.fixture(params=ENGINES.values(), ids=ENGINES)
def engine(request):
    return request.param


def parameters_of(network, seed=0, dtype=np.float32):
    rng = np.random.default_rng(seed)
    statistics = rng.uniform(0.3, 2, network.n_statistics).astype(dtype)
    return Parameters(network, rng.normal(size=network.n_parameters).astype(dtype), statistics)


def expected(parameters, X):
    """The logits, in float64 and in plain NumPy, and what the network puts out."""
    network = parameters.network
    weights, biases, scales, means, variances = (
        [None if a is None else a.astype(np.float64) for a in arrays]
        for arrays in (
            parameters.weights, parameters.biases, parameters.scales,
            parameters.running_means, parameters.running_variances,
        )
    )  # fmt: skip
    functions = {
        "identity": lambda z: z,
        "relu": lambda z: np.maximum(z, 0),
        "tanh": np.tanh,
        "silu": lambda z: z / (1 + np.exp(-z)),
        "gelu": lambda z: z * scipy.special.ndtr(z),
    }

    def logits(X):
        a = X.astype(np.float64) * network.input_scale + network.input_offset
        for i, layer in enumerate(network.layers):
            z = a @ weights[i]
            if layer.batch_norm:
                z = scales[i] * (z - means[i]) / np.sqrt(variances[i] + 1e-5)
            a = functions[layer.activation](z + biases[i])
        return a

    sums = logits(X)
    if network.mirror_width:
        width = network.mirror_width
        turned = X.reshape(len(X), -1, width)[:, :, ::-1].reshape(X.shape)
        sums = (sums + logits(turned)) / 2
    match network.output:
        case "softmax":
            e = np.exp(sums - sums.max(axis=1, keepdims=True))
            return sums, e / e.sum(axis=1, keepdims=True)
        case "logistic":
            return sums, 1 / (1 + np.exp(-sums))
        case _:
            return sums, np.exp(sums)


@pytest.mark.parametrize("network", NETWORKS, ids=str)
def test_each_call_gives_what_the_equations_give(engine, network):
    parameters = parameters_of(network)
    predictor = engine.predictor(parameters)
    for n in (1, 2, 7, 8, 9, 100, 1024, 1025, 1300):
        sums, outputs = expected(parameters, X[:n])
        for _ in range(2):
            np.testing.assert_allclose(predictor.logits(X[:n]), sums, rtol=2e-4, atol=2e-5)
            np.testing.assert_allclose(predictor.predict(X[:n]), outputs, rtol=2e-4, atol=2e-5)


@pytest.mark.parametrize("network", NETWORKS, ids=str)
def test_what_is_written_into_the_parameters_shows_in_the_next_call(engine, network):
    parameters = parameters_of(network)
    predictor = engine.predictor(parameters)
    before = predictor.logits(X[:9])
    for array in (parameters.flat, parameters.statistics):
        array[:] = parameters_of(network, 1).flat[: array.size] ** 2
        now = predictor.logits(X[:9])
        np.testing.assert_array_equal(now, engine.logits(parameters.copy(), X[:9]))
        np.testing.assert_allclose(now, expected(parameters, X[:9])[0], rtol=2e-4, atol=2e-5)
    assert not np.array_equal(now, before)
    parameters.flat[:] = np.nan  # which is not equal to itself
    assert np.isnan(predictor.logits(X[:2])).all()


def test_results_belong_to_the_caller(engine):
    predictor = engine.predictor(parameters_of(NETWORKS[0]))
    for n in (1, 9):
        first = predictor.logits(X[:n])
        kept = first.copy()
        second = predictor.logits(X[:n] + 1)
        second[:] = 0
        np.testing.assert_array_equal(first, kept)
        np.testing.assert_array_equal(predictor.logits(X[:n]), kept)


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("dtype", [np.uint8, np.float32, np.float64])
def test_rows_may_lie_in_memory_as_they_like(engine, layout, dtype):
    rows = (20 * X[:20] + 100).astype(dtype)
    predictor = engine.predictor(parameters_of(NETWORKS[1]))
    np.testing.assert_array_equal(predictor.logits(laid_out(rows, layout)), predictor.logits(rows.copy()))


def test_sparse_rows_and_no_rows(engine):
    predictor = engine.predictor(parameters_of(NETWORKS[2]))
    rows = np.where(X > 0, X, 0)[:30]
    found = predictor.logits(scipy.sparse.csr_array(rows))
    np.testing.assert_allclose(found, predictor.logits(rows), rtol=1e-5, atol=1e-6)
    for none in (rows[:0], scipy.sparse.csr_array(rows[:0])):
        assert predictor.logits(none).shape == predictor.predict(none).shape == (0, 3)


@pytest.mark.parametrize(
    "rows",
    [X[:, :5], X[0], X.astype(np.float16), X.astype(">f8"), X.tolist()],
    ids=lambda rows: str(type(rows)),
)
def test_rows_that_are_none_are_refused(engine, rows):
    predictor = engine.predictor(parameters_of(NETWORKS[0]))
    for ask in (predictor.logits, predictor.predict):
        with pytest.raises(InvalidInput, match=r"X must be .*uint8, float32 or float64 of shape \(N, 6\)"):
            ask(rows)


def test_many_threads_ask_one_predictor_at_once(engine):
    for network in (NETWORKS[1], NETWORKS[2]):
        predictor = engine.predictor(parameters_of(network))
        wanted = {n: predictor.logits(X[:n]) for n in (1, 7, 130)}

        def wrong(predictor=predictor, wanted=wanted):
            return [
                n
                for _ in range(30)
                for n, logits in wanted.items()
                if not np.array_equal(predictor.logits(X[:n]), logits)
            ]

        assert in_threads(4, wrong) == [[]] * 4


@pytest.mark.skipif(not hasattr(os, "fork"), reason="the system has no fork")
def test_a_forked_child_asks_the_predictor_of_its_parent():
    predictor = ENGINES["native"].predictor(parameters_of(NETWORKS[1]))
    assert agrees_in_a_child(lambda: predictor.logits(X).tobytes())


def test_the_native_predictor_wakes_threads_where_each_has_enough_to_do(monkeypatch):
    seen = numbers_of_threads(monkeypatch, "predict")
    monkeypatch.setattr(
        "treadle.engines.native_engine.usable_threads",
        lambda: ThreadCount(3, "a test"),
    )
    parameters = parameters_of(Network((6, 64, 64, 3)))
    n_products = 6 * 64 + 64 * 64 + 64 * 3
    enough_for_two = 2 * PRODUCTS_TO_WAKE_A_THREAD // n_products + 1
    predictor = NativeEngine().predictor(parameters)
    one, two = predictor.logits(X[:1]), predictor.logits(np.tile(X, (2, 1))[:enough_for_two])
    assert seen == [1, 2]
    assert isinstance(NativeEngine(5).predictor(parameters), NativePredictor)
    np.testing.assert_array_equal(NativeEngine(5).predictor(parameters).logits(X[:1]), one)
    assert seen == [1, 2, 5] and len(two) == enough_for_two


@pytest.mark.parametrize("network", NETWORKS)
def test_in_float64_engines_agree_to_the_last_digits(engine, network):
    parameters = parameters_of(network, dtype=np.float64)
    logits, outputs = expected(parameters, X)
    predictor = engine.predictor(parameters)
    for _ in range(2):
        np.testing.assert_allclose(predictor.logits(X), logits, rtol=1e-12, atol=1e-12)
        np.testing.assert_allclose(predictor.predict(X), outputs, rtol=1e-12, atol=1e-12)
    assert predictor.predict(X).dtype == np.float64
