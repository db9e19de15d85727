r"""Folds rows about a fit, except those whose residual may change sign.

A row that keeps its sign has a loss that is linear in w, so that of all folded rows together only the pull::

    sum_i (tau - [r_i < 0]) z_i

counts. The loss with rows folded is nowhere above that of all rows, both are convex, and about a vertex at
which every folded row keeps its sign they are the same function, with the same slopes: what is found between
two such vertices holds of all rows.

1. Z = Q R. A move d of the coefficients changes r_i by at most |q_i| |R d|: rows with the least |r_i| / |q_i|
   are kept, as many as a move to the end of a rank interval is expected to pass.
2. What is found of these is looked at with all rows. Where one has crossed, four times as many are kept.

Source: Portnoy and Koenker (1997), whose "globs" these are.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from treadle.l1.inference.parametric_path import ROUNDING, Kink, Table, Vertex

Matrix = NDArray[np.float64]
# Rows kept, of those expected to be passed; how many times as many come next; and how many times as many rows
# there are at least that folding is worth it.
MARGIN, GROWTH, WORTH = 1.5, 4, 2


@dataclass(frozen=True)
class Folded:
    """The kept rows, the others' sum (P,), all rows and their sides.

    A side is 1 of a folded row above the fit, -1 of one below it, and 0 of a row that is kept.
    """

    table: Table
    pull: Matrix
    whole: Table
    side: NDArray[np.int8]

    def holds(self, *kinks: Kink) -> bool:
        """Say whether all folded rows surely keep their sign at these kinks.

        Sure is what rounding cannot have made.
        """
        if not self.side.any():
            return True
        y, unsure = (
            self.whole.y,
            np.max([kink.w_rounding + ROUNDING * np.abs(kink.w) for kink in kinks], axis=0),
        )
        rounding = self.whole.noise + ROUNDING * np.abs(y) + self.whole.size @ unsure
        rounding[self.side == 0] = -math.inf
        return all(bool((self.side * (y - self.whole.Z @ kink.w) > rounding).all()) for kink in kinks)


class Foldings:
    """Foldings of the same rows, each folding fewer, the last none."""

    def __init__(self, table: Table, estimate: Vertex, critical: float) -> None:
        """Plan foldings about an estimate, until a standardised statistic is ``critical``."""
        self.whole = table
        N, P = table.Z.shape
        tau = table.quantile
        # With one density f of all errors a move has |R d| = critical sqrt(tau (1 - tau)) / f, and passes
        # 2 f |R d| sum_i |q_i| rows at most, in which sum_i |q_i| <= sqrt(P N).
        passed = 2 * critical * math.sqrt(tau * (1 - tau) * P * N)
        self._sizes = [math.ceil(MARGIN * passed) + P]
        while WORTH * self._sizes[-1] < N:
            self._sizes.append(GROWTH * self._sizes[-1])
        self._sizes[-1] = N
        self._made: dict[int, Folded] = {}
        if len(self._sizes) > 1:
            now = table.residuals(estimate.basis)
            self._above = now.real > 0
            away = np.maximum(np.abs(now.real) - now.rounding, 0.0)
            lengths = np.sqrt((np.linalg.qr(table.Z)[0] ** 2).sum(axis=1))
            self._reached_at = np.divide(away, lengths, out=np.full(N, math.inf), where=lengths > 0)

    def __iter__(self) -> Iterator[Folded]:
        for size in self._sizes:
            if size not in self._made:
                self._made[size] = self._kept(size)
            yield self._made[size]

    def _kept(self, size: int) -> Folded:
        """Keep ``size`` rows, more where many lie on the fit; fold the others."""
        table, (N, P) = self.whole, self.whole.Z.shape
        if size == N:
            return Folded(table, np.zeros(P), table, np.zeros(N, np.int8))
        kept = self._reached_at <= np.partition(self._reached_at, size)[size]
        side = np.where(kept, 0, np.where(self._above, 1, -1)).astype(np.int8)
        pull = table.Z.T @ np.where(kept, 0.0, table.quantile - (side < 0))
        few = Table(
            table.Z[kept],
            table.size[kept],
            table.y[kept],
            table.noise[kept],
            table.delta[kept],
            table.quantile,
        )
        return Folded(few, pull, table, side)
