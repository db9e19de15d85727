"""Constants of whole boxes: above every sample, hardly above the greatest, and of enclosures that loosen."""

import numpy as np
import pytest

from treadle.formulas import branch_and_bound
from treadle.formulas.branch_and_bound import GAP_OF_FIRST, lipschitz_constants, second_derivative_bounds
from treadle.formulas.expressions import read_expression

PLAIN = "sin(3*x) + 0.5*cos(7*x)"


class Wave:
    """f = sin(3 x) y, on |y| <= 2, bounds of its derivatives loose by the size of the box."""

    def gradient_range(self, lower, upper):
        middle, half = (lower + upper) / 2, (upper - lower) / 2
        x, y = middle.T
        slopes = np.stack([3 * np.cos(3 * x) * y, np.sin(3 * x)], axis=1)
        reach = np.stack([18 * half[:, 0] + 3 * half[:, 1], 3 * half[:, 0]], axis=1)
        return slopes - reach, slopes + reach

    def second_derivative_bound(self, lower, upper):
        middle, half = (lower + upper) / 2, (upper - lower) / 2
        x, y = middle.T
        bent = np.abs(9 * np.sin(3 * x) * y) + 54 * half[:, 0] + 9 * half[:, 1]
        twisted = np.abs(3 * np.cos(3 * x)) + 9 * half[:, 0]
        return np.stack([np.stack([bent, twisted], 1), np.stack([twisted, np.zeros_like(x)], 1)], 1)


LOWER, UPPER = np.array([0.1, -1.0]), np.array([0.9, 2.0])
X, Y = np.meshgrid(np.linspace(0.1, 0.9, 801), np.linspace(-1, 2, 31))
GREATEST = (np.abs(3 * np.cos(3 * X) * Y).max(), np.abs(np.sin(3 * X)).max())


def test_constants_are_above_every_sample_and_hardly_above_the_greatest():
    constants = lipschitz_constants(Wave(), LOWER, UPPER)
    assert (constants >= GREATEST).all()
    assert (constants <= np.array(GREATEST) * 1.001).all()
    bounds = second_derivative_bounds(Wave(), LOWER, UPPER)
    bent, twisted = np.abs(9 * np.sin(3 * X) * Y).max(), np.abs(3 * np.cos(3 * X)).max()
    expected = np.array([[bent, twisted], [twisted, 0.0]])
    assert (bounds >= expected).all() and (bounds <= expected * 1.02).all()


def test_stopping_early_loosens_and_still_holds(monkeypatch):
    fine = lipschitz_constants(Wave(), LOWER, UPPER)
    monkeypatch.setattr(branch_and_bound, "MOST_BOXES", 600)
    coarse = lipschitz_constants(Wave(), LOWER, UPPER)
    assert (coarse >= GREATEST).all() and (coarse > fine * (1 + GAP_OF_FIRST)).any()


def test_a_half_that_is_lost_is_seen(monkeypatch):
    """The slope in x is greatest at y = 2, which left halves never hold."""

    def left_only(low, high, sides):
        left = halved(low, high, sides)
        n = len(left[0]) // 2
        return tuple(np.concatenate([part[:n], part[:n]]) for part in left)

    halved = branch_and_bound._halved
    monkeypatch.setattr(branch_and_bound, "_halved", left_only)
    assert not (lipschitz_constants(Wave(), LOWER, UPPER) >= GREATEST).all()


def test_halves_cover_the_box_and_share_what_lies_between_them():
    low, high = branch_and_bound._halved(
        np.array([[0.0, 0.0], [5.0, 5.0]]), np.array([[1.0, 3.0], [6.0, 5.5]]), np.array([1.0, 3.0])
    )
    assert low[:2].tolist() == [[0, 0], [5, 5]] and high[2:].tolist() == [[1, 3], [6, 5.5]]
    assert (high[:2] - low[2:] >= 0).all()  # along the cut too: a float to each side
    assert high[0, 0] == np.nextafter(0.5, 1) and low[2, 0] == np.nextafter(0.5, 0)


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


def test_constants_of_what_has_no_derivatives_are_infinite():
    class Nothing:
        def gradient_range(self, lower, upper):
            return None

    assert lipschitz_constants(Nothing(), [0.0], [1.0]) == [np.inf]


def test_what_is_settled_early_still_counts():
    """On the left the slope is 5 for certain at once; on the right it is 4, and looser the wider the box."""

    class Plateau:
        def gradient_range(self, lower, upper):
            slope = np.where(lower < 0.5, 5.0, 4.0 + 300 * (upper - lower))
            return np.zeros_like(slope), slope

    assert lipschitz_constants(Plateau(), [0.0], [1.0]) == pytest.approx([5.0], rel=0.01)
