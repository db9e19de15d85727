"""The interface of update rules; those here specify every engine's.

An optimizer is a frozen set of hyper-parameters: the moments that it keeps between steps belong to whoever
trains, so that they can be saved, and one optimizer can serve any number of runs. It computes no gradient,
knows no loss, and chooses no learning rate (see ``treadle.optimizers.schedules``).
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator

import numpy as np
from numpy.typing import DTypeLike

from treadle.errors import InvalidInput
from treadle.maths.dtypes import Floats
from treadle.network import Network, Parameters

# Elements that a rule updates at a time: parameters, gradient, moments and scratch of one chunk stay in the
# cache while the rule goes over them a dozen times, and a call of NumPy costs little beside its work.
CHUNK = 131_072

# Steps between two visits of ``drop_remnants``: seldom enough to cost nothing beside the updates.
REMNANTS_EVERY = 32


class Optimizer(ABC):
    """An update rule: changes parameters and moments in place, from a gradient."""

    @property
    @abstractmethod
    def moments(self) -> tuple[str, ...]:
        """The names of the arrays that the rule keeps between steps."""

    def start(self, n_parameters: int, dtype: DTypeLike) -> dict[str, Floats]:
        """Return the moments before the first step: zeros, by name.

        They are of shape (n_parameters,).
        """
        return {name: np.zeros(n_parameters, dtype=dtype) for name in self.moments}

    def faded(self, factor: float) -> Optimizer:
        """Return the rule with its weight decay times a factor; itself where it has none."""
        return self

    @abstractmethod
    def update(
        self,
        parameters: Parameters,
        gradients: Parameters,
        moments: dict[str, Floats],
        step: int,
        learning_rate: float,
    ) -> None:
        """Take one step.

        Parameters
        ----------
        parameters : Parameters
            Updated in place.
        gradients : Parameters
            Of the objective, same dtype as the parameters; only read.
        moments : dict of ndarray of shape (P,)
            What ``start`` returned; updated in place.
        step : int
            1 for the first step.
        learning_rate : float
            Of this step; times the ``rate`` of each block of the network.
        """


def chunks(where: slice) -> Iterator[slice]:
    """Cut a slice into slices of at most CHUNK elements."""
    for start in range(where.start, where.stop, CHUNK):
        yield slice(start, min(start + CHUNK, where.stop))


def paced_chunks(network: Network, learning_rate: float) -> Iterator[tuple[slice, float, float]]:
    """Yield all parameters in chunks, each with its learning rate and its factor of Adam's epsilon."""
    for where, rate, epsilon in network.paces:
        for chunk in chunks(where):
            yield chunk, learning_rate * rate, epsilon


def drop_remnants(moment: Floats, step: int) -> None:
    """Set tiny moments to zero, every REMNANTS_EVERY steps.

    Tiny is below 2^26 times the smallest normal number: in float32 that is 2^-100. The native engine does it
    in every step, so that no moment depends on how a processor rounds among the smallest numbers.

    The moments of a parameter without gradient, of a dead unit say, fade into the subnormal numbers and stay
    there for good: 0.9 times the smallest few of them rounds back to themselves. Processors are slow at
    those, and after an epoch of the classic recipe one parameter in ten has such a moment, which doubles the
    time of an update.
    """
    if step % REMNANTS_EVERY == 0:
        np.copyto(moment, 0, where=np.abs(moment) < 2.0**26 * np.finfo(moment.dtype).tiny)


def check_decay(name: str, value: float) -> None:
    """Raise InvalidInput unless a moment's decay per step is in [0, 1)."""
    if not 0 <= value < 1:
        raise InvalidInput(f"{name} must be at least 0 and below 1; got {value!r}")
