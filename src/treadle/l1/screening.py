"""One pass over all rows: those that a better solution may cross are kept, the others become one vector.

From a guess theta_0, |x_i'(w - w_0)| <= |z_i| |theta - theta_0|, z being the rows in ``coordinates``.
So a row with |r_i| > T |z_i| keeps the sign of its residual until theta has moved by more than T: its loss is
linear on that ball, and all such rows fold into sum u_i (1, x_i), u_i being the bound of its dual value on
that side. No row is copied but those kept.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from treadle.errors import InvalidInput
from treadle.l1.coordinates import Coordinates
from treadle.l1.rows import Chunk, Rows


@dataclass(frozen=True)
class Screen:
    """What a pass is asked: the guess, its radius T, tau, and whether to note every row's side."""

    coordinates: Coordinates
    theta: NDArray[Any]
    radius: float
    quantile: float
    sides: bool = True

    def __call__(self, chunk: Chunk) -> Screened:
        """The pass over one chunk."""
        Z = self.coordinates.of(chunk.X)
        r = chunk.y - Z @ self.theta
        lengths = np.sqrt(np.einsum("ij,ij->i", Z, Z))
        weight = np.ones(len(chunk)) if chunk.weight is None else chunk.weight
        keep = np.abs(r) <= self.radius * lengths
        refuse_not_finite(r, chunk)
        keep &= weight > 0
        low, high = boxes(weight, self.quantile)
        u = np.where(r > 0, high, low)
        u[keep] = 0
        fold = np.concatenate(([u.sum()], u @ np.asarray(chunk.X, np.float64)))
        some = np.flatnonzero(keep)
        kept = Chunk(chunk.indices[some], chunk.X[some], chunk.y[some], weight[some])
        side = np.sign(u).astype(np.int8) if self.sides else None
        return Screened(kept, fold, float(u @ r), float(np.abs(u).sum()), side)


@dataclass(frozen=True)
class Screened:
    """The rows kept, and what the others come to.

    ``fold`` (1 + D,) is their sum of u_i (1, x_i), ``loss`` their sum of losses at the guess, ``size`` that
    of |u_i|, and ``side`` (n,) int8 the sign of every row's u_i, 0 for those kept, or None if not asked for.
    """

    kept: Chunk
    fold: NDArray[Any]
    loss: float
    size: float
    side: NDArray[np.int8] | None


def boxes(weight: NDArray[Any], quantile: float) -> tuple[NDArray[Any], NDArray[Any]]:
    """The bounds of the dual values: -2 (1 - tau) c and 2 tau c, -c and c for the median."""
    return -2 * (1 - quantile) * weight, 2 * quantile * weight


def refuse_not_finite(r: NDArray[Any], chunk: Chunk) -> None:
    """InvalidInput, naming the row unless all residuals are finite, which says that the data are."""
    finite = np.isfinite(r)
    if not finite.all():
        i = int(np.flatnonzero(~finite)[0])
        raise InvalidInput(
            f"row {chunk.indices[i]} holds a value that is not a finite number: y is {chunk.y[i]}, "
            f"X {np.asarray(chunk.X[i])}; drop such rows or fill them in first"
        )


def screen(rows: Rows, request: Screen) -> Screened:
    """One pass over all rows."""
    return merged(list(rows.map(request)))


def merged(parts: list[Screened]) -> Screened:
    """The parts of a pass as one, in their order."""
    kept = [part.kept for part in parts]
    sides = [part.side for part in parts]
    return Screened(
        Chunk(
            np.concatenate([c.indices for c in kept]),
            np.concatenate([c.X for c in kept]),
            np.concatenate([c.y for c in kept]),
            np.concatenate([c.weight for c in kept if c.weight is not None]),
        ),
        np.sum([part.fold for part in parts], axis=0),
        sum(part.loss for part in parts),
        sum(part.size for part in parts),
        None if any(side is None for side in sides) else np.concatenate([s for s in sides if s is not None]),
    )
