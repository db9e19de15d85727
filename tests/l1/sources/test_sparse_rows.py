"""Sparse rows: what SciPy holds, in blocks that stay sparse, and what is refused."""

import numpy as np
import pytest
from scipy import sparse

from treadle.errors import InvalidInput
from treadle.l1.sources import sparse_rows
from treadle.l1.sources.sparse_rows import SparseRows


def table(n=200, p=6, seed=0):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, p)) * (rng.random((n, p)) < 0.3)
    return X, rng.normal(size=n), rng.random(n)


def test_rows_are_sparse_chunks(monkeypatch):
    X, y, weight = table()
    monkeypatch.setattr(sparse_rows, "STORED_PER_BLOCK", 100)
    rows = SparseRows(sparse.csc_array(X), y, weight)
    chunks = list(rows.chunks())
    assert len(chunks) > 3
    assert all(sparse.issparse(chunk.X) for chunk in chunks)
    assert np.array_equal(sparse.vstack([chunk.X for chunk in chunks]).toarray(), X)
    assert np.array_equal(np.concatenate([chunk.y for chunk in chunks]), y)
    assert np.array_equal(np.concatenate([chunk.indices for chunk in chunks]), np.arange(200))
    some = np.array([0, 5, 199])
    assert np.array_equal(rows.take(some).X.toarray(), X[some])
    assert np.array_equal(rows.take(some).weight, weight[some])


def test_entries_stored_twice_are_added_and_the_callers_matrix_stays():
    data, columns, starts = np.array([1.0, 2.0, 4.0]), np.array([1, 1, 0]), np.array([0, 2, 3])
    X = sparse.csr_array((data, columns, starts), shape=(2, 2))
    rows = SparseRows(X, np.zeros(2))
    assert rows.X.toarray().tolist() == [[0, 3], [4, 0]]
    assert rows.X.nnz == 2 and X.nnz == 3


def test_whole_numbers_become_doubles_and_floats_stay():
    X, y, _ = table()
    assert SparseRows(sparse.csr_array(X > 0), y > 0).X.dtype == np.float64
    assert SparseRows(sparse.csr_array(X.astype(np.float32)), y).X.dtype == np.float32


PLAIN = sparse.csr_array(np.array([[0.0, 1.0], [2.0, 0.0], [0.0, 3.0]]))


@pytest.mark.parametrize(
    ("X", "y", "weight", "message"),
    [
        (np.ones((3, 2)), np.ones(3), None, "X must be a scipy.sparse array .* got ndarray of float64"),
        (PLAIN.astype(complex), np.ones(3), None, "got csr_array of complex128"),
        (sparse.csr_array((0, 2)), np.ones(0), None, r"X is of shape \(0, 2\); at least one row and one"),
        (
            PLAIN,
            np.ones(2),
            None,
            r"X has 3 rows; y must hold as .* got float64 of shape \(2,",
        ),
        (PLAIN, np.array(["a", "b", "c"]), None, "X has 3 rows; y must hold as many real numbers, got <U1"),
        (PLAIN, np.array([0, np.inf, 0]), None, "row 1 holds a value of y that is not a finite number: inf"),
        (PLAIN, np.ones(3), np.ones(2), r"sample_weight must be of shape \(3,\); got \(2,\)"),
        (PLAIN, np.ones(3), np.array([1, 1, -2]), "row 2 has the sample_weight -2.0; weights are finite"),
    ],
)
def test_what_does_not_fit_is_refused(X, y, weight, message):
    with pytest.raises(InvalidInput, match=message):
        SparseRows(X, y, weight)


def test_the_row_of_an_entry_that_is_not_finite_is_named():
    X = PLAIN.toarray()
    X[1, 0] = np.nan
    with pytest.raises(InvalidInput, match="row 1 holds a value of X that is not a finite number: nan; drop"):
        SparseRows(sparse.csr_array(X), np.ones(3))
