"""Screens all rows in one pass: keeps some, and folds the others.

Those are kept that a better solution may cross; the others become one vector.

From a guess theta_0, |x_i'(w - w_0)| <= |z_i| |theta - theta_0|, z being the rows in ``coordinates``.
So a row with |r_i| > T |z_i| keeps the sign of its residual until theta has moved by more than T: its loss is
linear on that ball, and all such rows fold into sum u_i (1, x_i), u_i being the bound of its dual value on
that side. The compiled pass copies no row.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from treadle.errors import CertificateFailed, InvalidInput
from treadle.hardware.native import l1
from treadle.hardware.native.extension import kernels_if_built
from treadle.hardware.processors import usable_threads
from treadle.l1.dense.coordinates import Coordinates, row_lengths
from treadle.l1.proof.pinball import dual_bounds
from treadle.l1.sources.rows import ArrayRows, Chunk, Rows, Subset


@dataclass(frozen=True)
class Screen:
    """The request of a pass: guess, radius T, tau and whether to note sides."""

    coordinates: Coordinates
    theta: NDArray[np.float64]
    radius: float
    quantile: float
    sides: bool = True

    def __call__(self, chunk: Chunk) -> Screened:
        """Screen one chunk."""
        Z = self.coordinates.of(chunk.X)
        r = chunk.y - Z @ self.theta
        lengths = row_lengths(Z)
        weight = np.ones(len(chunk)) if chunk.weight is None else chunk.weight
        with np.errstate(invalid="ignore"):  # no radius is too large, but for rows of zeros
            keep = np.abs(r) <= self.radius * lengths
        refuse_not_finite(r, chunk)
        keep &= weight > 0
        low, high = dual_bounds(weight, self.quantile)
        u = np.where(r > 0, high, low)
        u[keep] = 0
        fold = np.concatenate(([u.sum()], u @ np.asarray(chunk.X, np.float64)))
        kept = Subset.of(chunk.take(np.flatnonzero(keep)))
        side = np.sign(u).astype(np.int8) if self.sides else None
        return Screened(kept, fold, float(u @ r), float(np.abs(u).sum()), side)


@dataclass(frozen=True)
class Screened:
    """The rows kept, and the sum of the folded others.

    ``fold`` (1 + D,) is their sum of u_i (1, x_i), ``loss`` their sum of losses at the guess, ``size`` that
    of |u_i|, and ``side`` (n,) int8 the sign of every row's u_i, 0 for those kept, or None if not requested.
    """

    kept: Subset
    fold: NDArray[np.float64]
    loss: float
    size: float
    side: NDArray[np.int8] | None


def refuse_not_finite(r: NDArray[np.float64], chunk: Chunk) -> None:
    """Refuse rows with residuals that are not finite; name the row.

    Finite residuals say that the data are finite.

    Raises
    ------
    InvalidInput
        If the row holds NaN or infinity.
    CertificateFailed
        If its numbers are finite, and their sum is not.
    """
    finite = np.isfinite(r)
    if finite.all():
        return
    i = int(np.flatnonzero(~finite)[0])
    X = np.asarray(chunk.X[i])
    if np.isfinite(chunk.y[i]) and np.isfinite(X).all():
        raise CertificateFailed(
            f"row {chunk.indices[i]} has a residual beyond the range of a double: y is {chunk.y[i]}, X {X}; "
            "scale or drop it"
        )
    raise InvalidInput(
        f"row {chunk.indices[i]} holds a value that is not a finite number (NaN or infinity): "
        f"y is {chunk.y[i]}, X {X}; drop such rows or fill them in first"
    )


def screen(rows: Rows, request: Screen) -> Screened:
    """Screen all rows in one pass."""
    kernels = kernels_if_built()
    if kernels is not None and isinstance(rows, ArrayRows | Subset):
        return _screen_natively(rows, request, kernels.standard)
    return merged(list(rows.map(request)))


def check(rows: Rows, request: Screen, screened: Screened, theta: NDArray[np.float64]) -> Subset:
    """Return the folded rows whose residual has another sign at ``theta``.

    It takes one more pass. None of them being left is what makes a solution of the rows kept one of all.
    """
    kernels = kernels_if_built()
    if kernels is not None and isinstance(rows, ArrayRows | Subset) and screened.side is not None:
        there = _native_request(rows, request, theta)
        return rows.subset(l1.on_another_side(there, screened.side, usable_threads().n, kernels.standard))
    crossed = Subset.of(Chunk.joined(list(rows.map(_Check(request, theta)))))
    return crossed.subset(np.flatnonzero(~np.isin(crossed.indices, screened.kept.indices)))


@dataclass(frozen=True)
class _Check:
    """Finds rows that ``request`` folds and whose residual changes sign.

    It does so from the request's guess to theta.
    """

    request: Screen
    theta: NDArray[np.float64]

    def __call__(self, chunk: Chunk) -> Chunk:
        Z = self.request.coordinates.of(chunk.X)
        before = chunk.y - Z @ self.request.theta
        after = chunk.y - Z @ self.theta
        lengths = row_lengths(Z)
        crossed = (np.abs(before) > self.request.radius * lengths) & (before * after < 0)
        if chunk.weight is not None:
            crossed &= chunk.weight > 0
        return chunk.take(np.flatnonzero(crossed))


@dataclass(frozen=True)
class FoldedSides:
    """The side of zero of rows that a screen folded.

    They are those that ``outer`` folded, or a screen about ``center`` (p,) among those it kept.
    """

    outer: Screen
    center: NDArray[np.float64]

    def __call__(self, chunk: Chunk) -> NDArray[np.float64]:
        """Return 1 or -1 for each row."""
        Z = self.outer.coordinates.of(chunk.X)
        r = chunk.y - Z @ self.outer.theta
        first = np.abs(r) > self.outer.radius * row_lengths(Z)
        return np.where(np.where(first, r, chunk.y - Z @ self.center) > 0, 1.0, -1.0)


def with_kept(screened: Screened, request: Screen, crossed: Subset) -> Screened:
    """Return the same screen with ``crossed`` kept as well, at the end."""
    folded = merged(list(crossed.map(replace(request, radius=0.0))))
    if screened.side is not None:
        screened.side[crossed.indices] = 0
    return Screened(
        Subset.joined([screened.kept, crossed]),
        screened.fold - folded.fold,
        screened.loss - folded.loss,
        screened.size - folded.size,
        screened.side,
    )


def _screen_natively(rows: ArrayRows | Subset, request: Screen, kernels: str) -> Screened:
    found = l1.screen(_native_request(rows, request, request.theta), usable_threads().n, kernels)
    if found.not_finite >= 0:
        refuse_not_finite(np.array([np.nan]), rows.take(np.array([found.not_finite])))
    fold = np.zeros(1 + rows.n_features)
    fold[0] = found.fold[0]
    fold[1 + request.coordinates.columns] = found.fold[1:]
    return Screened(rows.subset(found.rows), fold, found.loss, found.size, found.side)


def _native_request(
    rows: ArrayRows | Subset, request: Screen, theta: NDArray[np.float64]
) -> l1.ScreenRequest:
    coordinates = request.coordinates
    low, high = dual_bounds(np.ones(1), request.quantile)
    return l1.ScreenRequest(
        X=rows.X,
        y=rows.y,
        some=rows.positions if isinstance(rows, Subset) else None,
        weights=rows.weight,
        columns=coordinates.columns,
        A=np.ascontiguousarray(coordinates.A),
        w=coordinates.A @ theta,
        radius=request.radius,
        low=float(low[0]),
        high=float(high[0]),
    )


def merged(parts: list[Screened]) -> Screened:
    """Join the parts of a pass in their order."""
    sides = [part.side for part in parts]
    return Screened(
        Subset.joined([part.kept for part in parts]),
        np.sum([part.fold for part in parts], axis=0),
        sum(part.loss for part in parts),
        sum(part.size for part in parts),
        None if any(side is None for side in sides) else np.concatenate([s for s in sides if s is not None]),
    )
