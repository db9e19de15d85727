"""Samples of growing size, and what is learnt from one about the solution of all rows."""

import itertools

import numpy as np

from treadle.l1.levels import level_sizes, upper_median


def test_samples_grow_at_most_sixteenfold_and_end_with_all_rows():
    assert level_sizes(4000, 11) == [4000]
    sizes = level_sizes(10_000_000, 11)
    assert sizes[0] == 2000
    assert sizes[-1] == 10_000_000
    assert all(b <= 17 * a for a, b in itertools.pairwise(sizes))


def test_the_median_of_an_even_number_is_the_upper_one():
    assert upper_median(np.array([4.0, 1.0, 3.0, 2.0])) == 3.0
    assert upper_median(np.array([5.0, 1.0, 3.0])) == 3.0
