"""Some rows of arrays: where they are copied, and in which order they come."""

import numpy as np

from treadle.l1.sources.rows import Chunk, Subset


def chunk_of(n):
    X = np.arange(2.0 * n).reshape(n, 2)
    return Chunk(np.arange(n) + 10, X, np.arange(float(n)), None)


def test_all_rows_of_a_chunk_are_it_and_others_are_copies():
    chunk = chunk_of(5)
    rows = Subset.of(chunk)
    assert rows.whole().X is chunk.X
    for some in (np.array([4, 3, 2, 1, 0]), np.array([1, 2])):
        part = rows.subset(some).whole()
        np.testing.assert_array_equal(part.X, chunk.X[some])
        np.testing.assert_array_equal(part.indices, chunk.indices[some])


def test_parts_of_several_arrays_are_joined_in_order():
    first, second = Subset.of(chunk_of(3)), Subset.of(chunk_of(4)).subset(np.array([2, 0]))
    joined = Subset.joined([first, second])
    np.testing.assert_array_equal(joined.targets(), [0, 1, 2, 2, 0])
    np.testing.assert_array_equal(joined.take(np.array([3])).X, [[4.0, 5.0]])
