from dataclasses import replace

import numpy as np
import pytest

from treadle.engines.numpy_engine import NumpyEngine
from treadle.errors import InvalidInput
from treadle.network import Network, Parameters

torch = pytest.importorskip("torch")
from treadle.export.torch_sequential import torch_sequential  # noqa: E402

PLAIN = Network((4, 6, 5, 3), ("tanh", "gelu"), dropout=(0.4, 0.0))
CASES = {
    "plain": PLAIN,
    "softmax regression": Network((4, 3)),
    "relu, silu": Network((4, 6, 5, 2), ("relu", "silu"), "identity"),
    "logistic output": Network((4, 6, 1), "logistic", "logistic"),
    "counts": Network((4, 6, 1), "identity", "exp"),
    "scaled": replace(PLAIN, input_scale=1 / 255, input_offset=-0.3),
    "batch norm": replace(PLAIN, batch_norm=(True, False)),
    "scaled batch norm": replace(PLAIN, batch_norm=True, input_scale=0.5, input_offset=2.0),
}


def parameters_of(network, dtype):
    rng = np.random.default_rng(3)
    parameters = Parameters.initialise(network, "torch", 2, dtype)
    parameters.flat[:] += 0.1 * rng.normal(size=parameters.flat.size)
    half = parameters.statistics.size // 2
    parameters.statistics[:half] = rng.normal(size=half)
    parameters.statistics[half:] = rng.uniform(0.5, 2, size=half)
    return parameters


@pytest.mark.parametrize("network", CASES.values(), ids=CASES)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_it_predicts_the_same(network, dtype):
    parameters = parameters_of(network, dtype)
    X = np.random.default_rng(4).normal(size=(50, 4)).astype(dtype)
    engine = NumpyEngine()
    for with_output, expected in (
        (True, engine.predict(parameters, X)),
        (False, engine.logits(parameters, X)),
    ):
        with torch.no_grad():
            found = torch_sequential(parameters, with_output=with_output)(torch.from_numpy(X)).numpy()
        assert found.dtype == dtype
        error = np.abs(found - expected).max()
        assert error <= 100 * np.finfo(dtype).eps * max(1, np.abs(expected).max())


def test_it_is_made_of_pytorchs_own_modules_and_trains_on():
    model = torch_sequential(parameters_of(CASES["batch norm"], np.float32), with_output=False)
    names = [type(module).__name__ for module in model]
    assert names == ["Linear", "BatchNorm1d", "Tanh", "Dropout", "Linear", "GELU", "Linear"]
    assert not model.training
    before = model[0].weight.detach().clone()
    optimizer = torch.optim.SGD(model.train().parameters(), 0.1)
    torch.nn.functional.cross_entropy(model(torch.ones(8, 4)), torch.zeros(8, dtype=torch.long)).backward()
    optimizer.step()
    assert not torch.equal(before, model[4].weight) and len(before)


def test_the_parameters_are_copies():
    parameters = parameters_of(PLAIN, np.float32)
    model = torch_sequential(parameters)
    W = parameters.weights[0].copy()
    with torch.no_grad():
        model[0].weight.zero_()
    np.testing.assert_array_equal(parameters.weights[0], W)


def test_what_is_no_sequence_is_refused():
    with pytest.raises(InvalidInput, match=r"averages an image and its mirror image is no nn\.Sequential"):
        torch_sequential(parameters_of(replace(PLAIN, mirror_width=2), np.float32))
