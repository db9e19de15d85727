"""Steps from linear layers and clamps: to the bit, at every edge that a floating-point number can be."""

import numpy as np
import onnxruntime
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy import sparse

from treadle import InvalidInput
from treadle.export.layers import Layer, forward
from treadle.export.onnx import save_layers_onnx
from treadle.export.steps import round_up, stock_layers
from treadle.export.torch_modules import sequential_of_layers

SPECIAL = [0.0, 5e-324, -5e-324, 2.3e-308, -1e-300, 1.0, -1.0, 0.1, 2.0, -2.0, 1e16, -1e100, 2.0**900]


def steps(edges, sign=1.0, dtype=np.float64):
    edges = np.asarray(edges, dtype)
    return Layer(sparse.csr_array(np.full((1, len(edges)), sign)), -edges, "step")


def neighbourhood(edges, dtype=np.float64):
    edges = np.asarray(edges, dtype)
    up, down = np.nextafter(edges, dtype(np.inf)), np.nextafter(edges, dtype(-np.inf))
    return np.concatenate([edges, up, down, 2 * edges, -edges, [1e-3, 7.0, -7.0]]).astype(dtype)[:, None]


@pytest.mark.parametrize("sign", [1.0, -1.0])
def test_steps_are_exact_everywhere_near_their_edges(sign):
    layer, X = steps(SPECIAL, sign), neighbourhood(SPECIAL)
    expected = (sign * X >= np.array(SPECIAL)).astype(float)
    np.testing.assert_array_equal(forward([layer], X), expected)
    stock = stock_layers([layer])
    assert [one.activation for one in stock] == ["identity", "clamp"]
    np.testing.assert_array_equal(forward(stock, X), expected)
    with torch.no_grad():
        np.testing.assert_array_equal(sequential_of_layers([layer])(torch.from_numpy(X)).numpy(), expected)


@given(st.floats(-1e290, 1e290), st.floats(-1e290, 1e290))
def test_any_edge_and_any_input(edge, x):
    stock = stock_layers([steps([edge])])
    X = np.array([x, edge, np.nextafter(edge, -np.inf), np.nextafter(edge, np.inf)])[:, None]
    np.testing.assert_array_equal(forward(stock, X)[:, 0], (X[:, 0] >= edge).astype(float))


def test_onnx_runtime_is_exact_too(tmp_path):
    X = neighbourhood(SPECIAL)
    save_layers_onnx(tmp_path / "steps.onnx", [steps(SPECIAL)])
    session = onnxruntime.InferenceSession(tmp_path / "steps.onnx", providers=["CPUExecutionProvider"])
    expected = (np.array(SPECIAL) <= X).astype(float)
    np.testing.assert_array_equal(session.run(None, {"X": X})[0], expected)


def test_in_float32_an_edge_moves_up_to_the_next_number():
    edges = np.array([0.1, 0.0, 1e-45, 1e-60, -1e-60, 1 + 2**-40, 3e20])
    X = neighbourhood(round_up(edges, np.float32), np.float32)
    outputs = forward(stock_layers([steps(edges)], np.float32), X)
    assert outputs.dtype == np.float32
    np.testing.assert_array_equal(outputs, (X.astype(np.float64) >= edges).astype(np.float32))


def test_an_edge_that_is_not_near_zero_takes_one_layer():
    assert len(stock_layers([steps([0.5, -3.0])])) == 1


def test_an_edge_at_the_wrong_neighbour_would_be_noticed():
    moved = stock_layers([steps([np.nextafter(0.1, 1)])])
    assert forward(moved, np.array([[0.1]])) != forward([steps([0.1])], np.array([[0.1]]))


def test_a_step_of_several_weights_is_refused():
    with pytest.raises(InvalidInput, match=r"a unit with a step must have one weight, 1 or -1.*got weights"):
        stock_layers([Layer(np.ones((2, 1)), np.zeros(1), "step")])
    with pytest.raises(InvalidInput, match=r"one weight, 1 or -1"):
        stock_layers([Layer(np.full((1, 1), 3.0), np.zeros(1), "step")])


def test_an_edge_beyond_float32_is_refused():
    with pytest.raises(InvalidInput, match=r"edges must be within .*3.4.*e\+38 for float32; got 1e\+39"):
        stock_layers([steps([0.0, 1e39])], np.float32)
