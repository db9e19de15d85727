"""Random formulas, random boxes, and the exact values of formulas with fifty digits."""

from __future__ import annotations

import mpmath
import numpy as np

from treadle.formulas.grammar import Formula

SMOOTH = ("sin", "cos", "tanh", "arctan", "exp", "sinh", "cosh", "arcsinh")
PARTIAL = ("log", "sqrt", "tan", "arcsin", "arccos", "log1p", "log2", "log10", "expm1", "cbrt")
ROUGH = ("abs", "floor", "ceil", "sign")
EXACT = {
    **{name: getattr(mpmath, name) for name in ("sin", "cos", "tan", "exp", "sinh", "cosh", "tanh", "expm1")},
    "arcsin": mpmath.asin,
    "arccos": mpmath.acos,
    "arctan": mpmath.atan,
    "arcsinh": mpmath.asinh,
    "log": mpmath.log,
    "log1p": mpmath.log1p,
    "log2": lambda a: mpmath.log(a, 2),
    "log10": mpmath.log10,
    "sqrt": mpmath.sqrt,
    "cbrt": lambda a: mpmath.sign(a) * mpmath.cbrt(abs(a)),
    "abs": abs,
    "floor": mpmath.floor,
    "ceil": mpmath.ceil,
    "sign": mpmath.sign,
}


def random_formula(rng: np.random.Generator, d: int, depth: int, *, smooth: bool = False) -> str:
    """A formula of up to d variables."""
    if depth == 0 or rng.random() < 0.12:
        if rng.random() < 0.7:
            return "xyz"[rng.integers(d)]
        return f"{rng.choice([0.5, 1, 2, 3, 0.1, 7, 1.7, 1e-3, 12.5]):g}"

    def part() -> str:
        return random_formula(rng, d, depth - 1, smooth=smooth)

    kind = rng.random()
    if kind < 0.42:
        operator = rng.choice(["+", "-", "*"]) if smooth or rng.random() < 0.85 else "/"
        return f"({part()} {operator} {part()})"
    if kind < 0.55:
        exponents = [2, 3, 4] if smooth else [2, 3, 4, 0, 1, -1, -2, 0.5, 1.5, -0.5]
        return f"({part()})**{rng.choice(exponents):g}"
    if kind < 0.60:
        return f"-{part()}"
    if smooth or kind < 0.8:
        return f"{rng.choice(SMOOTH[:4] if rng.random() < 0.8 else SMOOTH)}({part()})"
    if kind < 0.88:
        return f"{rng.choice(PARTIAL)}({part()})"
    if kind < 0.94:
        return f"{rng.choice(ROUGH)}({part()})"
    if kind < 0.97:
        return f"{rng.choice(['min', 'max'])}({part()}, {part()})"
    if kind < 0.98:
        return f"(1 + abs({part()}))**({part()})"
    return f"where({part()} {rng.choice(['<', '<=', '>', '>='])} {part()}, {part()}, {part()})"


def random_boxes(rng: np.random.Generator, n: int, d: int) -> tuple[np.ndarray, np.ndarray]:
    """Boxes of all sizes, some with whole corners, some without any width."""
    middle = rng.uniform(-4, 4, (n, d))
    width = 10.0 ** rng.uniform(-9, 0.7, (n, d))
    low, high = middle - width / 2, middle + width / 2
    whole = rng.random((n, d)) < 0.2
    low, high = np.where(whole, np.round(low), low), np.where(whole, np.round(high) + 1.0, high)
    points = rng.random(n) < 0.05
    return low, np.where(points[:, None], low, high)


def points_within(rng: np.random.Generator, low: np.ndarray, high: np.ndarray) -> np.ndarray:
    """A point of each box, often a corner or next to one."""
    t = rng.random(low.shape)
    x = low + t * (high - low)
    choice = rng.random(low.shape)
    x = np.where(choice < 0.2, low, np.where(choice < 0.4, high, x))
    x = np.where((choice > 0.9) & (low < high), np.nextafter(low, np.inf), x)
    return np.clip(x, low, high)


def exact_value(formula: Formula, x: np.ndarray) -> mpmath.mpf | None:
    """The formula at a point with fifty digits; None where it is not a real number."""
    values: list = []
    with mpmath.workdps(50):
        for step in formula.steps:
            operands = [values[i] for i in step.operands]
            if step.operation == "where" and operands[0] is not None:
                operands = [operands[0], *(operands[1:2] * 2 if operands[0] else operands[2:] * 2)]
            try:
                values.append(None if None in operands else _exact(step, operands, x))
            except (ZeroDivisionError, ValueError, OverflowError):
                values.append(None)
        return values[formula.result]


def _exact(step, operands: list, x: np.ndarray):
    match step.operation, operands:
        case "number", []:
            return mpmath.mpf(step.constant)
        case "variable", []:
            return mpmath.mpf(float(x[int(step.constant)]))
        case "negative", [a]:
            return -a
        case "add", [a, b]:
            return a + b
        case "subtract", [a, b]:
            return a - b
        case "multiply", [a, b]:
            return a * b
        case "divide", [a, b]:
            return a / b
        case "power", [a]:
            return _real(a ** mpmath.mpf(step.constant))
        case "power_of", [a, b]:
            return _real(a**b)
        case "minimum", [a, b]:
            return min(a, b)
        case "maximum", [a, b]:
            return max(a, b)
        case "where", [condition, a, b]:
            return a if condition else b
        case "indicator", [condition]:
            return mpmath.mpf(int(condition))
        case "not", [p]:
            return not p
        case "and", [p, q]:
            return p and q
        case "or", [p, q]:
            return p or q
        case "less", [a, b]:
            return a < b
        case "less_equal", [a, b]:
            return a <= b
        case "greater", [a, b]:
            return a > b
        case "greater_equal", [a, b]:
            return a >= b
        case "equal", [a, b]:
            return a == b
        case "not_equal", [a, b]:
            return a != b
        case name, [a]:
            if abs(a) > 1e12 and name in ("exp", "sinh", "cosh", "expm1"):
                raise OverflowError
            return _real(EXACT[name](a))


def _real(a):
    if isinstance(a, mpmath.mpc):
        raise ValueError  # noqa: TRY004
    if mpmath.isinf(a) or mpmath.isnan(a):
        raise OverflowError
    return a
