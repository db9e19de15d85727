"""Bounds of cells against functions whose exact range over any cell is known, as fractions."""

import itertools
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from treadle.boxes.proof import known_function
from treadle.boxes.proof.bounds import Modulus
from treadle.boxes.proof.known_function import Target, cut
from treadle.errors import InvalidInput

few = settings(max_examples=30, deadline=None, derandomize=True)
UNIT_LINE, UNIT_SQUARE = np.array([[0.0, 1.0]]), np.array([[0.0, 1.0]] * 2)


def zigzag(heights):
    """Linear between heights at 0, 1/8, ...: its slope, and its exact values."""
    n = len(heights) - 1
    slope = max(abs(b - a) for a, b in itertools.pairwise(heights)) * n

    def exact(x):
        x = Fraction(x)
        j = min(int(x * n), n - 1)
        return heights[j] + (heights[j + 1] - heights[j]) * (x * n - j)

    return slope, exact


def target_of_zigzag(heights):
    slope, exact = zigzag(heights)
    xs = np.linspace(0, 1, len(heights))
    modulus = Modulus(np.array([float(slope)]), None, "lipschitz")
    return Target(lambda x: np.interp(x, xs, heights), UNIT_LINE, modulus, None, None), exact


def violations(heights, ends, parts):
    """Cells whose proved range does not hold the exact one, or is wider than the theorem allows."""
    target, exact = target_of_zigzag(heights)
    n, slope = len(heights) - 1, float(zigzag(heights)[0])
    lower, upper = np.array(ends, dtype=float).T[:, :, None]
    found = []
    ranges = target.ranges(lower, upper, parts)
    for i, (a, b) in enumerate(zip(lower[:, 0], upper[:, 0], strict=True)):
        kinks = [Fraction(j, n) for j in range(n + 1) if a < Fraction(j, n) < b]
        values = [exact(x) for x in (a, *kinks, b)]
        if not ranges.least[i] <= min(values) or not max(values) <= ranges.greatest[i]:
            found.append((a, b, "does not hold"))
        slack = slope * (b - a) / parts + 1e-12
        if ranges.greatest[i] - ranges.least[i] > max(values) - min(values) + slack:
            found.append((a, b, "loose"))
        if ranges.least_sampled[i] < min(values) - 1e-12 or ranges.largest_sampled[i] > max(values) + 1e-12:
            found.append((a, b, "met what is not there"))
    return found


sixteenths = st.integers(0, 15).flatmap(
    lambda a: st.tuples(st.just(a / 16), st.integers(a + 1, 16).map(lambda b: b / 16))
)


@few
@given(
    st.lists(st.integers(-5, 5), min_size=9, max_size=9),
    st.lists(sixteenths, min_size=1, max_size=5),
    st.sampled_from([1, 2, 5]),
)
def test_a_lipschitz_constant_holds_the_exact_range(heights, ends, parts):
    assert violations(heights, ends, parts) == []


def test_bounds_of_the_ends_alone_are_seen(monkeypatch):
    heights, ends = [0, 5, -5, 0, 5, 5, 3, -2, 1], [(j / 11, (j + 1) / 11) for j in range(11)]
    assert violations(heights, ends, 1) == []
    monkeypatch.setattr(
        Target, "_between", lambda self, y0, y1, width: (np.minimum(y0, y1), np.maximum(y0, y1))
    )
    assert violations(heights, ends, 1)


def test_a_modulus_and_an_enclosure_together_are_no_worse_than_either():
    class Known:
        def range(self, lower, upper):
            return lower[:, 0] ** 2 - 0.01, upper[:, 0] ** 2 + 0.01

    modulus = Modulus(np.array([2.0]), None, "lipschitz")
    f = lambda x: x**2  # noqa: E731
    low, high = cut(np.array([[0.0]]), np.array([[1.0]]), 10)
    both = Target(f, UNIT_LINE, modulus, Known(), None).ranges(low, high)
    by_modulus = Target(f, UNIT_LINE, modulus, None, None).ranges(low, high)
    by_enclosure = Target(f, UNIT_LINE, None, Known(), None).ranges(low, high)
    np.testing.assert_array_equal(both.least, np.maximum(by_modulus.least, by_enclosure.least))
    np.testing.assert_array_equal(both.greatest, np.minimum(by_modulus.greatest, by_enclosure.greatest))
    assert Target(f, UNIT_LINE, modulus, Known(), None).kind == "enclosure"


