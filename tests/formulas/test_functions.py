"""The table of functions against fifty digits: what they err by, their derivatives, domains and ranges."""

import mpmath
import numpy as np
import pytest

from tests.formulas.random_formulas import EXACT
from treadle.formulas import functions, intervals
from treadle.formulas.functions import FUNCTIONS, SYNONYMS, power
from treadle.formulas.intervals import Interval

EVERYWHERE = {"sin", "cos", "arctan", "tanh", "arcsinh", "abs", "floor", "ceil", "sign", "cbrt"}
STEPS = ("floor", "ceil", "sign")


@pytest.mark.parametrize("name", sorted(FUNCTIONS))
def test_library_functions_err_by_less_than_is_assumed(name):
    """The assumption that all proofs rest on, at arguments of all sizes and near multiples of pi / 2."""
    rng = np.random.default_rng(3)
    x = rng.uniform(-1, 1, 500) * 10.0 ** rng.uniform(-8, 0, 500)
    if name in EVERYWHERE:
        x = np.concatenate([x, x * 1e3, np.round(rng.uniform(-50, 50, 200)) * np.pi / 2])
    elif name in ("exp", "sinh", "cosh", "expm1"):
        x = np.concatenate([x, x * 700])
    elif name in ("log", "log2", "log10", "sqrt"):
        x = np.concatenate([np.abs(x), np.abs(x) * 1e6, 1 + x * 1e-3])
    elif name == "tan":
        x = np.concatenate([x, x * 1e3])
    value = FUNCTIONS[name].value(x)
    with mpmath.workdps(50):
        for a, computed in zip(x, value, strict=True):
            error = abs(EXACT[name](mpmath.mpf(float(a))) - mpmath.mpf(float(computed)))
            limit = intervals.LIBRARY_ULPS if FUNCTIONS[name].library else 0.5
            assert error <= limit * float(np.spacing(abs(computed))), (name, a)


def test_powers_err_by_less_than_is_assumed():
    rng = np.random.default_rng(4)
    x = rng.uniform(0.1, 4, 200)
    with mpmath.workdps(50):
        for p in (3.0, 7.0, -2.0, 0.5, 1.5, 1 / 3, -0.7, 40.0, -100.0):
            for a, computed in zip(x, np.power(x, p), strict=True):
                error = abs(mpmath.mpf(float(a)) ** mpmath.mpf(p) - mpmath.mpf(float(computed)))
                assert error <= intervals.LIBRARY_ULPS * float(np.spacing(computed))


def test_derivatives_of_each_function_against_high_precision():
    """The interval derivatives at points hold mpmath's, and are tight."""
    rng = np.random.default_rng(5)
    for name, function in functions.FUNCTIONS.items():
        if name in ("floor", "ceil", "sign", "abs"):
            continue
        for a in rng.uniform(0.05, 0.95, 5):
            at = intervals.point(np.array([a]))
            value = function.range(at)
            with mpmath.workdps(40):
                for order, form in ((1, function.derivative), (2, function.second_derivative)):
                    exact = mpmath.diff(EXACT[name], mpmath.mpf(float(a)), order)
                    proved = form(at, value)
                    slack = 1e-14 * abs(exact)
                    assert proved.low[0] - slack <= exact <= proved.high[0] + slack, (name, order)
                    assert abs(proved.high[0] - exact) <= 1e-10 * max(1, abs(exact)), (name, order)


def exactly(name, x):
    """The function at x with fifty digits; None where it is no real number."""
    with mpmath.workdps(50):
        try:
            value = EXACT[name](mpmath.mpf(float(x)))
        except (ValueError, ZeroDivisionError):
            return None
        return value if isinstance(value, mpmath.mpf) and mpmath.isfinite(value) else None


