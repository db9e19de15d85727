"""Sparse X: the optimum of HiGHS and of the dense solver, certified, and nothing dense of X's size on the "
"way."""

from dataclasses import replace

import numpy as np
import pytest
from scipy import sparse

from tests.l1.linear_programs import highs_optimum
from treadle.errors import CertificateFailed, InvalidInput
from treadle.l1.dense.solve import solve
from treadle.l1.pivots import mending
from treadle.l1.proof.claimed_basis import MOST_DENSE
from treadle.l1.sparse import normal_equations as sparse_normal_equations
from treadle.l1.sparse import solve as sparse_solve
from treadle.l1.sparse.optimal_partition import optimal_face
from treadle.l1.sparse.solve import solve_sparse
from treadle.l1.sparse.sparse_vertex import sparse_basis


def two_factors(n, a, b, seed=0, ties=False):
    """Dummies of two factors, of rank a + b - 1, with an intercept a + b - 1 as well."""
    rng = np.random.default_rng(seed)
    first, second = rng.integers(0, a, n), rng.integers(0, b, n)
    columns = np.column_stack([first, a + second]).ravel()
    X = sparse.csr_array((np.ones(2 * n), columns, np.arange(0, 2 * n + 1, 2)), shape=(n, a + b))
    y = rng.normal(size=a)[first] + rng.normal(size=b)[second] + rng.standard_t(1.5, n)
    return X, np.round(y) if ties else y


def scattered(n=200, d=8, seed=0):
    rng = np.random.default_rng(seed)
    X = rng.random((n, d)) * (rng.random((n, d)) < 0.3)
    return X, X @ rng.normal(size=d) + rng.standard_t(1.5, n), rng


def optimal(X, y, weight=None, **problem):
    """The solution, certified, and no worse than HiGHS's."""
    solution = solve_sparse(sparse.csr_array(X), y, sample_weight=weight, **problem)
    assert solution.certificate.verify(sparse.csr_array(X), y, weight)
    theirs = highs_optimum(X, y, weight=weight, **problem)
    assert solution.objective <= theirs + 1e-9 * max(theirs, 1e-3)
    return solution


@pytest.mark.parametrize("quantile", [0.05, 0.5, 0.8])
@pytest.mark.parametrize("alpha", [0.0, 0.01, 10.0])
@pytest.mark.parametrize("fit_intercept", [True, False])
@pytest.mark.parametrize("weighted", [True, False])
def test_every_problem_has_highss_optimum(quantile, alpha, fit_intercept, weighted):
    X, y, rng = scattered()
    weight = rng.integers(0, 3, len(y)).astype(float) if weighted else None
    solution = optimal(X, y, weight, quantile=quantile, alpha=alpha, fit_intercept=fit_intercept)
    if alpha == 10:
        assert not solution.coef.any()


def degenerate(name, seed):
    X, y, rng = scattered(seed=seed)
    if name == "ties":
        X = (X > 0.5).astype(float)
        y = rng.poisson(1 + X.sum(axis=1)).astype(float)
    elif name == "duplicate rows":
        X[100:], y[100:] = X[:100], y[:100]
    elif name == "duplicate columns":
        X[:, 4:] = X[:, :4]
    elif name == "fewer rows than columns":
        X, y = X[:5], y[:5]
    elif name == "one row":
        X, y = X[:1], y[:1]
    elif name == "constant y":
        y[:] = 3
    elif name == "y of zeros":
        y[:] = 0
    elif name == "y mostly zero":
        y[rng.random(len(y)) < 0.9] = 0
    elif name == "exactly linear":
        y = X @ np.arange(X.shape[1]) + 2
    elif name == "a column of zeros":
        X[:, 3] = 0
    elif name == "no stored entry":
        X[:] = 0
    elif name == "outlier":
        y[7] = 1e15
    elif name == "y large":
        y *= 1e12
    return X, y


@pytest.mark.parametrize("seed", [0, 1])
@pytest.mark.parametrize(
    "name",
    [
        *("ties", "duplicate rows", "duplicate columns", "fewer rows than columns", "one row", "constant y"),
        *("y of zeros", "y mostly zero", "exactly linear", "a column of zeros", "no stored entry", "outlier"),
        "y large",
    ],
)
def test_degenerate_problems_are_solved_and_certified(name, seed):
    optimal(*degenerate(name, seed))


