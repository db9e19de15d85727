"""What interval arithmetic proves of typed functions, against values with fifty digits."""

import mpmath
import numpy as np
import pytest

from tests.formulas.random_formulas import exact_value, points_within, random_boxes, random_formula
from treadle.formulas import intervals
from treadle.formulas.expressions import read_expression
from treadle.formulas.grammar import read


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
