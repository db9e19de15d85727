r"""Computes SELU and Mish by ONNX operators that ONNX Runtime has in both types.

Its Selu and Softplus are of float32 alone, and Selu's constants are float32 in either. As in
``treadle.maths.activations``::

    selu(x) = scale max(x, 0) + fall (exp(min(x, 0)) - 1)
    mish(x) = x n / (n + 2),  n = e (e + 2),  e = exp(min(x, 40))
"""

from __future__ import annotations

from types import ModuleType
from typing import TYPE_CHECKING

import numpy as np

from treadle.maths.activations import MISH_LINEAR, SELU_FALL, SELU_SCALE
from treadle.maths.dtypes import Floats, FloatType

if TYPE_CHECKING:
    import onnx

CONSTANTS = {
    "selu": {"zero": 0.0, "one": 1.0, "scale": SELU_SCALE, "fall": SELU_FALL},
    "mish": {"two": 2.0, "linear": MISH_LINEAR},
}


def exponential_constants(name: str, dtype: FloatType) -> dict[str, Floats]:
    """Return the constants of an activation's nodes, by their names in the graph."""
    return {f"{name}.{constant}": np.array(value, dtype) for constant, value in CONSTANTS[name].items()}


def exponential_nodes(helper: ModuleType, name: str, x: str, result: str) -> list[onnx.NodeProto]:
    """Make the nodes that compute selu(x) or mish(x).

    The result has the shape of x; other names begin with that of the result.
    """
    nodes: list[onnx.NodeProto] = []

    def apply(operator: str, name: str, *inputs: str) -> str:
        nodes.append(helper.make_node(operator, list(inputs), [name]))
        return name

    def step(operator: str, name: str, *inputs: str) -> str:
        return apply(operator, f"{result}.{name}", *inputs)

    if name == "selu":
        power = step("Exp", "power", step("Min", "low", x, "selu.zero"))
        fallen = step("Mul", "fallen", step("Sub", "power-1", power, "selu.one"), "selu.fall")
        risen = step("Mul", "risen", step("Max", "high", x, "selu.zero"), "selu.scale")
        apply("Add", result, risen, fallen)
        return nodes
    e = step("Exp", "e", step("Min", "cut", x, "mish.linear"))
    n = step("Mul", "n", e, step("Add", "e+2", e, "mish.two"))
    ratio = step("Div", "ratio", n, step("Add", "n+2", n, "mish.two"))
    apply("Mul", result, x, ratio)
    return nodes
