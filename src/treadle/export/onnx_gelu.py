r"""Computes GELU of doubles by ONNX operators that ONNX Runtime has.

Of Erf it has none for doubles.

With z = |x| / sqrt(2) and t = 2 / (2 + z), which is in (0, 1]::

    gelu(x) = max(x, 0) - |x| erfc(z) / 2
    erfc(z) = t exp(-z^2) g(2 t - 1)

g(u) = erfcx(z) / t is smooth on [-1, 1] (erfcx(z) being exp(z^2) erfc(z)), and a polynomial in u that
interpolates it at the Chebyshev points is within a rounding of it. The result is within 4e-15 max(1, |x|) of
x Phi(x), measured on [-1e3, 1e3]. The transformation of z is that of Numerical Recipes (2007), section 6.2.2.
"""

from __future__ import annotations

import math
from types import ModuleType
from typing import TYPE_CHECKING

import numpy as np
from numpy.polynomial import Chebyshev, Polynomial
from numpy.typing import NDArray

if TYPE_CHECKING:
    import onnx

DEGREE = 24  # of the polynomial: the first at which rounding, and no longer its own error, is what is left
TAIL = 40.0  # beyond it erfc(z) is 0 in float64, and |x| may be cut so that inf times 0 does not arise


def gelu_constants() -> dict[str, NDArray[np.float64]]:
    """Return the constants that ``gelu_nodes`` uses, by name."""
    scalars = {"zero": 0.0, "half": 0.5, "one": 1.0, "two": 2.0, "tail": TAIL, "root": math.sqrt(0.5)}
    scalars |= {f"c{k}": float(c) for k, c in enumerate(_polynomial())}
    return {f"gelu.{name}": np.array(value) for name, value in scalars.items()}


def gelu_nodes(helper: ModuleType, x: str, result: str) -> list[onnx.NodeProto]:
    """Make the nodes that compute gelu(x), in float64.

    The result has the shape of x; other names begin with that of the result.
    """
    nodes: list[onnx.NodeProto] = []

    def apply(operator: str, name: str, *inputs: str) -> str:
        nodes.append(helper.make_node(operator, list(inputs), [name]))
        return name

    def step(operator: str, name: str, *inputs: str) -> str:
        return apply(operator, f"{result}.{name}", *inputs)

    size = step("Min", "size", step("Abs", "abs", x), "gelu.tail")
    z = step("Mul", "z", size, "gelu.root")
    t = step("Div", "t", "gelu.two", step("Add", "2+z", z, "gelu.two"))
    u = step("Sub", "u", step("Mul", "2t", t, "gelu.two"), "gelu.one")
    g = f"gelu.c{DEGREE}"
    for k in reversed(range(DEGREE)):  # Horner's rule
        g = step("Add", f"g{k}", step("Mul", f"g{k}u", g, u), f"gelu.c{k}")
    decay = step("Exp", "decay", step("Neg", "-z^2", step("Mul", "z^2", z, z)))
    erfc = step("Mul", "erfc", step("Mul", "t*decay", t, decay), g)
    half = step("Mul", "half", size, "gelu.half")
    apply("Sub", result, step("Max", "relu", x, "gelu.zero"), step("Mul", "rest", half, erfc))
    return nodes


def _polynomial() -> NDArray[np.float64]:
    """Coefficients of g, lowest first, in powers of u."""
    from scipy.special import erfcx

    def g(u: NDArray[np.float64]) -> NDArray[np.float64]:
        t = (u + 1) / 2  # the Chebyshev points of the first kind are within the interval: t > 0
        return np.asarray(erfcx(2 / t - 2) / t)

    return np.asarray(Chebyshev.interpolate(g, DEGREE).convert(kind=Polynomial).coef)
