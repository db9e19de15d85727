"""Balls about a guess, their one rule of growth, and the sizes that radii are made of."""

import math

import numpy as np

from treadle.l1.dense.radii import Ball, radius_that_keeps, share_to_keep, typical_size, upper_median


def test_the_median_of_an_even_number_is_the_upper_one():
    assert upper_median(np.array([4.0, 1.0, 3.0, 2.0])) == 3.0
    assert upper_median(np.array([5.0, 1.0, 3.0])) == 3.0


def test_zeros_are_no_typical_size():
    assert typical_size(np.array([0.0, 0, 0, -3, 2, 5])) == 3.0
    assert typical_size(np.zeros(4)) == 1.0


def test_a_radius_keeps_the_share_of_rows_that_are_not_at_zero():
    r = np.concatenate([np.zeros(50), np.arange(1.0, 101)])
    lengths = np.full(150, 2.0)
    radius = radius_that_keeps(0.3, r, lengths, 1e-9)
    assert 28 <= (np.abs(r) <= radius * lengths)[50:].sum() <= 32
    assert radius_that_keeps(0.3, np.zeros(5), np.full(5, 4.0), 1e-9) == 1e-9 / 4


def test_a_larger_sample_is_screened_more_closely():
    assert share_to_keep(4, 10) == 1.0
    assert share_to_keep(4, 10_000) == 0.05


def test_a_ball_holds_what_is_no_farther_than_its_radius():
    ball = Ball(np.array([1.0, 2.0]), 5.0)
    assert ball.holds(np.array([4.0, 6.0]))
    assert not ball.holds(np.array([4.0, 6.001]))
    assert not ball.holds(np.array([np.nan, 0.0]))


def test_each_growth_is_by_more_than_the_last_whatever_the_reason():
    ball = Ball(np.zeros(2), 1.0)
    once = ball.too_empty()
    assert (once.radius, once.growth) == (16.0, 16.0)
    assert once.too_empty().radius == 16.0 * 256
    assert once.unbounded(10, 100).radius == 16.0 * 32
    assert ball.radius == 1.0


def test_a_move_forgets_no_growth():
    moved = Ball(np.zeros(2), 1.0).unbounded(10, 100).moved(np.ones(2), 0.5)
    assert (moved.radius, moved.growth) == (1.0, 2.0)
    np.testing.assert_array_equal(moved.center, np.ones(2))


def test_a_ball_that_keeps_most_rows_gives_way_to_all():
    ball = Ball(np.zeros(2), 0.5)
    assert ball.unbounded(10, 100).radius == 1.0
    assert ball.unbounded(60, 100).radius == math.inf


def test_a_solution_of_all_rows_may_be_anywhere():
    ball = Ball(np.zeros(2), 0.5)
    assert ball.farthest(99, 100) == 10.0
    assert ball.farthest(100, 100) == math.inf
