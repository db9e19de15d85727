r"""Proves residuals' signs in one pass, and sums the signed rows exactly.

For the doubles (w, b) and a vertex w* that is within ``distance`` of them, coordinate by coordinate::

    |r_i(w*) - fl(r_i)| <= gamma (|y_i| + |b| + |x_i - m|'|w|) + |x_i - m|'distance + distance_0           (1)

m being the centre, gamma = (D + 6) 2^-53 for products of D terms and the subtraction of m (Higham 2002, 3.1).
Where |fl(r_i)| is larger, the exact residual at w*, and at w, has its sign. The other rows are few; they are
handed back as they are. Sums of sign, weight and entry are exact (``column_sums``).
"""

from __future__ import annotations

import math
from bisect import bisect_left
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from treadle.errors import InvalidInput
from treadle.l1.proof.basis_system import UNIT, UP
from treadle.l1.proof.column_sums import exact_sums, exact_weighted_sums, sums_in_place
from treadle.l1.proof.scaled_integers import ScaledIntegers
from treadle.l1.sources.rows import Chunk
from treadle.maths.dtypes import Floats

# More than what underflow takes from a sum of fewer than 2^20 products.
UNDERFLOW = 1e-300


@dataclass(frozen=True)
class Sums:
    """Exact sums over some rows, s being the sign of the residual.

    They are of (c, c s), of c s (x, y), and of c (x, y) if tau is not 1/2.
    """

    weights: ScaledIntegers
    signed: ScaledIntegers
    plain: ScaledIntegers | None

    def plus(self, other: Sums) -> Sums:
        """Add both together."""
        plain = None
        if self.plain is not None and other.plain is not None:
            plain = self.plain.plus(other.plain)
        return Sums(self.weights.plus(other.weights), self.signed.plus(other.signed), plain)


@dataclass(frozen=True)
class RowSigns:
    """The result of one chunk: sums, loss, open rows and weight.

    ``loss`` bounds its losses from above, ``open_rows`` have no proved sign.

    ``open_residuals`` are theirs, as doubles have them.
    """

    sums: Sums
    loss: float
    open_rows: Chunk
    total_weight: Fraction
    wrong_side: int
    open_residuals: NDArray[np.float64]


