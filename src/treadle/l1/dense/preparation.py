r"""Prepares columns for doubles: centres them, and separates those that nearly cancel.

1. With an intercept, a column that is far from zero beside its spread is measured from one of its own values
   m_j. Within a factor of 2 of it x - m_j is exact (Sterbenz 1974), so nothing is lost.
2. A column of which the others leave less than 1e-8 is replaced by what they leave of it, x_j - sum a_k x_k,
   computed in twice the precision of a double. The vertex of the new columns interpolates the same rows.
3. Where that is no more than the rounding of the entries themselves, the column depends on the others as far
   as anybody can tell, and is left out: its coefficient is 0. A column of full mantissas has entries rounded
   to half a unit in the last place; whole numbers, counts and the like are taken as exact.

This serves the solver alone. What is proved is proved of the rows as they came.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Generic

import numpy as np
from numpy.typing import NDArray

from treadle.errors import CertificateFailed
from treadle.l1.dense.coordinates import DEPENDENT_BELOW, column_scales, coordinates_of
from treadle.l1.dense.double_double import Pair, difference_is_exact, minus_products
from treadle.l1.sources.rows import ArrayRows, Chunk, Result, Rows

# A column is centred if its first value is larger than so many times its spread.
FAR = 1024.0
# Roundings of entries that a dependent column may be off by.
ROUNDINGS = 4
# A column of which the others leave as much is fit.
CLEAR = 1e-7
UNIT = 2.0**-53
# What sums in twice the precision are off by, in shares of what they are sums of.
NOISE = 2.0**-90
REFINEMENTS = 3


class NearlyDependent(Exception):
    """Raised where columns are too near to dependent to be solved."""


@dataclass(frozen=True)
class Prepared:
    """Rows that are prepared for the solver.

    ``columns`` are those of ``rows`` among all; ``exact`` says that they are x - centre.
    """

    rows: Rows
    centre: NDArray[np.float64]
    columns: NDArray[np.int64]
    exact: bool
    n_features: int

    def start(self, start: NDArray[np.float64] | None) -> NDArray[np.float64] | None:
        """Return a guess of coefficients and the intercept at the centre."""
        if start is None or not self.centre.any():
            return start
        return np.append(start[:-1], start[-1] + self.centre @ start[:-1])


def prepared(rows: Rows, fit_intercept: bool) -> Prepared:
    """1. Centre the rows where that is needed."""
    D = rows.n_features
    centre = np.zeros(D)
    if fit_intercept and D:
        some = rows.some().weighted()
        # Near zero, as most tables are, the first row tells.
        if len(some) and np.abs(some.X[0]).max() >= FAR:
            X = np.asarray(some.X, np.float64)
            first = X[0]
            with np.errstate(all="ignore"):
                far = np.abs(first) > FAR * np.abs(X - first).max(axis=0)
            far &= np.isfinite(X).all(axis=0) & (np.abs(first) >= FAR)
            centre = np.where(far, first, 0.0)
    everything = np.arange(D)
    if not centre.any():
        return Prepared(rows, centre, everything, True, D)
    if not isinstance(rows, ArrayRows):
        return Prepared(CentredRows(rows, centre), centre, everything, False, D)
    with np.errstate(all="ignore"):
        X = np.asarray(rows.X, np.float64) - centre
        exact = difference_is_exact(np.asarray(rows.X, np.float64), centre)
    return Prepared(ArrayRows(X, rows.y, rows.weight), centre, everything, exact, D)


class CentredRows(Rows):
    """Rows less a centre, computed as they are read."""

    def __init__(self, rows: Rows, centre: NDArray[np.float64]) -> None:
        self.rows, self.centre = rows, centre
        self.n_rows, self.n_features = rows.n_rows, rows.n_features
        self.in_memory, self.passes_per_sample = rows.in_memory, rows.passes_per_sample

    def take(self, indices: NDArray[np.int64]) -> Chunk:
        """See ``Rows.take``."""
        return _centred(self.rows.take(indices), self.centre)

    def chunks(self) -> Iterator[Chunk]:
        """See ``Rows.chunks``."""
        return (_centred(chunk, self.centre) for chunk in self.rows.chunks())

    def some(self) -> Chunk:
        """See ``Rows.some``."""
        return _centred(self.rows.some(), self.centre)

    def sample(self, size: int, rng: np.random.Generator) -> Chunk:
        """See ``Rows.sample``."""
        return _centred(self.rows.sample(size, rng), self.centre)

    def map(self, function: Callable[[Chunk], Result]) -> Iterator[Result]:
        """See ``Rows.map``."""
        return self.rows.map(_OfCentred(function, self.centre))

    def total_weight(self) -> float:
        """See ``Rows.total_weight``."""
        return self.rows.total_weight()


@dataclass(frozen=True)
class _OfCentred(Generic[Result]):
    """A function of chunks, applied after the centre is subtracted."""

    function: Callable[[Chunk], Result]
    centre: NDArray[np.float64]

    def __call__(self, chunk: Chunk) -> Result:
        return self.function(_centred(chunk, self.centre))


def _centred(chunk: Chunk, centre: NDArray[np.float64]) -> Chunk:
    return Chunk(chunk.indices, np.asarray(chunk.X, np.float64) - centre, chunk.y, chunk.weight)


def disentangled(before: Prepared, raw: Rows, fit_intercept: bool) -> Prepared:
    """2. and 3. Leave out or replace columns that depend on others.

    A replaced one becomes what the others leave of it.

    Raises
    ------
    CertificateFailed
        If that would take rows in memory, and they are not.
    """
    D = before.n_features
    arrays = before.rows if isinstance(before.rows, ArrayRows) else None
    sample = before.rows.some().weighted()
    kept, changed, least, _ = _untangled(sample, raw.some().weighted(), fit_intercept)
    if arrays is not None and (changed or least > DEPENDENT_BELOW):
        whole = arrays.whole().weighted()
        assert isinstance(raw, ArrayRows)  # prepared rows are of the kind that the raw ones are
        kept, changed, least, X = _untangled(whole, raw.whole().weighted(), fit_intercept)
        columns = np.array(kept, np.int64)
        if changed:
            everything = np.zeros((arrays.n_rows, len(kept)), order="F")
            everything[whole.indices] = X[:, kept]
            return Prepared(ArrayRows(everything, arrays.y, arrays.weight), before.centre, columns, False, D)
        if len(kept) < D:
            rows = ArrayRows(np.asfortranarray(arrays.X[:, kept]), arrays.y, arrays.weight)
            return Prepared(rows, before.centre, columns, before.exact, D)
    elif changed:
        raise CertificateFailed(_remedy(sample, changed[0], kept, fit_intercept))
    return before  # the solver leaves out by itself what nothing is left of


def _untangled(
    chunk: Chunk, raw: Chunk, fit_intercept: bool
) -> tuple[list[int], list[int], float, NDArray[np.float64]]:
    """Choose the columns to keep, and replace those that nearly depend.

    Returned are the columns kept; those of them that were replaced; the largest share of one left out; and
    all columns, scaled.
    """
    X = np.array(chunk.X, np.float64, order="F")
    scales = column_scales(X)
    X *= scales
    rounding = _roundings(np.asarray(raw.X, np.float64)) * scales
    kept: list[int] = []
    changed: list[int] = []
    largest_share = 0.0
    for j in range(X.shape[1]):
        coordinates = coordinates_of(X[:, [*kept, j]], fit_intercept, False)
        if coordinates.least_share >= CLEAR and coordinates.size == len(kept) + 1 + fit_intercept:
            kept.append(j)
            continue
        rest, sizes, allowed = _left_by(X, kept, j, fit_intercept, rounding)
        largest = float(np.abs(rest).max(initial=0))
        if largest <= ROUNDINGS * allowed + NOISE * sizes:
            largest_share = max(largest_share, coordinates.least_share if X[:, j].any() else 0.0)
            continue
        X[:, j] = rest / largest
        kept.append(j)
        changed.append(j)
    return kept, changed, largest_share, X


def _roundings(X: NDArray[np.float64]) -> NDArray[np.float64]:
    """Estimate how far each column's entries may have been rounded.

    It is half a last place of the largest, and 0 if all entries are multiples of eight last places of it.
    """
    largest = np.abs(X).max(axis=0, initial=0)
    place = np.spacing(largest)
    with np.errstate(all="ignore"):
        coarse = X / (8 * place)
    whole = (coarse == np.rint(coarse)).all(axis=0)
    return np.where(whole | (largest == 0), 0.0, place / 2)


def _left_by(
    X: NDArray[np.float64], kept: list[int], j: int, fit_intercept: bool, rounding: NDArray[np.float64]
) -> tuple[NDArray[np.float64], float, float]:
    """Compute what others leave of column j, with its scale and rounding.

    The scale is the size of the terms; the rounding is what that of the entries comes to.
    """
    others = np.column_stack([np.ones((len(X), int(fit_intercept))), X[:, kept]])
    rest: Pair = (X[:, j].copy(), np.zeros(len(X)))
    factors = np.zeros(others.shape[1])
    for _ in range(REFINEMENTS):
        step = np.linalg.lstsq(others, rest[0], rcond=None)[0]
        rest = minus_products(rest, others, step)
        factors += step
    sizes = float((np.abs(X[:, j]) + np.abs(others) @ np.abs(factors)).max(initial=0))
    of_others = np.concatenate([np.zeros(int(fit_intercept)), rounding[kept]])
    return rest[0] + rest[1], sizes, float(rounding[j] + np.abs(factors) @ of_others)


def _remedy(centred: Chunk, j: int, kept: list[int], fit_intercept: bool) -> str:
    """Find a difference of columns that doubles can solve, and advise it.

    Where there is none so simple, the advice is general.
    """
    text = (
        f"feature {j} is too near to a combination of the others for rows that memory does not hold: what "
        "they leave of it is less than 1e-8 of its size. "
    )
    X = np.asarray(centred.X, np.float64)
    for k in (k for k in kept if k != j):
        tried = X.copy()
        tried[:, j] -= X[:, k]
        if coordinates_of(tried * column_scales(tried), fit_intercept, False).least_share >= CLEAR:
            return (
                text + f"Replace feature {j} by its difference from feature {k}, which was tried and serves"
            )
    return text + "Leave it out, or replace it by its difference from what it follows"
