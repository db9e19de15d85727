"""The learning rate of each step, as a pure function.

A schedule keeps no state, and so a resumed run sees the rates of an uninterrupted one. Time runs from 0 to 1
over the planned run. Step s of epoch e, both from 0, is step e S + s of n_epochs S in all, S being the steps
of an epoch, and takes the rate in the middle of its time. So no step is lost to a rate of zero.

Rates are the same bits on every system: they take nothing from the C library or from NumPy but products,
sums and quotients.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import MAX_EMAX, MIN_EMIN, Context, Decimal, localcontext
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from treadle.errors import InvalidInput
from treadle.optimizers.cosine import cosine
from treadle.optimizers.logarithm import binary_logarithm
from treadle.optimizers.stall import Stall
from treadle.whole_numbers import is_whole

LARGEST_N_CYCLES = 40  # beyond it a wave is shorter than any step


@dataclass(frozen=True)
class EpochPlace:
    """An epoch's place in a run, and the epochs before.

    See ``Schedule.learning_rates``.
    """

    epoch: int
    n_epochs: int
    n_steps: int
    n_rows: int
    losses: Sequence[float]


class Schedule(ABC):
    """The course of the learning rate, relative to its peak."""

    needs_n_epochs: ClassVar[bool] = False
    """Whether the rates depend on the planned length, so that such a run cannot be prolonged."""
    goes_by_losses: ClassVar[bool] = True
    """Whether the rates of an epoch may depend on the figures of those before it."""

    def learning_rates(
        self,
        peak: float,
        *,
        epoch: int,
        n_epochs: int,
        n_steps: int,
        n_rows: int,
        losses: Sequence[float],
    ) -> NDArray[np.float64]:
        """Return the learning rates of one epoch's steps.

        Parameters
        ----------
        peak : float > 0
            The largest rate: ``learning_rate_init``.
        epoch : int
            From 0.
        n_epochs : int
            Planned length of the run.
        n_steps, n_rows : int
            Steps and rows of an epoch.
        losses : sequence of float
            The figure to be watched, one for each epoch before this one; smaller is better.

        Returns
        -------
        ndarray of shape (n_steps,), float64

        Raises
        ------
        InvalidInput
            If the schedule needs the planned length, and the epoch is past it.
        """
        return self._rates(peak, EpochPlace(epoch, n_epochs, n_steps, n_rows, losses))

    @abstractmethod
    def _rates(self, peak: float, place: EpochPlace) -> NDArray[np.float64]:
        """Return the learning rates of one epoch's steps: see ``learning_rates``."""


@dataclass(frozen=True)
class Constant(Schedule):
    """The peak rate throughout.

    Examples
    --------
    >>> from treadle import Constant
    >>> Constant().learning_rates(0.1, epoch=0, n_epochs=1, n_steps=2, n_rows=2, losses=[]).tolist()
    [0.1, 0.1]
    """

    goes_by_losses: ClassVar[bool] = False

    def _rates(self, peak: float, place: EpochPlace) -> NDArray[np.float64]:
        return np.full(place.n_steps, peak, dtype=np.float64)


@dataclass(frozen=True)
class OneCycle(Schedule):
    """A triangle: from zero up to the peak, then down to zero.

    Both are straight lines (Smith and Topin 2019).

    Parameters
    ----------
    warmup_fraction : float in [0, 1]
        When the peak is reached, as a fraction of the run.

    Examples
    --------
    >>> from treadle import OneCycle
    >>> schedule = OneCycle(warmup_fraction=0.5)
    >>> schedule.learning_rates(1.0, epoch=0, n_epochs=1, n_steps=4, n_rows=4, losses=[]).tolist()
    [0.25, 0.75, 0.75, 0.25]
    """

    needs_n_epochs: ClassVar[bool] = True
    goes_by_losses: ClassVar[bool] = False
    warmup_fraction: float = 0.3

    def __post_init__(self) -> None:
        _check_fraction(self.warmup_fraction)

    def _rates(self, peak: float, place: EpochPlace) -> NDArray[np.float64]:
        time, top = _middles(place), (self.warmup_fraction, peak)
        return np.where(time < self.warmup_fraction, _line(time, (0, 0), top), _line(time, top, (1, 0)))


