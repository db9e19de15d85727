"""Calls the kernel's trainer and predictor of networks.

What they compute is in ``native/kernels/kernels.h``.

Dimensions: N rows, D features, K outputs, P parameters, R statistics of batch normalisation. Parameters are
float32 or float64, and so are then moments, statistics, targets, sample weights and outputs.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from treadle.errors import InvalidInput
from treadle.hardware.native import extension
from treadle.hardware.native.arrays import (
    ANY,
    FLOAT32,
    FLOAT64,
    INT32,
    INT64,
    UINT8,
    check_array,
    check_strided,
)

ELEMENTS = (UINT8, FLOAT32, FLOAT64)
PARAMETERS = (FLOAT32, FLOAT64)


class Pace(NamedTuple):
    """Factors of what trains a block of parameters: of the rate, the decay and Adam's epsilon."""

    rate: float = 1.0
    decay: float = 0.0
    epsilon: float = 1.0


class Layer(NamedTuple):
    """A layer with weights."""

    n_in: int
    n_out: int
    activation: str
    batch_norm: bool
    dropout: float
    parametric: bool = False
    weights: Pace = Pace(decay=1.0)
    biases: Pace = Pace()
    scales: Pace = Pace()
    slopes: Pace = Pace()


class InputStage(NamedTuple):
    """What stands before the first layer: see ``treadle.network.InputStage``."""

    numbers: int
    plain: int
    counts: tuple[int, ...]
    frequencies: int
    combinations: int
    embedding: int
    of_cosines: Pace
    of_embeddings: Pace
    of_scales: Pace


class Network:
    """A network in the kernel's form."""

    def __init__(self, layers: Sequence[Layer], stage: InputStage | None = None) -> None:
        extension.check_built()
        self.n_inputs, self.n_outputs = layers[0].n_in, layers[-1].n_out
        normalised = sum(layer.n_out for layer in layers if layer.batch_norm)
        of_units = normalised + sum(layer.n_out for layer in layers if layer.parametric)
        self.n_parameters = sum((layer.n_in + 1) * layer.n_out for layer in layers) + of_units
        if stage is not None:
            self.n_inputs = stage.numbers + stage.plain + len(stage.counts)
            self.n_parameters += stage.numbers * (
                stage.frequencies * (2 + stage.combinations) + stage.combinations
            )
            self.n_parameters += sum(stage.counts) * stage.embedding + layers[0].n_in
        self.n_statistics = 2 * normalised
        self.compiled = extension._native.Network(
            [extension._native.Layer(**_compiled(layer)) for layer in layers],
            None if stage is None else extension._native.InputStage(**_compiled(stage)),
        )


# Any: arguments of the extension, of many types.
def _compiled(part: Layer | InputStage) -> dict[str, Any]:
    """Name the parts, those that are paces in the kernel's form."""
    return {
        name: extension._native.Pace(**value._asdict()) if isinstance(value, Pace) else value
        for name, value in part._asdict().items()
    }


class Inputs:
    """Rows of X, which a network sees as X scale + offset.

    Parameters
    ----------
    network : Network
    values : ndarray of shape (N, D) in any order of memory, or (n_stored,); uint8, float32 or float64
        X; or, given starts, what its compressed rows store.
    starts : ndarray of int64, shape (N + 1,), or None
        Where rows start among the values, and where the last one ends.
    indices : ndarray of int32, shape (n_stored,), or None
        Columns of the values, from 0 to D - 1.
    scale, offset : float

    Raises
    ------
    InvalidInput
        If an array is of another dtype or shape, or what is compressed not contiguous.
    """

    __slots__ = ("compiled", "n_rows")

    def __init__(
        self,
        network: Network,
        values: NDArray[Any],
        starts: NDArray[np.int64] | None,
        indices: NDArray[np.int32] | None,
        scale: float,
        offset: float,
    ) -> None:
        if starts is None or indices is None:
            check_strided("X", values, ELEMENTS, (ANY, network.n_inputs))
            self.n_rows = len(values)
        else:
            check_strided("the stored values of X", values, ELEMENTS, (indices.size,))
            check_array("the stored values of X", values, values.dtype, values.shape)
            check_array("the row starts of X", starts, INT64, (ANY,))
            check_array("the columns of X", indices, INT32, (ANY,))
            self.n_rows = len(starts) - 1
        self.compiled = extension._native.Inputs(
            values=values, starts=starts, indices=indices, scale=scale, offset=offset
        )


