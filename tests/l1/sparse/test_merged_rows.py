import numpy as np
from scipy import sparse

from treadle.l1.sparse.merged_rows import merged_rows


def test_rows_alike_are_one_kind_and_others_are_not():
    rng = np.random.default_rng(0)
    X = (rng.random((500, 4)) < 0.5) * rng.integers(1, 3, (500, 4))
    y = rng.integers(0, 3, 500).astype(float)
    merged = merged_rows(sparse.csr_array(X.astype(float)), y)
    table = np.column_stack([X, y])
    kinds, inverse = np.unique(table, axis=0, return_inverse=True)
    assert len(merged.first) == len(kinds)
    assert np.array_equal(table[merged.first][merged.group], table)
    assert len(np.unique(np.column_stack([inverse.ravel(), merged.group]), axis=0)) == len(kinds)


def test_the_order_of_the_kinds_is_that_of_their_contents():
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(50, 3)), rng.normal(size=50)
    shuffled = rng.permutation(50)
    one = merged_rows(sparse.csr_array(X), y)
    other = merged_rows(sparse.csr_array(X[shuffled]), y[shuffled])
    assert np.array_equal(X[one.first], X[shuffled][other.first])


def test_rows_of_one_key_are_compared_entry_by_entry(monkeypatch):
    class Ones:
        def uniform(self, low, high, size):
            return np.ones(size)

    monkeypatch.setattr(np.random, "default_rng", lambda seed: Ones())
    X = sparse.csr_array([[1.0, 0], [0, 1], [1, 0], [0, 1]])
    merged = merged_rows(X, np.zeros(4))
    assert np.array_equal(X.toarray()[merged.first][merged.group], X.toarray())
