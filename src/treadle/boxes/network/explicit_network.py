"""A function that equals a network of plain layers: base of boxes and trees.

Whoever derives from it says what its layers are, form by form; evaluating them, PyTorch and ONNX follow.
Dimensions: N rows, D features, K outputs.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray

from treadle.boxes.cells.points import as_points
from treadle.errors import InvalidInput
from treadle.export.layers import Layer, forward
from treadle.export.onnx import save_layers_onnx
from treadle.export.torch_modules import sequential_of_layers
from treadle.maths.dtypes import FloatType

if TYPE_CHECKING:
    from torch import nn


class ExplicitNetwork(ABC):
    """A function with one or several equal networks: its forms."""

    n_features_in_: int

    @abstractmethod
    def layers(self, form: str | None = None, dtype: FloatType = np.float64) -> list[Layer]:
        """Return a form's plain layers, sparse; None takes the most suitable form.

        Parameters
        ----------
        form : str, optional
        dtype : float64 or float32
            What the network is to compute in; the layers themselves are float64.
        """

    @abstractmethod
    def remedy(self, form: str | None) -> str:
        """Return the advice for a form whose dense weights do not fit.

        It ends an error's sentence.
        """

    def forward(self, X: ArrayLike, form: str | None = None) -> NDArray[np.float64]:
        """The outputs, computed through the explicit layers.

        Parameters
        ----------
        X : array_like of shape (N, D); (N,) where D = 1
            Finite.
        form : str, optional
            As for ``layers``.

        Returns
        -------
        ndarray of shape (N,), or (N, K) for K > 1 outputs

        Raises
        ------
        InvalidInput
            If X is not as above, or there is no such form.
        """
        return squeezed(forward(self.layers(form), as_points(X, self.n_features_in_)))

    def to_torch(self, form: str | None = None, dtype: FloatType = np.float64) -> nn.Sequential:
        """The network in PyTorch's own modules: (N, D) in, (N, K) out, in dtype.

        Steps are linear layers with a clamp to [0, 1], exact to the bit for inputs below 2**971 in size
        (float32: 2**104).

        Parameters
        ----------
        form : str, optional
            As for ``layers``.
        dtype : float64 or float32

        Raises
        ------
        MissingDependency
            If PyTorch is not installed.
        InvalidInput
            If there is no such form, or it would not fit in memory.
        """
        return sequential_of_layers(self.layers(form, checked_dtype(dtype)), dtype, self.remedy(form))

    def to_onnx(self, path: str | Path, form: str | None = None, dtype: FloatType = np.float64) -> None:
        """Write the network as an ONNX file: ``X`` (N, D) to ``prediction`` (N, K).

        Parameters
        ----------
        path : str or Path
        form : str, optional
            As for ``layers``.
        dtype : float64 or float32
            As for ``to_torch``.

        Raises
        ------
        MissingDependency
            If the package onnx is not installed.
        InvalidInput
            If there is no such form, or it would not fit into an ONNX file.
        OSError
            If the file cannot be written.
        """
        save_layers_onnx(path, self.layers(form, checked_dtype(dtype)), dtype, self.remedy(form))


def checked_dtype(dtype: FloatType) -> np.dtype[np.floating]:
    """float32 or float64, or InvalidInput."""
    try:
        checked = np.dtype(dtype)
    except TypeError as error:
        raise InvalidInput(f"dtype must be float64 or float32; got {dtype!r}") from error
    if checked not in (np.float32, np.float64):
        raise InvalidInput(f"dtype must be float64 or float32; got {dtype!r}")
    return checked


def squeezed(outputs: NDArray[np.float64]) -> NDArray[np.float64]:
    """(N,) of one output, (N, K) of several."""
    return outputs[:, 0] if outputs.shape[1] == 1 else outputs