def violations(name):
    """What a function's range, slope or domain says wrongly of random intervals."""
    rng = np.random.default_rng(6)
    function = FUNCTIONS[name]
    low = rng.uniform(-3, 3, 60)
    high = low + 10.0 ** rng.uniform(-3, 0.5, 60)
    argument = Interval(low, high)
    with np.errstate(all="ignore"):
        value = function.range(argument)
        slope = function.derivative(argument, value)
        defined = np.ones(60, bool) if function.domain is None else function.domain(argument)
    found, n_defined = [], 0
    for i in range(60):
        points = np.linspace(low[i], high[i], 9)
        values = [exactly(name, x) for x in points]
        if not defined[i]:
            continue
        n_defined += 1
        if None in values:
            found.append(("domain", points[values.index(None)]))
            continue
        if not value.low[i] <= min(values) or not max(values) <= value.high[i]:
            found.append(("range", low[i], high[i]))
        quotient = (values[-1] - values[0]) / (mpmath.mpf(high[i]) - mpmath.mpf(low[i]))
        if not slope.low[i] - 1e-12 <= quotient <= slope.high[i] + 1e-12:
            found.append(("slope", low[i], high[i]))
    assert n_defined >= 3
    return found


@pytest.mark.parametrize("name", sorted(FUNCTIONS))
def test_ranges_hold_values_and_derivatives_hold_difference_quotients(name):
    assert violations(name) == []


@pytest.mark.parametrize("name", ["log", "arcsin", "tan", "sqrt", "log1p"])
def test_a_domain_that_is_forgotten_is_seen(monkeypatch, name):
    function = FUNCTIONS[name]
    forgetful = functions.Function(
        function.value, lambda a: intervals.everything(a), lambda a, v: intervals.everything(a), None
    )
    monkeypatch.setitem(FUNCTIONS, name, forgetful)
    # Of the tangent each value is real; what its slope misses shows a pole instead.
    if name == "tan":
        monkeypatch.setitem(
            FUNCTIONS,
            name,
            functions.Function(function.value, function.range, function.derivative, None),
        )
    assert violations(name)


@pytest.mark.parametrize("exponent", [3.0, 2.0, 1.0, 0.0, -1.0, -2.0, 0.5, 1.5, -0.5])
def test_derivatives_and_domains_of_powers(exponent):
    function = power(exponent)
    at = intervals.point(np.array([0.3, 1.7]))
    value = function.range(at)
    with mpmath.workdps(40):
        for order, form in ((1, function.derivative), (2, function.second_derivative)):
            low, high = (np.broadcast_to(end, 2) for end in form(at, value))
            for i, a in enumerate((0.3, 1.7)):
                exact = mpmath.diff(lambda x: x ** mpmath.mpf(exponent), mpmath.mpf(a), order)
                assert low[i] - 1e-15 <= exact <= high[i] + 1e-15
                assert high[i] - low[i] <= 1e-12 * max(1, abs(exact))
    boxes = Interval(np.array([-1.0, 0.0, 0.5, -2.0]), np.array([1.0, 1.0, 1.0, -1.0]))
    expected = {  # whole and negative: away from 0; broken: not negative, and not 0 if it is negative too
        (True, False): [True, True, True, True],
        (True, True): [False, False, True, True],
        (False, False): [False, True, True, False],
        (False, True): [False, False, True, False],
    }[exponent.is_integer(), exponent < 0]
    domain = np.ones(4, bool) if function.domain is None else function.domain(boxes)
    assert domain.tolist() == expected
    assert bool(function.domain_words) == (function.domain is not None)


@pytest.mark.parametrize("name", STEPS)
def test_a_step_is_flat_between_its_jumps_and_of_any_slope_across_one(name):
    argument = Interval(np.array([0.2, 0.5, -0.5, -0.4]), np.array([0.7, 1.5, 0.5, -0.3]))
    slope = FUNCTIONS[name].derivative(argument, FUNCTIONS[name].range(argument))
    value = FUNCTIONS[name].value
    jumps = value(argument.low) != value(argument.high)
    assert np.isinf(slope.high).tolist() == jumps.tolist() and (slope.high[~jumps] == 0).all()


def test_synonyms_are_other_names_of_what_there_is():
    assert set(SYNONYMS.values()) <= {*FUNCTIONS, "minimum", "maximum"}
    assert not set(SYNONYMS) & set(FUNCTIONS)
