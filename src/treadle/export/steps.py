r"""Writes steps as linear layers and clamps, equal to the bit in every runtime.

A step unit is 1 where t >= e, t being an input or its negative. With p the floating-point number just below
e, u = e - p is a power of two, and::

    step(t - e) = clamp(t / u + 1 - e / u)

t / u and e / u are exact, 1 - e / u is an integer of at most 53 bits and so exact, and the sum is exactly 1
at e and 0 at p; rounding is monotone, so that it is at least 1 above e and at most 0 below p. One input has a
weight, so that the order in which a library adds, and whether it fuses, cannot matter.

1 / u overflows where e is 0 or nearly 0. A layer before it then multiplies all inputs by a power of two, and
inputs must stay below 2**971 (float64) or 2**104 (float32) for the products to be finite.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from treadle.errors import InvalidInput
from treadle.export.layers import CLAMP, STEP, Layer
from treadle.maths.dtypes import Floats, FloatType


def stock_layers(layers: Sequence[Layer], dtype: FloatType = np.float64) -> list[Layer]:
    """Replace layers of steps by clamped layers, in dtype.

    Where an edge is nearly 0, two layers take the place of one. For inputs of dtype the clamped steps equal
    the original ones: where dtype is float32, an edge moves up to the next float32, and no float32 lies
    between the two.

    Parameters
    ----------
    layers : sequence of Layer
        The units of each layer of steps have one weight each, 1 or -1.
    dtype : float64 or float32

    Raises
    ------
    InvalidInput
        If a unit of a layer of steps has another weight, or a number is beyond the largest of dtype.
    """
    stock: list[Layer] = []
    for layer in layers:
        if layer.activation == STEP:
            stock += _clamped(layer, np.dtype(dtype))
        else:
            if not layer.largest <= float(np.finfo(dtype).max):
                raise InvalidInput(
                    f"a weight or bias of {layer.largest:.3g} is beyond {np.dtype(dtype)}: export in "
                    "float64, or scale the function"
                )
            stock.append(Layer(layer.weights.astype(dtype), layer.biases.astype(dtype), layer.activation))
    return stock


def round_up(values: Floats, dtype: FloatType) -> Floats:
    """Return the least numbers of dtype that are not below the values."""
    with np.errstate(over="ignore"):
        rounded = values.astype(dtype)
    return np.where(rounded < values, np.nextafter(rounded, rounded.dtype.type(np.inf)), rounded)


def _clamped(layer: Layer, dtype: np.dtype[np.floating]) -> list[Layer]:
    from scipy import sparse

    weights = sparse.csc_array(layer.weights)
    weights.eliminate_zeros()
    if not ((np.diff(weights.indptr) == 1).all() and (np.abs(weights.data) == 1).all()):
        raise InvalidInput(
            "a unit with a step must have one weight, 1 or -1, for the step to be exact; got weights "
            f"{weights.data[:5]} in columns of {np.diff(weights.indptr)[:5]}"
        )
    exact = -layer.biases
    edges = round_up(exact, dtype)
    if not np.isfinite(edges).all():
        raise InvalidInput(
            f"edges must be within {np.finfo(dtype).max:.3g} for {dtype}; "
            f"got {exact[~np.isfinite(edges)][0]:g}"
        )
    gap = edges - np.nextafter(edges, dtype.type(-np.inf))
    exponent = 1 - np.frexp(gap)[1]  # of the gain 1 / gap
    bits = np.finfo(dtype)
    shift = bits.nmant if (exponent > bits.maxexp - 2).any() else 0
    biases = 1 - np.ldexp(edges, exponent)
    weights = sparse.csr_array(
        (weights.data * np.ldexp(dtype.type(1), exponent - shift), weights.indices, weights.indptr),
        shape=weights.shape[::-1],
    ).T.tocsr()
    clamped = Layer(weights.astype(dtype), biases.astype(dtype), CLAMP)
    if not shift:
        return [clamped]
    scale = np.full(layer.n_in, np.ldexp(dtype.type(1), shift))
    return [Layer(sparse.diags_array(scale).tocsr().astype(dtype), np.zeros(layer.n_in, dtype)), clamped]
