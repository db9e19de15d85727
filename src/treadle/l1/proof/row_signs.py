r"""One pass over the rows: proved signs of residuals, and exact sums over the rows that have one.

For the doubles (w, b) and a vertex w* that is within ``distance`` of them, coordinate by coordinate::

    |r_i(w*) - fl(r_i)| <= gamma (|y_i| + |b| + |x_i - m|'|w|) + |x_i - m|'distance + distance_0           (1)

m being the centre, gamma = (D + 6) 2^-53 for products of D terms and the subtraction of m (Higham 2002, 3.1).
Where |fl(r_i)| is larger, the exact residual at w*, and at w, has its sign. The other rows are few; they are
handed back as they are. Sums of sign, weight and entry are exact (``column_sums``).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from treadle.errors import InvalidInput
from treadle.l1.proof.basis_system import UNIT, UP
from treadle.l1.proof.column_sums import exact_sums, exact_weighted_sums
from treadle.l1.sources.rows import Chunk

# More than what underflow takes from a sum of fewer than 2^20 products.
UNDERFLOW = 1e-300


@dataclass(frozen=True)
class Sums:
    """Over some rows: of c, of c s and c s (x, y) where s is the sign, and of c (x, y) if tau is not 1/2."""

    weight: Fraction
    signed_weight: Fraction
    signed: list[Fraction]
    plain: list[Fraction] | None

    def plus(self, other: Sums) -> Sums:
        """Both together."""
        plain = None
        if self.plain is not None and other.plain is not None:
            plain = _added(self.plain, other.plain)
        return Sums(
            self.weight + other.weight,
            self.signed_weight + other.signed_weight,
            _added(self.signed, other.signed),
            plain,
        )


@dataclass(frozen=True)
class RowSigns:
    """What one chunk gives: ``loss`` bounds its losses from above, ``open_rows`` have no proved sign.

    ``guesses`` are the likely signs of these, 0 for the basis.
    """

    sums: Sums
    loss: float
    open_rows: Chunk
    total_weight: Fraction
    wrong_side: int = 0
    guesses: NDArray[np.int8] = field(default_factory=lambda: np.empty(0, np.int8))


def _added(a: list[Fraction], b: list[Fraction]) -> list[Fraction]:
    return [x + y if y else x for x, y in zip(a, b, strict=True)]


@dataclass(frozen=True)
class SignPass:
    """The pass over a chunk; arrays (D,) are of all features, ``kept`` names those in the sums.

    ``side`` (N,) are the signs that somebody claims, or None; ``basis`` (ascending) has the rows whose
    residual is zero by definition.
    """

    coef: NDArray[Any]
    intercept: float
    centre: NDArray[Any] | None
    distance: NDArray[Any]
    intercept_distance: float
    quantile: float
    kept: NDArray[np.int64] | None
    basis: NDArray[np.int64]
    side: NDArray[np.int8] | None

    def __call__(self, chunk: Chunk) -> RowSigns:
        """See ``RowSigns``."""
        with np.errstate(all="ignore"):
            return self._signs(chunk)

    def _signs(self, chunk: Chunk) -> RowSigns:
        X = chunk.X
        if self.centre is not None:
            X = np.asarray(X, np.float64) - self.centre
        y = chunk.y.astype(np.float64)
        r = y - np.asarray(X @ self.coef) - self.intercept
        gamma = (len(self.coef) + 6) * UNIT * UP
        # Rounded up, since the product with a subnormal coefficient may be lost, and entries be large.
        of_coef = np.where(self.coef == 0, 0.0, np.nextafter(gamma * np.abs(self.coef), np.inf))
        per_entry = (of_coef + self.distance) * UP
        error = np.asarray(abs(X) @ per_entry) * UP + gamma * (np.abs(y) + abs(self.intercept))
        error = (error + (self.intercept_distance + UNDERFLOW)) * UP
        # NaN is not; nor is infinity, which sums may pass on the way to a number of the other sign.
        decided = (np.abs(r) > error) & np.isfinite(r)
        refuse_not_finite(chunk, np.flatnonzero(~np.isfinite(r)))
        counted = np.ones(len(chunk), bool) if chunk.weight is None else chunk.weight > 0
        at = np.searchsorted(self.basis, chunk.indices)
        in_basis = np.append(self.basis, -1)[np.minimum(at, len(self.basis))] == chunk.indices
        decided &= counted & ~in_basis
        sign = np.where(r > 0, 1.0, -1.0)
        wrong = 0
        if self.side is not None:
            wrong = int((decided & (self.side[chunk.indices] * sign < 0)).sum())
        weight = np.ones(len(chunk)) if chunk.weight is None else chunk.weight
        largest = np.abs(r) + error
        losses = 2 * weight * np.where(r > 0, self.quantile, 1 - self.quantile) * largest + 2 * weight * error
        losses = losses[counted]
        # Infinite, where that is all that is known; not less than what underflows.
        loss = float(losses.sum()) * (1 + (2 * len(losses) + 8) * UNIT) + UNDERFLOW
        rest = np.flatnonzero(counted & ~decided)
        return RowSigns(
            self.sums_of(chunk, np.where(decided, sign, 0)),
            loss,
            chunk.take(rest),
            Fraction(len(chunk)) if chunk.weight is None else _exact_sum(weight),
            wrong,
            np.where(in_basis, 0, np.where(r > 0, 1, -1)).astype(np.int8)[rest],
        )

    def sums_of(self, chunk: Chunk, sign: NDArray[Any]) -> Sums:
        """The exact sums over rows whose sign is not 0."""
        X = chunk.X if self.kept is None else chunk.X[:, self.kept]
        if sparse.issparse(X):
            some = sign != 0
            values: Any = sparse.hstack([X, sparse.csr_array(chunk.y[:, None])], format="csr")[some]
        else:
            some = slice(None)
            values = np.empty((len(chunk), X.shape[1] + 1), order="F")
            values[:, :-1] = X
            values[:, -1] = chunk.y
        sign = sign[some]
        if chunk.weight is None:
            sums = Fraction(int(np.count_nonzero(sign))), Fraction(int(sign.sum()))
            counted, signed = np.abs(sign), sign
        else:
            counted = np.where(sign != 0, chunk.weight[some], 0)
            signed = sign * counted
            sums = _exact_sum(counted), _exact_sum(signed)
        return Sums(
            *sums,
            exact_weighted_sums(signed, values),
            None if self.quantile == 0.5 else exact_weighted_sums(counted, values),
        )


def refuse_not_finite(chunk: Chunk, places: NDArray[np.int64]) -> None:
    """InvalidInput if some rows of a chunk hold a value that is not finite."""
    if not len(places):
        return
    for name, values in (("X", chunk.X), ("y", chunk.y)):
        some: Any = values[places]
        some = some.toarray() if sparse.issparse(some) else some
        finite = np.isfinite(some.reshape(len(places), -1)).all(axis=1)
        if not finite.all():
            raise InvalidInput(
                f"row {chunk.indices[places[np.argmin(finite)]]} of {name} holds a value that is not a "
                "finite number; pass what was fitted"
            )


def _exact_sum(values: NDArray[Any]) -> Fraction:
    return exact_sums(values[:, None])[0]
