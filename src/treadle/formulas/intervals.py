"""Interval arithmetic on arrays: proved bounds of functions over intervals, in float64.

An ``Interval`` is two arrays of bounds, one interval an entry. Invariants: no NaN, low <= high, low < inf and
high > -inf; an infinite bound says that none is known, and stands for numbers that are finite. Every result
holds both what real numbers would give and what float64 gives, for operands in the intervals:

- sums, differences, products, quotients and square roots are rounded to nearest (IEEE 754). A bound that was
  rounded is moved to the next float outwards; one that was exact, which error-free transformations show,
  stays (Dekker 1971). So 1 - x**2 on [-1, 1] ends in 0, and its square root is defined;
- other functions are taken to err by at most ``LIBRARY_ULPS`` units in the last place. All proofs rest on
  this assumption; the tests measure it against a computation with many digits.

Moore, Kearfott and Cloud, Introduction to Interval Analysis (2009).
"""

from __future__ import annotations

from collections.abc import Callable
from functools import reduce
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

LIBRARY_ULPS = 4.0  # that NumPy's functions may err by; its own bound for the vectorised ones is 4
MOST_TURNS = 2.0**30  # arguments of sin, cos and tan up to there are reduced here; beyond, all is possible

_GREATEST = np.finfo(np.float64).max
_SPLITTER = 2.0**27 + 1
_SMALLEST_EXACT = 1e-270  # products below may lose bits of their error to underflow

Array = NDArray[np.float64]


class Interval(NamedTuple):
    """Intervals [low, high], elementwise: two arrays of one shape, or two numbers.

    Numbers hold for every entry.
    """

    low: Array
    high: Array


def interval(low: Array, high: Array) -> Interval:
    """Make the interval between two arrays; NaN becomes an infinite bound.

    An infinite bound says that nothing is known.
    """
    low = np.where(np.isnan(low), -np.inf, np.minimum(low, _GREATEST))
    high = np.where(np.isnan(high), np.inf, np.maximum(high, -_GREATEST))
    return Interval(low, high)


def point(value: ArrayLike) -> Interval:
    """A number, or an array of them, as intervals without width."""
    values = np.asarray(value, dtype=np.float64)
    return Interval(values, values)


def everything(like: Interval) -> Interval:
    """Return unbounded intervals, in the shape of another."""
    return Interval(np.full_like(like.low, -np.inf), np.full_like(like.high, np.inf))


def magnitude(a: Interval) -> Array:
    """The largest absolute value in the interval."""
    return np.maximum(np.abs(a.low), np.abs(a.high))


def mignitude(a: Interval) -> Array:
    """The smallest absolute value in the interval."""
    return np.maximum(np.maximum(a.low, -a.high), 0.0)


def contains(a: Interval, value: float) -> NDArray[np.bool_]:
    """Where a number lies in the interval."""
    return (a.low <= value) & (value <= a.high)


def is_finite(a: Interval) -> NDArray[np.bool_]:
    """Where both bounds are finite, so that no computed value overflows."""
    return np.isfinite(a.low) & np.isfinite(a.high)


def hull(a: Interval, b: Interval) -> Interval:
    """Return the smallest interval that holds both."""
    return Interval(np.minimum(a.low, b.low), np.maximum(a.high, b.high))


def intersection(a: Interval, b: Interval) -> Interval:
    """Intersect two intervals that enclose the same values.

    So they cannot be disjoint.
    """
    return Interval(np.maximum(a.low, b.low), np.minimum(a.high, b.high))


def choose(condition: NDArray[np.bool_], a: Interval, b: Interval) -> Interval:
    """Take the first interval where the condition holds, else the second."""
    return Interval(np.where(condition, a.low, b.low), np.where(condition, a.high, b.high))


def negative(a: Interval) -> Interval:
    """-a, exact."""
    return Interval(-a.high, -a.low)


def add(a: Interval, b: Interval) -> Interval:
    """a + b."""
    low, low_error = _two_sum(a.low, b.low)
    high, high_error = _two_sum(a.high, b.high)
    return interval(_down(low, low_error >= 0), _up(high, high_error <= 0))


def subtract(a: Interval, b: Interval) -> Interval:
    """a - b."""
    return add(a, negative(b))


def multiply(a: Interval, b: Interval) -> Interval:
    """a b, of independent factors."""
    lefts, rights = ([_split(end) for end in (ends[:1] if ends[0] is ends[1] else ends)] for ends in (a, b))
    parts = [_split_product(left, right) for left in lefts for right in rights]
    least = reduce(np.minimum, [product for product, _ in parts])
    greatest = reduce(np.maximum, [product for product, _ in parts])
    # What lies further in stays within, moved by one float or not.
    keep_low = reduce(np.logical_and, [(product > least) | (error >= 0) for product, error in parts])
    keep_high = reduce(np.logical_and, [(product < greatest) | (error <= 0) for product, error in parts])
    return interval(_down(least, keep_low), _up(greatest, keep_high))


