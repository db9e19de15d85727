"""``Network``: which layers follow one another, and how each array of theirs is trained.

Dimensions: N samples, D inputs, K outputs, L layers with weights, P parameters, R running statistics.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import groupby
from numbers import Real
from typing import Any, TypeVar, get_args

import numpy as np

from treadle.choices import OutputName
from treadle.errors import InvalidInput
from treadle.maths.activations import ACTIVATIONS
from treadle.network.input_stage import InputStage
from treadle.network.layers import Block, Layer
from treadle.whole_numbers import is_whole

OUTPUTS = get_args(OutputName)

# Factors of the learning rate where rates are scaled: of biases; of slopes always.
BIASES_RATE = 0.1
SLOPES_RATE = 0.1

Factors = TypeVar("Factors")


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
    input_stage : InputStage or None
        What stands before the first layer where rows of X are rows of a table; None: nothing does.
    parametric : bool or tuple of bool
        Whether a hidden unit's activation f(z) is ``(1 - slope) z + slope f(z)``, with a trained slope for
        each unit: one for all hidden layers, or one a layer.
    scaled_rates : bool
        Whether a layer's weights are trained as if they were 1 / sqrt(n_in) times others: at as many times
        the learning rate, but with the decay and Adam's epsilon of the others (the neural tangent
        parametrisation); and biases at a tenth of the learning rate.

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
    input_stage: InputStage | None = None
    parametric: bool | tuple[bool, ...] = False
    scaled_rates: bool = False

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
        width = self.mirror_width
        if not (is_whole(width) and width >= 0 and (width == 0 or sizes[0] % width == 0)):
            raise InvalidInput(
                f"mirror_width must be 0, or the width of an image: a divisor of the {sizes[0]} inputs; "
                f"got {width!r}"
            )
        stage = self.input_stage
        if stage is not None:
            if not isinstance(stage, InputStage):
                raise InvalidInput(f"input_stage must be an InputStage or None; got {stage!r}")
            if stage.n_inputs != sizes[0]:
                raise InvalidInput(
                    f"sizes must begin with the {stage.n_inputs} columns of the input stage; got {sizes!r}"
                )
            if (scale, offset, width) != (1, 0, 0):
                raise InvalidInput(
                    "a network with an input stage takes X as it is: input_scale must be 1, input_offset 0 "
                    f"and mirror_width 0; got {scale!r}, {offset!r} and {width!r}"
                )
        if not isinstance(self.scaled_rates, bool | np.bool_):
            raise InvalidInput(f"scaled_rates must be True or False; got {self.scaled_rates!r}")
        # Plain tuples and numbers: a network has one text, whatever it was made of.
        object.__setattr__(self, "sizes", tuple(map(int, sizes)))
        object.__setattr__(self, "input_scale", scale)
        object.__setattr__(self, "input_offset", offset)
        object.__setattr__(self, "mirror_width", int(width))
        object.__setattr__(self, "batch_norm", _as_bools("batch_norm", self.batch_norm))
        object.__setattr__(self, "parametric", _as_bools("parametric", self.parametric))
        object.__setattr__(self, "scaled_rates", bool(self.scaled_rates))
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
        parametrics = _one_per_layer("parametric", self.parametric, n_hidden)
        n_first = self.sizes[0] if self.input_stage is None else self.input_stage.width
        shapes = zip((n_first, *self.sizes[1:-1]), self.sizes[1:], strict=True)
        return tuple(
            Layer(n_in, n_out, activation, dropout, norm, parametric)
            for (n_in, n_out), activation, dropout, norm, parametric in zip(
                shapes,
                (*activations, "identity"),
                (*dropouts, 0.0),
                (*norms, False),
                (*parametrics, False),
                strict=True,
            )
        )

    @cached_property
    def blocks(self) -> tuple[Block, ...]:
        """The blocks of ``Parameters.flat``, with each one's learning rate and decay.

        All weights, first layer first, which decay; then all biases, then the scales of the layers with batch
        normalisation, which do not; then the slopes of parametric activations, and the arrays of the input
        stage, which do. Where neither is there and ``scaled_rates`` is False, all learn at the learning rate
        itself.
        """
        blocks: list[Block] = []
        start = 0
        for name, shape, rate, decay, epsilon in self._arrays():
            where = slice(start, start + math.prod(shape))
            blocks.append(Block(name, where, shape, rate, decay, epsilon))
            start = where.stop
        return tuple(blocks)

    def _arrays(self) -> Iterator[tuple[str, tuple[int, ...], float, float, float]]:
        """Name, shape, and the factors of learning rate, decay and epsilon of each array."""
        layers = tuple(enumerate(self.layers))
        for i, layer in layers:
            root = math.sqrt(layer.n_in) if self.scaled_rates else 1.0
            yield f"weights.{i}", (layer.n_in, layer.n_out), 1 / root, root, root
        for i, layer in layers:
            yield f"biases.{i}", (layer.n_out,), BIASES_RATE if self.scaled_rates else 1.0, 0.0, 1.0
        for i, layer in layers:
            if layer.batch_norm:
                yield f"scales.{i}", (layer.n_out,), 1.0, 0.0, 1.0
        for i, layer in layers:
            if layer.parametric:
                yield f"slopes.{i}", (layer.n_out,), SLOPES_RATE, SLOPES_RATE, 1.0
        if self.input_stage is not None:
            for name, shape, rate in self.input_stage.arrays():
                yield name, shape, rate, rate, 1.0

    @cached_property
    def paces(self) -> tuple[tuple[slice, float, float], ...]:
        """Slices of ``Parameters.flat`` with one pace: the factors of learning rate and Adam's epsilon."""
        factors = ((block.where, (block.rate, block.epsilon)) for block in self.blocks)
        return tuple((where, rate, epsilon) for where, (rate, epsilon) in _joined(factors))

    @cached_property
    def decays(self) -> tuple[tuple[slice, float, float], ...]:
        """Slices with one decay, with the factors of learning rate and decay."""
        factors = ((block.where, (block.rate, block.decay)) for block in self.blocks)
        return tuple((where, rate, decay) for where, (rate, decay) in _joined(factors) if decay)

    @cached_property
    def n_parameters(self) -> int:
        """P: the elements of all trained arrays together."""
        return sum(math.prod(block.shape) for block in self.blocks)

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
            if layer.parametric:
                shapes[f"slopes.{i}"] = (layer.n_out,)
        if self.input_stage is not None:
            shapes |= {name: shape for name, shape, _rate in self.input_stage.arrays()}
        return shapes


