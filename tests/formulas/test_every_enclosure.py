"""What interval arithmetic proves of typed functions, against values with fifty digits."""

import mpmath
import numpy as np
import pytest

from tests.formulas.random_formulas import EXACT, exact_value, points_within, random_boxes, random_formula
from treadle.formulas import functions, intervals
from treadle.formulas.branch_and_bound import lipschitz_constants
from treadle.formulas.enclosure import Enclosure
from treadle.formulas.expressions import read_expression
from treadle.formulas.functions import FUNCTIONS
from treadle.formulas.grammar import read

EVERYWHERE = {"sin", "cos", "arctan", "tanh", "arcsinh", "abs", "floor", "ceil", "sign", "cbrt"}
PLAIN = "sin(3*x) + 0.5*cos(7*x)"


def violations(rng, n_formulas, n_boxes, *, smooth=False):
    """What lies outside of what is proved of it, and how many values were looked at."""
    found, n_seen = [], 0
    for _ in range(n_formulas):
        d = int(rng.integers(1, 4))
        text = random_formula(rng, d, int(rng.integers(1, 6)), smooth=smooth)
        f = read_expression(text, n_dims=d)
        low, high = random_boxes(rng, n_boxes, d)
        least, greatest = f.range(low, high)
        if not np.all(least <= greatest):
            found.append(("empty or NaN", text, None))
            continue
        rounding = f.rounding(low, high)
        x = points_within(rng, low, high)
        computed = f(x)
        for i in np.flatnonzero(np.isfinite(least) | np.isfinite(greatest)):
            exact = exact_value(read(text), x[i])
            n_seen += 1
            if exact is None:
                found.append(("undefined", text, x[i]))
            elif not least[i] <= exact <= greatest[i]:
                found.append(("exact", text, x[i]))
            elif not least[i] <= computed[i] <= greatest[i]:
                found.append(("computed", text, x[i]))
            elif not abs(exact - mpmath.mpf(computed[i])) <= rounding[i]:
                found.append(("rounding", text, x[i]))
    return found, n_seen


def test_ranges_hold_exact_and_computed_values_of_random_formulas():
    found, n_seen = violations(np.random.default_rng(0), 250, 24)
    assert found == []
    assert n_seen > 3000


def test_ranges_hold_values_of_smooth_random_formulas():
    found, n_seen = violations(np.random.default_rng(1), 120, 24, smooth=True)
    assert found == []
    assert n_seen > 2000


@pytest.mark.parametrize("planted", ["no crest", "no rounding", "power"])
def test_a_planted_error_is_found(monkeypatch, planted):
    match planted:
        case "no crest":
            monkeypatch.setattr(intervals, "_holds_turn", lambda a, *_, **__: np.zeros_like(a.low, bool))
        case "no rounding":
            monkeypatch.setattr(intervals, "_up", lambda value, keep: value)
        case "power":
            monkeypatch.setattr(intervals, "mignitude", lambda a: np.minimum(np.abs(a.low), np.abs(a.high)))
    found, _ = violations(np.random.default_rng(1), 100, 24, smooth=True)
    assert found


