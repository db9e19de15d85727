"""Computes a user's formula, and proves bounds of it by interval arithmetic.

The text is read by ``treadle.formulas.grammar`` and is never evaluated by Python. The result computes values
by NumPy and is an ``Enclosure``: range, gradient and second derivatives over boxes, by
``treadle.formulas.jets``. Range and gradient are the better of two enclosures, the plain one and the
mean-value form about the middle m,

    f(x) in f(m) + sum over i of f_i(box) (x_i - m_i),

whose excess shrinks with the square of the box (Moore, Kearfott and Cloud 2009, section 6.3).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from treadle.errors import InvalidInput
from treadle.formulas import intervals as iv
from treadle.formulas.branch_and_bound import lipschitz_constants, second_derivative_bounds
from treadle.formulas.enclosure import Enclosure
from treadle.formulas.functions import FUNCTIONS, power
from treadle.formulas.grammar import MOST_VARIABLES, NAMED_VARIABLES, Formula, Step, read
from treadle.formulas.intervals import Array, Interval
from treadle.formulas.jets import Jet, propagate

BOXES_AT_A_TIME = 8192  # their intervals stay in the cache

_BINARY: dict[str, np.ufunc] = {
    "add": np.add,
    "subtract": np.subtract,
    "multiply": np.multiply,
    "divide": np.divide,
    "power_of": np.power,
    "minimum": np.minimum,
    "maximum": np.maximum,
    "less": np.less,
    "less_equal": np.less_equal,
    "greater": np.greater,
    "greater_equal": np.greater_equal,
    "equal": np.equal,
    "not_equal": np.not_equal,
    "and": np.logical_and,
    "or": np.logical_or,
}


class Expression:
    """A function of d variables from a user's formula: its values and proved bounds.

    Made by ``read_expression``. An object keeps the protocol ``treadle.formulas.enclosure.Enclosure``.

    Attributes
    ----------
    text : str
        The formula.
    n_dims : int
        d.
    variables : tuple of str
        The names of the d variables, whether they occur or not.

    Examples
    --------
    >>> from treadle import read_expression
    >>> f = read_expression("x**2")
    >>> f([3.0]).tolist()
    [9.0]
    >>> [bound.round(6).tolist() for bound in f.range([[1.0]], [[2.0]])]
    [[1.0], [4.0]]
    """

    def __init__(self, formula: Formula, variables: Sequence[str]) -> None:
        self._formula = formula
        self.text = formula.text
        self.variables = tuple(variables)
        self.n_dims = len(self.variables)
        # By kind and box: finding a constant takes as long as building a network.
        self._constants: dict[tuple[str, bytes, bytes], Array] = {}

    def __repr__(self) -> str:
        return f"Expression({self.text!r}, variables={', '.join(self.variables)})"

    def __call__(self, x: ArrayLike) -> NDArray[np.float64]:
        """Compute the values at points in float64, by NumPy.

        They are nan where the function is not defined.

        Parameters
        ----------
        x : array of shape (n,) in one dimension, else (n, d)
            In one dimension (n, 1) is taken as well.

        Returns
        -------
        array of shape (n,)

        Raises
        ------
        InvalidInput
            If x has another shape.
        """
        points = np.asarray(x, dtype=np.float64)
        if self.n_dims == 1 and points.ndim == 1:
            points = points[:, None]
        if points.ndim != 2 or points.shape[1] != self.n_dims:
            allowed = "(n,)" if self.n_dims == 1 else f"(n, {self.n_dims})"
            raise InvalidInput(
                f'the points at which "{self.text}" is computed must have shape {allowed}; got {np.shape(x)}'
            )
        results: list[Any] = []  # see ``_value``
        with np.errstate(all="ignore"):
            for step in self._formula.steps:
                results.append(_value(step, [results[i] for i in step.operands], points))
        value = np.asarray(results[self._formula.result], dtype=np.float64)
        return np.array(np.broadcast_to(value, (len(points),)))

    def range(self, lower: ArrayLike, upper: ArrayLike) -> tuple[Array, Array]:
        """Bound f's exact and computed values over each box: two arrays (N,).

        Infinite where f may not be defined on all of the box; ``trouble`` says why.

        Parameters
        ----------
        lower, upper : arrays of shape (N, d)
            The corners; both belong to the box.

        Raises
        ------
        InvalidInput
            If the corners have other shapes, are not finite, or if a lower one is above the upper one.
        """
        return self._over_boxes(self._ranges, lower, upper)

    def gradient_range(self, lower: ArrayLike, upper: ArrayLike) -> tuple[Array, Array]:
        """Bound each partial derivative over each box: two arrays (N, d).

        The rest is as in ``range``. They bound the difference quotients of f: finite at a kink, infinite at a
        jump.
        """
        return self._over_boxes(self._gradients, lower, upper)

    def second_derivative_bound(self, lower: ArrayLike, upper: ArrayLike) -> Array:
        """Bound |d2f / dx_i dx_j| over each box, (N, d, d); infinite at kinks."""
        bounds, _ = self._over_boxes(self._curvatures, lower, upper)
        return bounds

    def rounding(self, lower: ArrayLike, upper: ArrayLike) -> Array:
        """A bound of |computed f - exact f| over each box, (N,)."""
        bounds, _ = self._over_boxes(self._roundings, lower, upper)
        return bounds

    def lipschitz(self, lower: ArrayLike, upper: ArrayLike) -> Array:
        """Prove a Lipschitz constant for each variable on one box, or infinity.

        The box's corners are of shape (d,), and so is the result.
        """
        return self._found_once(lipschitz_constants, lower, upper)

    def second_derivatives(self, lower: ArrayLike, upper: ArrayLike) -> Array:
        """Prove bounds of |d2f / dx_i dx_j| on one box, of shape (d, d).

        The box's corners are of shape (d,).
        """
        return self._found_once(second_derivative_bounds, lower, upper)

    def _found_once(
        self, find: Callable[[Enclosure, Array, Array], Array], lower: ArrayLike, upper: ArrayLike
    ) -> Array:
        low, high = (corners[0] for corners in self._boxes(np.atleast_2d(lower), np.atleast_2d(upper)))
        key = (find.__name__, low.tobytes(), high.tobytes())
        if key not in self._constants:
            self._constants[key] = find(self, low, high)
        return self._constants[key].copy()

    def trouble(self, lower: ArrayLike, upper: ArrayLike) -> str | None:
        """Say which part of the formula may be undefined or overflow on one box.

        None if the range is bounded. The box is cut into many, as a part that looks undefined from afar often
        is not.
        """
        corners = self._boxes(np.atleast_2d(lower), np.atleast_2d(upper))
        low, high = _cut(corners[0][0], corners[1][0])
        jets = propagate(self._formula, low, high, order=0)
        for step, jet in zip(self._formula.steps, jets, strict=True):
            before = [jets[i] for i in step.operands]
            undefined = np.broadcast_to(~np.asarray(jet.defined), (len(low),))
            unbounded = np.zeros(len(low), dtype=bool)
            if isinstance(jet, Jet):
                unbounded = np.broadcast_to(np.isinf(iv.magnitude(jet.value)), (len(low),)) & ~undefined
            if step.operation != "where" and undefined.any() and all(np.all(b.defined) for b in before):
                return self._at_fault(step, _domain_words(step), low, high, undefined)
            if unbounded.any() and not self.is_bounded(low, high):
                return self._at_fault(step, "its value grows beyond all bounds", low, high, unbounded)
        return None

    def is_bounded(self, lower: ArrayLike, upper: ArrayLike) -> bool:
        """Say whether the ranges over all N boxes are finite.

        Then f is defined everywhere on them.
        """
        low, high = self.range(lower, upper)
        return bool(np.all(np.isfinite(low)) and np.all(np.isfinite(high)))

    def _at_fault(self, step: Step, what: str, low: Array, high: Array, where: NDArray[np.bool_]) -> str:
        i = int(np.flatnonzero(where)[0])
        box = ", ".join(
            f"{name} in [{a:.6g}, {b:.6g}]"
            for name, a, b in zip(self.variables, low[i], high[i], strict=True)
        )
        return f"{self._formula.shown(step.place)}: {what}, which may fail at {box}"

    def _over_boxes(
        self, function: Callable[[Array, Array], tuple[Array, Array]], lower: ArrayLike, upper: ArrayLike
    ) -> tuple[Array, Array]:
        """Apply a function to all boxes, a block of them at a time."""
        low, high = self._boxes(lower, upper)
        parts = [
            function(low[start : start + BOXES_AT_A_TIME], high[start : start + BOXES_AT_A_TIME])
            for start in range(0, max(len(low), 1), BOXES_AT_A_TIME)
        ]
        first, second = zip(*parts, strict=True)
        return np.concatenate(first), np.concatenate(second)

    def _boxes(self, lower: ArrayLike, upper: ArrayLike) -> tuple[Array, Array]:
        """Check the corners, and return them as arrays."""
        low, high = np.asarray(lower, dtype=np.float64), np.asarray(upper, dtype=np.float64)
        if low.ndim != 2 or low.shape[1] != self.n_dims or high.shape != low.shape:
            raise InvalidInput(
                f"the corners of boxes must be two arrays of shape (N, {self.n_dims}); "
                f"got {low.shape} and {high.shape}"
            )
        wrong = ~(np.isfinite(low) & np.isfinite(high) & (low <= high))
        if wrong.any():
            i, j = np.argwhere(wrong)[0]
            raise InvalidInput(
                f"a box needs finite corners, the lower one not above the upper one; "
                f"box {i} has {low[i, j]} and {high[i, j]} in dimension {j}"
            )
        return low, high

    def _jet(self, low: Array, high: Array, order: int) -> Jet:
        jet = propagate(self._formula, low, high, order)[self._formula.result]
        assert isinstance(jet, Jet)
        return jet

    def _ranges(self, low: Array, high: Array) -> tuple[Array, Array]:
        n = len(low)
        jet = self._jet(low, high, order=1)
        middle = low + 0.5 * (high - low)
        at_middle = self._jet(middle, middle, order=0)
        with np.errstate(all="ignore"):
            form = _mean_value_form(at_middle.value, jet.gradient, low, high, middle)
            # It holds the exact values; the computed ones are as far away as rounding takes them.
            form = iv.add(form, Interval(-jet.rounding, jet.rounding))
            usable = jet.defined & at_middle.defined
            value = iv.intersection(jet.value, iv.choose(usable, form, jet.value))
        return _spread(value.low, n), _spread(value.high, n)

    def _gradients(self, low: Array, high: Array) -> tuple[Array, Array]:
        """Take each derivative's better enclosure: the plain one or the mean-value form."""
        jet = self._jet(low, high, order=2)
        middle = low + 0.5 * (high - low)
        at_middle = self._jet(middle, middle, order=1)
        nothing = np.broadcast_to(np.where(jet.defined, 0.0, np.inf), len(low))[:, None]
        least, greatest = (np.broadcast_to(sign * nothing, low.shape).copy() for sign in (-1.0, 1.0))
        with np.errstate(all="ignore"):
            for i, plain in jet.gradient.items():
                changes = {
                    j: jet.hessian[min(i, j), max(i, j)]
                    for j in jet.gradient
                    if (min(i, j), max(i, j)) in jet.hessian
                }
                form = _mean_value_form(at_middle.gradient[i], changes, low, high, middle)
                usable = jet.defined & at_middle.defined
                slope = iv.intersection(plain, iv.choose(usable, form, plain))
                least[:, i] = np.where(jet.defined, slope.low, -np.inf)
                greatest[:, i] = np.where(jet.defined, slope.high, np.inf)
        return least, greatest

    def _curvatures(self, low: Array, high: Array) -> tuple[Array, Array]:
        jet = self._jet(low, high, order=2)
        nothing = np.broadcast_to(np.where(jet.defined, 0.0, np.inf), len(low))[:, None, None]
        bounds = np.broadcast_to(nothing, (*low.shape, self.n_dims)).copy()
        for (i, j), curvature in jet.hessian.items():
            bounds[:, i, j] = bounds[:, j, i] = np.where(jet.defined, iv.magnitude(curvature), np.inf)
        return bounds, bounds

    def _roundings(self, low: Array, high: Array) -> tuple[Array, Array]:
        jet = self._jet(low, high, order=1)
        bounds = _spread(np.where(jet.defined, jet.rounding, np.inf), len(low))
        return bounds, bounds


