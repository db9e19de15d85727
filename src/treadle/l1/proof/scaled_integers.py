"""Doubles as integers over a power of two, in which sums and products are exact.

An array is held as Python integers (an object array) and one exponent e: value = integer 2^e. Numbers that
are far apart make long integers; nothing is ever rounded.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import NDArray

MANTISSA = 53


@dataclass(frozen=True)
class ScaledIntegers:
    """``integers`` (any shape, dtype object) times 2^``exponent``."""

    integers: NDArray[Any]
    exponent: int

    def at(self, exponent: int) -> NDArray[Any]:
        """The integers over a smaller power of two."""
        return np.asarray(self.integers << (self.exponent - exponent), dtype=object)

    def minus(self, other: ScaledIntegers) -> ScaledIntegers:
        """The difference, broadcast as NumPy does."""
        exponent = min(self.exponent, other.exponent)
        return ScaledIntegers(np.asarray(self.at(exponent) - other.at(exponent), dtype=object), exponent)

    def times(self, other: ScaledIntegers) -> ScaledIntegers:
        """The matrix product."""
        return ScaledIntegers(
            np.asarray(self.integers @ other.integers, dtype=object), self.exponent + other.exponent
        )

    def floats(self) -> NDArray[np.float64]:
        """The nearest doubles, or next to them; infinite beyond their range."""
        flat = [as_float(value, self.exponent) for value in self.integers.ravel()]
        return np.array(flat, np.float64).reshape(self.integers.shape)

    def fractions(self) -> list[Fraction]:
        """A vector's numbers."""
        return [power_of_two(self.exponent) * value for value in self.integers.ravel()]


def power_of_two(exponent: int) -> Fraction:
    """2^exponent."""
    return Fraction(1 << exponent) if exponent >= 0 else Fraction(1, 1 << -exponent)


def as_float(integer: int, exponent: int) -> float:
    """The double next to integer 2^exponent."""
    excess = integer.bit_length() - 64
    if excess > 0:
        integer, exponent = integer >> excess, exponent + excess
    try:
        return math.ldexp(float(integer), exponent)
    except OverflowError:
        return math.copysign(math.inf, integer)


def scaled(array: NDArray[Any]) -> ScaledIntegers:
    """Finite doubles or floats of any shape, exactly.

    Raises
    ------
    ValueError
        If a number is not finite.
    """
    mantissa, exponents = np.frexp(np.asarray(array, np.float64))
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


def scaled_fractions(values: list[Fraction]) -> ScaledIntegers:
    """Fractions whose denominators are powers of two, as a vector."""
    exponent = -max((value.denominator.bit_length() - 1 for value in values), default=0)
    integers = np.empty(len(values), object)
    integers[:] = [value.numerator << (-exponent - value.denominator.bit_length() + 1) for value in values]
    return ScaledIntegers(integers, exponent)