@dataclass(frozen=True)
class SignPass:
    """The pass over a chunk, which proves signs by (1).

    Arrays (D,) are of all features, ``kept`` names those in the sums. ``side`` (N,) are the signs that
    somebody claims, or None; ``basis`` (ascending) has the rows whose residual is zero by definition.
    """

    coef: NDArray[np.float64]
    intercept: float
    centre: NDArray[np.float64] | None
    distance: NDArray[np.float64]
    intercept_distance: float
    quantile: float
    kept: NDArray[np.int64] | None
    basis: NDArray[np.int64]
    side: NDArray[np.int8] | None

    def __call__(self, chunk: Chunk) -> RowSigns:
        """See ``RowSigns``."""
        with np.errstate(all="ignore"):
            return self._signs(chunk)

    @cached_property
    def _gamma(self) -> float:
        return (len(self.coef) + 6) * UNIT * UP

    @cached_property
    def _per_entry(self) -> NDArray[np.float64]:
        """The factor of an entry's share of (1)."""
        # Rounded up, since the product with a subnormal coefficient may be lost, and entries be large.
        of_coef = [math.nextafter(self._gamma * abs(w), math.inf) if w else 0.0 for w in self.coef.tolist()]
        return np.asarray((np.array(of_coef) + self.distance) * UP)

    @cached_property
    def _basis_names(self) -> list[int]:
        return list(self.basis.tolist())

    def _signs(self, chunk: Chunk) -> RowSigns:
        X = chunk.X
        if self.centre is not None:
            X = np.asarray(X, np.float64) - self.centre
        y = chunk.y.astype(np.float64, copy=False)
        r = y - np.asarray(X @ self.coef) - self.intercept
        error = np.asarray(abs(X) @ self._per_entry) + self._gamma * (np.abs(y) + abs(self.intercept))
        error = (error + (self.intercept_distance + UNDERFLOW)) * (UP * UP)
        sizes = np.abs(r)
        # NaN is not; nor is infinity, which sums may pass on the way to a number of the other sign.
        decided = sizes > error
        if not sizes.max(initial=0) < np.inf:
            decided &= np.isfinite(r)
            refuse_not_finite(chunk, np.flatnonzero(~np.isfinite(r)))
        counted = None if chunk.weight is None else chunk.weight > 0
        if counted is not None:
            decided &= counted
        decided[self._basis_in(chunk.indices)] = False
        sign = np.copysign(decided, r)
        wrong = 0
        if self.side is not None:
            wrong = int(np.count_nonzero(self.side[chunk.indices] * sign < 0))
        rest = np.flatnonzero(~decided if counted is None else counted & ~decided)
        open_rows = chunk.take(rest)
        total_weight = Fraction(len(chunk))
        if chunk.weight is not None:
            (total_weight,) = exact_sums(chunk.weight[:, None]).fractions()
        return RowSigns(
            self.sums_of(chunk, sign),
            self._loss(r, sizes, error, chunk.weight),
            open_rows,
            total_weight,
            wrong,
            r[rest],
        )

    def guesses(self, found: RowSigns) -> NDArray[np.int8]:
        """Return the likely signs of the open rows, 0 for the basis."""
        guesses = np.where(found.open_residuals > 0, 1, -1).astype(np.int8)
        guesses[self._basis_in(found.open_rows.indices)] = 0
        return guesses

    def _loss(
        self,
        r: NDArray[np.float64],
        sizes: NDArray[np.float64],
        error: NDArray[np.float64],
        weight: NDArray[np.float64] | None,
    ) -> float:
        """Bound the losses of some rows from above.

        Given are their residuals and the errors of these.
        """
        if self.quantile == 0.5:
            losses = sizes + error
        else:
            # The slope on the other side of zero is at most 2, and what it is wrong for at most the error.
            losses = 2 * np.where(r > 0, self.quantile, 1 - self.quantile) * (sizes + error) + 2 * error
        if weight is not None:
            losses = (losses * weight)[weight > 0]
        # Infinite, where that is all that is known; not less than what underflows.
        return float(losses.sum()) * (1 + (2 * len(losses) + 8) * UNIT) + UNDERFLOW

    def _basis_in(self, indices: NDArray[np.int64]) -> NDArray[np.int64]:
        """Find the rows of the basis among some rows."""
        if len(indices) and len(self.basis):
            # In a block without a gap, as most are, they are where they should be.
            first, last = int(indices[0]), int(indices[-1])
            if last - first == len(indices) - 1:
                names = self._basis_names
                some = names[bisect_left(names, first) : bisect_left(names, last + 1)]
                places = np.array(some, np.int64) - first
                if indices[places].tolist() == some:
                    return places
        at = np.searchsorted(self.basis, indices)
        return np.flatnonzero(np.append(self.basis, -1)[at] == indices)

    def sums_of(self, chunk: Chunk, sign: NDArray[np.float64]) -> Sums:
        """Sum exactly over rows whose sign is not 0."""
        X = chunk.X if self.kept is None else chunk.X[:, self.kept]
        plain = self.quantile != 0.5
        if chunk.weight is None and not sparse.issparse(X):
            return self._sums_of_signs(X, chunk.y, sign, plain)
        if sparse.issparse(X):
            some: slice | NDArray[np.bool_] = sign != 0
            values: NDArray[np.float64] | sparse.csr_array = sparse.hstack(
                [X, sparse.csr_array(chunk.y[:, None])], format="csr"
            )[some]
        else:
            some = slice(None)
            values = np.empty((len(chunk), X.shape[1] + 1), order="F")
            values[:, :-1] = X
            values[:, -1] = chunk.y
        sign = sign[some]
        counted = np.abs(sign)
        if chunk.weight is not None:
            counted = np.where(sign != 0, chunk.weight[some], 0)
        signed = sign * counted
        return Sums(
            exact_sums(np.column_stack([counted, signed])),
            exact_weighted_sums(signed, values),
            exact_weighted_sums(counted, values) if plain else None,
        )

    @staticmethod
    def _sums_of_signs(X: Floats, y: Floats, sign: NDArray[np.float64], plain: bool) -> Sums:
        """Sum where all weights are 1."""
        n_positive = int(np.count_nonzero(sign > 0))
        n_signed = int(np.count_nonzero(sign))
        both = []
        for factor in (sign, np.abs(sign))[: 1 + plain]:
            terms = np.empty((X.shape[1] + 1, len(y)))
            np.multiply(X.T, factor, out=terms[:-1])
            np.multiply(y, factor, out=terms[-1])
            both.append(sums_in_place(terms))
        weights = ScaledIntegers(np.array([n_signed, 2 * n_positive - n_signed], object), 0)
        return Sums(weights, both[0], both[1] if plain else None)


def refuse_not_finite(chunk: Chunk, places: NDArray[np.int64]) -> None:
    """Raise InvalidInput if a chunk's row holds a value that is not finite."""
    if not len(places):
        return
    for name, values in (("X", chunk.X), ("y", chunk.y)):
        some = values[places]
        some = some.toarray() if hasattr(some, "toarray") else some
        finite = np.isfinite(some.reshape(len(places), -1)).all(axis=1)
        if not finite.all():
            raise InvalidInput(
                f"row {chunk.indices[places[np.argmin(finite)]]} of {name} holds a value that is not a "
                "finite number; pass what was fitted"
            )
