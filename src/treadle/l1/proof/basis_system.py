r"""Solves a basis's equations with a proof: enclosed, or in rational numbers.

Z (p, p) holds the basis' rows, exact. For Z x = b, with R a rounded inverse of Z, and any v::

    x - v = (R Z)^-1 R (b - Z v),        |x - v| <= e + alpha / (1 - alpha) max(e),   e = |R| |b - Z v|   (1)

where alpha >= ||I - R Z|| in the maximum norm must be below 1, which proves Z nonsingular as well (Rump 2010,
section 10). b - Z v is computed in integers, so that each step v <- v + R (b - Z v) adds as many digits as Z
is well-conditioned, and (1) shrinks with it. Rows and columns are scaled by powers of two first.

Rows e_j of a penalty fix x_j = 0: they and their columns are taken out before.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from treadle.l1.proof.rational_solve import most_unknowns, rational_solution
from treadle.l1.proof.scaled_integers import ScaledIntegers, as_float, quotient_above

UNIT = 2.0**-53
# A sum of positive doubles, times it, is at least their exact sum: good for 2^20 summands.
UP = 1 + 2.0**-30
# Steps end when what they add is so small a share of the least number, or after so many.
ENOUGH, MOST_STEPS = 2.0**-100, 40
# What a double that underflowed has lost, at most, and more.
LEAST = 2.0**-1000
# Bits that v keeps beyond the leading one of its least number.
KEPT_BITS = 200


@dataclass(frozen=True)
class Enclosed:
    """A vector known to lie within ``radii`` of ``numerators``, number by number.

    Both over one ``denominator`` > 0: reducing each number to lowest terms takes longer than all else.
    """

    numerators: list[int]
    radii: list[int]
    denominator: int

    @classmethod
    def exact(cls, numerators: list[int], denominator: int) -> Enclosed:
        """Make a vector that is known exactly."""
        return cls(numerators, [0] * len(numerators), denominator)

    @classmethod
    def of(cls, center: list[Fraction], radius: list[Fraction]) -> Enclosed:
        """Make a vector of fractions, within radii that are fractions."""
        common = math.lcm(*(x.denominator for x in (*center, *radius)))
        middle, off = ([x.numerator * (common // x.denominator) for x in part] for part in (center, radius))
        return cls(middle, off, common)

    def times_power(self, exponent: int) -> Enclosed:
        """Multiply by a power of two."""
        if exponent <= 0:
            return Enclosed(self.numerators, self.radii, self.denominator << -exponent)
        middle, off = ([x << exponent for x in part] for part in (self.numerators, self.radii))
        return Enclosed(middle, off, self.denominator)

    @cached_property
    def is_exact(self) -> bool:
        """Whether all radii are zero."""
        return not any(self.radii)

    def distances(self, values: list[float]) -> list[float]:
        """Bound the distances of the numbers from some doubles.

        They are rounded up, and infinite beyond all doubles.
        """
        d = self.denominator
        found = []
        for value, c, r in zip(values, self.numerators, self.radii, strict=True):
            p, q = value.as_integer_ratio()
            found.append(quotient_above(abs(p * d - c * q) + r * q, d * q))
        return found

    @property
    def center(self) -> list[Fraction]:
        """The middle of each number's interval."""
        return [Fraction(x, self.denominator) for x in self.numerators]

    @property
    def radius(self) -> list[Fraction]:
        """The largest distance of each number from its middle."""
        return [Fraction(x, self.denominator) for x in self.radii]


@dataclass(frozen=True)
class _Inverse:
    """The rounded inverse R, its absolute values, scalings and alphas.

    R is that of the scaled Z; alpha is for Z and for its transpose.
    """

    R: NDArray[np.float64]
    rows: NDArray[np.float64]
    columns: NDArray[np.float64]
    alphas: tuple[float, float]