def read_expression(text: str, *, n_dims: int | None = None) -> Expression:
    """Read a user's formula, such as ``"sin(3*x) + 0.5*cos(7*x)"``, without running it in Python.

    Parameters
    ----------
    text : str
        Numbers, the variables x, y, z or x1 to x20, pi, e, ``+ - * / **``, the functions of
        ``treadle.formulas.functions``, min, max, comparisons joined with and, or, not, and
        ``where(condition, a, b)``.
    n_dims : int, optional
        d, at least the number of the last variable that occurs, which it is where left out.

    Returns
    -------
    Expression
        A function of arrays, which is an ``Enclosure`` as well.

    Raises
    ------
    InvalidInput
        If the text is no formula: the place is marked, and what is allowed is said. If it mixes x, y, z with
        x1, x2, or has a variable beyond n_dims.

    Examples
    --------
    >>> from treadle import read_expression
    >>> read_expression("x**2 + y")([[3.0, 1.0]]).tolist()
    [10.0]
    """
    formula = read(text)
    names = formula.variables
    numbered = [name for name in names if name not in NAMED_VARIABLES]
    lettered = [name for name in names if name in NAMED_VARIABLES]
    if numbered and lettered:
        raise InvalidInput(
            f'a formula has either x, y, z or x1, x2, ... as variables; "{formula.text}" has '
            f"{lettered[0]} and {numbered[0]}"
        )
    needed = max(names.values(), default=0) + 1
    d = needed if n_dims is None else n_dims
    if not 1 <= d <= MOST_VARIABLES:
        raise InvalidInput(f"a formula has 1 to {MOST_VARIABLES} variables; got n_dims={n_dims}")
    if d < needed:
        last = max(names, key=names.__getitem__)
        raise InvalidInput(
            f'"{formula.text}" has the variable {last}, and so {needed} dimensions; {d} were given. '
            f"Give bounds for each dimension"
        )
    letters = list(NAMED_VARIABLES)
    if numbered or d > len(letters):
        if lettered:
            raise InvalidInput(f"x, y, z are the variables of up to 3 dimensions; in {d} they are x1 to x{d}")
        return Expression(formula, [f"x{i + 1}" for i in range(d)])
    return Expression(formula, letters[:d])


