"""Radii about a guess, and the sizes that they are made of."""

import math

import numpy as np

from treadle.l1.dense.radii import radius, reach, typical_size, upper_median, wider


def test_the_median_of_an_even_number_is_the_upper_one():
    assert upper_median(np.array([4.0, 1.0, 3.0, 2.0])) == 3.0
    assert upper_median(np.array([5.0, 1.0, 3.0])) == 3.0


def test_zeros_are_no_typical_size():
    assert typical_size(np.array([0.0, 0, 0, -3, 2, 5])) == 3.0
    assert typical_size(np.zeros(4)) == 1.0


def test_a_radius_holds_the_share_of_rows_that_are_not_at_zero():
    r = np.concatenate([np.zeros(50), np.arange(1.0, 101)])
    lengths = np.full(150, 2.0)
    T = radius(r, lengths, 0.3, 1e-9)
    assert 28 <= (np.abs(r) <= T * lengths)[50:].sum() <= 32
    assert radius(np.zeros(5), np.full(5, 4.0), 0.3, 1e-9) == 1e-9 / 4


def test_a_radius_that_holds_most_rows_gives_way_to_all():
    assert wider(0.5, 4, 10, 100) == 2.0
    assert wider(0.5, 4, 60, 100) == math.inf
    assert reach(0.5, 99, 100) == 10.0
    assert reach(0.5, 100, 100) == math.inf
