"""Encloses a formula and its derivatives over boxes, step by step.

A ``Jet`` of a part u of the formula holds, over each of N boxes, intervals for u, for its partial derivatives
and second partial derivatives, and a bound of what rounding makes of it. The chain rule, for v = g(u)::

    v_i  = g'(u) u_i
    v_ij = g''(u) u_i u_j + g'(u) u_ij
    |computed v - v| <= |g'(u)| |computed u - u| + the error of g itself

A derivative that is absent is 0. Forward mode: a formula of d variables costs as much as some d^2 / 2 values.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from treadle.formulas import intervals as iv
from treadle.formulas.functions import FUNCTIONS, Function, power
from treadle.formulas.grammar import Formula, Step
from treadle.formulas.intervals import LIBRARY_ULPS, Array, Interval

HALF_ULP = 2.0**-53
_TINY = 2.0**-1074  # what a product that underflows may lose
_UNKNOWN = Interval(np.array(-np.inf), np.array(np.inf))
_ZERO = iv.point(0.0)
_EXACT = np.array(0.0)
_EVERYWHERE = np.array(True)

Gradient = dict[int, Interval]
Hessian = dict[tuple[int, int], Interval]  # i <= j
Flags = NDArray[np.bool_]
Key = TypeVar("Key")  # of a variable, or of a pair of them


@dataclass(frozen=True, slots=True)
class Jet:
    """A part of the formula over N boxes: its value and derivatives, enclosed.

    Attributes
    ----------
    value : Interval
        Holds the exact and the computed value.
    rounding : array
        A bound of their difference.
    defined : array of bool
        Where the part is defined on the whole box for certain; elsewhere nothing else here holds.
    gradient, hessian : dicts of Interval
        Of the variables, and pairs of them, that the part depends on.
    """

    value: Interval
    rounding: Array
    defined: Flags
    gradient: Gradient = field(default_factory=dict)
    hessian: Hessian = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Condition:
    """A comparison over N boxes: where it certainly holds, and where it fails.

    It is certain where it holds, or fails, on the whole box. ``variables`` are those along which it may
    change.
    """

    holds: Flags
    fails: Flags
    defined: Flags
    variables: frozenset[int]


def propagate(formula: Formula, lower: Array, upper: Array, order: int) -> list[Jet | Condition]:
    """Compute the jets of all steps over N boxes, with ``order`` derivatives.

    The corners are of shape (N, d); ``order`` is 0, 1 or 2.
    """
    results: list[Jet | Condition] = []
    with np.errstate(all="ignore"):
        for step in formula.steps:
            results.append(_step(step, results, lower, upper, order))
    return results


def _step(
    step: Step, results: list[Jet | Condition], lower: Array, upper: Array, order: int
) -> Jet | Condition:
    # Any: a jet or a condition, as the grammar has seen to.
    operands: list[Any] = [results[i] for i in step.operands]
    match step.operation, operands:
        case "number", []:
            return Jet(iv.point(step.constant), _EXACT, _EVERYWHERE)
        case "variable", []:
            # The derivative by itself is 1, the others are absent: 0.
            i = int(step.constant)
            gradient = {i: iv.point(1.0)} if order else {}
            return Jet(Interval(lower[:, i], upper[:, i]), _EXACT, _EVERYWHERE, gradient)
        case "negative", [u]:
            return _negative(u)
        case "add", [u, v]:
            return _add(u, v)
        case "subtract", [u, v]:
            return _add(u, _negative(v))
        case "multiply", [u, v]:
            return _multiply(u, v, order)
        case "divide", [u, v]:
            return _divide(u, v, order)
        case "power", [u]:
            return _apply(power(step.constant), u, order)
        case "power_of", [u, v]:
            return _power_of(u, v, order)
        case "minimum", [u, v]:
            # u is the smaller for certain where all of it lies below v, and likewise v.
            return _select(u.value.high < v.value.low, v.value.high < u.value.low, u, v, iv.minimum)
        case "maximum", [u, v]:
            return _select(u.value.low > v.value.high, v.value.low > u.value.high, u, v, iv.maximum)
        case "where", [condition, u, v]:
            return _where(condition, u, v)
        case "indicator", [condition]:
            one, zero = (Jet(iv.point(value), _EXACT, _EVERYWHERE) for value in (1.0, 0.0))
            return _where(condition, one, zero)
        case "not", [condition]:
            return Condition(condition.fails, condition.holds, condition.defined, condition.variables)
        case "and", [p, q]:
            # For certain means on the whole box: both hold, or one of them fails; "or" the other way round.
            variables = p.variables | q.variables
            return Condition(p.holds & q.holds, p.fails | q.fails, p.defined & q.defined, variables)
        case "or", [p, q]:
            variables = p.variables | q.variables
            return Condition(p.holds | q.holds, p.fails & q.fails, p.defined & q.defined, variables)
        case name, [u]:
            return _apply(FUNCTIONS[name], u, order)
        case name, _:
            return _compare(name, *operands)


def _jet(
    value: Interval,
    rounding: Array,
    defined: Flags,
    gradient: Gradient,
    hessian: Hessian,
) -> Jet:
    """Make a jet whose rounding is the better of two bounds.

    The exact and the computed value lie in one interval, so that they differ by its width at most.
    """
    # Bounds of rounding are sums of rounded numbers themselves: a part in 1e12 is more than they may lack.
    value = iv.choose(defined, value, _UNKNOWN)
    width = iv.subtract(iv.point(value.high), iv.point(value.low)).high
    rounding = np.where(rounding == 0, 0.0, rounding * (1 + 1e-12) + _TINY)
    return Jet(
        value, np.fmin(np.where(np.isnan(rounding), np.inf, rounding), width), defined, gradient, hessian
    )


def _negative(u: Jet) -> Jet:
    return Jet(iv.negative(u.value), u.rounding, u.defined, _negated(u.gradient), _negated(u.hessian))


def _add(u: Jet, v: Jet) -> Jet:
    value = iv.add(u.value, v.value)
    # The operands' errors, and half a unit of the sum's own rounding.
    rounding = u.rounding + v.rounding + HALF_ULP * iv.magnitude(value)
    # Infinity less infinity, where both overflow.
    nan = (u.value.high == np.inf) & (v.value.low == -np.inf)
    nan |= (u.value.low == -np.inf) & (v.value.high == np.inf)
    return _jet(
        value,
        rounding,
        u.defined & v.defined & ~nan,
        _sum(u.gradient, v.gradient),
        _sum(u.hessian, v.hessian),
    )


def _multiply(u: Jet, v: Jet, order: int) -> Jet:
    """Multiply two jets by the product rule.

    (u v)_ij = u_ij v + u_i v_j + u_j v_i + u v_ij.
    """
    if u is v:
        return _apply(power(2.0), u, order)
    value = iv.multiply(u.value, v.value)
    # |u dv| + |v du|, half a unit of the product's own rounding, and what an underflow loses.
    rounding = (
        iv.magnitude(u.value) * v.rounding
        + iv.magnitude(v.value) * u.rounding
        + HALF_ULP * iv.magnitude(value)
        + _TINY
    )
    # u_i v + u v_i, and the rule above.
    gradient = _sum(_scaled(u.gradient, v.value), _scaled(v.gradient, u.value))
    hessian: Hessian = {}
    if order == 2:
        hessian = _sum(_scaled(u.hessian, v.value), _scaled(v.hessian, u.value))
        hessian = _sum(hessian, _products(u.gradient, v.gradient))
    # 0 times infinity, where one overflows.
    nan = (iv.contains(u.value, 0.0) & ~iv.is_finite(v.value)) | (
        iv.contains(v.value, 0.0) & ~iv.is_finite(u.value)
    )
    return _jet(value, rounding, u.defined & v.defined & ~nan, gradient, hessian)


def _divide(u: Jet, v: Jet, order: int) -> Jet:
    """Divide two jets by the quotient rule.

    q_i = (u_i - q v_i) / v and q_ij = (u_ij - q_i v_j - q_j v_i - q v_ij) / v.
    """
    value = iv.divide(u.value, v.value)
    defined = u.defined & v.defined & ~iv.contains(v.value, 0.0)
    defined &= iv.is_finite(u.value) | iv.is_finite(v.value)  # infinity over infinity
    # |d(u / v)| <= (|du| + |q| |dv|) / |v|, with the least |v|.
    least = iv.mignitude(v.value)
    rounding = (
        (u.rounding + iv.magnitude(value) * v.rounding) / least + HALF_ULP * iv.magnitude(value) + _TINY
    )
    # q_i, then q_ij by the q_i just found: the products are q_i v_j + q_j v_i.
    gradient: Gradient = _sum(u.gradient, _negated(_scaled(v.gradient, value)))
    gradient = {i: iv.divide(g, v.value) for i, g in gradient.items()}
    hessian: Hessian = {}
    if order == 2:
        hessian = _sum(u.hessian, _negated(_scaled(v.hessian, value)))
        hessian = _sum(hessian, _negated(_products(gradient, v.gradient)))
        hessian = {ij: iv.divide(h, v.value) for ij, h in hessian.items()}
    return _jet(value, rounding, defined, gradient, hessian)


def _apply(function: Function, u: Jet, order: int) -> Jet:
    """Apply a function of one variable, by the chain rule."""
    value = function.range(u.value)
    defined = u.defined & (function.domain(u.value) if function.domain else np.True_)
    value = iv.choose(defined, value, iv.everything(value))
    # g'(u), the library's own error, and the error of u that g carries on.
    first = function.derivative(u.value, value)
    error = (2 * LIBRARY_ULPS if function.library else 1.0) * HALF_ULP * iv.magnitude(value) + _TINY
    # Where the slope is unbounded and u exact, so is g(u): 0 times infinity is 0.
    carried = np.where(u.rounding == 0, 0.0, iv.magnitude(first) * u.rounding)
    gradient: Gradient = _scaled(u.gradient, first)
    hessian: Hessian = {}
    if order == 2:
        # v_ij = g''(u) u_i u_j + g'(u) u_ij.
        second = function.second_derivative(u.value, value)
        hessian = _sum(_scaled(_squares(u.gradient), second), _scaled(u.hessian, first))
    return _jet(value, carried + error, defined, gradient, hessian)


def _power_of(u: Jet, v: Jet, order: int) -> Jet:
    """Compute u ** v = exp(v log u) for a positive u.

    The value is bounded by its corners, which is tighter.
    """
    # w = v log u has all derivatives; it is defined where u is positive.
    w = _multiply(v, _apply(FUNCTIONS["log"], u, order), order)
    defined = w.defined
    value = iv.choose(defined, iv.power_of_intervals(u.value, v.value), w.value)
    # |d u**v| <= u**v |d(v log u)|; the logarithm's own error is part of w's, more than it has to be.
    rounding = iv.magnitude(value) * (w.rounding + 2 * LIBRARY_ULPS * HALF_ULP) + _TINY
    hessian: Hessian = {}
    if order == 2:
        # (exp w)_ij = exp(w) (w_i w_j + w_ij), and exp(w) is the value.
        hessian = _scaled(_sum(_squares(w.gradient), w.hessian), value)
    return _jet(value, rounding, defined, _scaled(w.gradient, value), hessian)


def _select(
    first: Flags, second: Flags, u: Jet, v: Jet, form: Callable[[Interval, Interval], Interval]
) -> Jet:
    """Select the smaller or larger of two, with a kink where uncertain."""
    # At a kink difference quotients lie between those of both; a second derivative may be of any size.
    variables = u.gradient.keys() | v.gradient.keys()
    rounding = np.where(first, u.rounding, np.where(second, v.rounding, np.maximum(u.rounding, v.rounding)))
    return _jet(
        form(u.value, v.value),
        rounding,
        u.defined & v.defined,
        _merged(u.gradient, v.gradient, first, second, variables, iv.hull),
        _merged(u.hessian, v.hessian, first, second, _pairs(variables), _unknown),
    )


def _where(condition: Condition, u: Jet, v: Jet) -> Jet:
    """Choose u or v by a condition, with a jump where uncertain.

    There the value is anything between the two.
    """
    # The exact values may take one branch and the computed ones the other: rounding then is the whole range.
    holds, fails = condition.holds, condition.fails
    # At a jump nothing bounds difference quotients, along what the condition depends on as well.
    variables = u.gradient.keys() | v.gradient.keys() | condition.variables
    return _jet(
        iv.choose(holds, u.value, iv.choose(fails, v.value, iv.hull(u.value, v.value))),
        np.where(holds, u.rounding, np.where(fails, v.rounding, np.inf)),
        condition.defined & (u.defined | fails) & (v.defined | holds),
        _merged(u.gradient, v.gradient, holds, fails, variables, _unknown),
        _merged(u.hessian, v.hessian, holds, fails, _pairs(variables), _unknown),
    )


def _compare(name: str, u: Jet, v: Jet) -> Condition:
    a, b = u.value, v.value
    if name in ("greater", "greater_equal"):
        a, b = b, a
    # For certain: all of a lies below all of b. Equal are for certain two points.
    match name:
        case "less" | "greater":
            holds, fails = a.high < b.low, a.low >= b.high
        case "less_equal" | "greater_equal":
            holds, fails = a.high <= b.low, a.low > b.high
        case _:
            same = (a.low == a.high) & (b.low == b.high) & (a.low == b.low)
            apart = (a.high < b.low) | (b.high < a.low)
            holds, fails = (same, apart) if name == "equal" else (apart, same)
    return Condition(holds, fails, u.defined & v.defined, frozenset(u.gradient) | frozenset(v.gradient))


def _sum(a: dict[Key, Interval], b: dict[Key, Interval]) -> dict[Key, Interval]:
    total = dict(a)
    for key, part in b.items():
        total[key] = iv.add(total[key], part) if key in total else part
    return total


def _scaled(a: dict[Key, Interval], factor: Interval) -> dict[Key, Interval]:
    return {key: iv.multiply(part, factor) for key, part in a.items()}


def _negated(a: dict[Key, Interval]) -> dict[Key, Interval]:
    return {key: iv.negative(part) for key, part in a.items()}


def _squares(a: Gradient) -> Hessian:
    """a_i a_j for i <= j."""
    return {(i, j): iv.square(a[i]) if i == j else iv.multiply(a[i], a[j]) for i in a for j in a if i <= j}


def _products(a: Gradient, b: Gradient) -> Hessian:
    """a_i b_j + a_j b_i for i <= j."""
    total: Hessian = {}
    for i, left in a.items():
        for j, right in b.items():
            product = iv.multiply(left, right)
            if i == j:
                product = iv.scale(product, 2.0)
            # The pair (i, j) comes from both orders of i and j.
            key = (min(i, j), max(i, j))
            total[key] = iv.add(total[key], product) if key in total else product
    return total


def _pairs(variables: Iterable[int]) -> list[tuple[int, int]]:
    """All (i, j) with i <= j."""
    return [(i, j) for i in variables for j in variables if i <= j]


def _merged(
    a: dict[Key, Interval],
    b: dict[Key, Interval],
    first: Flags,
    second: Flags,
    keys: Iterable[Key],
    between: Callable[[Interval, Interval], Interval],
) -> dict[Key, Interval]:
    """Take the first or the second derivatives where certain, else both combined."""
    merged = {}
    for key in keys:
        left, right = a.get(key, _ZERO), b.get(key, _ZERO)
        merged[key] = iv.choose(first, left, iv.choose(second, right, between(left, right)))
    return merged


def _unknown(a: Interval, b: Interval) -> Interval:
    return _UNKNOWN
