"""Bases without a dense square: the same demands as on those with one."""

import numpy as np
import pytest
from scipy import sparse

from tests.l1.sparse.test_sparse_vertex import interpolating
from treadle.l1.sparse import elimination, wide_vertex
from treadle.l1.sparse.wide_vertex import wide_basis

DEEP = np.full(60, 0.5)


def test_the_rows_interpolated_are_the_basis():
    A, y, w, tied = interpolating()
    found = wide_basis(A, y, w, DEEP, tied, False)
    assert found.rows.tolist() == [0, 1, 2, 3] and found.columns.tolist() == [0, 1, 2, 3]
    np.testing.assert_allclose(found.r, y - A @ w, atol=1e-12)


def test_of_more_rows_than_needed_deep_ones_are_taken():
    A, y, w, tied = interpolating(n_tied=12)
    depth = np.full(60, 1e-6)
    depth[[5, 7, 8, 11]] = 0.5
    found = wide_basis(A, y, w, depth, tied, False)
    assert np.linalg.matrix_rank(A[found.rows].toarray()) == 4
    assert len({5, 7, 8, 11} & set(found.rows.tolist())) >= 3


@pytest.mark.parametrize("at_once", [1, 256])
@pytest.mark.parametrize("n_tied", [0, 1, 2, 3])
def test_a_face_is_left_along_the_first_row_that_meets_zero(monkeypatch, n_tied, at_once):
    monkeypatch.setattr(wide_vertex, "AT_ONCE", at_once)
    A, y, w, tied = interpolating(n_tied=n_tied)
    found = wide_basis(A, y, w, DEEP, tied, False)
    assert set(range(n_tied)) <= set(found.rows.tolist()) and len(found.rows) == 4
    vertex = np.linalg.solve(A[found.rows].toarray(), y[found.rows])
    r, before = y - A @ vertex, y - A @ w
    np.testing.assert_allclose(found.r, r, atol=1e-9)
    # No other row has changed its sign on the way.
    moved = np.delete(np.arange(60), found.rows)
    assert (r[moved] * before[moved] > 0).all()


def test_rows_interpolated_that_were_not_looked_at_first_are_taken_before_w_moves(monkeypatch):
    monkeypatch.setattr(wide_vertex, "ROWS_PER_COLUMN", 0)
    A, y, w, tied = interpolating(n_tied=6)
    found = wide_basis(A, y, w, DEEP, tied, False)
    assert set(found.rows.tolist()) <= set(range(6))
    np.testing.assert_allclose(found.r, y - A @ w, atol=1e-12)


def test_dependent_columns_are_left_out():
    A, y, w, tied = interpolating()
    A = sparse.csr_array(sparse.hstack([A, A[:, [0]] + A[:, [1]], sparse.csr_array((60, 1))]))
    found = wide_basis(A, y, np.append(w, [0, 0]), DEEP, tied, False)
    assert found.rows.tolist() == [0, 1, 2, 3]
    assert len(found.columns) == 4 and 5 not in found.columns
    assert np.linalg.matrix_rank(A[:, found.columns].toarray()) == 4


@pytest.mark.parametrize("seed", range(6))
def test_of_dummies_beside_an_intercept_the_intercept_is_kept(seed):
    rng = np.random.default_rng(seed)
    A = np.hstack([np.ones((60, 1)), *(np.eye(k)[rng.integers(0, k, 60)] for k in (5, 4))])
    w = rng.normal(size=10)
    y = A @ w + np.where(np.arange(60) < 20, 0, rng.normal(size=60))
    found = wide_basis(sparse.csr_array(A), y, w, DEEP, np.arange(60) < 20, True)
    assert found.columns[0] == 0 and len(found.columns) == np.linalg.matrix_rank(A)
    assert np.linalg.matrix_rank(A[found.rows][:, found.columns]) == len(found.columns)


def test_a_row_of_residual_zero_that_was_not_interpolated_is_met_at_once():
    A = sparse.csr_array(np.array([[1.0], [1.0], [1.0]]))
    found = wide_basis(A, np.array([1.0, 3.0, 0.0]), np.ones(1), DEEP[:3], np.zeros(3, bool), False)
    assert found.rows.tolist() == [0] and found.r.tolist() == [0, 2, -1]


@pytest.mark.parametrize(
    ("module", "name", "value"),
    [(wide_vertex, "MOST_FACTORISATIONS", 0), (elimination, "MOST_CHANGES", -1)],
)
def test_where_it_takes_too_long_there_is_no_basis(monkeypatch, module, name, value):
    monkeypatch.setattr(module, name, value)
    monkeypatch.setattr(elimination, "NUMBERS_PER_ENTRY", 0)
    A, y, w, tied = interpolating(n_tied=2)
    assert wide_basis(A, y, w, DEEP, tied, False) is None


def test_where_the_rows_are_singular_to_doubles_there_is_no_basis(monkeypatch):
    def singular(M):
        raise RuntimeError("Factor is exactly singular")

    monkeypatch.setattr(wide_vertex, "splu", singular)
    A, y, w, tied = interpolating(n_tied=2)
    assert wide_basis(A, y, w, DEEP, tied, False) is None
