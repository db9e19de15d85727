"""Interval arithmetic against fractions, which round nothing, and functions with many digits."""

import math
from fractions import Fraction

import mpmath
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from treadle.formulas import intervals as iv
from treadle.formulas.intervals import Interval

few = settings(max_examples=12, deadline=None, derandomize=True)
moderate = st.one_of(st.floats(-1e90, 1e90), st.integers(-9, 9).map(float), st.just(1e-90))
pairs = st.lists(
    st.tuples(moderate, moderate, moderate, moderate).map(
        lambda ends: (*sorted(ends[:2]), *sorted(ends[2:]))
    ),
    min_size=1,
    max_size=12,
)

EXACT = {
    "add": lambda a, b: a + b,
    "subtract": lambda a, b: a - b,
    "multiply": lambda a, b: a * b,
    "divide": lambda a, b: a / b,
    "minimum": min,
    "maximum": max,
}


def arrays(rows):
    columns = np.array(rows, dtype=np.float64).T
    return Interval(columns[0], columns[1]), Interval(columns[2], columns[3])


def violations(name, rows):
    """Operations whose bounds do not hold the exact result, or are more than a float beyond it."""
    a, b = arrays(rows)
    with np.errstate(all="ignore"):
        low, high = getattr(iv, name)(a, b)
    found = []
    for i, ends in enumerate(np.array(rows).tolist()):
        corners = [(Fraction(p), Fraction(q)) for p in ends[:2] for q in ends[2:]]
        if name == "divide" and ends[2] <= 0 <= ends[3]:
            if (low[i], high[i]) != (-math.inf, math.inf):
                found.append((ends, "a pole"))
            continue
        values = [EXACT[name](p, q) for p, q in corners]
        least, greatest = min(values), max(values)
        if not (low[i] <= least and greatest <= high[i]):
            found.append((ends, "does not hold it"))
        # Rounding to nearest and one float outwards; exact ones stay, but where underflow hides that.
        if not math.nextafter(float(least), -math.inf) <= low[i]:
            found.append((ends, "loose below"))
        if not high[i] <= math.nextafter(float(greatest), math.inf):
            found.append((ends, "loose above"))
        for exact, bound in ((least, low[i]), (greatest, high[i])):
            if abs(exact) > 1e-200 and Fraction(float(exact)) == exact and bound != float(exact):
                found.append((ends, "moved, though exact"))
    return found


@few
@given(pairs)
@pytest.mark.parametrize("name", EXACT)
def test_bounds_hold_the_exact_result_and_are_a_float_wider_at_most(name, rows):
    assert violations(name, rows) == []


@pytest.mark.parametrize("name", ["add", "subtract", "multiply", "divide"])
def test_a_bound_that_stays_where_it_was_rounded_is_seen(monkeypatch, name):
    rng = np.random.default_rng(0)
    rows = np.concatenate([np.sort(rng.uniform(1, 2, (50, 2))), np.sort(rng.uniform(3, 4, (50, 2)))], axis=1)
    assert violations(name, rows) == []
    monkeypatch.setattr(iv, "_up", lambda value, keep: value)
    assert violations(name, rows)


@few
@given(st.lists(st.tuples(moderate, moderate).map(sorted), min_size=1, max_size=20))
def test_squares_and_roots_hold_the_exact_ones(rows):
    a = Interval(*np.array(rows).T)
    square = iv.square(a)
    root = iv.square_root(iv.absolute(a))
    for i, (p, q) in enumerate(rows):
        ends = sorted([Fraction(p) ** 2, Fraction(q) ** 2])
        least = Fraction(0) if p <= 0 <= q else ends[0]
        assert 0 <= Fraction(float(square.low[i])) <= least and ends[1] <= Fraction(float(square.high[i]))
        assert Fraction(float(root.low[i])) ** 2 <= (0 if p <= 0 <= q else min(abs(p), abs(q)))
        assert Fraction(float(root.high[i])) ** 2 >= max(abs(Fraction(p)), abs(Fraction(q)))
        assert root.high[i] <= math.nextafter(math.sqrt(max(abs(p), abs(q))), math.inf)


def test_an_infinite_bound_stands_for_finite_numbers():
    unknown, zero = iv.everything(iv.point([1.0])), iv.point([0.0])
    with np.errstate(invalid="ignore"):  # as all callers do
        assert iv.multiply(unknown, zero) == (0.0, 0.0)
        assert iv.add(unknown, iv.point([1.0])) == (-np.inf, np.inf)
        assert iv.divide(iv.point([1.0]), Interval(np.array([-1.0]), np.array([1.0]))) == (-np.inf, np.inf)
    assert iv.interval(np.array([np.nan]), np.array([np.nan])) == (-np.inf, np.inf)
    # What overflows is finite in exact arithmetic: the lower bound is no infinity.
    with np.errstate(over="ignore", invalid="ignore"):
        overflown = iv.add(iv.point([1.5e308]), iv.point([1.5e308]))
    assert overflown == (np.finfo(float).max, np.inf)