@pytest.mark.parametrize("seed", [0, 1])
def test_scales_that_mislead_a_solver_with_absolute_tolerances_do_no_harm(seed):
    X, y, rng = scattered(seed=seed)
    plain = solve_sparse(sparse.csr_array(X), y)
    for scales, unit in ((10.0 ** rng.integers(-8, 9, 8), 1.0), (np.ones(8), 1e-9)):
        scaled = sparse.csr_array(X * scales)
        solution = solve_sparse(scaled, y * unit)
        assert solution.certificate.verify(scaled, y * unit)
        assert solution.objective == pytest.approx(plain.objective * unit, rel=1e-10)


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_weights_over_twelve_orders_of_magnitude(seed):
    X, y, rng = scattered(seed=seed)
    weight = 10.0 ** rng.integers(-6, 7, len(y))
    solution = solve_sparse(sparse.csr_array(X), y, sample_weight=weight)
    assert solution.certificate.verify(sparse.csr_array(X), y, weight)
    assert solution.objective <= solve(X, y, sample_weight=weight).objective * (1 + 1e-10)


@pytest.mark.parametrize("ties", [False, True])
@pytest.mark.parametrize("form", [sparse.csr_matrix, sparse.csc_array, sparse.coo_array, sparse.lil_array])
def test_dummies_of_two_factors_in_every_format(form, ties):
    X, y = two_factors(3000, 20, 30, ties=ties)
    solution = solve_sparse(form(X), y)
    assert solution.certificate.verify(form(X), y)
    dense = solve(X.toarray(), y)
    assert solution.objective == pytest.approx(dense.objective, rel=1e-11)


def test_types_and_entries_stored_twice():
    X, y, _ = scattered()
    twice = sparse.coo_array(
        (np.tile(X[X != 0] / 2, 2), tuple(np.tile(index, 2) for index in np.nonzero(X))), shape=X.shape
    )
    assert solve_sparse(twice, y).objective == pytest.approx(solve(X, y).objective, rel=1e-12)
    counts = (X > 0.5).astype(np.int8)
    found = solve_sparse(sparse.csr_array(counts), y.astype(np.float32))
    assert found.objective == pytest.approx(solve(counts, y.astype(np.float32)).objective, rel=1e-12)


def test_wide_dummies_never_become_dense():
    """60,000 x 600 is 288 MB dense."""
    import tracemalloc

    X, y = two_factors(60_000, 300, 300)
    tracemalloc.start()
    solution = solve_sparse(X, y)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak <= 100e6
    assert solution.certificate.verify(X, y)


def test_splu_serves_many_columns(monkeypatch):
    monkeypatch.setattr(sparse_normal_equations, "MOST_DENSE", 10)
    X, y = two_factors(2000, 20, 30, ties=True)
    solution = solve_sparse(X, y)
    assert solution.certificate.verify(X, y)


def test_a_planted_wrong_solution_fails_the_certificate():
    X, y = two_factors(500, 5, 6)
    certificate = solve_sparse(X, y).certificate
    assert certificate.verify(X, y)
    row = int(np.setdiff1d(np.arange(500), certificate.rows)[0])
    moved = y.copy()
    moved[row] -= 2 * (y - X @ certificate.coef - certificate.intercept)[row]
    assert not certificate.verify(X, moved)
    certificate.coef[0] += 1e-6
    assert not certificate.verify(X, y)


def test_a_wrong_partition_misleads_nobody(monkeypatch):
    """With rows too many called interpolated there is no exact solution with these zeros; pivots find one."""

    def wrong(A, y, low, high, w, u, interpolated):
        interpolated = interpolated.copy()
        interpolated[np.flatnonzero(~interpolated)[:3]] = True
        return optimal_face(A, y, low, high, w, u, interpolated)

    monkeypatch.setattr(sparse_solve, "optimal_face", wrong)
    X, y, _ = scattered()
    solution = solve_sparse(sparse.csr_array(X), y)
    assert solution.certificate.verify(sparse.csr_array(X), y)
    assert solution.objective == pytest.approx(highs_optimum(X, y), rel=1e-9)