def test_difference_quotients_lie_in_the_proved_derivatives():
    """Exact difference quotients lie in the gradient's range, exact second ones under the proved bound."""
    rng = np.random.default_rng(2)
    n_first = n_second = 0
    for _ in range(150):
        d = int(rng.integers(1, 4))
        text = random_formula(rng, d, int(rng.integers(1, 5)), smooth=bool(rng.random() < 0.5))
        f, formula = read_expression(text, n_dims=d), read(text)
        low, high = random_boxes(rng, 12, d)
        low, high = low[np.all(low < high, axis=1)], high[np.all(low < high, axis=1)]
        slope_low, slope_high = f.gradient_range(low, high)
        curvature = f.second_derivative_bound(low, high)
        for k in range(len(low)):
            x, (i, j) = points_within(rng, low, high)[k], rng.integers(0, d, 2)
            if np.isfinite(slope_low[k, i]) and np.isfinite(slope_high[k, i]):
                a, b = x.copy(), x.copy()
                a[i], b[i] = low[k, i], high[k, i]
                with mpmath.workdps(50):
                    rise = exact_value(formula, b) - exact_value(formula, a)
                    run = mpmath.mpf(float(b[i])) - mpmath.mpf(float(a[i]))
                    slack = mpmath.mpf(10) ** -40 * (1 + abs(rise))
                    assert slope_low[k, i] * run - slack <= rise <= slope_high[k, i] * run + slack, text
                n_first += 1
            if np.isfinite(curvature[k, i, j]) and i != j:
                corners = [x.copy() for _ in range(4)]
                for corner, (p, q) in zip(corners, [(0, 0), (0, 1), (1, 0), (1, 1)], strict=True):
                    corner[i], corner[j] = (low, high)[p][k, i], (low, high)[q][k, j]
                with mpmath.workdps(50):
                    v = [exact_value(formula, corner) for corner in corners]
                    run = [mpmath.mpf(float(high[k, m])) - mpmath.mpf(float(low[k, m])) for m in (i, j)]
                    assert None not in v, (text, low[k], high[k])
                    slack = mpmath.mpf(10) ** -40 * max(abs(value) for value in v)
                    twist = abs(v[3] - v[2] - v[1] + v[0])
                    assert twist <= curvature[k, i, j] * run[0] * run[1] + slack, text
                n_second += 1
            elif np.isfinite(curvature[k, i, i]):
                a, m, b = x.copy(), x.copy(), x.copy()
                a[i], b[i] = low[k, i], high[k, i]
                m[i] = (a[i] + b[i]) / 2
                with mpmath.workdps(50):
                    u = mpmath.mpf(float(m[i])) - mpmath.mpf(float(a[i]))
                    v = mpmath.mpf(float(b[i])) - mpmath.mpf(float(m[i]))
                    if u > 0 and v > 0:
                        first = (exact_value(formula, m) - exact_value(formula, a)) / u
                        second = (exact_value(formula, b) - exact_value(formula, m)) / v
                        slack = mpmath.mpf(10) ** -30 * abs(first)  # fifty digits, less what cancels
                        assert abs(second - first) <= curvature[k, i, i] * (u + v) / 2 + slack, text
                        n_second += 1
    assert n_first > 500 and n_second > 400


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


def test_an_expression_keeps_the_protocol_of_enclosures():
    assert isinstance(read_expression(PLAIN), Enclosure)


def test_the_lipschitz_constant_is_tight_and_on_the_safe_side():
    """6.43492..., by the zeros of f''; the proved one is at most a ten-thousandth above."""
    x = np.linspace(-2, 2, 400_001)
    sampled = np.max(np.abs(3 * np.cos(3 * x) - 3.5 * np.sin(7 * x)))
    (proved,) = read_expression(PLAIN).lipschitz([-2.0], [2.0])
    assert sampled <= proved <= sampled * (1 + 2e-4)


def test_second_derivatives_of_a_quadratic_are_exact():
    f = read_expression("x*x + 3*x*y - 2*y**2")
    np.testing.assert_allclose(f.second_derivatives([-1, -1], [1, 1]), [[2, 3], [3, 4]], rtol=1e-12)
    np.testing.assert_allclose(f.lipschitz([-1, -1], [1, 1]), [5, 7], rtol=1e-4)


@pytest.mark.parametrize("text", ["floor(3*x)", "sign(x)", "where(x < 0.3, 0, 1)", "(x < 0.3)*2", "ceil(x)"])
def test_a_jump_has_a_range_but_no_lipschitz_constant(text):
    f = read_expression(text)
    assert f.is_bounded([[-1.0]], [[1.0]])
    assert f.lipschitz([-1.0], [1.0]) == [np.inf]
    assert f.trouble([-1.0], [1.0]) is None


def test_a_condition_counts_for_its_own_variables():
    f = read_expression("where(y < 0.5, 1, 2)")
    assert f.lipschitz([0, 0], [1, 1]).tolist() == [0.0, np.inf]


