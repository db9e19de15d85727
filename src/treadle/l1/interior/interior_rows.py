"""The interior point's four passes over its rows, compiled or in NumPy.

NumPy's are for where there is no kernel. The quantities are those of ``treadle.l1.interior.interior_point``;
``native/kernels/l1_kernels.h`` has the compiled passes, whose sums do not depend on the number of threads.
Sparse rows take NumPy's.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from functools import partial

import numpy as np
from numpy.typing import NDArray
from scipy.linalg.lapack import dpotrf, dpotrs

from treadle.hardware.native.extension import kernels_if_built
from treadle.hardware.native.l1 import GROUP, N_STATES, InteriorPasses
from treadle.hardware.processors import usable_threads

Solve = Callable[[NDArray[np.float64]], NDArray[np.float64]]
# From D to what solves Z'DZ x = b, None where nothing can.
Factorise = Callable[[NDArray[np.float64]], Solve | None]

# native/kernels/l1_kernels.h's State.
LOW, BELOW, ABOVE, LOWER, UPPER, WEIGHT, TARGET, LOWER_AIM, UPPER_AIM, DU, DZ, DV = range(12)
# Numbers in Z from which on several threads can pay: to ask for their number takes a tenth of a millisecond.
WORTH_ASKING = 50_000


class InteriorRows(ABC):
    """The state of n rows, and the passes over them."""

    n: int

    @abstractmethod
    def normal(self, primal: float, dual: float) -> tuple[float, NDArray[np.float64]]:
        """Move by the last step times these lengths; return gap and right-hand side.

        The latter is Z'(D r + u).
        """

    @abstractmethod
    def factorise(self) -> Solve | None:
        """Return a solver of Z'DZ x = b, or None.

        None where that matrix is not positive definite to rounding.
        """

    @abstractmethod
    def predict(self, dw: NDArray[np.float64]) -> tuple[float, float, float, float, float]:
        """Compute the uncorrected step from dw; return ratios and slopes.

        They are the largest -d/x of u's slacks and of the multipliers, and the gap's slopes. These are its
        derivatives in the primal step's length, in the dual's, and in both.
        """

    @abstractmethod
    def correct(self, mu: float) -> NDArray[np.float64]:
        """Aim at mu, corrected for the prediction; return Z'(D t + u)."""

    @abstractmethod
    def step(self, dw: NDArray[np.float64]) -> tuple[float, float]:
        """Compute the corrected step from dw; return two ratios.

        They are the largest -d/x of u's slacks and of the multipliers.
        """

    @abstractmethod
    def where(
        self,
    ) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
        """Return u - l, h - u, r and D, (n,) each."""


def interior_rows(
    Z: NDArray[np.float64],
    low: NDArray[np.float64],
    below: NDArray[np.float64],
    above: NDArray[np.float64],
    z: NDArray[np.float64],
    v: NDArray[np.float64],
    factorise: Factorise | None = None,
) -> InteriorRows:
    """Return compiled passes where possible, else NumPy's.

    Compiled ones take a dense Z; ``factorise`` is for Z that is not.
    """
    kernels = kernels_if_built()
    if factorise is None and kernels is not None:
        return _NativeRows(Z, (low, below, above, z, v), kernels.standard)
    return _NumpyRows(Z, low, below, above, z, v, factorise or partial(dense_normal_equations, Z))


def dense_normal_equations(Z: NDArray[np.float64], D: NDArray[np.float64]) -> Solve | None:
    """Return a solver of Z'DZ x = b, or None.

    None where that matrix is not positive definite.
    """
    return _cholesky((Z * D[:, None]).T @ Z)


def _cholesky(M: NDArray[np.float64]) -> Solve | None:
    factor, info = dpotrf(M, lower=1, overwrite_a=1)
    return None if info else lambda b: np.asarray(dpotrs(factor, b, lower=1)[0])