class BasisSystem:
    """The equations Z x = b, and Z' u = b, of one basis.

    Parameters
    ----------
    Z : ScaledIntegers of shape (p, p)
    """

    def __init__(self, Z: ScaledIntegers) -> None:
        self.Z = Z
        self.size = len(Z.integers)

    @cached_property
    def inverse(self) -> _Inverse | None:
        """The rounded inverse, None where it proves nothing."""
        Z = self.Z.floats()
        with np.errstate(all="ignore"):
            sizes = np.abs(Z)
            rows = _to_one(sizes.max(axis=1, initial=0))
            columns = _to_one((sizes * rows[:, None]).max(axis=0, initial=0))
            rows *= _to_one((sizes * rows[:, None] * columns).max(axis=1, initial=0))
            Z = Z * columns * rows[:, None]
            if not np.isfinite(Z).all():
                return None
            try:
                R = np.asarray(np.linalg.inv(Z), np.float64)
            except np.linalg.LinAlgError:
                return None
            # Products of p terms, each of a rounded entry of Z: p + 4 roundings at most.
            rounding = (self.size + 4) * UNIT * UP
            sizes, lengths = np.abs(Z), np.abs(R)
            eye = np.eye(self.size)
            left = np.abs(eye - R @ Z) + rounding * (lengths @ sizes + eye)
            right = np.abs(eye - Z @ R) + rounding * (sizes @ lengths + eye)
            alphas = (float(left.sum(axis=1).max()) * UP, float(right.sum(axis=0).max()) * UP)
        rows = np.asarray(rows, np.float64)
        return _Inverse(R, rows, columns, alphas) if all(alpha < 0.5 for alpha in alphas) else None

    def enclosure(self, b: ScaledIntegers, transposed: bool = False) -> Enclosed | None:
        """Enclose x with Z x = b, or Z' x = b, by (1).

        None where R proves nothing.
        """
        if self.size == 0:
            return Enclosed.exact([], 1)
        inverse = self.inverse
        if inverse is None:
            return None
        if transposed:
            integers, R = self.Z.integers.T, inverse.R.T
            outer, inner, alpha = inverse.rows, inverse.columns, inverse.alphas[1]
        else:
            integers, R = self.Z.integers, inverse.R
            outer, inner, alpha = inverse.columns, inverse.rows, inverse.alphas[0]
        with np.errstate(all="ignore"):
            first = outer * (R @ (inner * b.floats()))
            some = np.abs(first[first != 0])
            if not np.isfinite(first).all():
                return None
            least = float(some.min()) if len(some) else 1.0
            exponent = (
                int(np.frexp(max(least, float(np.abs(first).max(initial=0)) * 2.0**-300))[1]) - KEPT_BITS
            )
            common = min(exponent + self.Z.exponent, b.exponent)
            target = b.at(common)
            shift = exponent + self.Z.exponent - common
            v = np.zeros(self.size, object)
            step = first
            enough = float(np.abs(first).max()) * ENOUGH
            for _ in range(MOST_STEPS):
                v = v + integers_of(step, exponent)
                rest = target - ((integers @ v) << shift)
                rest_floats = np.array([as_float(r, common) for r in rest])
                step = outer * (R @ (inner * rest_floats))
                if float(np.abs(step).max()) <= min(enough, least * ENOUGH):
                    break
            # In units of the largest, so that no product overflows and what underflows is bounded.
            left, power = in_units(rest, common, inner)
            e = (np.abs(R) @ (left * (1 + 4 * UNIT) + LEAST)) * UP
            e = e + alpha / (1 - alpha) * UP * e.max() * UP
            if not np.isfinite(e).all():
                return None
        radii = [0] * self.size
        if left.any():
            # Of units of v, rounded up.
            shifts = (np.frexp(outer)[1] - 1 + (power - exponent)).tolist()
            radii = [whole_above(r, shift) for r, shift in zip(e.tolist(), shifts, strict=True)]
        return Enclosed(v.tolist(), radii, 1).times_power(exponent)

    def solution(self, b: ScaledIntegers, transposed: bool = False) -> Enclosed | None:
        """Solve as ``enclosure`` does, exactly; None where there are too many unknowns.

        Raises
        ------
        Singular
            If Z is.
        """
        if self.size > most_unknowns():
            return None
        integers = self.Z.integers.T if transposed else self.Z.integers
        found = Enclosed.exact(*rational_solution(integers, b.integers))
        return found.times_power(b.exponent - self.Z.exponent)


def _to_one(sizes: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return powers of two that scale sizes to about one."""
    finite = np.where((sizes > 0) & (sizes < np.inf), sizes, 1.0)
    return np.asarray(np.ldexp(1.0, -np.frexp(finite)[1]))


def whole_above(value: float, shift: int) -> int:
    """Return the least integer of at least value 2^shift."""
    p, q = value.as_integer_ratio()
    return -(-(p << shift) // q) if shift >= 0 else -(-p // (q << -shift))


def in_units(
    rest: NDArray[np.object_], exponent: int, factors: NDArray[np.float64]
) -> tuple[NDArray[np.float64], int]:
    """Scale integers to doubles up to 1; return the power of two.

    They are the sizes of rest 2^exponent times powers of two.
    """
    shifts = [int(shift) - 1 for shift in np.frexp(factors)[1].tolist()]
    lengths = [r.bit_length() + shift for r, shift in zip(rest, shifts, strict=True)]
    power = max((length for length, r in zip(lengths, rest, strict=True) if r), default=0)
    sizes = [as_float(abs(r), shift - power) for r, shift in zip(rest, shifts, strict=True)]
    return np.array(sizes), power + exponent


def integers_of(values: NDArray[np.float64], exponent: int) -> NDArray[np.object_]:
    """Round doubles to integers of 2^exponent.

    Any v will do.
    """
    mantissas, exponents = np.frexp(values)
    whole = np.ldexp(mantissas, 53).astype(np.int64).tolist()
    shifts = (exponents - (53 + exponent)).tolist()
    found = np.empty(len(values), object)
    found[:] = [m << s if s >= 0 else m >> -s for m, s in zip(whole, shifts, strict=True)]
    return found