@dataclass(frozen=True)
class Cosine(Schedule):
    """A line from zero up to the peak, then half a cosine down.

    It ends at zero (Loshchilov and Hutter 2017).

    Parameters
    ----------
    warmup_fraction : float in [0, 1]
        When the peak is reached, as a fraction of the run.

    Examples
    --------
    >>> from treadle import Cosine
    >>> schedule = Cosine(warmup_fraction=0.5)
    >>> schedule.learning_rates(1.0, epoch=0, n_epochs=1, n_steps=3, n_rows=3, losses=[]).round(4).tolist()
    [0.3333, 1.0, 0.25]
    """

    needs_n_epochs: ClassVar[bool] = True
    goes_by_losses: ClassVar[bool] = False
    warmup_fraction: float = 0.05

    def __post_init__(self) -> None:
        _check_fraction(self.warmup_fraction)

    def _rates(self, peak: float, place: EpochPlace) -> NDArray[np.float64]:
        time = _middles(place)
        up = _line(time, (0, 0), (self.warmup_fraction, peak))
        # The fraction of the descent that is over: 0 throughout the warm-up.
        fallen = _line(time, (self.warmup_fraction, 0), (1, 1))
        return up * (1 + cosine(np.pi * fallen)) / 2


@dataclass(frozen=True)
class LogCosine(Schedule):
    """Waves from zero to the peak and back, each twice as long as the one before.

    At time t, with c cycles, ``(1 - cos(2 pi log2(1 + (2^c - 1) t))) / 2`` of the peak (Holzmueller et al.
    2024, where it is called coslog).

    Parameters
    ----------
    n_cycles : int >= 1

    Examples
    --------
    >>> from treadle import LogCosine
    >>> schedule = LogCosine(n_cycles=2)
    >>> schedule.learning_rates(1.0, epoch=0, n_epochs=1, n_steps=6, n_rows=6, losses=[]).round(3).tolist()
    [0.718, 0.324, 0.259, 0.984, 0.653, 0.083]
    """

    needs_n_epochs: ClassVar[bool] = True
    goes_by_losses: ClassVar[bool] = False
    n_cycles: int = 4

    def __post_init__(self) -> None:
        if not (is_whole(self.n_cycles) and 1 <= self.n_cycles <= LARGEST_N_CYCLES):
            raise InvalidInput(
                f"n_cycles must be an integer from 1 to {LARGEST_N_CYCLES}; got {self.n_cycles!r}"
            )

    def _rates(self, peak: float, place: EpochPlace) -> NDArray[np.float64]:
        cycles = binary_logarithm(1 + (2.0**self.n_cycles - 1) * _middles(place))
        within = cycles - np.floor(cycles)
        # The cosine is even, and from the middle of a cycle on what it is before, backwards.
        return peak * (1 - cosine(2 * np.pi * np.minimum(within, 1 - within))) / 2


@dataclass(frozen=True)
class InverseScaling(Schedule):
    """The rate ``peak / (t + 1)**power_t``, scikit-learn's "invscaling".

    t is the rows seen when the epoch begins.

    Parameters
    ----------
    power_t : float >= 0
    rows_before : int >= 0
        Rows that earlier training saw. The first epoch has the peak nevertheless, as in scikit-learn's warm
        starts.

    Examples
    --------
    >>> from treadle import InverseScaling
    >>> schedule = InverseScaling(power_t=0.5)
    >>> schedule.learning_rates(1.0, epoch=1, n_epochs=2, n_steps=1, n_rows=99, losses=[0.3]).tolist()
    [0.1]
    """

    goes_by_losses: ClassVar[bool] = False
    power_t: float = 0.5
    rows_before: int = 0

    def __post_init__(self) -> None:
        if not (self.power_t >= 0 and math.isfinite(self.power_t)):
            raise InvalidInput(f"power_t must be at least 0 and finite; got {self.power_t!r}")

    def _rates(self, peak: float, place: EpochPlace) -> NDArray[np.float64]:
        seen = self.rows_before + place.epoch * place.n_rows if place.epoch else 0
        return np.full(place.n_steps, peak / _power(seen + 1, self.power_t), dtype=np.float64)


