"""A feed-forward network's shape, and the numbers that fill it.

``Network`` says what is computed, ``Parameters`` holds the weights and biases. Neither computes: that is an
engine's work. Dimensions: N samples, D inputs, K outputs, L layers with weights, P parameters, R running
statistics.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import accumulate, groupby
from numbers import Real
from typing import Any, TypeVar, get_args

import numpy as np
from numpy.typing import DTypeLike

from treadle.choices import InitialisationName, OutputName
from treadle.errors import InvalidInput
from treadle.maths.activations import ACTIVATIONS
from treadle.maths.dtypes import Floats
from treadle.whole_numbers import is_whole

OUTPUTS = get_args(OutputName)
INITIALISATIONS = get_args(InitialisationName)

# Added to a variance before its root is taken, so that no unit is divided by 0: PyTorch's value.
BATCH_NORM_EPSILON = 1e-5


Factor = TypeVar("Factor")


@dataclass(frozen=True)
class Layer:
    """One layer with weights W (n_in, n_out) and biases b (n_out,).

    ``a_out = dropout(activation(a_in W + b))`` or, with batch normalisation,
    ``a_out = dropout(activation(scale * normalised(a_in W) + b))``.
    """

    n_in: int
    n_out: int
    activation: str
    dropout: float
    batch_norm: bool


@dataclass(frozen=True)
class Block:
    """Consecutive elements of ``Parameters.flat``, one array, that are trained alike.

    Parameters
    ----------
    name : str
        As in ``Parameters.trainable``.
    where : slice
        Of ``Parameters.flat``.
    shape : tuple of int
    rate : float >= 0
        What the learning rate is multiplied by.
    decay : float >= 0
        What weight decay and the L2 penalty are multiplied by: 0 for what does not decay.
    """

    name: str
    where: slice
    shape: tuple[int, ...]
    rate: float = 1.0
    decay: float = 0.0


@dataclass(frozen=True)
class Network:
    """A feed-forward network: ``output(logits)`` of a chain of affine maps and activations.

    Parameters
    ----------
    sizes : tuple of int
        Units of every layer, inputs and outputs included: ``(784, 256, 128, 64, 10)``. At least two.
    activation : str or tuple of str
        For the hidden layers: one name for all, or one a layer; see ``treadle.maths.activations``.
    output : {"softmax", "identity", "logistic", "exp"}
        How the last layer's sums (the logits) become the prediction: class probabilities that sum to 1,
        themselves, a probability for each output by itself, or means of counts.
    dropout : float or tuple of float
        Probability in [0, 1) with which a hidden unit's output is zeroed while training (the others are
        divided by 1 - dropout): one for all hidden layers, or one a layer.
    input_scale : float
        The network sees ``X * input_scale + input_offset``, so that pixels can stay uint8: 1/255 for them,
        else 1.
    batch_norm : bool or tuple of bool
        Whether the sums of a hidden unit are normalised over the rows of each batch, then scaled and shifted
        (Ioffe and Szegedy 2015): one for all hidden layers, or one a layer. In prediction running means and
        variances take the place of the batch's; see ``Parameters.folded``.
    input_offset : float
        See ``input_scale``.
    mirror_width : int
        Where it is w > 0, a row of X is an image whose lines are w pixels long, and a prediction's logits
        are the mean of those of the image and of the image with every line reversed. Training is without.

    Raises
    ------
    InvalidInput
        If a size is not a positive integer, or a name or number is outside of what is allowed.

    Examples
    --------
    >>> from treadle import Network
    >>> network = Network((784, 256, 128, 64, 10), dropout=0.2, input_scale=1 / 255)
    >>> network.n_parameters, [layer.n_out for layer in network.layers]
    (242762, [256, 128, 64, 10])
    """

    sizes: tuple[int, ...]
    activation: str | tuple[str, ...] = "relu"
    output: str = "softmax"
    dropout: float | tuple[float, ...] = 0.0
    input_scale: float = 1.0
    batch_norm: bool | tuple[bool, ...] = False
    input_offset: float = 0.0
    mirror_width: int = 0

    def __post_init__(self) -> None:
        sizes, activations, dropouts = map(_as_tuple, (self.sizes, self.activation, self.dropout))
        if len(sizes) < 2 or not all(is_whole(n) and n > 0 for n in sizes):
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
        offset = _as_float(self.input_offset)
        if not abs(offset) < math.inf:
            raise InvalidInput(f"input_offset must be finite; got {self.input_offset!r}")
        norms = _as_tuple(self.batch_norm)
        for norm in norms:
            if not isinstance(norm, bool | np.bool_):
                raise InvalidInput(f"batch_norm must be True or False; got {norm!r}")
        width = self.mirror_width
        if not (is_whole(width) and width >= 0 and (width == 0 or sizes[0] % width == 0)):
            raise InvalidInput(
                f"mirror_width must be 0, or the width of an image: a divisor of the {sizes[0]} inputs; "
                f"got {width!r}"
            )
        # Plain tuples and numbers: a network has one text, whatever it was made of.
        object.__setattr__(self, "sizes", tuple(map(int, sizes)))
        object.__setattr__(self, "input_scale", scale)
        object.__setattr__(self, "input_offset", offset)
        object.__setattr__(self, "mirror_width", int(width))
        one_norm = not isinstance(self.batch_norm, Iterable)
        object.__setattr__(self, "batch_norm", bool(norms[0]) if one_norm else tuple(map(bool, norms)))
        if not isinstance(self.activation, str):
            object.__setattr__(self, "activation", activations)
        object.__setattr__(self, "dropout", rates[0] if isinstance(self.dropout, Real) else rates)
        _ = self.layers  # refuses a count of activations, say, that is not that of the hidden layers

    @cached_property
    def layers(self) -> tuple[Layer, ...]:
        """The L layers with weights, first to last; the last is linear."""
        n_hidden = len(self.sizes) - 2
        activations = _one_per_layer("activation", self.activation, n_hidden)
        dropouts = _one_per_layer("dropout", self.dropout, n_hidden)
        norms = _one_per_layer("batch_norm", self.batch_norm, n_hidden)
        shapes = zip(self.sizes[:-1], self.sizes[1:], strict=True)
        return tuple(
            Layer(n_in, n_out, activation, dropout, norm)
            for (n_in, n_out), activation, dropout, norm in zip(
                shapes, (*activations, "identity"), (*dropouts, 0.0), (*norms, False), strict=True
            )
        )

    @cached_property
    def blocks(self) -> tuple[Block, ...]:
        """The blocks of ``Parameters.flat``, with each one's learning rate and decay.

        All weights, first layer first, which decay; then all biases, then the scales of the layers with batch
        normalisation, which do not. All learn at the learning rate itself.
        """
        arrays: list[tuple[str, tuple[int, ...], float]] = [
            *((f"weights.{i}", (layer.n_in, layer.n_out), 1.0) for i, layer in enumerate(self.layers)),
            *((f"biases.{i}", (layer.n_out,), 0.0) for i, layer in enumerate(self.layers)),
            *(
                (f"scales.{i}", (layer.n_out,), 0.0)
                for i, layer in enumerate(self.layers)
                if layer.batch_norm
            ),
        ]
        ends = list(accumulate(math.prod(shape) for _name, shape, _decay in arrays))
        return tuple(
            Block(name, slice(start, end), shape, decay=decay)
            for (name, shape, decay), start, end in zip(arrays, (0, *ends), ends, strict=False)
        )

    @cached_property
    def rates(self) -> tuple[tuple[slice, float], ...]:
        """Slices of ``Parameters.flat`` with one learning rate, with its factor."""
        return tuple(_joined((block.where, block.rate) for block in self.blocks))

    @cached_property
    def decays(self) -> tuple[tuple[slice, float, float], ...]:
        """Slices with one decay, with the factors of learning rate and decay."""
        factors = ((block.where, (block.rate, block.decay)) for block in self.blocks)
        return tuple((where, rate, decay) for where, (rate, decay) in _joined(factors) if decay)

    @property
    def has_one_rate(self) -> bool:
        """Say whether all parameters share one learning rate, and only weights decay, alike."""
        return all(
            block.rate == 1 and block.decay == block.name.startswith("weights.") for block in self.blocks
        )

    @property
    def n_parameters(self) -> int:
        """P: weights, biases and the scales of batch normalisation together."""
        return sum(layer.n_in * layer.n_out + layer.n_out * (1 + layer.batch_norm) for layer in self.layers)

    @property
    def n_statistics(self) -> int:
        """R: running means and running variances; 0 without batch normalisation."""
        return sum(2 * layer.n_out for layer in self.layers if layer.batch_norm)

    def array_shapes(self) -> dict[str, tuple[int, ...]]:
        """The shape of each array of ``Parameters.named``; nothing is allocated."""
        shapes: dict[str, tuple[int, ...]] = {}
        for i, layer in enumerate(self.layers):
            shapes[f"weights.{i}"] = (layer.n_in, layer.n_out)
            shapes[f"biases.{i}"] = (layer.n_out,)
            if layer.batch_norm:
                for name in ("scales", "running_means", "running_variances"):
                    shapes[f"{name}.{i}"] = (layer.n_out,)
        return shapes


def _joined(parts: Iterable[tuple[slice, Factor]]) -> Iterator[tuple[slice, Factor]]:
    """Join adjacent slices with one factor into one slice."""
    for factor, alike in groupby(parts, key=lambda part: part[1]):
        slices = [where for where, _factor in alike]
        yield slice(slices[0].start, slices[-1].stop), factor


# Any, here and below: whatever a user gives for each layer.
def _as_tuple(value: object) -> tuple[Any, ...]:
    return tuple(value) if isinstance(value, Iterable) and not isinstance(value, str) else (value,)


def _as_float(value: object) -> float:
    """Convert to float; NaN for what is no number or exceeds float64."""
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
    """A network's weights and biases, as views into one flat array.

    The flat array (P,) holds all weights, first layer first, each (n_in, n_out) in C order, then all biases,
    then the scales of the layers with batch normalisation, as ``Network.blocks`` says: an optimizer updates
    it in a few calls, with a rate and a decay for each slice. What no optimizer touches is apart: the running
    means of those layers, and then their running variances.

    Parameters
    ----------
    network : Network
    flat : ndarray of shape (P,), float32 or float64
        Kept, not copied.
    statistics : ndarray of shape (R,), of the dtype of flat, or None
        Kept, not copied. None: means of 0 and variances of 1, as before the first step.

    Attributes
    ----------
    weights, biases : tuple of ndarray
        One a layer: (n_in, n_out) and (n_out,).
    scales, running_means, running_variances : tuple of ndarray or None
        One a layer: (n_out,), or None where the layer has no batch normalisation.
    n_weights : int
        How many elements at the start of flat are weights.

    Raises
    ------
    InvalidInput
        If flat or statistics is of another shape or dtype.

    Examples
    --------
    >>> import numpy as np
    >>> from treadle import Network, Parameters
    >>> parameters = Parameters(Network((2, 3)), np.arange(9, dtype=np.float32))
    >>> parameters.weights[0].tolist(), parameters.biases[0].tolist()
    ([[0.0, 1.0, 2.0], [3.0, 4.0, 5.0]], [6.0, 7.0, 8.0])
    >>> parameters.biases[0][:] = 0  # views
    >>> parameters.flat.tolist()[6:]
    [0.0, 0.0, 0.0]
    """

    def __init__(self, network: Network, flat: Floats, statistics: Floats | None = None) -> None:
        if flat.shape != (network.n_parameters,) or flat.dtype not in (np.float32, np.float64):
            raise InvalidInput(
                f"flat must be float32 or float64 of shape ({network.n_parameters},); "
                f"got {flat.dtype} of shape {flat.shape}"
            )
        if statistics is None:
            statistics = np.repeat(np.array([0, 1], flat.dtype), network.n_statistics // 2)
        if statistics.shape != (network.n_statistics,) or statistics.dtype != flat.dtype:
            raise InvalidInput(
                f"statistics must be {flat.dtype}, as flat is, of shape ({network.n_statistics},); "
                f"got {statistics.dtype} of shape {statistics.shape}"
            )
        self.network = network
        self.flat = flat
        self.statistics = statistics
        views = {block.name: flat[block.where].reshape(block.shape) for block in network.blocks}
        numbers = range(len(network.layers))
        self.weights = tuple(views[f"weights.{i}"] for i in numbers)
        self.biases = tuple(views[f"biases.{i}"] for i in numbers)
        self.scales = tuple(views.get(f"scales.{i}") for i in numbers)
        self.n_weights = sum(W.size for W in self.weights)
        self.running_means = self._one_per_norm(statistics)
        self.running_variances = self._one_per_norm(statistics[statistics.size // 2 :])

    def _one_per_norm(self, array: Floats) -> tuple[Floats | None, ...]:
        """Return a view (n_out,) for each batch normalisation, None for other layers.

        The views are of consecutive elements of ``array``.
        """
        norms = [layer.batch_norm for layer in self.network.layers]
        views = _cut(array, [layer.n_out for layer in self.network.layers if layer.batch_norm])
        return tuple(next(views) if norm else None for norm in norms)

    @classmethod
    def zeros(cls, network: Network, dtype: DTypeLike = np.float32) -> Parameters:
        """Make parameters that are all zero, to hold gradients.

        Weights, biases and scales alike.
        """
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

        The scales of batch normalisation are 1, and the biases beside them 0.

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
            W[:] = _uniform(rng, bound, W.shape)
            if not layer.batch_norm:
                b[:] = _uniform(rng, bound, b.shape)
        for scale in parameters.scales:
            if scale is not None:
                scale[:] = 1
        return parameters

    @property
    def dtype(self) -> np.dtype[np.floating]:
        """float32 or float64."""
        return self.flat.dtype

    def trainable(self) -> Iterator[tuple[str, Floats]]:
        """Views into ``flat`` with their names: ``weights.0``, ``biases.0``, ``scales.0`` and so on."""
        for i, (W, b, scale) in enumerate(zip(self.weights, self.biases, self.scales, strict=True)):
            yield f"weights.{i}", W
            yield f"biases.{i}", b
            if scale is not None:
                yield f"scales.{i}", scale

    def named(self) -> Iterator[tuple[str, Floats]]:
        """``trainable``, and then ``running_means.0``, ``running_variances.0`` and so on."""
        yield from self.trainable()
        for i, (mean, variance) in enumerate(zip(self.running_means, self.running_variances, strict=True)):
            if mean is not None and variance is not None:
                yield f"running_means.{i}", mean
                yield f"running_variances.{i}", variance

    def copy(self) -> Parameters:
        """An independent copy."""
        return Parameters(self.network, self.flat.copy(), self.statistics.copy())

    def folded(self) -> Parameters:
        """Fold batch normalisation into the weights; predictions stay the same.

        Where there is none to fold, it is self.

        With the running mean m and variance v of a layer, scale * (a W - m) / sqrt(v + eps) + b is affine
        in a: its weights are W * f and its biases b - m * f, f being scale / sqrt(v + eps). They are
        computed in float64, and rounded once.
        """
        if self.network.n_statistics == 0:
            return self
        result = Parameters.zeros(replace(self.network, batch_norm=False), self.dtype)
        for i in range(len(self.weights)):
            W, b = self.weights[i], self.biases[i]
            scale, mean, variance = self.scales[i], self.running_means[i], self.running_variances[i]
            if scale is not None and mean is not None and variance is not None:
                factor = scale / np.sqrt(variance.astype(np.float64) + BATCH_NORM_EPSILON)
                W, b = W * factor, b - mean * factor
            result.weights[i][:] = W
            result.biases[i][:] = b
        return result


def _uniform(rng: np.random.Generator, bound: float, shape: tuple[int, ...]) -> Floats:
    """Uniform on +-bound, as ``rng.uniform``, whose compiler may fuse the product and the sum."""
    numbers = rng.random(shape)
    numbers *= 2 * bound
    numbers -= bound
    return numbers


def _cut(array: Floats, sizes: list[int]) -> Iterator[Floats]:
    """Yield views of the given sizes, one after another in the array."""
    start = 0
    for size in sizes:
        yield array[start : start + size]
        start += size
