"""The optimal partition: projections against the pseudo-inverse, and an optimum against HiGHS."""

from itertools import combinations

import numpy as np
import pytest
from scipy import sparse

from tests.l1.linear_programs import highs_optimum
from treadle.l1.sparse import optimal_partition
from treadle.l1.sparse.optimal_partition import optimal_face

ONES = np.ones(30)


def problem(n=30, p=4, seed=0):
    rng = np.random.default_rng(seed)
    A = np.where(rng.random((n, p)) < 0.7, rng.normal(size=(n, p)), 0.0)
    return A, rng.normal(size=n), rng


@pytest.mark.parametrize("n_interpolated", [4, 7, 12])
def test_the_face_is_the_nearest_point_of_its_equations(n_interpolated):
    """By the pseudo-inverse of A_Z, whose rows all lie on one plane."""
    A, y, rng = problem()
    Z = np.zeros(len(y), bool)
    Z[rng.choice(len(y), n_interpolated, replace=False)] = True
    plane = rng.normal(size=4)
    y[Z] = A[Z] @ plane
    u = rng.uniform(-1, 1, len(y))
    found = optimal_face(sparse.csr_array(A), y, -2 * ONES, ONES, rng.normal(size=4), u, Z)
    np.testing.assert_allclose(found.w, plane, atol=1e-12)
    np.testing.assert_array_equal(found.u[~Z], np.where(u > -0.5, 1, -2)[~Z])
    left = A[Z].T @ u[Z] + A[~Z].T @ found.u[~Z]
    np.testing.assert_allclose(found.u[Z], u[Z] - np.linalg.pinv(A[Z].T) @ left, atol=1e-12)


def test_fewer_rows_than_columns_are_still_interpolated():
    A, y, rng = problem()
    Z = np.arange(30) < 2
    found = optimal_face(sparse.csr_array(A), y, -ONES, ONES, rng.normal(size=4), 0 * ONES, Z)
    np.testing.assert_allclose(A[Z] @ found.w, y[Z], atol=1e-12)


def test_from_beside_an_optimum_it_is_found():
    A, y, rng = problem(n=12)
    optimum, objective = lad_by_bases(A, y)
    Z = np.abs(y - A @ optimum) < 1e-9
    u = np.sign(y - A @ optimum)
    u[Z] = np.linalg.solve(A[Z].T, -A[~Z].T @ u[~Z])
    off = 1e-6
    found = optimal_face(
        sparse.csr_array(A),
        y,
        -ONES[:12],
        ONES[:12],
        optimum + off * rng.normal(size=4),
        np.clip(u + off * rng.normal(size=len(y)), -1, 1),
        Z,
    )
    assert np.abs(y - A @ found.w).sum() == pytest.approx(objective, rel=1e-13)
    assert highs_optimum(A, y, fit_intercept=False) == pytest.approx(objective, rel=1e-9)
    np.testing.assert_allclose(A.T @ found.u, 0, atol=1e-13)
    assert np.abs(found.u).max() <= 1
    assert found.interpolated is Z


def lad_by_bases(A, y):
    best = None
    for rows in combinations(range(len(y)), A.shape[1]):
        some = list(rows)
        if abs(np.linalg.det(A[some])) > 1e-9:
            w = np.linalg.solve(A[some], y[some])
            loss = np.abs(y - A @ w).sum()
            best = min(best, (loss, some)) if best else (loss, some)
    return np.linalg.solve(A[best[1]], y[best[1]]), best[0]


def test_without_interpolated_rows_all_dual_values_go_to_the_nearer_bound():
    A, y, _ = problem(n=4)
    low, high = np.array([-1.0, -2, -1, -1]), np.array([1.0, 1, 3, 1])
    u = np.array([0.1, -0.4, 1.5, -0.9])
    w = np.arange(4.0)
    found = optimal_face(sparse.csr_array(A), y, low, high, w, u, np.zeros(4, bool))
    assert found.u.tolist() == [1, 1, 3, -1]
    assert found.w is w


def test_equations_that_cannot_be_solved_have_no_face(monkeypatch):
    monkeypatch.setattr(optimal_partition.SparseNormalEquations, "__call__", lambda self, D: None)
    A, y, _ = problem(n=4)
    ones = np.ones(4)
    assert optimal_face(sparse.csr_array(A), y, -ones, ones, ones, 0 * ones, ones > 0) is None
