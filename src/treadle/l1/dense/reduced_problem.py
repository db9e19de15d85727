"""The rows that a screen left open, with the linear term of all others: solved closely, then exactly."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from treadle.l1.dense.coordinates import row_lengths
from treadle.l1.dense.crossover import Vertex, crossover, independent_rows
from treadle.l1.interior.interior_point import InteriorPoint, Unbounded, interior_point

EPS = float(np.finfo(np.float64).eps)


@dataclass(frozen=True)
class Reduced:
    """min over theta of sum_i max(l_i r_i, h_i r_i) - g'theta, r = y - Z theta; penalties come first.

    ``noise`` is the rounding of a residual: of a typical target.
    """

    Z: NDArray[Any]
    y: NDArray[Any]
    low: NDArray[Any]
    high: NDArray[Any]
    g: NDArray[Any]
    n_penalties: int
    noise: float

    def __len__(self) -> int:
        return len(self.y)

    @property
    def mean_weight(self) -> float:
        """Half of the boxes' mean width."""
        return float((self.high - self.low).sum()) / (2 * max(1, len(self)))

    def loss(self, theta: NDArray[Any]) -> float:
        """What is to be least."""
        r = self.y - self.Z @ theta
        return float(np.maximum(self.low * r, self.high * r).sum() - self.g @ theta)

    def part(self, some: NDArray[Any], g: NDArray[Any]) -> Reduced:
        """Some of the rows, with another linear term; penalties count as rows there."""
        return replace(
            self, Z=self.Z[some], y=self.y[some], low=self.low[some], high=self.high[some], g=g, n_penalties=0
        )


def closely(
    reduced: Reduced, theta: NDArray[Any], mu: float, gap: float, reach: float = math.inf
) -> InteriorPoint:
    """An interior point from that guess; mu and the gap are residuals, for rows of weight 1."""
    weight = reduced.mean_weight
    return interior_point(
        reduced.Z,
        reduced.y,
        reduced.low,
        reduced.high,
        reduced.g,
        theta,
        weight * max(mu, reduced.noise),
        weight * max(gap, 4 * len(reduced) * reduced.noise),
        reach,
    )


def exactly(
    reduced: Reduced,
    theta: NDArray[Any],
    basis: NDArray[np.int64],
    rng: np.random.Generator,
    tolerance: float,
) -> Vertex:
    """The optimal vertex, from a point close to it and the rows of a vertex there.

    Pivots run on a window of the rows nearest to that point; others fold, and come back where that was wrong.

    Raises
    ------
    Unbounded
        If the rows do not bound the objective from below.
    """
    Z, y = reduced.Z, reduced.y
    n, p = Z.shape
    r = y - Z @ theta
    lengths = row_lengths(Z)
    tie = 16 * EPS * (np.abs(y) + lengths * math.sqrt(float(theta @ theta))) + EPS * reduced.noise
    size = max(1000, 30 * p)
    inside = np.empty(n, bool)
    while True:
        inside[:] = n <= 2 * size
        if n > 2 * size:
            inside[np.argpartition(np.abs(r) / np.maximum(lengths, 1e-300), size)[:size]] = True
            inside[basis] = True
            inside[: reduced.n_penalties] = True
        try:
            return _by_windows(reduced, inside, r, basis, rng, tolerance, tie)
        except Unbounded:
            if inside.all():
                raise
            size *= 4


def _by_windows(
    reduced: Reduced,
    inside: NDArray[np.bool_],
    r: NDArray[Any],
    basis: NDArray[np.int64],
    rng: np.random.Generator,
    tolerance: float,
    tie: NDArray[Any],
) -> Vertex:
    """The optimal vertex; ``inside`` is the first window, and widened."""
    if inside.all():
        return _pivots(reduced, basis, rng, tolerance, tie)
    n_pivots = 0
    u = np.where(r > 0, reduced.high, reduced.low)
    while True:
        some = np.flatnonzero(inside)
        u[some] = 0
        g = reduced.g + u @ reduced.Z
        positions = np.searchsorted(some, basis)
        vertex = _pivots(reduced.part(some, g), positions, rng, tolerance, tie[some])
        n_pivots += vertex.n_pivots
        basis = some[vertex.basis]
        r = reduced.y - reduced.Z @ vertex.w
        # A row at zero to rounding may be at either bound.
        wrong = (u * r < 0) & (np.abs(r) > tie)
        if not wrong.any():
            u[some] = vertex.u
            r[some] = vertex.r
            return Vertex(basis, vertex.inverse, vertex.w, r, u, n_pivots)
        inside |= wrong


def _pivots(
    reduced: Reduced,
    basis: NDArray[np.int64],
    rng: np.random.Generator,
    tolerance: float,
    tie: NDArray[Any],
) -> Vertex:
    return crossover(reduced.Z, reduced.y, reduced.low, reduced.high, reduced.g, basis, rng, tolerance, tie)


def basis_near(reduced: Reduced, close: InteriorPoint) -> NDArray[np.int64]:
    """The rows that an interior point is about to interpolate; Unbounded if they do not span."""
    basis = independent_rows(reduced.Z, close.certainty)
    if basis is None:
        raise Unbounded
    return basis