class _NumpyRows(InteriorRows):
    def __init__(
        self,
        Z: NDArray[np.float64],
        low: NDArray[np.float64],
        below: NDArray[np.float64],
        above: NDArray[np.float64],
        z: NDArray[np.float64],
        v: NDArray[np.float64],
        factorise: Factorise,
    ) -> None:
        self.n = len(low)
        self.Z, self.low, self.below, self.above, self.z, self.v = Z, low, below, above, z, v
        self.du = self.dz = self.dv = np.zeros(self.n)
        self._factorise = factorise

    def normal(self, primal: float, dual: float) -> tuple[float, NDArray[np.float64]]:
        self.below = self.below + primal * self.du
        self.above = self.above - primal * self.du
        self.z = self.z + dual * self.dz
        self.v = self.v + dual * self.dv
        self.D = self.below * self.above / (self.z * self.above + self.v * self.below)
        gap = float(self.z @ self.below + self.v @ self.above)
        return gap, np.asarray(self.Z.T @ (self.D * (self.v - self.z) + self.low + self.below))

    def factorise(self) -> Solve | None:
        return self._factorise(self.D)

    def _directions(self, aim_z: NDArray[np.float64] | float, aim_v: NDArray[np.float64] | float) -> None:
        self.dz = aim_z - self.z - self.z / self.below * self.du
        self.dv = aim_v - self.v + self.v / self.above * self.du

    def _ratios(self) -> tuple[float, float]:
        primal = max(np.max(-self.du / self.below), np.max(self.du / self.above))
        dual = max(np.max(-self.dz / self.z), np.max(-self.dv / self.v))
        return float(primal), float(dual)

    def predict(self, dw: NDArray[np.float64]) -> tuple[float, float, float, float, float]:
        self.du = self.D * (self.v - self.z - self.Z @ dw)
        self._directions(0.0, 0.0)
        return (
            *self._ratios(),
            float((self.z - self.v) @ self.du),
            float(self.dz @ self.below + self.dv @ self.above),
            float((self.dz - self.dv) @ self.du),
        )

    def correct(self, mu: float) -> NDArray[np.float64]:
        self.aim_z = (mu - self.du * self.dz) / self.below
        self.aim_v = (mu + self.du * self.dv) / self.above
        self.t = self.v - self.z - (self.aim_v - self.aim_z)
        return np.asarray(self.Z.T @ (self.D * self.t + self.low + self.below))

    def step(self, dw: NDArray[np.float64]) -> tuple[float, float]:
        self.du = self.D * (self.t - self.Z @ dw)
        self._directions(self.aim_z, self.aim_v)
        return self._ratios()

    def where(
        self,
    ) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
        return self.below, self.above, self.v - self.z, self.D


def corner(n: int, p: int) -> NDArray[np.float64]:
    """Return zeros (n, p) to fill with Z, in padded memory.

    They are the corner of an array that the compiled passes need no copy of.
    """
    return np.zeros(_whole_groups(n, p))[:n, :p]


def _whole_groups(n: int, p: int) -> tuple[int, int]:
    return -(-n // GROUP) * GROUP, -(-p // GROUP) * GROUP


def _padded(Z: NDArray[np.float64]) -> NDArray[np.float64]:
    """Pad Z with zeros up to whole groups of rows and columns.

    It is not copied if it is a ``corner``.
    """
    n, p = Z.shape
    whole = Z.base
    if (
        isinstance(whole, np.ndarray)
        and whole.dtype == np.float64
        and whole.shape == _whole_groups(n, p)
        and whole.flags.c_contiguous
        and whole.strides == Z.strides
        and whole.__array_interface__["data"] == Z.__array_interface__["data"]
        and not (whole[n:].any() or whole[:, p:].any())
    ):
        return whole
    copy = np.zeros(_whole_groups(n, p))
    copy[:n, :p] = Z
    return copy


class _NativeRows(InteriorRows):
    def __init__(self, Z: NDArray[np.float64], state: tuple[NDArray[np.float64], ...], kernels: str) -> None:
        self.n, self.p = Z.shape
        self.Z = _padded(Z)
        self.state = np.zeros((N_STATES, len(self.Z)))
        self.state[: UPPER + 1, : self.n] = state
        # Rows that are only padding stand on the central path, at u = 0.
        self.state[: UPPER + 1, self.n :] = np.array([-1.0, 1.0, 1.0, 1e-300, 1e-300])[:, None]
        self.padding = self.state[BELOW : UPPER + 1, self.n :]
        threads = usable_threads().n if self.Z.size >= WORTH_ASKING else 1
        self.passes = InteriorPasses(self.Z, self.state, self.p, threads, kernels)

    def normal(self, primal: float, dual: float) -> tuple[float, NDArray[np.float64]]:
        gap = self.passes.normal(primal, dual)
        if self.padding.shape[1]:
            below, above, z, v = self.padding
            gap -= float(z @ below + v @ above)
        return gap, self.passes.b[: self.p]

    def factorise(self) -> Solve | None:
        # The lower triangle by rows is the upper one by columns, as LAPACK counts.
        factor, info = dpotrf(self.passes.M[: self.p, : self.p].T, lower=0)
        return None if info else lambda b: np.asarray(dpotrs(factor, b, lower=0)[0])

    def predict(self, dw: NDArray[np.float64]) -> tuple[float, float, float, float, float]:
        primal, dual, first, second, both = self.passes.predict(dw).tolist()
        return primal, dual, first, second, both

    def correct(self, mu: float) -> NDArray[np.float64]:
        self.passes.correct(mu)
        return self.passes.b[: self.p]

    def step(self, dw: NDArray[np.float64]) -> tuple[float, float]:
        primal, dual = self.passes.step(dw).tolist()
        return primal, dual

    def where(
        self,
    ) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
        state = self.state[:, : self.n]
        return state[BELOW], state[ABOVE], state[UPPER] - state[LOWER], state[WEIGHT]