# Any: numbers or truth values, one or an array, as the grammar has seen to.
def _value(step: Step, operands: list[Any], points: Array) -> Any:
    """Compute one step of the formula at points."""
    match step.operation:
        case "number":
            return np.float64(step.constant)
        case "variable":
            return points[:, int(step.constant)]
        case "negative":
            return -operands[0]
        case "power":
            return power(step.constant).value(operands[0])
        case "where":
            return np.where(*operands)
        case "indicator":
            return np.where(operands[0], 1.0, 0.0)
        case "not":
            return np.logical_not(operands[0])
        case name if name in _BINARY:
            return _BINARY[name](*operands)
        case name:
            return FUNCTIONS[name].value(operands[0])


def _mean_value_form(
    at_middle: Interval, slopes: Mapping[int, Interval], low: Array, high: Array, middle: Array
) -> Interval:
    """Enclose g over boxes by g(m) + sum of slope_i (x_i - m_i)."""
    total = at_middle
    for i, slope in slopes.items():
        offset = iv.subtract(Interval(low[:, i], high[:, i]), iv.point(middle[:, i]))
        total = iv.add(total, iv.multiply(slope, offset))
    return total


def _domain_words(step: Step) -> str:
    match step.operation:
        case "add" | "subtract" | "multiply":
            return "its parts must not overflow"
        case "divide":
            return "the divisor must not reach 0"
        case "power":
            return power(step.constant).domain_words
        case "power_of":
            return "the base of a varying exponent must be positive"
        case name if name in FUNCTIONS:
            return FUNCTIONS[name].domain_words
        case _:
            return "it must be defined"


def _cut(lower: Array, upper: Array) -> tuple[Array, Array]:
    """Cut one box into some 4096 equal boxes."""
    d = len(lower)
    m = max(1, int(4096 ** (1 / d)))
    axes = []
    for a, b in zip(lower, upper, strict=True):
        edges = np.linspace(a, b, m + 1)
        edges[-1] = b
        axes.append(edges)
    low = np.stack(np.meshgrid(*(edges[:-1] for edges in axes), indexing="ij"), axis=-1).reshape(-1, d)
    high = np.stack(np.meshgrid(*(edges[1:] for edges in axes), indexing="ij"), axis=-1).reshape(-1, d)
    return low, high


def _spread(value: ArrayLike, n: int) -> Array:
    """Repeat a number that holds for all boxes once for each box."""
    return np.array(np.broadcast_to(value, (n,)), dtype=np.float64)
