"""Represents a network as layers f(a W + b), which every export can write.

Box networks, trees and trained networks all come down to it. It knows no training, no scaling and no form of
its own; it computes in NumPy and SciPy, in the dtype that it is given.

Beside the activations of ``treadle.maths`` there are two that steps are made of, f(z)::

    step     1 where z >= 0, else 0
    clamp    min(max(z, 0), 1)

Dimensions: N rows, n_in inputs and n_out outputs of a layer.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

import numpy as np
from numpy.typing import NDArray

from treadle.errors import InvalidInput
from treadle.hardware.memory import in_words, usable_memory
from treadle.maths.activations import ACTIVATIONS
from treadle.maths.dtypes import Floats, FloatType

if TYPE_CHECKING:
    from scipy import sparse

STEP, CLAMP = "step", "clamp"
NUMBERS_PER_BLOCK = 1 << 22  # of hidden outputs held at a time: 32 MB of float64


Real = TypeVar("Real", bound=np.floating)


@dataclass(frozen=True, eq=False)
class Layer:
    """One layer: units with weights, biases and an activation.

    Parameters
    ----------
    weights : ndarray or scipy.sparse array of shape (n_in, n_out)
    biases : ndarray of shape (n_out,), of the dtype of weights
    activation : str
        A name of ``treadle.maths.activations.ACTIVATIONS``, or "step" or "clamp".

    Raises
    ------
    InvalidInput
        If the biases do not fit the weights, or there is no such activation.
    """

    weights: Floats | sparse.csr_array
    biases: Floats
    activation: str = "identity"

    def __post_init__(self) -> None:
        if self.weights.ndim != 2 or self.biases.shape != self.weights.shape[1:]:
            raise InvalidInput(
                "a layer must have weights (n_in, n_out) and biases (n_out,); got shapes "
                f"{self.weights.shape} and {self.biases.shape}"
            )
        if self.activation not in (*ACTIVATIONS, STEP, CLAMP):
            raise InvalidInput(
                f"activation must be one of {', '.join((*ACTIVATIONS, STEP, CLAMP))}; got {self.activation!r}"
            )

    @property
    def n_in(self) -> int:
        """The number of inputs."""
        return int(self.weights.shape[0])

    @property
    def n_out(self) -> int:
        """The number of units."""
        return int(self.weights.shape[1])

    @property
    def n_parameters(self) -> int:
        """The number of stored weights and biases.

        Of sparse weights it counts those other than zero.
        """
        return int(getattr(self.weights, "nnz", self.weights.size)) + self.n_out

    def activate(self, z: NDArray[Real]) -> NDArray[Real]:
        """f(z), of the shape and dtype of z."""
        if self.activation == STEP:
            return np.asarray((z >= 0).astype(z.dtype))
        if self.activation == CLAMP:
            return np.asarray(np.clip(z, 0, 1))
        return np.asarray(ACTIVATIONS[self.activation].value(z, out=None))

    @property
    def largest(self) -> float:
        """The greatest absolute value of all weights and biases."""
        weights = (
            getattr(self.weights, "data", self.weights) if hasattr(self.weights, "nnz") else self.weights
        )
        return float(max(np.abs(weights).max(initial=0), np.abs(self.biases).max(initial=0)))

    def dense(self, dtype: FloatType) -> Floats:
        """The weights as an ndarray (n_in, n_out)."""
        weights = self.weights.toarray() if hasattr(self.weights, "toarray") else self.weights
        return np.asarray(weights, dtype)


def forward(layers: Sequence[Layer], X: NDArray[Real]) -> NDArray[Real]:
    """Compute the outputs for rows X, block by block.

    X is (N, n_in of the first layer), the result (N, n_out of the last).
    """
    outputs = np.empty((len(X), layers[-1].n_out), X.dtype)
    n_rows = max(1, NUMBERS_PER_BLOCK // max(layer.n_out for layer in layers))
    for start in range(0, len(X), n_rows):
        a: Floats = X[start : start + n_rows]
        for layer in layers:
            a = layer.activate(a @ layer.weights + layer.biases)
        outputs[start : start + n_rows] = a
    return outputs


def check_dense_size(layers: Sequence[Layer], dtype: FloatType, limit: int | None, remedy: str) -> None:
    """Raise InvalidInput if the layers would be too large as dense arrays of dtype.

    Parameters
    ----------
    layers : sequence of Layer
    dtype : dtype
    limit : int or None
        Bytes. None: half of the memory that there is here, as writing takes a copy.
    remedy : str
        What to use instead, for the message.
    """
    n_bytes = sum((layer.n_in + 1) * layer.n_out for layer in layers) * np.dtype(dtype).itemsize
    limit = usable_memory() // 2 if limit is None else limit
    if n_bytes > limit:
        raise InvalidInput(
            f"as dense arrays the layers take {in_words(n_bytes)}; at most {in_words(limit)} may be used: "
            f"{remedy}"
        )
