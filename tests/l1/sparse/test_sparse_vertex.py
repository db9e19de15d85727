import numpy as np
from scipy import sparse

from treadle.l1.sparse.sparse_vertex import sparse_basis


def interpolating(n=60, p=4, seed=0, n_tied=4):
    """A, y and w of which the first rows have a residual of zero."""
    rng = np.random.default_rng(seed)
    A = sparse.random_array((n, p), density=0.6, rng=rng, format="csr")
    A = sparse.csr_array(A + sparse.csr_array(np.eye(n, p)))
    w = rng.normal(size=p)
    y = A @ w
    y[n_tied:] += rng.normal(size=n - n_tied)
    return A, y, w, np.arange(n) < n_tied


def test_the_rows_interpolated_are_the_basis():
    A, y, w, tied = interpolating()
    found = sparse_basis(A, y, w, np.full(60, 0.5), tied)
    assert found.rows.tolist() == [0, 1, 2, 3] and found.columns.tolist() == [0, 1, 2, 3]


def test_of_more_rows_than_needed_the_deepest_are_taken():
    A, y, w, tied = interpolating(n_tied=12)
    depth = np.full(60, 1e-6)
    depth[[5, 7, 8, 11]] = 0.5
    found = sparse_basis(A, y, w, depth, tied)
    assert np.linalg.matrix_rank(A[found.rows].toarray()) == 4
    assert len({5, 7, 8, 11} & set(found.rows.tolist())) >= 3


def test_a_face_is_left_along_the_first_row_that_meets_zero():
    A, y, w, tied = interpolating(n_tied=2)
    found = sparse_basis(A, y, w, np.full(60, 0.5), tied)
    assert {0, 1} <= set(found.rows.tolist()) and len(found.rows) == 4
    B = A[found.rows].toarray()
    vertex = np.linalg.solve(B, y[found.rows])
    r, before = y - A @ vertex, y - A @ w
    # No other row has changed its sign on the way.
    moved = np.delete(np.arange(60), found.rows)
    assert (r[moved] * before[moved] > 0).all()


def test_dependent_columns_are_left_out():
    A, y, w, tied = interpolating()
    A = sparse.csr_array(sparse.hstack([A, A[:, [0]] + A[:, [1]], sparse.csr_array((60, 1))]))
    found = sparse_basis(A, y, np.append(w, [0, 0]), np.full(60, 0.5), tied)
    assert found.columns.tolist() == [0, 1, 2, 3] and found.rows.tolist() == [0, 1, 2, 3]


def test_a_face_that_no_row_bounds_has_no_basis():
    """Two rows interpolated that are one to rounding, and no other."""
    A = sparse.csr_array(np.array([[1.0, 0.0], [1.0, 1e-12]]))
    w = np.array([1.0, -1.0])
    assert sparse_basis(A, A @ w, w, np.full(2, 0.5), np.ones(2, bool)) is None
