"""GELU in doubles, run by ONNX Runtime, against SciPy's normal distribution."""

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import TensorProto, helper, numpy_helper
from scipy.special import ndtr

from treadle.export.onnx_gelu import gelu_constants, gelu_nodes


def gelu(x):
    graph = helper.make_graph(
        gelu_nodes(helper, "x", "y"),
        "gelu",
        [helper.make_tensor_value_info("x", TensorProto.DOUBLE, ["N"])],
        [helper.make_tensor_value_info("y", TensorProto.DOUBLE, ["N"])],
        [numpy_helper.from_array(array, name) for name, array in gelu_constants().items()],
    )
    proto = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)], ir_version=9)
    onnx.checker.check_model(proto, full_check=True)
    session = onnxruntime.InferenceSession(proto.SerializeToString(), providers=["CPUExecutionProvider"])
    return session.run(None, {"x": np.asarray(x, np.float64)})[0]


@pytest.mark.parametrize("reach", [1e-300, 1e-3, 1, 10, 1e3])
def test_it_is_x_times_the_normal_distribution_to_a_few_roundings(reach):
    x = np.linspace(-reach, reach, 200_001)
    error = np.abs(gelu(x) - x * ndtr(x))
    assert (error <= 4e-15 * np.maximum(1, np.abs(x))).all()


def test_the_negative_side_keeps_its_digits():
    x = np.linspace(-30, -0.01, 30_001)
    exact = x * ndtr(x)
    assert (np.abs(gelu(x) - exact) <= 1e-12 * np.abs(exact)).all()


def test_the_ends_are_limits_and_nan_passes():
    given = gelu([np.inf, -np.inf, np.nan, 1e308, -1e308, 0.0])
    np.testing.assert_array_equal(given, [np.inf, 0, np.nan, 1e308, 0, 0])