def predict(
    network: Network,
    parameters: NDArray[Any],
    inputs: Inputs,
    *,
    softmax: bool,
    threads: int,
    kernels: str,
) -> NDArray[Any]:
    """The logits (N, K) of a network without batch normalisation, or their softmax.

    Parameters
    ----------
    network : Network
    parameters : ndarray of float32 or float64, shape (P,)
    inputs : Inputs
    softmax : bool
    threads : int
        At most so many.
    kernels : str
        By name.

    Raises
    ------
    InvalidInput
        If the parameters are of another dtype or shape.
    """
    check_array("parameters", parameters, _of_parameters(parameters.dtype), (network.n_parameters,))
    outputs = np.empty((inputs.n_rows, network.n_outputs), dtype=parameters.dtype)
    extension._native.predict(
        network.compiled, parameters, inputs.compiled, softmax, outputs, threads, kernels
    )
    return outputs


def draw_orders(seed: int, first_epoch: int, n_epochs: int, n_rows: int) -> NDArray[np.int64]:
    """Orders of epochs, (n_epochs, n_rows): see ``native/training/orders.h``.

    Parameters
    ----------
    seed, first_epoch : int
        Below 2**63.
    n_epochs, n_rows : int
        At most 2**32 rows.

    Raises
    ------
    InvalidInput
        If a number is out of range.
    """
    extension.check_built()
    if not (0 <= seed < 2**63 and 0 <= first_epoch < 2**63 and n_epochs >= 0 and 0 <= n_rows <= 2**32):
        raise InvalidInput(
            "orders take a seed and an epoch from 0 to 2**63 - 1, and from 0 to 2**32 rows; got seed "
            f"{seed}, epoch {first_epoch}, {n_epochs} epochs of {n_rows} rows"
        )
    orders = np.empty((n_epochs, n_rows), dtype=np.int64)
    extension._native.draw_orders(seed, first_epoch, orders)
    return orders


def _of_parameters(dtype: np.dtype[Any]) -> np.dtype[Any]:
    """The type itself, if parameters may be of it; else float32, which ``check_array`` asks for then."""
    return dtype if dtype in PARAMETERS else FLOAT32


@dataclass(frozen=True)
class Targets:
    """A loss, its penalty, and the rows' targets.

    They are labels (N,) from 0 to K - 1, or targets (N, K).
    """

    loss: str
    label_smoothing: float
    huber_delta: float
    l2: float
    labels: NDArray[np.int64] | None
    targets: NDArray[Any] | None
    sample_weight: NDArray[Any] | None


class Augmentation(NamedTuple):
    """The random moves of images; see ``treadle.engines.augmentation``.

    Height 0 is none.
    """

    height: int
    width: int
    flip: bool
    shift: int


NO_AUGMENTATION = Augmentation(0, 0, False, 0)


class Optimizer(NamedTuple):
    """An update rule and its numbers; see ``treadle.optimizers``.

    The rate is given step by step.
    """

    update: str
    beta_1: float = 0.0
    beta_2: float = 0.0
    epsilon: float = 0.0
    weight_decay: float = 0.0
    momentum: float = 0.0


