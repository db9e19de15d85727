"""Represents doubles as integers over a power of two, with exact arithmetic.

An array is held as Python integers (an object array) and one exponent e: value = integer 2^e. Numbers that
are far apart make long integers; nothing is ever rounded.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from treadle.maths.dtypes import Floats

MANTISSA = 53
# Numbers up to which Python is faster than NumPy, one by one.
FEW = 150
LARGEST = float(np.finfo(np.float64).max)


@dataclass(frozen=True)
class ScaledIntegers:
    """``integers`` (any shape, dtype object) times 2^``exponent``."""

    integers: NDArray[np.object_]
    exponent: int

    def at(self, exponent: int) -> NDArray[np.object_]:
        """Write the integers over a smaller power of two."""
        if exponent == self.exponent:
            return self.integers
        return np.asarray(self.integers << (self.exponent - exponent), dtype=object)

    def minus(self, other: ScaledIntegers) -> ScaledIntegers:
        """Subtract, broadcast as NumPy does."""
        exponent = min(self.exponent, other.exponent)
        return ScaledIntegers(np.asarray(self.at(exponent) - other.at(exponent), dtype=object), exponent)

    def plus(self, other: ScaledIntegers) -> ScaledIntegers:
        """Add, broadcast as NumPy does."""
        exponent = min(self.exponent, other.exponent)
        return ScaledIntegers(np.asarray(self.at(exponent) + other.at(exponent), dtype=object), exponent)

    def by(self, factor: ScaledIntegers) -> ScaledIntegers:
        """Multiply every number by one, a vector of length 1."""
        return ScaledIntegers(self.integers * factor.integers[0], self.exponent + factor.exponent)

    def times(self, other: ScaledIntegers) -> ScaledIntegers:
        """Multiply as matrices."""
        return ScaledIntegers(
            np.asarray(self.integers @ other.integers, dtype=object), self.exponent + other.exponent
        )

    def columns(self, some: NDArray[np.int64]) -> ScaledIntegers:
        """Return some of a matrix's columns."""
        return (
            self
            if len(some) == self.integers.shape[1]
            else ScaledIntegers(self.integers[:, some], self.exponent)
        )

    def sizes(self) -> ScaledIntegers:
        """Return the absolute values."""
        return ScaledIntegers(abs(self.integers), self.exponent)

    def product(self, vector: NDArray[np.object_]) -> NDArray[np.object_]:
        """Multiply a matrix's integers by a vector."""
        return np.asarray(self.integers @ vector, dtype=object)

    def transposed_product(self, vector: NDArray[np.object_]) -> NDArray[np.object_]:
        """Multiply a matrix's transposed integers by a vector."""
        return np.asarray(self.integers.T @ vector, dtype=object)

    def floats(self) -> NDArray[np.float64]:
        """Return the nearest doubles, or next to them; infinite beyond their range."""
        flat = [as_float(value, self.exponent) for value in self.integers.ravel()]
        return np.array(flat, np.float64).reshape(self.integers.shape)

    def fractions(self) -> list[Fraction]:
        """Return a vector's numbers as fractions."""
        if self.exponent < 0:
            return [Fraction(value, 1 << -self.exponent) for value in self.integers.ravel().tolist()]
        return [Fraction(value << self.exponent) for value in self.integers.ravel().tolist()]

    def sums(self) -> ScaledIntegers:
        """Sum the columns of a matrix."""
        if not len(self.integers):
            return ScaledIntegers(np.zeros(self.integers.shape[1:], object), 0)
        return ScaledIntegers(self.integers.sum(axis=0), self.exponent)


def power_of_two(exponent: int) -> Fraction:
    """Return 2^exponent as a fraction."""
    return Fraction(1 << exponent) if exponent >= 0 else Fraction(1, 1 << -exponent)


def as_float(integer: int, exponent: int) -> float:
    """Return the double next to integer 2^exponent."""
    excess = integer.bit_length() - 64
    if excess > 0:
        integer, exponent = integer >> excess, exponent + excess
    try:
        return math.ldexp(float(integer), exponent)
    except OverflowError:
        return math.copysign(math.inf, integer)


def quotient(a: int, b: int) -> float:
    """Return the double nearest to a / b, b > 0.

    It is the largest, beyond them all.
    """
    try:
        return a / b
    except OverflowError:
        return -LARGEST if a < 0 else LARGEST


def quotient_above(a: int, b: int) -> float:
    """Return the least double of at least a / b; infinity beyond."""
    found = quotient(a, b)
    p, q = found.as_integer_ratio()
    return found if p * b >= a * q else math.nextafter(found, math.inf)


def scaled(values: Floats) -> ScaledIntegers:
    """Convert finite doubles or floats of any shape, exactly.

    Raises
    ------
    ValueError
        If a number is not finite.
    """
    array = np.asarray(values, np.float64)
    if 0 < array.size <= FEW:
        return _scaled_few(array)
    mantissa, exponents = np.frexp(array)
    if not np.isfinite(mantissa).all():
        raise ValueError("a number that is not finite has no exact value")
    integers = np.ldexp(mantissa, MANTISSA).astype(np.int64)
    some = integers != 0
    if not some.any():
        return ScaledIntegers(integers.astype(object), 0)
    # Zeros at the end of every mantissa belong to the exponent: counts stay small.
    trailing = np.where(some, np.bitwise_and(integers, -integers), 1)
    least = exponents - MANTISSA + np.frexp(trailing.astype(np.float64))[1] - 1
    exponent = int(least[some].min())
    shifts = np.where(some, exponents - MANTISSA - exponent, 0)
    down = np.maximum(-shifts, 0)
    return ScaledIntegers(
        np.asarray((integers >> down).astype(object) << np.maximum(shifts, 0).astype(object)), exponent
    )


def _scaled_few(array: NDArray[np.float64]) -> ScaledIntegers:
    """Convert as ``scaled`` does, number by number."""
    try:
        ratios = [value.as_integer_ratio() for value in array.ravel().tolist()]
    except (ValueError, OverflowError):
        raise ValueError("a number that is not finite has no exact value") from None
    denominator = max(q for _, q in ratios)
    places = denominator.bit_length() - 1
    if places:
        values = [p * (denominator // q) for p, q in ratios]
    else:
        values = [p for p, _ in ratios]
        every = math.gcd(*values)
        places = -((every & -every).bit_length() - 1) if every else 0
        values = [p >> -places for p in values]
    integers = np.empty(len(values), object)
    integers[:] = values
    return ScaledIntegers(integers.reshape(array.shape), -places)


def joined(parts: list[ScaledIntegers]) -> ScaledIntegers:
    """Join vectors, at least one, to one."""
    exponent = min(part.exponent for part in parts)
    return ScaledIntegers(np.concatenate([part.at(exponent) for part in parts]), exponent)


def scaled_fractions(values: list[Fraction]) -> ScaledIntegers:
    """Convert fractions with denominators that are powers of two to a vector."""
    exponent = -max((value.denominator.bit_length() - 1 for value in values), default=0)
    integers = np.empty(len(values), object)
    integers[:] = [value.numerator << (-exponent - value.denominator.bit_length() + 1) for value in values]
    return ScaledIntegers(integers, exponent)


def fraction_of(numerator: int, denominator: int, exponent: int) -> Fraction:
    """Return a quotient times a power of two."""
    if exponent < 0:
        return Fraction(numerator, denominator << -exponent)
    return Fraction(numerator << exponent, denominator)
