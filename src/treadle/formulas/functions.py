"""The functions that a formula may use: value, interval and two derivatives.

Derivatives are intervals that hold every difference quotient: of a function that jumps they are 0 where the
interval holds no jump, else unbounded; of |a|, [-1, 1] where it holds the kink.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from treadle.formulas import intervals as iv
from treadle.formulas.intervals import Array, Interval

_FINITE = "the argument must not overflow"

IntervalFunction = Callable[[Interval], Interval]


@dataclass(frozen=True, slots=True)
class Function:
    """A function of one variable.

    Attributes
    ----------
    value : callable
        Of arrays, by NumPy.
    range : callable
        Encloses the values over intervals.
    derivative, second_derivative : callables
        Of the intervals of the argument and of the value; ``second_derivative`` gives the second derivative.
    domain : callable, or None
        Of the argument's intervals: where the function is defined on the whole of it; None where everywhere.
    domain_words : str
        What must hold of the argument.
    library : bool
        Whether values err by up to ``LIBRARY_ULPS``, rather than by half a unit in the last place at most.
    """

    value: Callable[[Array], Array]
    range: IntervalFunction
    derivative: Callable[[Interval, Interval], Interval]
    second_derivative: Callable[[Interval, Interval], Interval]
    domain: Callable[[Interval], NDArray[np.bool_]] | None = None
    domain_words: str = ""
    library: bool = True


def _one_plus(a: Interval) -> Interval:
    return iv.add(iv.point(1.0), a)


def _one_minus(a: Interval) -> Interval:
    return iv.subtract(iv.point(1.0), a)


def _reciprocal(a: Interval) -> Interval:
    """1 / a for a >= 0; infinite at 0."""
    result = iv.divide(iv.point(1.0), a)
    at_zero = Interval(iv.divide(iv.point(1.0), iv.point(a.high)).low, np.full_like(a.high, np.inf))
    touching = (a.low == 0) & (a.high > 0)
    return iv.choose(touching, at_zero, result)


def _times_minus_two(a: Interval) -> Interval:
    return iv.scale(a, -2.0)


def _power_range(exponent: float) -> IntervalFunction:
    return lambda a: iv.power(a, exponent)


def power(exponent: float) -> Function:
    """a ** exponent, for a constant exponent."""
    whole = float(exponent).is_integer()

    def derivative(a: Interval, _: Interval) -> Interval:
        return iv.scale(_power_or_unbounded(a, exponent - 1), exponent)

    def second_derivative(a: Interval, _: Interval) -> Interval:
        if exponent in (0, 1):
            return iv.point(0.0)
        factor = iv.multiply(iv.point(exponent), iv.point(exponent - 1))
        return iv.multiply(factor, _power_or_unbounded(a, exponent - 2))

    domain: Callable[[Interval], NDArray[np.bool_]] | None
    match whole, exponent > 0:
        case True, False if exponent < 0:
            domain, words = (lambda a: ~iv.contains(a, 0.0)), "the base must not reach 0"
        case False, True:
            domain, words = (lambda a: a.low >= 0), "the base must not be negative"
        case False, False:
            domain, words = (lambda a: a.low > 0), "the base must be positive"
        case _:
            domain, words = None, ""
    square = exponent in (0, 1, 2)
    value = np.square if exponent == 2 else lambda a: np.power(a, exponent)
    return Function(
        value, _power_range(exponent), derivative, second_derivative, domain, words, library=not square
    )


def _power_or_unbounded(a: Interval, exponent: float) -> Interval:
    """a ** exponent, unbounded where a touches a pole at 0."""
    result = iv.power(a, exponent)
    return result if exponent >= 0 else iv.choose(iv.contains(a, 0.0), iv.everything(a), result)


def _exponential_derivative(_: Interval, value: Interval) -> Interval:
    return value


def _logarithm(value: Callable[[Array], Array], base: float) -> Function:
    """A logarithm to a base; its derivative is 1 / (a log base)."""
    over = iv.divide(iv.point(1.0), iv.increasing(np.log)(iv.point(base))) if base != np.e else iv.point(1.0)

    def derivative(a: Interval, _: Interval) -> Interval:
        return iv.multiply(over, _reciprocal(a))

    def second_derivative(a: Interval, _: Interval) -> Interval:
        return iv.negative(iv.multiply(over, _reciprocal(iv.square(a))))

    return Function(
        value,
        iv.increasing(value),
        derivative,
        second_derivative,
        lambda a: a.low > 0,
        "the argument must be positive",
    )


def _sine_second(_: Interval, value: Interval) -> Interval:
    return iv.negative(value)


def _arc_sine_derivative(a: Interval, _: Interval) -> Interval:
    """1 / sqrt(1 - a^2)."""
    return _reciprocal(iv.square_root(_arc_sine_rest(a)))


def _arc_sine_rest(a: Interval) -> Interval:
    """1 - a^2 for a in [-1, 1]."""
    rest = _one_minus(iv.square(a))
    return Interval(np.clip(rest.low, 0.0, 1.0), np.clip(rest.high, 0.0, 1.0))


def _arc_sine_second(a: Interval, _: Interval) -> Interval:
    """a / (1 - a^2)^(3/2)."""
    rest = _arc_sine_rest(a)
    return iv.multiply(a, _reciprocal(iv.multiply(rest, iv.square_root(rest))))


def _in_unit_interval(a: Interval) -> NDArray[np.bool_]:
    return (a.low >= -1) & (a.high <= 1)


def _tanh_derivative(_: Interval, value: Interval) -> Interval:
    slope = _one_minus(iv.square(value))
    return Interval(np.maximum(slope.low, 0.0), np.minimum(slope.high, 1.0))


def _slope_of_absolute(a: Interval, _: Interval) -> Interval:
    # At 0 alone too, which is neither, any slope between the two is allowed.
    return Interval(
        np.where((a.low < 0) | (a.high <= 0), -1.0, 1.0), np.where((a.high > 0) | (a.low >= 0), 1.0, -1.0)
    )


def _curvature_of_absolute(a: Interval, _: Interval) -> Interval:
    return iv.choose((a.low < 0) & (a.high > 0), iv.everything(a), _nothing(a))


def _nothing(a: Interval) -> Interval:
    return Interval(np.zeros_like(a.low), np.zeros_like(a.high))


def _cube_root_derivative(a: Interval, value: Interval) -> Interval:
    """1 / (3 a^(2/3)), infinite at 0."""
    return _reciprocal(iv.scale(iv.square(value), 3.0))


def _cube_root_second(a: Interval, value: Interval) -> Interval:
    """-2 / (9 a^(5/3)), of either sign."""
    result = iv.divide(iv.point(-2.0), iv.scale(iv.power(value, 5.0), 9.0))
    return iv.choose(iv.contains(a, 0.0), iv.everything(a), result)


def _jumping(value: Callable[[Array], Array]) -> Function:
    """A step function that increases: derivative 0 between its jumps."""

    def slope(_: Interval, steps: Interval) -> Interval:
        return iv.choose(steps.low == steps.high, _nothing(steps), iv.everything(steps))

    return Function(value, lambda a: iv.interval(value(a.low), value(a.high)), slope, slope, library=False)


def _trigonometric() -> dict[str, Function]:
    one, half_pi = iv.point(1.0), float(np.nextafter(np.pi / 2, 2))
    inverse_square: Callable[[Interval], Interval] = lambda a: iv.divide(one, _one_plus(iv.square(a)))  # noqa: E731
    return {
        "sin": Function(np.sin, iv.sine, lambda a, _: iv.cosine(a), _sine_second, iv.is_finite, _FINITE),
        "cos": Function(
            np.cos, iv.cosine, lambda a, _: iv.negative(iv.sine(a)), _sine_second, iv.is_finite, _FINITE
        ),
        "tan": Function(
            np.tan,
            iv.increasing(np.tan),
            lambda _, t: _one_plus(iv.square(t)),
            lambda _, t: iv.multiply(iv.scale(t, 2.0), _one_plus(iv.square(t))),
            lambda a: ~iv.holds_pole_of_tangent(a),
            "the argument must not reach an odd multiple of pi/2",
        ),
        "arcsin": Function(
            np.arcsin,
            iv.increasing(np.arcsin, -half_pi, half_pi),
            _arc_sine_derivative,
            _arc_sine_second,
            _in_unit_interval,
            "the argument must lie between -1 and 1",
        ),
        "arccos": Function(
            np.arccos,
            iv.arc_cosine,
            lambda a, v: iv.negative(_arc_sine_derivative(a, v)),
            lambda a, v: iv.negative(_arc_sine_second(a, v)),
            _in_unit_interval,
            "the argument must lie between -1 and 1",
        ),
        "arctan": Function(
            np.arctan,
            iv.increasing(np.arctan, -half_pi, half_pi),
            lambda a, _: inverse_square(a),
            lambda a, _: iv.multiply(_times_minus_two(a), iv.square(inverse_square(a))),
        ),
    }


def _hyperbolic() -> dict[str, Function]:
    one = iv.point(1.0)
    return {
        "sinh": Function(
            np.sinh, iv.increasing(np.sinh), lambda a, _: iv.hyperbolic_cosine(a), lambda _, v: v
        ),
        "cosh": Function(
            np.cosh, iv.hyperbolic_cosine, lambda a, _: iv.increasing(np.sinh)(a), lambda _, v: v
        ),
        "tanh": Function(
            np.tanh,
            iv.increasing(np.tanh, -1.0, 1.0),
            _tanh_derivative,
            lambda a, t: iv.multiply(_times_minus_two(t), _tanh_derivative(a, t)),
        ),
        "arcsinh": Function(
            np.arcsinh,
            iv.increasing(np.arcsinh),
            lambda a, _: iv.divide(one, iv.square_root(_one_plus(iv.square(a)))),
            lambda a, _: iv.negative(iv.divide(a, _three_halves(_one_plus(iv.square(a))))),
        ),
    }


def _exponential() -> dict[str, Function]:
    return {
        "exp": Function(np.exp, iv.increasing(np.exp, 0.0), _exponential_derivative, _exponential_derivative),
        "expm1": Function(
            np.expm1, iv.increasing(np.expm1, -1.0), lambda _, v: _one_plus(v), lambda _, v: _one_plus(v)
        ),
        "log": _logarithm(np.log, np.e),
        "log2": _logarithm(np.log2, 2.0),
        "log10": _logarithm(np.log10, 10.0),
        "log1p": Function(
            np.log1p,
            iv.increasing(np.log1p),
            lambda a, _: _reciprocal(_one_plus(a)),
            lambda a, _: iv.negative(_reciprocal(iv.square(_one_plus(a)))),
            lambda a: a.low > -1,
            "the argument must be greater than -1",
        ),
    }


def _roots_and_kinks() -> dict[str, Function]:
    return {
        "sqrt": Function(
            np.sqrt,
            iv.square_root,
            lambda _, v: _reciprocal(iv.scale(v, 2.0)),
            lambda a, v: iv.negative(_reciprocal(iv.scale(iv.multiply(a, v), 4.0))),
            lambda a: a.low >= 0,
            "the argument must not be negative",
            library=False,
        ),
        "cbrt": Function(np.cbrt, iv.increasing(np.cbrt), _cube_root_derivative, _cube_root_second),
        "abs": Function(np.abs, iv.absolute, _slope_of_absolute, _curvature_of_absolute, library=False),
        "floor": _jumping(np.floor),
        "ceil": _jumping(np.ceil),
        "sign": _jumping(np.sign),
    }


def _three_halves(a: Interval) -> Interval:
    return iv.multiply(a, iv.square_root(a))


FUNCTIONS: dict[str, Function] = {
    **_trigonometric(),
    **_hyperbolic(),
    **_exponential(),
    **_roots_and_kinks(),
}

# Other names for the same.
SYNONYMS: dict[str, str] = {
    "asin": "arcsin",
    "acos": "arccos",
    "atan": "arctan",
    "asinh": "arcsinh",
    "ln": "log",
    "fabs": "abs",
    "absolute": "abs",
    "min": "minimum",
    "max": "maximum",
}
