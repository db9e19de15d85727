"""A feed-forward network's shape, and the numbers that fill it.

``Network`` says what is computed, ``Parameters`` holds the weights and biases. Neither computes: that is an
engine's work. Dimensions: N samples, D inputs, K outputs, L layers with weights.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from numbers import Integral, Real
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from treadle.errors import InvalidInput
from treadle.maths.activations import ACTIVATIONS

OUTPUTS = ("softmax", "identity")
INITIALISATIONS = ("torch", "glorot", "he")


@dataclass(frozen=True)
class Layer:
    """One layer with weights: ``a_out = dropout(activation(a_in W + b))``, W of shape (n_in, n_out)."""

    n_in: int
    n_out: int
    activation: str
    dropout: float


@dataclass(frozen=True)
class Network:
    """What a feed-forward network computes: ``output(logits)``, a chain of affine maps and activations.

    Parameters
    ----------
    sizes : tuple of int
        Units of every layer, inputs and outputs included: ``(784, 256, 128, 64, 10)``. At least two.
    activation : str or tuple of str
        For the hidden layers: one name for all, or one a layer; see ``treadle.maths.activations``.
    output : {"softmax", "identity"}
        How the last layer's sums (the logits) become the prediction: class probabilities, or themselves.
    dropout : float or tuple of float
        Probability in [0, 1) with which a hidden unit's output is zeroed while training (the others are
        divided by 1 - dropout): one for all hidden layers, or one a layer.
    input_scale : float
        The network sees ``X * input_scale``, so that pixels can stay uint8: 1/255 for them, else 1.

    Raises
    ------
    InvalidInput
        If a size is not a positive integer, or a name or number is outside of what is allowed.
    """

    sizes: tuple[int, ...]
    activation: str | tuple[str, ...] = "relu"
    output: str = "softmax"
    dropout: float | tuple[float, ...] = 0.0
    input_scale: float = 1.0

    def __post_init__(self) -> None:
        sizes, activations, dropouts = map(_as_tuple, (self.sizes, self.activation, self.dropout))
        if len(sizes) < 2 or not all(_is_whole(n) and n > 0 for n in sizes):
            raise InvalidInput(f"sizes must be two or more positive integers, inputs first; got {sizes!r}")
        for name in activations:
            if not (isinstance(name, str) and name in ACTIVATIONS):
                raise InvalidInput(f"activation must be one of {', '.join(ACTIVATIONS)}; got {name!r}")
        rates = tuple(map(_as_float, dropouts))
        for dropout, rate in zip(dropouts, rates, strict=True):
            if not 0 <= rate < 1:
                raise InvalidInput(f"dropout must be at least 0 and below 1; got {dropout!r}")
        if self.output not in OUTPUTS:
            raise InvalidInput(f"output must be one of {', '.join(OUTPUTS)}; got {self.output!r}")
        scale = _as_float(self.input_scale)
        if not 0 < abs(scale) < math.inf:
            raise InvalidInput(f"input_scale must be finite and not 0; got {self.input_scale!r}")
        # Plain tuples and numbers: a network has one text, whatever it was made of.
        object.__setattr__(self, "sizes", tuple(map(int, sizes)))
        object.__setattr__(self, "input_scale", scale)
        if not isinstance(self.activation, str):
            object.__setattr__(self, "activation", activations)
        object.__setattr__(self, "dropout", rates[0] if isinstance(self.dropout, Real) else rates)
        _ = self.layers  # refuses a count of activations or dropouts that is not that of the hidden layers

    @cached_property
    def layers(self) -> tuple[Layer, ...]:
        """The L layers with weights, first to last; the last is the identity without dropout."""
        n_hidden = len(self.sizes) - 2
        activations = _one_per_layer("activation", self.activation, n_hidden)
        dropouts = _one_per_layer("dropout", self.dropout, n_hidden)
        shapes = zip(self.sizes[:-1], self.sizes[1:], strict=True)
        return tuple(
            Layer(n_in, n_out, activation, dropout)
            for (n_in, n_out), activation, dropout in zip(
                shapes, (*activations, "identity"), (*dropouts, 0.0), strict=True
            )
        )

    @property
    def n_parameters(self) -> int:
        """Weights and biases together."""
        return sum(layer.n_in * layer.n_out + layer.n_out for layer in self.layers)


def _as_tuple(value: Any) -> tuple[Any, ...]:
    return tuple(value) if isinstance(value, Iterable) and not isinstance(value, str) else (value,)


def _is_whole(value: Any) -> bool:
    return isinstance(value, Integral) and not isinstance(value, bool)


def _as_float(value: Any) -> float:
    """The number, or NaN for what is none or exceeds float64."""
    try:
        return float(value) if isinstance(value, Real) and not isinstance(value, bool) else math.nan
    except OverflowError:
        return math.nan


def _one_per_layer(name: str, value: Any, n_hidden: int) -> tuple[Any, ...]:
    if not isinstance(value, tuple):
        return (value,) * n_hidden
    if len(value) != n_hidden:
        raise InvalidInput(
            f"{name} must be one value or one for each of the {n_hidden} hidden layers; got {len(value)}"
        )
    return value


class Parameters:
    """Weights and biases of a network, as views into one flat array.

    The flat array (P,) holds all weights, first layer first, each (n_in, n_out) in C order, and then all
    biases: an optimizer updates it in a few calls, and decay of the weights alone is a slice of it.

    Parameters
    ----------
    network : Network
    flat : ndarray of shape (P,), float32 or float64
        Kept, not copied.
    """

    def __init__(self, network: Network, flat: NDArray[Any]) -> None:
        if flat.shape != (network.n_parameters,) or flat.dtype not in (np.float32, np.float64):
            raise InvalidInput(
                f"flat must be float32 or float64 of shape ({network.n_parameters},); "
                f"got {flat.dtype} of shape {flat.shape}"
            )
        self.network = network
        self.flat = flat
        start = 0
        weights, biases = [], []
        for layer in network.layers:
            end = start + layer.n_in * layer.n_out
            weights.append(flat[start:end].reshape(layer.n_in, layer.n_out))
            start = end
        self.n_weights = start
        for layer in network.layers:
            biases.append(flat[start : start + layer.n_out])
            start += layer.n_out
        self.weights: tuple[NDArray[Any], ...] = tuple(weights)
        self.biases: tuple[NDArray[Any], ...] = tuple(biases)

    @classmethod
    def zeros(cls, network: Network, dtype: DTypeLike = np.float32) -> Parameters:
        """All zero: where gradients go."""
        return cls(network, np.zeros(network.n_parameters, dtype=dtype))

    @classmethod
    def initialise(
        cls,
        network: Network,
        scheme: str = "torch",
        random_state: int | np.random.SeedSequence | np.random.Generator = 0,
        dtype: DTypeLike = np.float32,
    ) -> Parameters:
        """Draw initial parameters.

        Parameters
        ----------
        network : Network
        scheme : {"torch", "glorot", "he"}
            ``torch``: weights and biases uniform on +-1/sqrt(n_in), as ``torch.nn.Linear`` does by default.
            ``glorot``: both uniform on +-sqrt(6 / (n_in + n_out)), with 2 in place of 6 where the layer's
            activation is logistic (Glorot and Bengio 2010); the last layer has the gain of the one before, as
            in scikit-learn's MLP.
            ``he``: weights normal with variance 2 / n_in, biases zero (He et al. 2015).
        random_state : int, SeedSequence or Generator
            Anything that ``numpy.random.default_rng`` takes.
        dtype : float32 or float64
            Drawn in float64 and rounded, so that both start at the same point.

        Raises
        ------
        InvalidInput
            If there is no such scheme, or random_state is nothing that a generator can be made of.
        """
        if scheme not in INITIALISATIONS:
            raise InvalidInput(f"initialisation must be one of {', '.join(INITIALISATIONS)}; got {scheme!r}")
        try:
            rng = np.random.default_rng(random_state)
        except (TypeError, ValueError):
            raise InvalidInput(
                "random_state must be an integer of at least 0, or a SeedSequence or Generator of NumPy; "
                f"got {random_state!r}"
            ) from None
        parameters = cls.zeros(network, dtype)
        gain = 6
        for layer, W, b in zip(network.layers, parameters.weights, parameters.biases, strict=True):
            if layer is not network.layers[-1]:
                gain = 2 if layer.activation == "logistic" else 6
            if scheme == "he":
                W[:] = rng.normal(0.0, math.sqrt(2 / layer.n_in), W.shape)
                continue
            if scheme == "torch":
                bound = 1 / math.sqrt(layer.n_in)
            else:
                bound = math.sqrt(gain / (layer.n_in + layer.n_out))
            W[:] = rng.uniform(-bound, bound, W.shape)
            b[:] = rng.uniform(-bound, bound, b.shape)
        return parameters

    @property
    def dtype(self) -> np.dtype[Any]:
        """float32 or float64."""
        return self.flat.dtype

    def named(self) -> Iterator[tuple[str, NDArray[Any]]]:
        """Views with their names: ``weights.0``, ``biases.0``, ``weights.1`` and so on."""
        for i, (W, b) in enumerate(zip(self.weights, self.biases, strict=True)):
            yield f"weights.{i}", W
            yield f"biases.{i}", b

    def copy(self) -> Parameters:
        """An independent copy."""
        return Parameters(self.network, self.flat.copy())