def scale(a: Interval, factor: float) -> Interval:
    """A number times a."""
    return multiply(a, point(factor))


def divide(a: Interval, b: Interval) -> Interval:
    """a / b; unbounded where b holds 0."""
    quotients = []
    for left in a:
        for right in b:
            quotient = np.divide(left, right)
            product, error = _two_product(quotient, right)
            exact = (product == left) & (error == 0)
            quotients.append((_down(quotient, exact), _up(quotient, exact)))
    lows, highs = zip(*quotients, strict=True)
    result = interval(
        np.minimum(np.minimum(lows[0], lows[1]), np.minimum(lows[2], lows[3])),
        np.maximum(np.maximum(highs[0], highs[1]), np.maximum(highs[2], highs[3])),
    )
    return choose(contains(b, 0.0), everything(result), result)


def square(a: Interval) -> Interval:
    """a a, of equal factors: never negative."""
    low, low_error = _two_product(mignitude(a), mignitude(a))
    high, high_error = _two_product(magnitude(a), magnitude(a))
    return interval(np.maximum(_down(low, low_error >= 0), 0.0), _up(high, high_error <= 0))


def square_root(a: Interval) -> Interval:
    """The square root of a's part that is not negative."""
    bounds = []
    for end in a:
        root = np.sqrt(np.maximum(end, 0.0))
        product, error = _two_product(root, root)
        bounds.append((root, (product == end) & (error == 0)))
    low, high = bounds
    return interval(np.maximum(_down(*low), 0.0), _up(*high))


def power(a: Interval, exponent: float) -> Interval:
    """Raise a to a constant exponent.

    Where the exponent is no whole number, it is a's part that is not negative.
    """
    if exponent == 0:
        return Interval(np.ones_like(a.low), np.ones_like(a.high))
    if exponent == 1:
        return a
    if exponent == 2:
        return square(a)
    low, high = np.power(a.low, exponent), np.power(a.high, exponent)
    if float(exponent).is_integer():
        if exponent < 0:  # 1 / a**n, with a pole at 0
            result = _loosen(np.minimum(low, high), np.maximum(low, high))
            if exponent % 2 == 0:
                result = Interval(np.maximum(result.low, 0.0), result.high)
            return choose(contains(a, 0.0), everything(result), result)
        if exponent % 2 == 0:
            least = np.power(mignitude(a), exponent)
            result = _loosen(least, np.maximum(low, high))
            return Interval(np.maximum(result.low, 0.0), result.high)
        return _loosen(low, high)
    ends = np.power(np.maximum(a.low, 0.0), exponent), np.power(np.maximum(a.high, 0.0), exponent)
    result = _loosen(np.minimum(*ends), np.maximum(*ends))
    return Interval(np.maximum(result.low, 0.0), result.high)


def power_of_intervals(a: Interval, b: Interval) -> Interval:
    """Raise a positive a to the power b.

    The function is monotone in each of both, so that its values at the corners bound it.
    """
    corners = [np.power(left, right) for left in a for right in b]
    low = np.minimum(np.minimum(corners[0], corners[1]), np.minimum(corners[2], corners[3]))
    high = np.maximum(np.maximum(corners[0], corners[1]), np.maximum(corners[2], corners[3]))
    result = _loosen(low, high)
    return Interval(np.maximum(result.low, 0.0), result.high)


def increasing(
    function: Callable[[Array], Array], least: float = -np.inf, greatest: float = np.inf
) -> Callable[[Interval], Interval]:
    """Apply an increasing library function whose values lie between two numbers."""

    def form(a: Interval) -> Interval:
        result = _loosen(function(a.low), function(a.high))
        return Interval(np.maximum(result.low, least), np.minimum(result.high, greatest))

    return form


def absolute(a: Interval) -> Interval:
    """|a|, exact."""
    return Interval(mignitude(a), magnitude(a))


def minimum(a: Interval, b: Interval) -> Interval:
    """The smaller of two intervals' values, exact."""
    return Interval(np.minimum(a.low, b.low), np.minimum(a.high, b.high))


def maximum(a: Interval, b: Interval) -> Interval:
    """The larger of two intervals' values, exact."""
    return Interval(np.maximum(a.low, b.low), np.maximum(a.high, b.high))


def sine(a: Interval) -> Interval:
    """sin a, from its ends, and from crests and troughs that a may hold."""
    return _wave(np.sin, a, crest=0.25)


