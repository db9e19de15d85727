"""``Parameters``: a network's trained arrays, as views into one flat array."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace
from typing import get_args

import numpy as np
from numpy.typing import DTypeLike

from treadle.choices import InitialisationName
from treadle.errors import InvalidInput
from treadle.maths.dtypes import Floats
from treadle.network.layers import BATCH_NORM_EPSILON
from treadle.network.shape import Network
from treadle.network.uniform import uniform

INITIALISATIONS = get_args(InitialisationName)


class Parameters:
    """A network's weights and biases, as views into one flat array.

    The flat array (P,) holds all weights, first layer first, each (n_in, n_out) in C order, then all biases,
    then the scales of the layers with batch normalisation, then slopes and the input stage's arrays, as
    ``Network.blocks`` says: an optimizer updates it in a few calls, with a rate and a decay for each slice.
    What no optimizer touches is apart: the running means of layers with batch normalisation, and then their
    running variances.

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
    slopes : tuple of ndarray or None
        One a layer: (n_out,), or None where the layer's activation is not parametric.
    input_arrays : dict of ndarray
        Those of the input stage by name, see ``InputStage.arrays``; empty without one.
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
        self.slopes = tuple(views.get(f"slopes.{i}") for i in numbers)
        stage = network.input_stage
        self.input_arrays = {name: views[name] for name, *_ in stage.arrays()} if stage is not None else {}
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

        All trained arrays alike.
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

        The scales of batch normalisation are 1, and the biases beside them 0. Slopes are 1, and the input
        stage's arrays as ``InputStage.initial`` draws them, whatever the scheme.

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
            W[:] = uniform(rng, bound, W.shape)
            if not layer.batch_norm:
                b[:] = uniform(rng, bound, b.shape)
        for factor in (*parameters.scales, *parameters.slopes):
            if factor is not None:
                factor[:] = 1
        if network.input_stage is not None:
            for name, array in network.input_stage.initial(rng).items():
                parameters.input_arrays[name][:] = array
        return parameters

    @property
    def dtype(self) -> np.dtype[np.floating]:
        """float32 or float64."""
        return self.flat.dtype

    def trainable(self) -> Iterator[tuple[str, Floats]]:
        """Views into ``flat`` with their names: ``weights.0``, ``biases.0``, ``scales.0`` and so on."""
        layers = zip(self.weights, self.biases, self.scales, self.slopes, strict=True)
        for i, (W, b, scale, slope) in enumerate(layers):
            yield f"weights.{i}", W
            yield f"biases.{i}", b
            if scale is not None:
                yield f"scales.{i}", scale
            if slope is not None:
                yield f"slopes.{i}", slope
        yield from self.input_arrays.items()

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
        kept = dict(self.trainable())
        for name, array in result.trainable():
            if not name.startswith(("weights.", "biases.")):
                array[:] = kept[name]
        return result


def _cut(array: Floats, sizes: list[int]) -> Iterator[Floats]:
    """Yield views of the given sizes, one after another in the array."""
    start = 0
    for size in sizes:
        yield array[start : start + size]
        start += size