def test_in_two_dimensions_the_middle_and_the_modulus_hold_the_range():
    f = lambda X: X[:, 0] - 3 * X[:, 1]  # noqa: E731
    target = Target(f, UNIT_SQUARE, Modulus(np.array([1.0, 3.0]), None, "lipschitz"), None, None)
    low, high = cut(np.zeros((1, 2)), np.ones((1, 2)), 7)
    for parts in (1, 2):
        ranges = target.ranges(low, high, parts)
        exact = low[:, 0] - 3 * high[:, 1], high[:, 0] - 3 * low[:, 1]
        assert (ranges.least <= exact[0]).all() and (exact[1] <= ranges.greatest).all()
        np.testing.assert_allclose(ranges.greatest - ranges.least, exact[1] - exact[0], atol=1e-13)


def test_a_cell_of_one_number_is_what_it_is_computed_to_be():
    target = Target(np.sqrt, UNIT_LINE, Modulus(np.array([1e9]), None, "lipschitz"), None, None)
    ranges = target.ranges(np.array([[0.5]]), np.array([[np.nextafter(0.5, 1)]]))
    assert ranges.least == ranges.greatest == np.sqrt(0.5)


def test_the_last_number_of_a_cell_is_before_its_edge_but_where_the_domain_ends():
    target = Target(np.sqrt, UNIT_LINE, None, None, None)
    last = target.last(np.array([[0.0], [0.5], [0.25]]), np.array([[0.5], [1.0], [0.25]]))
    assert last.tolist() == [[np.nextafter(0.5, 0)], [1.0], [0.25]]


def test_cells_are_halved_where_they_are_many_and_values_come_in_blocks(monkeypatch):
    target, _ = target_of_zigzag([0, 3, -1, 4, 0])
    low, high = cut(np.array([[0.0]]), np.array([[1.0]]), 33)
    whole = target.ranges(low, high, 4)
    n_called = []
    f = target._f
    target._f = lambda x: n_called.append(len(x)) or f(x)
    monkeypatch.setattr(known_function, "POINTS_PER_CALL", 8)
    for name in ("least", "greatest", "least_sampled", "largest_sampled"):
        np.testing.assert_array_equal(getattr(target.ranges(low, high, 4), name), getattr(whole, name))
    assert max(n_called) == 8


def test_errors_of_heights_are_the_greater_distance():
    ranges = known_function.Ranges(np.array([0.0]), np.array([4.0]), np.array([1.0]), np.array([3.0]))
    assert ranges.middle == 2.0
    assert 3 <= ranges.errors(np.array([1.0])) <= 3 * (1 + 1e-14)
    assert 4 <= ranges.errors(np.array([4.0])) <= 4 * (1 + 1e-14)


@pytest.mark.parametrize(
    ("f", "message"),
    [
        (lambda x: x[:-1], r"f must take an array of shape \(2,\) .* returned float64 of shape \(1,\)"),
        (lambda x: x * 1j, r"returned complex128 of shape \(2,\): write f with NumPy's"),
        (lambda x: float(x), r"it raised TypeError.*numpy\.vectorize"),
        (lambda x: x / 0, r"f must be finite over the bounds; it is (nan|inf) at \[\d\.\d+\]"),
    ],
    ids=range(4),
)
def test_a_function_that_does_not_serve_is_refused(f, message):
    target = Target(f, UNIT_LINE, None, None, None)
    with np.errstate(all="ignore"), pytest.raises(InvalidInput, match=message):
        target.values(np.array([[0.25], [0.5]]))


def test_a_refusal_of_fs_own_is_passed_on():
    def refuse(x):
        raise InvalidInput("not here")

    with pytest.raises(InvalidInput, match=r"^not here$"):
        Target(refuse, UNIT_LINE, None, None, None).values(np.array([[0.25]]))


def test_rounding_grows_with_the_greatest_value_unless_it_is_proved():
    target = Target(lambda x: 3 * x, UNIT_LINE, None, None, None)
    target.values(np.array([[0.5], [1.0]]))
    assert target.largest_sampled == 3.0 and target.rounding == known_function.VALUE_ROUNDING * 3
    assert Target(np.sqrt, UNIT_LINE, None, None, None, 1e-3).rounding == 1e-3


@pytest.mark.parametrize(("d", "parts"), [(1, 1), (1, 4), (2, 3), (3, 2)])
def test_parts_of_a_cell_tile_it(d, parts):
    lower, upper = (
        np.array([np.arange(d) / 3, np.ones(d) * 5]),
        np.array([np.arange(d) + 2.0, np.ones(d) * 6.1]),
    )
    low, high = cut(lower, upper, parts)
    assert low.shape == (2 * parts**d, d)
    for i in range(2):
        block = slice(i * parts**d, (i + 1) * parts**d)
        for axis in range(d):
            ends = sorted(set(zip(low[block, axis].tolist(), high[block, axis].tolist(), strict=True)))
            assert ends[0][0] == lower[i, axis] and ends[-1][1] == upper[i, axis]
            assert len(ends) == parts and all(a[1] == b[0] for a, b in itertools.pairwise(ends))