def _joined(parts: Iterable[tuple[slice, Factors]]) -> Iterator[tuple[slice, Factors]]:
    """Join adjacent slices with the same factors into one slice."""
    for factors, alike in groupby(parts, key=lambda part: part[1]):
        slices = [where for where, _factors in alike]
        yield slice(slices[0].start, slices[-1].stop), factors


# Any, here and below: whatever a user gives for each layer.
def _as_tuple(value: object) -> tuple[Any, ...]:
    return tuple(value) if isinstance(value, Iterable) and not isinstance(value, str) else (value,)


def _as_float(value: object) -> float:
    """Convert to float; NaN for what is no number or exceeds float64."""
    try:
        return float(value) if isinstance(value, Real) and not isinstance(value, bool) else math.nan
    except OverflowError:
        return math.nan


def _as_bools(name: str, value: object) -> bool | tuple[bool, ...]:
    """Convert one truth value, or some, to Python's; refuse what is none."""
    values = _as_tuple(value)
    for each in values:
        if not isinstance(each, bool | np.bool_):
            raise InvalidInput(f"{name} must be True or False; got {each!r}")
    return tuple(map(bool, values)) if isinstance(value, Iterable) else bool(values[0])


def _one_per_layer(name: str, value: Any, n_hidden: int) -> tuple[Any, ...]:
    if not isinstance(value, tuple):
        return (value,) * n_hidden
    if len(value) != n_hidden:
        raise InvalidInput(
            f"{name} must be one value or one for each of the {n_hidden} hidden layers; got {len(value)}"
        )
    return value
