"""Calls the kernel's passes of the exact L1 regression.

What they compute is in ``native/kernels/l1_kernels.h``.

Dimensions: N rows in memory, D features, k of them used, p coordinates.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from treadle.hardware.native import extension
from treadle.hardware.native.arrays import ANY, FLOAT32, FLOAT64, INT8, INT64, check_array, check_strided

# Arrays of the state: native/kernels/l1_kernels.h's State.
N_STATES = 12
# What rows and columns come in.
GROUP = 8


@dataclass(frozen=True)
class ScreenRequest:
    """A screen's rows, guess and radius.

    The rows that may change sides within the radius are kept.

    Parameters
    ----------
    X : ndarray of float32 or float64, shape (N, D)
        In any order of memory.
    y : ndarray of float32 or float64, shape (N,)
        In any order of memory.
    some : ndarray of int64, shape (n,), or None
        Numbers of the rows to look at; None: all.
    weights : ndarray of float64, shape (N,), or None
    columns : ndarray of int64, shape (k,)
        The features used, from 0 to D - 1.
    A : ndarray of float64, shape (1 + k, p)
        Coordinates z = A'(1, x).
    w : ndarray of float64, shape (1 + k,)
        The guess: intercept and coefficients.
    radius, low, high : float
        The radius in coordinates, and the dual value's bounds for weight 1.

    Raises
    ------
    InvalidInput
        If an array is of another dtype or shape.
    """

    X: NDArray[Any]
    y: NDArray[Any]
    some: NDArray[np.int64] | None
    weights: NDArray[np.float64] | None
    columns: NDArray[np.int64]
    A: NDArray[np.float64]
    w: NDArray[np.float64]
    radius: float
    low: float
    high: float

    def __post_init__(self) -> None:
        check_strided("X", self.X, (FLOAT32, FLOAT64), (ANY, ANY))
        check_strided("y", self.y, (FLOAT32, FLOAT64), (len(self.X),))
        if self.some is not None:
            check_array("some", self.some, INT64, (ANY,))
        if self.weights is not None:
            check_array("weights", self.weights, FLOAT64, (len(self.X),))
        check_array("columns", self.columns, INT64, (ANY,))
        check_array("A", self.A, FLOAT64, (1 + self.columns.size, ANY))
        check_array("w", self.w, FLOAT64, (1 + self.columns.size,))

    @property
    def n_rows(self) -> int:
        """n, the number of rows to screen."""
        return len(self.X if self.some is None else self.some)


class ScreenSums(NamedTuple):
    """The result of a screen.

    ``rows`` are the positions of those kept, ``side`` (n,) is the sign of every row's dual value, 0 for
    those kept, ``fold`` (1 + k,) the others' sum of dual values times (1, x), ``loss`` their sum of losses,
    ``size`` that of the dual values' magnitudes, and ``not_finite`` the first row that is not finite, or -1.
    """

    rows: NDArray[np.int64]
    side: NDArray[np.int8]
    fold: NDArray[np.float64]
    loss: float
    size: float
    not_finite: int


def screen(request: ScreenRequest, threads: int, kernels: str) -> ScreenSums:
    """Screen the rows in one pass."""
    side = np.empty(request.n_rows, np.int8)
    fold = np.empty(1 + request.columns.size)
    rows, loss, size, not_finite = extension._native.l1_screen(
        _compiled(request), side, fold, threads, kernels
    )
    return ScreenSums(np.frombuffer(rows, np.int64), side, fold, loss, size, not_finite)


def on_another_side(
    request: ScreenRequest, side: NDArray[np.int8], threads: int, kernels: str
) -> NDArray[np.int64]:
    """Return the positions of rows that a guess has on another side.

    ``side`` (n,) has the sides before, 0 being none.
    """
    check_array("side", side, INT8, (request.n_rows,), writable=True)
    rows = extension._native.l1_check(_compiled(request), side, threads, kernels)
    return np.frombuffer(rows, np.int64)


def _compiled(request: ScreenRequest) -> extension._native.L1Screen:
    return extension._native.L1Screen(**vars(request))


class InteriorPasses:
    """The passes of an interior-point step over its rows.

    Parameters
    ----------
    Z : ndarray of float64, shape (n, stride)
        Whole groups of rows and columns; columns from p on, and what is only padding, are 0.
    state : ndarray of float64, shape (N_STATES, n)
        Read and written.
    p : int
    threads : int
    kernels : str
        By name.

    Raises
    ------
    InvalidInput
        If an array is of another dtype or shape.

    Attributes
    ----------
    M : ndarray of float64, shape (stride, stride)
        Z'DZ of the last ``normal``: its lower triangle.
    b : ndarray of float64, shape (stride,)
        The right side of the last ``normal`` or ``correct``.
    """

    def __init__(
        self, Z: NDArray[np.float64], state: NDArray[np.float64], p: int, threads: int, kernels: str
    ) -> None:
        check_array("Z", Z, FLOAT64, tuple(-(-size // GROUP) * GROUP for size in Z.shape))
        n, stride = Z.shape
        check_array("state", state, FLOAT64, (N_STATES, n), writable=True)
        self.M = np.empty((stride, stride))
        self.b = np.empty(stride)
        self._dw = np.zeros(stride)
        self._p = p
        self._compiled = extension._native.L1Interior(Z, state, p, threads, kernels)

    def normal(self, primal: float, dual: float) -> float:
        """Move by the last step times these lengths, and write M and b.

        It returns the gap.
        """
        return self._compiled.normal(primal, dual, self.M, self.b)

    def predict(self, dw: NDArray[np.float64]) -> NDArray[np.float64]:
        """Compute the uncorrected step from dw (p,); see ``InteriorRows.predict``.

        It returns five numbers.
        """
        sums = np.empty(5)
        self._compiled.predict(self._padded(dw), sums)
        return sums

    def correct(self, mu: float) -> None:
        """Aim at mu, corrected for the prediction, and write b."""
        self._compiled.correct(mu, self.b)

    def step(self, dw: NDArray[np.float64]) -> NDArray[np.float64]:
        """Compute the corrected step from dw (p,); see ``InteriorRows.step``.

        It returns two numbers.
        """
        sums = np.empty(2)
        self._compiled.step(self._padded(dw), sums)
        return sums

    def _padded(self, dw: NDArray[np.float64]) -> NDArray[np.float64]:
        self._dw[: self._p] = dw
        return self._dw
