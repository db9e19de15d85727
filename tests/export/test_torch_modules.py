import sys

import numpy as np
import pytest
import torch

from treadle import InvalidInput, MissingDependency
from treadle.export import layers
from treadle.export.layers import Layer, forward
from treadle.export.torch_modules import sequential_of_layers
from treadle.maths.activations import ACTIVATIONS

RNG = np.random.default_rng(0)


def network(activation):
    return [
        Layer(RNG.normal(size=(3, 5)), RNG.normal(size=5), activation),
        Layer(RNG.normal(size=(5, 2)), RNG.normal(size=2)),
    ]


@pytest.mark.parametrize("activation", [*ACTIVATIONS, "clamp"])
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_torch_computes_what_the_layers_do(activation, dtype):
    plain, X = network(activation), RNG.normal(size=(20, 3)).astype(dtype)
    with torch.no_grad():
        outputs = sequential_of_layers(plain, dtype)(torch.from_numpy(X)).numpy()
    assert outputs.dtype == dtype
    tolerance = 50 * np.finfo(dtype).eps
    np.testing.assert_allclose(outputs, forward(plain, X), rtol=tolerance, atol=tolerance)


def test_the_module_has_weights_of_its_own_and_draws_no_random_numbers():
    plain = network("relu")
    before = torch.get_rng_state()
    module = sequential_of_layers(plain)
    assert torch.equal(before, torch.get_rng_state())
    with torch.no_grad():
        module[0].weight.zero_()
        module[0].bias.zero_()
    assert plain[0].weights.all() and plain[0].biases.all()


def test_what_does_not_fit_in_memory_is_refused(monkeypatch):
    monkeypatch.setattr(layers, "usable_memory", lambda: 500)
    with pytest.raises(
        InvalidInput, match="layers take 256 bytes; at most 250 bytes may be used: think again"
    ):
        sequential_of_layers(network("relu"), remedy="think again")


def test_without_torch_it_says_how_to_get_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "torch", None)
    with pytest.raises(MissingDependency, match=r"needs PyTorch.*pip install 'treadle\[torch\]'"):
        sequential_of_layers(network("relu"))