LEAST_RATE = 1e-6
"""The rate that ``Adaptive`` no longer divides, nor any below it."""


@dataclass(frozen=True)
class Adaptive(Schedule):
    """The peak, divided by 5 at each stall: scikit-learn's "adaptive".

    A stall is one of the figure that is watched. An epoch's figure stalls if it is above the best so far less
    ``tol``. After more than ``n_iter_no_change`` such epochs in a row the rate is divided and the count
    starts anew. A rate of ``LEAST_RATE`` or less is kept: when to stop is the business of whoever trains.

    Parameters
    ----------
    tol : float >= 0
    n_iter_no_change : int >= 1, or inf

    Examples
    --------
    >>> from treadle import Adaptive
    >>> schedule, losses = Adaptive(n_iter_no_change=1), [0.7, 0.7, 0.7]
    >>> schedule.learning_rates(1.0, epoch=3, n_epochs=4, n_steps=1, n_rows=9, losses=losses).tolist()
    [0.2]
    """

    tol: float = 1e-4
    n_iter_no_change: float = 10

    def __post_init__(self) -> None:
        if not (self.tol >= 0 and math.isfinite(self.tol)):
            raise InvalidInput(f"tol must be at least 0 and finite; got {self.tol!r}")
        if not self.n_iter_no_change >= 1:
            raise InvalidInput(f"n_iter_no_change must be at least 1; got {self.n_iter_no_change!r}")

    def _rates(self, peak: float, place: EpochPlace) -> NDArray[np.float64]:
        rate = peak
        stall = Stall(self.tol, self.n_iter_no_change)
        for loss in place.losses[: place.epoch]:
            if stall.add(loss) and rate > LEAST_RATE:
                rate /= 5
        return np.full(place.n_steps, rate, dtype=np.float64)


SCHEDULES: dict[str, type[Schedule]] = {
    "constant": Constant,
    "one_cycle": OneCycle,
    "cosine": Cosine,
    "inverse_scaling": InverseScaling,
    "adaptive": Adaptive,
    "log_cosine": LogCosine,
}


def _middles(place: EpochPlace) -> NDArray[np.float64]:
    """The middle of each step of the epoch, as a fraction of the run."""
    epoch, n_epochs, n_steps = place.epoch, place.n_epochs, place.n_steps
    if not 0 <= epoch < n_epochs:
        raise InvalidInput(
            f"this schedule ends with the planned run of {n_epochs} epochs; got epoch {epoch} (from 0): "
            "plan more epochs, or take a schedule without an end such as constant"
        )
    return (epoch * n_steps + np.arange(n_steps) + 0.5) / (n_epochs * n_steps)


def _line(
    time: NDArray[np.float64], start: tuple[float, float], end: tuple[float, float]
) -> NDArray[np.float64]:
    """Straight from one point to another, and level before and after.

    ``numpy.interp`` is that, but for a processor with fused multiply-adds its compiler may round otherwise.
    """
    (first, low), (last, high) = start, end
    if first == last:
        return np.where(time < first, low, float(high))
    between = (high - low) / (last - first) * (time - first) + low
    return np.where(time < first, low, np.where(time < last, between, high))


def _power(base: int, exponent: float) -> float:
    """A positive whole number to a power of at least 0, rounded once, as the C library's need not be."""
    with localcontext(Context(prec=50, Emax=MAX_EMAX, Emin=MIN_EMIN, traps=[])):
        return float(Decimal(base) ** Decimal(exponent))


def _check_fraction(value: float) -> None:
    if not 0 <= value <= 1:
        raise InvalidInput(f"warmup_fraction must be from 0 to 1; got {value!r}")
