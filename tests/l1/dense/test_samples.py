"""Samples of growing size."""

import itertools

from treadle.l1.dense.samples import growing_sizes


def test_samples_grow_at_most_sixteenfold_and_end_with_all_rows():
    assert growing_sizes(4000, 11) == [4000]
    sizes = growing_sizes(10_000_000, 11)
    assert sizes[0] == 2000
    assert sizes[-1] == 10_000_000
    assert all(b <= 17 * a for a, b in itertools.pairwise(sizes))