@pytest.mark.parametrize(("most_pivots", "proved"), [(60, True), (0, False)])
def test_a_wrong_basis_is_mended_or_not_certified(monkeypatch, most_pivots, proved):
    def wrong(*arguments):
        basis = sparse_basis(*arguments)
        others = np.setdiff1d(np.arange(40, 80), basis.rows)
        return replace(basis, rows=np.sort(np.append(basis.rows[1:], others[0])))

    monkeypatch.setattr(sparse_solve, "sparse_basis", wrong)
    monkeypatch.setattr(mending, "MOST_NUMBERS", 0)
    monkeypatch.setattr(mending, "MOST_PIVOTS", most_pivots)
    X, y, _ = scattered()
    found = solve_sparse(sparse.csr_array(X), y).certificate.verify(sparse.csr_array(X), y)
    assert bool(found) == proved
    assert found.gap_bound >= found.objective - highs_optimum(X, y) - 1e-9


def test_many_columns_of_which_no_basis_is_found_are_fitted_and_not_proved(monkeypatch):
    monkeypatch.setattr(sparse_solve, "MOST_DENSE", 5)
    monkeypatch.setattr(sparse_solve, "wide_basis", lambda *arguments: None)
    X, y, _ = scattered()
    solution = solve_sparse(sparse.csr_array(X), y)
    assert solution.objective == pytest.approx(highs_optimum(X, y), rel=1e-9)
    found = solution.certificate.verify(sparse.csr_array(X), y)
    assert not found and found.gap_bound == np.inf
    assert found.flaw.startswith(f"there is no basis: of a sparse X of more than {MOST_DENSE} columns")
    assert "NOT PROVED OPTIMAL" in str(found)


def test_a_leverage_row_of_1e9_is_solved_or_refused_with_the_remedy():
    for seed in range(3):
        X, y, _ = scattered(seed=seed)
        X[7] *= 1e9
        try:
            solution = solve_sparse(sparse.csr_array(X), y)
        except CertificateFailed as error:
            assert "larger than the others by too many orders of magnitude" in str(error)
        else:
            assert solution.certificate.verify(sparse.csr_array(X), y)


@pytest.mark.parametrize(
    ("X", "y", "options", "message"),
    [
        (np.ones((3, 2)), np.ones(3), {}, r"X must be a scipy\.sparse array of real numbers .* got ndarray"),
        (sparse.csr_array(np.ones((3, 2), complex)), np.ones(3), {}, "got csr_array of complex128"),
        (sparse.csr_array((0, 2)), np.ones(0), {}, "at least one row and one feature"),
        (sparse.csr_array((2, 0)), np.ones(2), {}, "at least one row and one feature"),
        (sparse.csr_array((3, 2)), np.ones(4), {}, r"X has 3 rows; y must hold as many .* \(4,\)"),
        (sparse.csr_array((3, 2)), np.array(["a"] * 3), {}, "y must hold as many real numbers, got <U1"),
        (
            sparse.csr_array((3, 2)),
            np.array([1, np.nan, 2]),
            {},
            "row 1 holds a value of y that is not a finite",
        ),
        (
            sparse.csr_array([[0, 0], [0, np.inf]]),
            np.ones(2),
            {},
            "row 1 holds a value of X that is not a finite",
        ),
        (sparse.csr_array((3, 2)), np.ones(3), {"sample_weight": np.ones(2)}, r"of shape \(3,\); got \(2,\)"),
        (
            sparse.csr_array((2, 2)),
            np.ones(2),
            {"sample_weight": np.array([1, -1])},
            "row 1 has the sample_weight -1",
        ),
        (sparse.csr_array((2, 2)), np.ones(2), {"sample_weight": np.zeros(2)}, "zero in every row"),
        (sparse.csr_array((2, 2)), np.ones(2), {"quantile": 1.0}, "quantile must be between 0 and 1"),
        (sparse.csr_array((2, 2)), np.ones(2), {"alpha": -1.0}, "alpha must be finite and at least 0"),
    ],
)
def test_what_cannot_be_used_is_refused(X, y, options, message):
    with pytest.raises(InvalidInput, match=message):
        solve_sparse(X, y, **options)
