import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from treadle import InvalidInput
from treadle.boxes.network.exact_sums import exact_parts, quantum, summable

RNG = np.random.default_rng(0)
HEIGHTS = arrays(np.float64, st.integers(1, 8), elements=st.floats(-1e100, 1e100))


def jumps(part):
    return np.diff(part, prepend=0.0)


def is_exact_in_any_order(summands):
    """Whether random orders, and pairs first as vector units add them, give the exact sum of prefixes."""
    for n in range(1, summands.size + 1):
        exact = float(sum(Fraction(float(value)) for value in summands[:n]))
        for _ in range(3):
            order = RNG.permutation(summands[:n])
            pairs = order[::2].copy()
            pairs[: n // 2] += order[1::2]
            for values in (order, pairs):
                total = 0.0
                for value in values:
                    total += value
                if total != exact:
                    return False
    return True


@settings(max_examples=40, deadline=None)
@given(HEIGHTS)
def test_parts_add_up_to_the_heights_and_their_jumps_sum_exactly(heights):
    parts = exact_parts(heights)
    for order in (parts, parts[::-1]):
        total = np.zeros(heights.size)
        for part in order:
            total = total + part
        np.testing.assert_array_equal(total, heights)
    assert all(is_exact_in_any_order(jumps(part)) for part in parts)


@settings(max_examples=40, deadline=None)
@given(HEIGHTS)
def test_parts_of_pairs_sum_exactly(heights):
    for part in exact_parts(heights, in_pairs=True):
        assert is_exact_in_any_order(np.column_stack([part, -part]).ravel())


@settings(max_examples=40, deadline=None)
@given(HEIGHTS)
def test_summable_heights_need_one_part_and_move_by_half_a_quantum(heights):
    rounded = summable(heights)
    assert len(exact_parts(rounded)) == 1
    moved = max(abs(Fraction(float(a)) - Fraction(float(b))) for a, b in zip(rounded, heights, strict=True))
    assert moved <= Fraction(quantum(heights)) / 2


def test_random_heights_do_not_sum_exactly_without_it():
    heights = RNG.normal(size=50)
    assert not is_exact_in_any_order(jumps(heights))
    assert is_exact_in_any_order(jumps(summable(heights)))
    assert np.abs(summable(heights) - heights).max() <= 1e-13


def test_a_grid_keeps_its_shape_and_zeros_are_positive():
    heights = np.array([[-0.0, 1.0], [0.1, -3.0]])
    assert summable(heights).shape == (2, 2)
    assert math.copysign(1, summable(heights)[0, 0]) == 1


def test_heights_whose_sum_overflows_are_refused():
    with pytest.raises(InvalidInput, match=r"heights reach 1.5e\+308.*beyond float64.*take the form 'and'"):
        exact_parts(np.array([1.5e308, -1.5e308]))
