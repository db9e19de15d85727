"""Each rule of propagation against derivatives with forty digits, and comparisons against all pairs."""

from fractions import Fraction

import mpmath
import numpy as np
import pytest

from treadle.formulas import jets
from treadle.formulas.grammar import read
from treadle.formulas.jets import Condition, Jet, propagate

FORMULAS = {
    "sum": "x + 2*y - 3",
    "difference": "x - y*y",
    "negative": "-(x*y)",
    "product": "x*y*(x + y)",
    "same factor twice": "(x + y)*(x + y)",
    "quotient": "(x + 1)/(y + x*x)",
    "whole power": "(x - 3*y)**3",
    "negative power": "(x + y)**-2",
    "broken power": "(x*y)**1.5",
    "varying power": "(x + 1)**(x*y)",
    "function": "exp(x*y)*cos(x - 2*y)",
    "nested": "log(1 + x**2)*sqrt(y + sin(x)**2)",
    "minimum": "minimum(x*x, y + 7)",
    "maximum": "maximum(x*y - 40, x**3)",
    "where": "where(x < 9, x*y**2, y)",
    "indicator": "(x > -5)*(x + y)**2",
}
# The formulas are Python's syntax too: mpmath reads them by Python alone.
NAMES = {name: getattr(mpmath, name) for name in ("exp", "cos", "sin", "log", "sqrt")}
NAMES |= {"minimum": min, "maximum": max, "where": lambda c, a, b: a if c else b}
ORDERS = [(1, 0), (0, 1), (2, 0), (1, 1), (0, 2)]
EMPTY = jets._ZERO  # what an absent derivative stands for


def derivatives_of(text, rng):
    """Over boxes of three sizes: the jet's derivatives, and those at a point of each box."""
    code = compile(text, "formula", "eval")
    middle = rng.uniform(0.4, 2.0, (6, 2))
    half = np.array([0.0, 0.0, 1e-3, 1e-3, 0.2, 0.2])[:, None]
    low, high = middle - half, middle + half
    formula = read(text)
    jet = propagate(formula, low, high, 2)[formula.result]
    points = low + rng.random(low.shape) * (high - low)
    for i, point in enumerate(points.tolist()):
        for order in ORDERS:
            where = tuple(axis for axis in (0, 1) for _ in range(order[axis]))
            bounds = jet.gradient.get(where[0], EMPTY) if len(where) == 1 else jet.hessian.get(where, EMPTY)
            with mpmath.workdps(40):
                exact = mpmath.diff(
                    lambda x, y: eval(code, NAMES, {"x": x, "y": y}), [mpmath.mpf(c) for c in point], order
                )
            ends = [float(np.broadcast_to(end, 6)[i]) for end in bounds]
            yield half[i, 0], order, exact, *ends


def violations(text):
    found = []
    for half, order, exact, low, high in derivatives_of(text, np.random.default_rng(0)):
        slack = 1e-15 * (1 + abs(exact))  # of differences with forty digits
        if not low - slack <= exact <= high + slack:
            found.append((order, half, exact, low, high))
        if half == 0 and not high - low <= 1e-12 * (1 + abs(exact)):
            found.append((order, "loose at a point", exact, low, high))
    return found


@pytest.mark.parametrize("name", FORMULAS)
def test_derivatives_hold_the_exact_ones_and_are_tight_at_points(name):
    assert violations(FORMULAS[name]) == []


@pytest.mark.parametrize(
    ("rule", "name"),
    [("_products", "product"), ("_products", "quotient"), ("_squares", "function"), ("_negated", "quotient")],
)
def test_a_rule_that_loses_a_term_is_seen(monkeypatch, rule, name):
    if rule == "_negated":
        monkeypatch.setattr(jets, rule, lambda a: a)
    else:
        monkeypatch.setattr(jets, rule, lambda *a: {})
    assert violations(FORMULAS[name])


def jet_of(text, low, high, order=0):
    formula = read(text)
    corners = [np.array(corner, dtype=float).reshape(-1, 1) for corner in (low, high)]
    return propagate(formula, *corners, order)[formula.result]


def test_an_absent_derivative_is_zero():
    formula = read("3*x + z*z")
    jet = propagate(formula, np.zeros((2, 3)), np.ones((2, 3)), 2)[formula.result]
    assert sorted(jet.gradient) == [0, 2] and sorted(jet.hessian) == [(2, 2)]
    assert propagate(formula, np.zeros((2, 3)), np.ones((2, 3)), 0)[formula.result].gradient == {}