@pytest.mark.parametrize("exponent", [0.0, 1.0, 2.0, 3.0, 4.0, -1.0, -2.0, -3.0, 0.5, 1.5, -0.5, 7.0])
def test_powers_hold_the_exact_ones_and_are_tight(exponent):
    rng = np.random.default_rng(1)
    ends = np.sort(rng.uniform(-3, 3, (60, 2)), axis=1)
    if exponent % 1:
        ends = np.sort(np.abs(ends), axis=1)
    with np.errstate(divide="ignore"):
        low, high = iv.power(Interval(*ends.T), exponent)
    for i, (a, b) in enumerate(ends.tolist()):
        if exponent < 0 and a <= 0 <= b:
            assert (low[i], high[i]) == (-np.inf, np.inf)
            continue
        with mpmath.workdps(50):
            values = [mpmath.mpf(x) ** mpmath.mpf(exponent) for x in (a, b)]
            values += [mpmath.mpf(0)] if a <= 0 <= b and exponent > 0 else []
            assert low[i] <= min(values) and max(values) <= high[i]
            slack = 12 * np.spacing(float(max(map(abs, values))))
            assert low[i] >= min(values) - slack and high[i] <= max(values) + slack


@pytest.mark.parametrize(
    ("name", "exact", "turns"),
    [
        ("sine", mpmath.sin, (0.25, 0.75)),
        ("cosine", mpmath.cos, (0.0, 0.5)),
        ("hyperbolic_cosine", mpmath.cosh, ()),
    ],
)
def test_waves_hold_their_ends_crests_and_troughs(name, exact, turns):
    """Crest and trough are counted in units of a turn, with fifty digits."""
    rng = np.random.default_rng(2)
    size = 1e6 if turns else 30.0
    low = rng.uniform(-1, 1, 150) * size ** rng.uniform(0, 1, 150)
    high = low + 10.0 ** rng.uniform(-6, 1, 150)
    found = getattr(iv, name)(Interval(low, high))
    for i in range(150):
        with mpmath.workdps(50):
            a, b = mpmath.mpf(float(low[i])), mpmath.mpf(float(high[i]))
            values = [exact(a), exact(b)]
            for turn, value in zip(turns, (1, -1), strict=False):
                if mpmath.floor(b / (2 * mpmath.pi) - turn) >= mpmath.ceil(a / (2 * mpmath.pi) - turn):
                    values.append(mpmath.mpf(value))
            if not turns and a <= 0 <= b:
                values.append(mpmath.mpf(1))
            assert found.low[i] <= min(values) and max(values) <= found.high[i]
            slack = 12 * np.spacing(float(max(map(abs, values))))
            assert found.low[i] >= min(values) - slack and found.high[i] <= max(values) + slack


def test_beyond_the_arguments_that_are_reduced_all_is_possible():
    far = iv.point(np.array([1e12, np.inf]))
    assert iv.sine(far).low.tolist() == [-1, -1] and iv.cosine(far).high.tolist() == [1, 1]
    assert iv.holds_pole_of_tangent(far).all()


def test_poles_of_the_tangent_are_odd_multiples_of_a_quarter_turn():
    for k in range(-6, 7):
        pole = k * math.pi / 2
        assert iv.holds_pole_of_tangent(Interval(np.array([pole - 0.1]), np.array([pole + 0.1]))) == [k % 2]
    assert not iv.holds_pole_of_tangent(Interval(np.array([-1.57]), np.array([1.57])))


def test_sets_of_intervals():
    a, b = Interval(np.array([0.0]), np.array([2.0])), Interval(np.array([1.0]), np.array([5.0]))
    assert iv.hull(a, b) == (0, 5) and iv.intersection(a, b) == (1, 2)
    assert iv.choose(np.array([True]), a, b) == a and iv.choose(np.array([False]), a, b) == b
    assert iv.magnitude(iv.negative(b)) == 5 and iv.mignitude(iv.negative(b)) == 1
    assert iv.mignitude(a) == 0 and iv.contains(a, 2.0) and not iv.contains(b, 0.5)
    assert iv.is_finite(a) and not iv.is_finite(iv.everything(a))
    assert iv.absolute(Interval(np.array([-3.0]), np.array([2.0]))) == (0, 3)
