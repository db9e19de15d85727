r"""Solves a sparse basis's equations with a proof, as ``basis_system`` does dense ones.

Z (p, p) is put in block triangular form (``block_triangle``), scaled by powers of two. Blocks of one row are
quotients, the others have rounded inverses (``block_inverse``). Approximations v of Z x = b come from solving
block after block in doubles, with residuals b - Z v in integers, so that each step adds digits. In the same
order bounds are solved for::

    |x - v|_k <= M_k (|b - Z v|_k + sum_j |Z_kj| |x - v|_j),    M_k a bound of the inverse of block k      (1)

j being blocks before k. It may be many times as wide as what is left of b, but more digits of v cost little.

Where the exact solution is short it is found as well: approximated to many digits, its common denominator is
read off (as continued fractions are), numerators are rounded, and Z x = b is checked in integers (Wan 2006;
Steffy 2011). Dummies have denominators of 1, and their ties are decided so, however many there are.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from treadle.l1.proof.basis_system import (
    LEAST,
    UNIT,
    UP,
    Enclosed,
    in_units,
    integers_of,
    whole_above,
)
from treadle.l1.proof.block_inverse import BlockInverse
from treadle.l1.proof.block_triangle import Level, block_triangle
from treadle.l1.proof.rational_solve import Singular
from treadle.l1.proof.scaled_integers import ScaledIntegers, as_float
from treadle.l1.proof.sparse_integers import SparseIntegers

# Bits of v beyond the leading one of its least number, and of how much a bound may grow besides.
KEPT_BITS, MOST_GROWTH = 160, 2000
# Summands for which UP is enough.
MOST_UNKNOWNS = 1 << 20
# Times that the rows and the columns are scaled in turn.
SCALINGS = 20
# Bits of a fraction from which a denominator is read off, one after the other.
BITS_OF_FRACTIONS = (192, 768, 3072)


@dataclass(frozen=True)
class _Equations:
    """The equations of one level: its rows without what blocks before give."""

    level: Level
    off: sparse.csr_array
    diagonal: NDArray[np.float64]
    blocks: tuple[tuple[slice, BlockInverse], ...]


class _Sweep:
    """Solves a scaled matrix's levels in order.

    Parameters
    ----------
    Z : csr_array of shape (p, p)
        Or the transposed one, whose levels are ``levels`` then.
    inverses : for each level, those of its blocks of several rows
    """

    def __init__(
        self, Z: sparse.csr_array, levels: list[Level], inverses: list[list[BlockInverse]], transposed: bool
    ) -> None:
        self.transposed = transposed
        solved = np.zeros(Z.shape[0], bool)
        self.equations = []
        for level, found in zip(levels, inverses, strict=True):
            rows = Z[level.rows]
            own = np.full(Z.shape[0], -1)
            own[level.columns[: level.n_single]] = np.arange(level.n_single)
            for number, block in enumerate(level.blocks()):
                own[level.columns[block]] = level.n_single + number
            of_row = np.concatenate(
                [np.arange(level.n_single), np.repeat(level.n_single + np.arange(len(found)), level.sizes)]
            )
            entry_row = np.repeat(np.arange(len(level.rows)), np.diff(rows.indptr))
            inside = own[rows.indices] == of_row[entry_row]
            # What is not in a row's own block has been solved for: the proof rests on that.
            if not solved[rows.indices[~inside]].all() or solved[level.columns].any():
                raise Singular("the blocks of the equations do not follow one another")
            solved[level.columns] = True
            off = sparse.csr_array(
                (rows.data[~inside], rows.indices[~inside], np.append(0, np.cumsum(~inside))[rows.indptr]),
                shape=rows.shape,
            )
            diagonal = np.zeros(level.n_single)
            alone = inside & (entry_row < level.n_single)
            diagonal[entry_row[alone]] = rows.data[alone]
            self.equations.append(
                _Equations(level, off, diagonal, tuple(zip(level.blocks(), found, strict=True)))
            )
        if not solved.all():
            raise Singular("the blocks of the equations are not all")
        self.sizes = [_Equations(e.level, abs(e.off), np.abs(e.diagonal), e.blocks) for e in self.equations]

    def solve(self, s: NDArray[np.float64]) -> NDArray[np.float64]:
        """Solve to rounding."""
        x = np.zeros(len(s))
        for e in self.equations:
            left = s[e.level.rows] - e.off @ x
            left[: e.level.n_single] /= e.diagonal
            for block, inverse in e.blocks:
                left[block] = inverse.solve(left[block], self.transposed)
            x[e.level.columns] = left
        return x

    def bound(self, s: NDArray[np.float64]) -> NDArray[np.float64] | None:
        """Bound the sizes of solutions by (1), for right sides of sizes up to s."""
        x = np.zeros(len(s))
        for e in self.sizes:
            left = (s[e.level.rows] + e.off @ x + LEAST) * UP
            left[: e.level.n_single] = left[: e.level.n_single] / e.diagonal * UP
            for block, inverse in e.blocks:
                factors = inverse.bounds(self.transposed)
                if factors is None:
                    return None
                left[block] = factors * (left[block].max() * UP) * UP
            x[e.level.columns] = left
        return x if np.isfinite(x).all() else None


class SparseSystem:
    """The equations Z x = b, and Z' u = b, of one basis.

    Parameters
    ----------
    Z : SparseIntegers of shape (p, p)
        Of doubles: each entry has at most 53 bits.

    Raises
    ------
    Singular
        If no numbers in the places of Z's entries would make it nonsingular.
    """

    def __init__(self, Z: SparseIntegers) -> None:
        self.Z = Z
        self.size = len(Z)
        # Whether all that was to be solved exactly was.
        self.is_rational = True
        floats = Z.floats()
        entry_row = np.repeat(np.arange(self.size), np.diff(floats.indptr))
        self._rows, self._columns = _scales(floats.data, entry_row, floats.indices, self.size)
        with np.errstate(all="ignore"):
            data = floats.data * self._rows[entry_row] * self._columns[floats.indices]
            # Powers of two change no digit, unless something overflows or underflows.
            back = data / self._columns[floats.indices] / self._rows[entry_row]
        self._is_scaled = np.array_equal(back, floats.data)
        scaled = sparse.csr_array((data, floats.indices, floats.indptr), shape=floats.shape)
        levels = block_triangle(scaled)
        if levels is None:
            raise Singular(f"the {self.size} rows of the basis do not determine their coefficients")
        inverses = [
            [
                BlockInverse(sparse.csr_array(scaled[level.rows[block]][:, level.columns[block]]))
                for block in level.blocks()
            ]
            for level in levels
        ]
        self._is_inverted = all(inverse.is_found for some in inverses for inverse in some)
        self._sweeps: dict[bool, _Sweep] = {}
        self._scaled, self._levels, self._inverses = scaled, levels, inverses

    def _sweep(self, transposed: bool) -> _Sweep:
        if transposed not in self._sweeps:
            if transposed:
                levels = [level.transposed() for level in self._levels[::-1]]
                sweep = _Sweep(sparse.csr_array(self._scaled.T), levels, self._inverses[::-1], True)
            else:
                sweep = _Sweep(self._scaled, self._levels, self._inverses, False)
            self._sweeps[transposed] = sweep
        return self._sweeps[transposed]

    @cached_property
    def _growths(self) -> dict[bool, int]:
        return {}

    def _growth(self, transposed: bool) -> int | None:
        """Return the bits by which (1) may grow; None where nothing is proved.

        A number says that Z is nonsingular.
        """
        if not (self._is_scaled and self._is_inverted and self.size <= MOST_UNKNOWNS):
            return None
        if transposed not in self._growths:
            bound = self._sweep(transposed).bound(np.ones(self.size))
            if bound is None:
                return None
            self._growths[transposed] = max(0, int(np.frexp(bound.max())[1]))
        return self._growths[transposed]

    def enclosure(self, b: ScaledIntegers, transposed: bool = False) -> Enclosed | None:
        """Enclose x with Z x = b, or Z' x = b, by (1).

        None where nothing is proved.
        """
        with np.errstate(all="ignore"):
            return self._enclosed(b, transposed)

    def _enclosed(self, b: ScaledIntegers, transposed: bool) -> Enclosed | None:
        if self.size == 0:
            return Enclosed.exact([], 1)
        growth = self._growth(transposed)
        if growth is None or growth > MOST_GROWTH:
            return None
        inner, outer = self._scalings(transposed)
        first = outer * self._sweep(transposed).solve(inner * b.floats())
        if not np.isfinite(first).all():
            return None
        largest = float(np.abs(first).max())
        least = float(np.abs(first[first != 0]).min(initial=largest or 1.0))
        exponent = int(np.frexp(max(least, largest * 2.0**-300))[1]) - KEPT_BITS - growth
        found = self._lifted(b, transposed, exponent, np.zeros(self.size, object))
        if found is None:
            return None
        v, rest, common = found
        radii = [0] * self.size
        if rest.any():
            left, power = in_units(rest, common, inner)
            e = self._sweep(transposed).bound(left * (1 + 4 * UNIT))
            if e is None:
                return None
            shifts = (np.frexp(outer)[1] - 1 + (power - exponent)).tolist()
            radii = [whole_above(r, shift) for r, shift in zip(e.tolist(), shifts, strict=True)]
        return Enclosed(v.tolist(), radii, 1).times_power(exponent)

    def solution(self, b: ScaledIntegers, transposed: bool = False) -> Enclosed | None:
        """Solve exactly; None where the solution is not short, or Z not proved nonsingular."""
        with np.errstate(all="ignore"):
            found = self._solved(b, transposed)
        self.is_rational = self.is_rational and found is not None
        return found

    def _solved(self, b: ScaledIntegers, transposed: bool) -> Enclosed | None:
        if self.size == 0:
            return Enclosed.exact([], 1)
        if self._growth(transposed) is None:
            return None
        if not b.integers.any():
            return Enclosed.exact([0] * self.size, 1)
        unit = b.exponent - self.Z.exponent  # in units of 2^that, Z and b are integers
        v, before = np.zeros(self.size, object), 0
        for bits in BITS_OF_FRACTIONS:
            start = np.asarray(v << (bits - before), dtype=object)
            found = self._lifted(b, transposed, unit - bits, start)
            if found is None:
                return None
            v, before = found[0], bits
            denominator = _common_denominator(v.tolist(), bits)
            if denominator is not None:
                numerators = (v * denominator + (1 << (bits - 1))) >> bits
                if (self._product(numerators, transposed) == b.integers * denominator).all():
                    return Enclosed.exact(numerators.tolist(), denominator).times_power(unit)
        return None

    def _scalings(self, transposed: bool) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        return (self._columns, self._rows) if transposed else (self._rows, self._columns)

    def _product(self, v: NDArray[np.object_], transposed: bool) -> NDArray[np.object_]:
        return self.Z.transposed_product(v) if transposed else self.Z.product(v)

    def _lifted(
        self, b: ScaledIntegers, transposed: bool, exponent: int, v: NDArray[np.object_]
    ) -> tuple[NDArray[np.object_], NDArray[np.object_], int] | None:
        """Improve integers v of 2^exponent until what is left gets no smaller.

        Returned are v, and b - Z v as integers with the exponent of their unit.
        """
        sweep, (inner, outer) = self._sweep(transposed), self._scalings(transposed)
        common = min(exponent + self.Z.exponent, b.exponent)
        target, shift = b.at(common), exponent + self.Z.exponent - common
        rest = target - (self._product(v, transposed) << shift)
        largest = _bits(rest)
        while largest:
            floats = np.array([as_float(r, -largest) for r in rest.tolist()])
            step = outer * sweep.solve(inner * floats)
            if not np.isfinite(step).all():
                return None
            nearer = v + integers_of(step, exponent - common - largest)
            left = target - (self._product(nearer, transposed) << shift)
            if _bits(left) >= largest:
                break
            v, rest, largest = nearer, left, _bits(left)
        return v, rest, common


def _scales(
    data: NDArray[np.float64], rows: NDArray[np.int64], columns: NDArray[np.int64], size: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return powers of two for rows and columns, by which entries are near to one, and up to that.

    In turn rows and columns have their mean exponent taken out (Curtis and Reid 1972).
    """
    exponents = np.frexp(data)[1].astype(np.float64)
    n_row, n_column = (np.maximum(np.bincount(some, minlength=size), 1) for some in (rows, columns))
    r, c = np.zeros(size), np.zeros(size)
    for _ in range(SCALINGS):
        r = -np.bincount(rows, exponents + c[columns], size) / n_row
        c = -np.bincount(columns, exponents + r[rows], size) / n_column
    r, c = np.rint(r), np.rint(c)
    most = np.full(size, -np.inf)
    np.maximum.at(most, rows, exponents + r[rows] + c[columns])
    r -= np.where(np.isfinite(most), most, 0)
    with np.errstate(all="ignore"):  # beyond all doubles nothing is proved
        return np.ldexp(1.0, r.astype(np.int64)), np.ldexp(1.0, c.astype(np.int64))


def _bits(integers: NDArray[np.object_]) -> int:
    """Return the length of the largest integer."""
    return max(map(int.bit_length, integers.tolist()))


def _common_denominator(v: list[int], bits: int) -> int | None:
    """Return the least d for which all d v / 2^bits are all but whole; None if there is no short one."""
    whole, near, most = 1 << bits, 1 << (bits // 2), 1 << (bits // 3)
    denominator = 1
    for value in v:
        part = value * denominator % whole
        if min(part, whole - part) < near:
            continue
        # Euclid's algorithm, until the multiple of the fraction that it stands for is all but whole.
        a, b, s, t = whole, part, 0, 1
        while b >= near:
            q = a // b
            a, b, s, t = b, a - q * b, t, s - q * t
        denominator *= abs(t)
        if denominator > most:
            return None
    return denominator