def test_a_kink_has_a_lipschitz_constant_but_no_second_derivative():
    for text, slope in [("abs(2*x)", 2.0), ("max(x, 0)", 1.0), ("min(x, -x)", 1.0)]:
        f = read_expression(text)
        assert f.lipschitz([-1.0], [1.0]) == [slope]
        assert f.second_derivatives([-1.0], [1.0]) == [[np.inf]]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("1/x", "the divisor must not reach 0, which may fail at x in"),
        ("log(x)", "the argument must be positive"),
        ("2 + sqrt(x)", '"2 \\+ >>sqrt\\(x\\)<<", at character 5: the argument must not be negative'),
        ("arcsin(2*x)", "between -1 and 1"),
        ("tan(2*x)", "odd multiple of pi/2"),
        ("x**-2", "the base must not reach 0"),
        ("x**0.5", "the base must not be negative"),
        ("x**-0.5", "the base must be positive"),
        ("x**x", "the base of a varying exponent must be positive"),
        ("exp(1000*x)", "its value grows beyond all bounds"),
        ("sin(1/x)", "the divisor must not reach 0"),
    ],
)
def test_a_pole_is_told_and_its_range_is_infinite(text, words):
    f = read_expression(text)
    low, high = f.range([[-1.0]], [[1.0]])
    assert low == -np.inf or high == np.inf
    with pytest.raises(AssertionError, match=words):
        raise AssertionError(f.trouble([-1.0], [1.0]))


def test_a_domain_that_ends_at_the_corner_is_defined():
    """1 - x**2 is exactly 0 at the ends: error-free transformations keep the bound where it is."""
    f = read_expression("sqrt(1 - x**2)")
    edges = np.linspace(-1, 1, 101)[:, None]
    low, high = f.range(edges[:-1], edges[1:])
    assert np.all(low >= 0) and np.all(high <= 1.0000001)
    assert f.trouble([-1.0], [1.0]) is None


def test_an_unused_branch_need_not_be_defined():
    f = read_expression("where(x > 0, log(x), 0)")
    low, high = f.range([[-2.0], [1.0], [-1.0]], [[-1.0], [2.0], [1.0]])
    assert (low[0], high[0]) == (0, 0)
    assert low[1] <= 0 and high[1] >= np.log(2)
    assert high[2] == np.inf


def test_the_range_of_small_boxes_is_tight():
    """The excess over the true range shrinks with the square of the width."""
    f = read_expression("x*(1 - x) + sin(x)*cos(x)")
    excess = []
    for h in (1e-2, 1e-3):
        low, high = f.range([[0.7]], [[0.7 + h]])
        x = np.linspace(0.7, 0.7 + h, 1001)
        excess.append(float(high[0] - low[0] - np.ptp(f(x))))
    assert 0 <= excess[1] <= excess[0] / 50


def test_corners_are_checked():
    f = read_expression("x*y")
    with pytest.raises(ValueError, match=r"two arrays of shape \(N, 2\)"):
        f.range([[0.0]], [[1.0]])
    with pytest.raises(ValueError, match=r"box 0 has 1\.0 and 0\.0 in dimension 1"):
        f.range([[0.0, 1.0]], [[1.0, 0.0]])
    with pytest.raises(ValueError, match="finite corners"):
        f.range([[0.0, np.nan]], [[1.0, 0.0]])
    assert f.range(np.empty((0, 2)), np.empty((0, 2)))[0].shape == (0,)


def test_constants_of_what_has_no_derivatives_are_infinite():
    class Nothing:
        def gradient_range(self, lower, upper):
            return None

    assert lipschitz_constants(Nothing(), [0.0], [1.0]) == [np.inf]


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


def test_constants_are_found_once_and_are_the_callers_own():
    f = read_expression("sin(3*x)*y")
    first = f.lipschitz([0, 0], [1, 2])
    first[:] = -1.0
    again, other = f.lipschitz([0, 0], [1, 2]), f.lipschitz([0, 0], [1, 1])
    assert again[0] == pytest.approx(6.0, rel=1e-3) and other[0] == pytest.approx(3.0, rel=1e-3)
    assert f.second_derivatives([0, 0], [1, 2])[0, 0] == pytest.approx(18.0, rel=2e-2)


def test_slopes_of_abs_at_zero_alone_are_between_both():
    least, greatest = read_expression("abs(x) + 3*x").gradient_range([[0.0]], [[0.0]])
    assert least[0, 0] <= 2.0 and greatest[0, 0] >= 4.0