def cosine(a: Interval) -> Interval:
    """cos a, from its ends, and from crests and troughs that a may hold."""
    return _wave(np.cos, a, crest=0.0)


def hyperbolic_cosine(a: Interval) -> Interval:
    """cosh a, at least 1."""
    result = _loosen(np.cosh(mignitude(a)), np.cosh(magnitude(a)))
    return Interval(np.maximum(result.low, 1.0), result.high)


def holds_pole_of_tangent(a: Interval) -> NDArray[np.bool_]:
    """Where an interval may hold an odd multiple of pi / 2."""
    return _holds_turn(a, 0.25, period=np.pi)


def arc_cosine(a: Interval) -> Interval:
    """arccos a of a in [-1, 1]: decreasing."""
    result = _loosen(np.arccos(a.high), np.arccos(a.low))
    return Interval(np.maximum(result.low, 0.0), result.high)


def _wave(function: Callable[[Array], Array], a: Interval, crest: float) -> Interval:
    with_ends = np.abs(a.low) + np.abs(a.high) < np.inf
    low = function(np.where(with_ends, a.low, 0.0))
    high = function(np.where(with_ends, a.high, 0.0))
    ends = _loosen(np.minimum(low, high), np.maximum(low, high))
    troughs = _holds_turn(a, crest + 0.5)
    crests = _holds_turn(a, crest)
    return Interval(
        np.where(troughs, -1.0, np.maximum(ends.low, -1.0)), np.where(crests, 1.0, np.minimum(ends.high, 1.0))
    )


def _holds_turn(a: Interval, turn: float, period: float = 2 * np.pi) -> NDArray[np.bool_]:
    """Say where an interval may hold (k + turn) 2 pi, k whole.

    With the period pi it is (k + 2 turn) pi.

    The division errs by a few parts in 1e16 of the quotient; the margin is many times that.
    """
    offset = turn if period > 4 else 2 * turn
    low, high = a.low / period, a.high / period
    margin = 1e-14 * (1.0 + np.maximum(np.abs(low), np.abs(high)))
    known = np.maximum(np.abs(low), np.abs(high)) <= MOST_TURNS
    low, high = np.where(known, low, 0.0), np.where(known, high, 0.0)
    margin = np.where(known, margin, 1.0)
    return ~known | (np.floor(high + margin - offset) >= np.ceil(low - margin - offset))


def _loosen(low: Array, high: Array) -> Interval:
    """Widen both bounds by a library function's largest error, and one float more."""
    finite_low, finite_high = np.where(np.isfinite(low), low, 0.0), np.where(np.isfinite(high), high, 0.0)
    low = np.where(
        np.isfinite(low), np.nextafter(low - LIBRARY_ULPS * np.spacing(np.abs(finite_low)), -np.inf), low
    )
    high = np.where(
        np.isfinite(high), np.nextafter(high + LIBRARY_ULPS * np.spacing(np.abs(finite_high)), np.inf), high
    )
    return interval(low, high)


def _down(value: Array, keep: NDArray[np.bool_]) -> Array:
    return np.where(keep, value, np.nextafter(value, -np.inf))


def _up(value: Array, keep: NDArray[np.bool_]) -> Array:
    return np.where(keep, value, np.nextafter(value, np.inf))


def _two_sum(a: Array, b: Array) -> tuple[Array, Array]:
    """Return the rounded sum and its exact error (Knuth 1969).

    sum + error = a + b exactly; the error is NaN where a number is infinite.
    """
    total = a + b
    part = total - a
    return total, (a - (total - part)) + (b - part)


def _two_product(a: Array, b: Array) -> tuple[Array, Array]:
    """Return the rounded product and its exact error (Dekker 1971).

    The error is NaN where float64 cannot hold it. 0 times an infinite bound is 0: the bound stands for finite
    numbers.
    """
    return _split_product(_split(a), _split(b))


def _split(a: Array) -> tuple[Array, Array, Array]:
    """Split a number into two halves of its bits (Veltkamp).

    Returned are the number and the two, which add up to it; NaN where that overflows.
    """
    high = a * _SPLITTER
    high = high - (high - a)
    return a, high, a - high


def _split_product(a: tuple[Array, Array, Array], b: tuple[Array, Array, Array]) -> tuple[Array, Array]:
    """``_two_product`` of factors that are split already."""
    left, left_high, left_low = a
    right, right_high, right_low = b
    zero = (left == 0) | (right == 0)
    product = np.where(zero, 0.0, left * right)
    error = left_low * right_low - (
        ((product - left_high * right_high) - left_low * right_high) - left_high * right_low
    )
    return product, np.where(zero, 0.0, np.where(np.abs(product) > _SMALLEST_EXACT, error, np.nan))