@pytest.mark.parametrize("operator", ["<", "<=", ">", ">=", "==", "!="])
def test_comparisons_are_certain_exactly_where_all_pairs_agree(operator):
    """Of integer intervals and all pairs of halves: where they agree, and only there, it is certain."""
    formula = read(f"where(x {operator} y, 1, 0)")
    ends = [(a, b) for a in range(3) for b in range(a, 3)]
    boxes = [(x, y) for x in ends for y in ends]
    low = np.array([[x[0], y[0]] for x, y in boxes], dtype=float)
    high = np.array([[x[1], y[1]] for x, y in boxes], dtype=float)
    (condition,) = (part for part in propagate(formula, low, high, 1) if isinstance(part, Condition))
    assert condition.variables == {0, 1}
    compare = eval(f"lambda x, y: x {operator} y")
    for i, (x, y) in enumerate(boxes):
        halves = [np.arange(2 * a, 2 * b + 1) / 2 for a, b in (x, y)]
        results = [compare(p, q) for p in halves[0] for q in halves[1]]
        assert condition.holds[i] == all(results) and condition.fails[i] == (not any(results)), (x, y)


def test_joined_conditions_are_certain_only_where_every_point_agrees():
    texts = {
        "x < 1 and y > 0": lambda x, y: x < 1 and y > 0,
        "x < 1 or y > 0": lambda x, y: x < 1 or y > 0,
        "not (x < 1)": lambda x, y: not x < 1,
    }
    rng = np.random.default_rng(1)
    low = rng.uniform(-1, 2, (200, 2))
    high = low + rng.uniform(0, 1, (200, 2))
    for text, exact in texts.items():
        formula = read(f"where({text}, 1, 0)")
        steps = propagate(formula, low, high, 0)
        condition = steps[formula.steps[formula.result].operands[0]]
        n_certain = 0
        for i in range(200):
            corners = [exact(x, y) for x in (low[i, 0], high[i, 0]) for y in (low[i, 1], high[i, 1])]
            assert not condition.holds[i] or all(corners)
            assert not condition.fails[i] or not any(corners)
            n_certain += condition.holds[i] or condition.fails[i]
        assert n_certain > 50


def test_between_two_the_slope_is_of_either_and_the_curvature_unknown():
    jet = jet_of("max(x, 3*x)", [-1, 1, -2], [1, 2, -1], 2)
    assert np.stack(jet.gradient[0], axis=1).tolist() == [[1, 3], [3, 3], [1, 1]]
    assert np.isinf(jet.hessian[0, 0].high).tolist() == [True, False, False]
    jump = jet_of("where(x < 0.5, x, 3*x)", [0, 0.6, 0.1], [1, 1, 0.2], 1)
    assert np.isinf(jump.gradient[0].high).tolist() == [True, False, False]
    assert np.isinf(jump.rounding).tolist() == [False] * 3  # both values lie in one interval


@pytest.mark.parametrize(
    ("text", "low", "high", "defined"),
    [
        ("log(x)", [-1, 0, 1], [1, 1, 2], [False, False, True]),
        ("1/x", [-1, 0, 1], [1, 1, 2], [False, False, True]),
        ("sqrt(x)", [-1, 0, 1], [1, 1, 2], [False, True, True]),
        ("exp(1000*x)*(x - 0.5)", [0, 0, 0.7], [1, 0.1, 1], [False, True, True]),  # infinity times 0
        ("exp(1000*x) - exp(999*x)", [0, 0], [1, 0.1], [False, True]),  # infinity less infinity
        ("exp(1000*x)/exp(999*x)", [0, 0], [1, 0.1], [False, True]),
        ("where(x > 0, log(x), 7)", [-2, 1, -1], [-1, 2, 1], [True, True, False]),
        ("min(log(x), 3)", [-1, 1], [1, 2], [False, True]),
    ],
)
def test_where_a_part_is_defined(text, low, high, defined):
    assert np.broadcast_to(jet_of(text, low, high).defined, len(low)).tolist() == defined


def test_rounding_of_what_is_exact_is_none_and_of_a_sum_half_a_unit():
    one = jet_of("x", [1.0], [2.0])
    assert isinstance(one, Jet) and one.rounding == 0
    total = jet_of("x + 0.3", [1.0], [1.0])
    error = abs(Fraction(1) + Fraction(0.3) - Fraction(1.0 + 0.3))
    assert 0 < error <= total.rounding <= 1.001 * 1.3 * 2.0**-53