class Trainer:
    """Trains a network by epochs.

    Parameters
    ----------
    network : Network
    inputs : Inputs
    targets : Targets
    augmentation : Augmentation
    optimizer : Optimizer
    dtype : dtype
        Of the parameters.
    batch_size : int
    noise_seed : int
    threads : int
    kernels : str
        By name.

    Raises
    ------
    InvalidInput
        If labels, targets or weights are of another dtype or shape, here; other arrays, in the methods.
    """

    def __init__(
        self,
        network: Network,
        inputs: Inputs,
        targets: Targets,
        augmentation: Augmentation,
        optimizer: Optimizer,
        *,
        dtype: np.dtype[Any],
        batch_size: int,
        noise_seed: int,
        threads: int,
        kernels: str,
    ) -> None:
        n = inputs.n_rows
        if targets.labels is not None:
            check_array("labels", targets.labels, INT64, (n,))
        if targets.targets is not None:
            check_array("targets", targets.targets, dtype, (n, network.n_outputs))
        if targets.sample_weight is not None:
            check_array("sample_weight", targets.sample_weight, dtype, (n,))
        self._network, self._dtype = network, dtype
        self._batch_size = batch_size
        problem = extension._native.Problem(
            network=network.compiled,
            inputs=inputs.compiled,
            targets=extension._native.Targets(**vars(targets)),
            augmentation=extension._native.Augmentation(**augmentation._asdict()),
            optimizer=extension._native.Optimizer(**optimizer._asdict()),
            batch_size=batch_size,
            noise_seed=noise_seed,
            threads=threads,
        )
        trainer_of = extension._native.Trainer64 if dtype == FLOAT64 else extension._native.Trainer32
        self._compiled = trainer_of(problem, kernels)

    @property
    def step(self) -> int:
        """The number of steps taken."""
        return self._compiled.step

    def run_epochs(
        self,
        orders: NDArray[np.int64],
        learning_rates: NDArray[np.float64],
        fades: NDArray[np.float64] | None = None,
    ) -> tuple[NDArray[np.float64], int]:
        """Train some epochs; return the batches' losses and the steps taken in all.

        They are fewer where the next one's loss is not finite.

        Parameters
        ----------
        orders : ndarray of int64, shape (n_epochs, n)
            Row numbers, each from 0 to N - 1.
        learning_rates : ndarray of float64, shape (n_epochs, n_steps)
        fades : ndarray of float64, shape (n_epochs * n_steps,), or None
            What dropout and weight decay are multiplied by in each step; None: 1.
        """
        check_array("orders", orders, INT64, (ANY, ANY))
        shape = len(orders), -(-orders.shape[1] // self._batch_size)
        check_array("learning_rates", learning_rates, FLOAT64, shape)
        if fades is not None:
            check_array("fades", fades, FLOAT64, (learning_rates.size,))
        losses = np.empty(shape)
        n_taken = self._compiled.run_epochs(orders, learning_rates.reshape(-1), fades, losses.reshape(-1))
        return losses, n_taken

    def read(
        self,
        values: NDArray[Any] | None,
        first: NDArray[Any] | None,
        second: NDArray[Any] | None,
        statistics: NDArray[Any] | None,
    ) -> None:
        """Write the parameters, moments and statistics into these arrays.

        The parameters and their moments are (P,) each, the statistics (R,).
        """
        self._check_state(values, first, second, statistics, writable=True)
        self._compiled.read(values, first, second, statistics)

    def write(
        self,
        values: NDArray[Any],
        first: NDArray[Any] | None,
        second: NDArray[Any] | None,
        statistics: NDArray[Any],
        step: int,
    ) -> None:
        """Set the parameters, moments, statistics and the number of steps.

        The parameters and their moments are (P,) each, the statistics (R,).
        """
        self._check_state(values, first, second, statistics, writable=False)
        self._compiled.write(values, first, second, statistics, step)

    def _check_state(self, *arrays: NDArray[Any] | None, writable: bool) -> None:
        for i, name in enumerate(("parameters", "the first moments", "the second moments", "statistics")):
            array = arrays[i]
            if array is not None:
                size = self._network.n_statistics if name == "statistics" else self._network.n_parameters
                check_array(name, array, self._dtype, (size,), writable)
