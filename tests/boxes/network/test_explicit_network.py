"""A function given as layers: evaluating, PyTorch and ONNX are one function; other types are refused."""

import numpy as np
import onnxruntime
import pytest
import torch

from treadle.boxes.network.explicit_network import ExplicitNetwork, checked_dtype, squeezed
from treadle.errors import InvalidInput
from treadle.export.layers import Layer

RNG = np.random.default_rng(0)
W1, W2 = RNG.standard_normal((3, 5)), RNG.standard_normal((5, 2))


class TwoForms(ExplicitNetwork):
    """tanh(X W1) W2, whose columns the form "swapped" has in the other order."""

    n_features_in_ = 3
    given = None

    def layers(self, form=None, dtype=np.float64):
        self.given = form, dtype
        last = W2[:, ::-1] if form == "swapped" else W2
        return [Layer(W1, np.zeros(5), "tanh"), Layer(last.copy(), np.array([1.0, 2.0]))]

    def remedy(self, form):
        return f"take less of {form}"


X = RNG.standard_normal((7, 3))
EXPECTED = np.tanh(X @ W1) @ W2 + np.array([1, 2])
SWAPPED = np.tanh(X @ W1) @ W2[:, ::-1] + np.array([1, 2])


def test_the_outputs_are_those_of_the_layers_of_the_form():
    np.testing.assert_allclose(TwoForms().forward(X), EXPECTED, rtol=1e-12)
    np.testing.assert_allclose(TwoForms().forward(X, "swapped"), SWAPPED, rtol=1e-12)


@pytest.mark.parametrize(("dtype", "rtol"), [(np.float64, 1e-12), ("float32", 1e-5)])
def test_torch_and_onnx_compute_the_same_in_the_dtype_that_is_given(tmp_path, dtype, rtol):
    network, rows = TwoForms(), X.astype(dtype)
    with torch.no_grad():
        found = network.to_torch("swapped", dtype)(torch.from_numpy(rows)).numpy()
    assert network.given == ("swapped", np.dtype(dtype)) and found.dtype == np.dtype(dtype)
    np.testing.assert_allclose(found, SWAPPED, rtol=rtol)
    network.to_onnx(tmp_path / "net.onnx", "swapped", dtype)
    session = onnxruntime.InferenceSession(tmp_path / "net.onnx", providers=["CPUExecutionProvider"])
    (found,) = session.run(None, {"X": rows})
    assert found.dtype == np.dtype(dtype)
    np.testing.assert_allclose(found, SWAPPED, rtol=rtol)


def test_layers_that_do_not_fit_in_memory_are_refused_with_the_remedy(monkeypatch):
    from treadle.export import layers

    monkeypatch.setattr(layers, "usable_memory", lambda: 100)
    with pytest.raises(InvalidInput, match="take less of swapped"):
        TwoForms().to_torch("swapped")


@pytest.mark.parametrize("dtype", ["float16", "number", np.int64, object()])
def test_other_types_are_refused(dtype):
    with pytest.raises(InvalidInput, match="dtype must be float64 or float32; got"):
        checked_dtype(dtype)


def test_one_output_is_a_vector():
    assert squeezed(np.ones((4, 1))).shape == (4,) and squeezed(np.ones((4, 2))).shape == (4, 2)
    assert squeezed(np.ones((0, 1))).shape == (0,)
