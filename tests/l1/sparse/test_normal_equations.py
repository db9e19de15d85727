"""Normal equations of sparse rows: dense, in blocks and by SuperLU, against NumPy; of rank-deficient rows."""

import numpy as np
import pytest
from scipy import sparse

from treadle.l1.sparse import normal_equations
from treadle.l1.sparse.normal_equations import SparseNormalEquations


def scattered(n, p, seed=0):
    rng = np.random.default_rng(seed)
    X = np.where(rng.random((n, p)) < 0.2, rng.normal(size=(n, p)), 0.0)
    X[np.arange(p), np.arange(p)] = 1.0
    return X, 10.0 ** rng.uniform(-6, 6, n), rng


@pytest.fixture(params=["dense", "sparse"])
def _each_factorisation(request, monkeypatch):
    if request.param == "sparse":
        monkeypatch.setattr(normal_equations, "MOST_DENSE", 3)


@pytest.mark.usefixtures("_each_factorisation")
def test_the_solution_is_that_of_numpy():
    X, D, rng = scattered(300, 12)
    b = X.T @ rng.normal(size=300)
    expected = np.linalg.solve(X.T @ (D[:, None] * X), b)
    np.testing.assert_allclose(SparseNormalEquations(sparse.csr_array(X))(D)(b), expected, rtol=1e-6)


def test_full_rows_are_multiplied_in_blocks_and_thin_ones_are_not(monkeypatch):
    rng = np.random.default_rng(1)
    A, D = rng.normal(size=(300, 12)), 10.0 ** rng.uniform(-3, 3, 300)
    full = SparseNormalEquations(sparse.csr_array(A))
    monkeypatch.setattr(normal_equations, "NUMBERS_PER_BLOCK", 12 * 70)  # the last block is a part of one
    assert full._in_blocks
    np.testing.assert_allclose(full._matrix(D), A.T @ (D[:, None] * A), rtol=1e-9, atol=1e-9)
    assert not SparseNormalEquations(sparse.csr_array(np.eye(50)))._in_blocks


@pytest.mark.usefixtures("_each_factorisation")
def test_dependent_columns_are_solved_wherever_there_is_a_solution():
    """Dummies of two factors: the columns of each sum to 1. b = A'DA x has solutions, which A maps to one."""
    rng = np.random.default_rng(2)
    A = np.concatenate([np.eye(4)[rng.integers(0, 4, 60)], np.eye(5)[rng.integers(0, 5, 60)]], axis=1)
    D, x = rng.uniform(0.5, 2, 60), rng.normal(size=9)
    found = SparseNormalEquations(sparse.csr_array(A))(D)(A.T @ (D * (A @ x)))
    np.testing.assert_allclose(A @ found, A @ x, atol=1e-9)


@pytest.mark.usefixtures("_each_factorisation")
def test_columns_of_zeros_do_no_harm():
    A = np.zeros((6, 5))
    A[:, :4] = np.random.default_rng(3).normal(size=(6, 4))
    x = np.array([1.0, -2.0, 3.0, 4.0, 0.0])
    found = SparseNormalEquations(sparse.csr_array(A))(np.ones(6))(A.T @ (A @ x))
    np.testing.assert_allclose(found, x, atol=1e-9)


@pytest.mark.usefixtures("_each_factorisation")
@pytest.mark.parametrize("bad", [np.inf, np.nan])
def test_weights_that_are_not_finite_have_no_solution(bad):
    A = sparse.csr_array(np.eye(5))
    assert SparseNormalEquations(A)(np.array([1.0, bad, 1.0, 1.0, 1.0])) is None


@pytest.mark.usefixtures("_each_factorisation")
def test_a_matrix_that_no_raise_makes_positive_definite_has_no_solution(monkeypatch):
    tried = []
    equations = SparseNormalEquations(sparse.csr_array(np.eye(5)))
    monkeypatch.setattr(equations, "_factor", lambda M, raised: tried.append(raised[0]))
    assert equations(np.full(5, 2.0)) is None
    assert tried == [2 * share for share in normal_equations.RAISES]


@pytest.mark.usefixtures("_each_factorisation")
def test_what_the_raised_diagonal_takes_away_is_given_back(monkeypatch):
    """Raised by 1e-4 of itself, a solution is off by as much; refined once, by its square."""
    X, _, rng = scattered(300, 12)
    D, x = rng.uniform(0.5, 2, 300), rng.normal(size=12)
    monkeypatch.setattr(normal_equations, "RAISES", (1e-4,))
    found = SparseNormalEquations(sparse.csr_array(X))(D)(X.T @ (D * (X @ x)))
    np.testing.assert_allclose(found, x, atol=1e-6)
