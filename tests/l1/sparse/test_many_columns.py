"""Sparse X of many columns: proved without a dense square, and by the same theorem as few columns are."""

import math
from collections import Counter
from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest
from scipy import sparse
from scipy.optimize import linprog

from tests.l1.exact_oracle import KINDS, least, objective, table
from tests.l1.linear_programs import highs_optimum
from tests.l1.sparse.test_solve import degenerate, scattered, two_factors
from treadle.errors import CertificateFailed, InvalidInput
from treadle.l1.pivots import mending
from treadle.l1.proof import block_inverse, claimed_basis, theorem
from treadle.l1.sparse import solve as sparse_solve
from treadle.l1.sparse.solve import solve_sparse


def as_many(monkeypatch, most=0):
    """Treat tables of more than so many columns as if they had more than 2000."""
    monkeypatch.setattr(sparse_solve, "MOST_DENSE", most)
    monkeypatch.setattr(claimed_basis, "MOST_DENSE", most)
    monkeypatch.setattr(mending, "MOST_DENSE", most)


def many_dummies(ties=False):
    """8100 rows of 4070 dummies, each in two rows or more."""
    rng = np.random.default_rng(0)
    first, second = np.arange(8100) % 4050, rng.integers(0, 20, 8100)
    columns = np.column_stack([first, 4050 + second]).ravel()
    X = sparse.csr_array((np.ones(16200), columns, np.arange(0, 16201, 2)), shape=(8100, 4070))
    y = rng.normal(size=4050)[first] + rng.normal(size=20)[second] + rng.standard_t(1.5, 8100)
    return X, np.round(y) if ties else y


@pytest.fixture(scope="module")
def dummies():
    """Rows, targets and their fit."""
    X, y = many_dummies()
    assert X.shape[1] > 2 * claimed_basis.MOST_DENSE
    return X, y, solve_sparse(X, y)


def test_thousands_of_dummies_are_proved_and_as_good_as_highss(dummies):
    X, y, solution = dummies
    found = solution.certificate.verify(X, y)
    assert found and found.gap_bound <= 1e-9
    Z = sparse.hstack([np.ones((len(y), 1)), X])
    theirs = linprog(-y, A_eq=Z.T, b_eq=np.zeros(Z.shape[1]), bounds=(-1, 1), method="highs")
    assert theirs.status == 0 and -theirs.fun == pytest.approx(solution.objective, rel=1e-10)
    low, high = found.least_bounds
    assert low <= solution.objective * (1 + 1e-15) and high >= -theirs.fun * (1 - 1e-12)
    # A dummy of each factor depends on the others and the intercept.
    assert len(found.dependent) == 2 and not found.left_out


def test_nothing_is_a_dense_square(dummies):
    """8 bytes a number, it would take 133 MB."""
    import tracemalloc

    X, y, solution = dummies
    tracemalloc.start()
    found = solution.certificate.verify(X, y)
    fitted = solve_sparse(X, y)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert found and fitted.objective == solution.objective
    assert peak <= 60e6


def test_ties_of_thousands_of_dummies_are_exact():
    X, y = many_dummies(ties=True)
    solution = solve_sparse(X, y)
    found = solution.certificate.verify(X, y)
    assert found and found.n_ties > 500 and found.gap_bound == 0
    assert found.least == solution.objective == np.abs(y - X @ solution.coef - solution.intercept).sum()
    exactly = solution.certificate.verify(X, y, exact=True)
    assert exactly and exactly.exact and "rational arithmetic" in str(exactly)


@pytest.mark.parametrize(
    "options",
    [{"quantile": 0.3}, {"quantile": 0.6, "weighted": True}, {"fit_intercept": False}, {"alpha": 0.01}],
    ids=str,
)
def test_every_problem_of_thousands_of_columns_is_proved(dummies, options):
    X, y, _ = dummies
    weighted = options.pop("weighted", False)
    weight = np.random.default_rng(0).uniform(0.5, 2, len(y)) if weighted else None
    solution = solve_sparse(X, y, sample_weight=weight, **options)
    assert solution.certificate.verify(X, y, weight)


def moved(values, k, by):
    values = values.copy()
    values[k] += by
    return values


def test_planted_errors_are_seen(dummies):
    X, y = dummies[0], np.round(dummies[1])
    certificate = solve_sparse(X, y).certificate
    assert certificate.verify(X, y)
    # One coefficient, by two last places.
    k = int(np.argmax(np.abs(certificate.coef)))
    step = 2 * np.spacing(certificate.coef[k])
    assert not replace(certificate, coef=moved(certificate.coef, k, step)).verify(X, y)
    # One row of the basis: another in its place, whose residual is not zero.
    r = y - X @ certificate.coef - certificate.intercept
    other = int(np.flatnonzero(r != 0)[0])
    for place in (0, len(certificate.basis) // 2):
        basis = certificate.basis.copy()
        basis[place] = other
        assert not replace(certificate, basis=np.sort(basis)).verify(X, y)
    # A row of the basis gone.
    assert not replace(certificate, basis=certificate.basis[1:]).verify(X, y)
    # One u outside its box, by more than a bound is taken for.
    values = certificate.values.copy()
    inside = int(np.argmin(np.abs(values)))
    assert not replace(certificate, values=moved(values, inside, 3.0)).verify(X, y)
    # One sign: the row is on the other side of the fit than what is claimed.
    side = np.sign(r).astype(np.int8)
    assert replace(certificate, side=side).verify(X, y)
    side[other] = -side[other]
    assert not replace(certificate, side=side).verify(X, y)
    # One target, so that its row passes to the other side.
    assert not certificate.verify(X, moved(y, other, -2 * r[other]))


@pytest.mark.parametrize("by_factors", [False, True])
@pytest.mark.parametrize("name", ["dummies", "ties", "scattered", "weights", "penalty", "dependent"])
def test_both_ways_prove_the_same(monkeypatch, name, by_factors):
    if by_factors:
        monkeypatch.setattr(block_inverse, "DENSE", 3)
        monkeypatch.setattr(block_inverse, "MOST_DENSE", 3)
    options, weight = {}, None
    if name in ("dummies", "ties"):
        X, y = two_factors(2500, 120, 60, ties=name == "ties")
    else:
        X, y, rng = scattered(400, 60)
        if name == "weights":
            weight, options = rng.integers(0, 4, len(y)).astype(float), {"quantile": 0.3}
        if name == "penalty":
            options = {"alpha": 0.01}
        if name == "dependent":
            X[:, 5], X[:, 9] = 2 * X[:, 4], X[:, 7]
        X = sparse.csr_array(X)
    dense = solve_sparse(X, y, sample_weight=weight, **options)
    by_dense = dense.certificate.verify(X, y, weight)
    as_many(monkeypatch)
    other = solve_sparse(X, y, sample_weight=weight, **options)
    proofs = [certificate.verify(X, y, weight) for certificate in (dense.certificate, other.certificate)]
    monkeypatch.undo()
    proofs.append(other.certificate.verify(X, y, weight))
    for found in proofs:
        assert found and by_dense
        assert found.least_bounds[0] <= by_dense.least_bounds[1]
        assert by_dense.least_bounds[0] <= found.least_bounds[1]
        assert len(found.dependent) == len(by_dense.dependent) and not found.left_out
    # The same certificate: the same words and numbers, but for the width of the enclosures.
    assert proofs[0].n_ties == by_dense.n_ties and proofs[0].n_open == by_dense.n_open
    if dense.certificate.unique:
        assert np.array_equal(dense.coef, other.coef)


@pytest.mark.parametrize("seed", [0, 1])
@pytest.mark.parametrize(
    "name",
    [
        *("ties", "duplicate rows", "duplicate columns", "fewer rows than columns", "one row", "constant y"),
        *("y of zeros", "y mostly zero", "exactly linear", "a column of zeros", "no stored entry", "outlier"),
    ],
)
def test_degenerate_problems_are_proved_without_a_dense_square(monkeypatch, name, seed):
    as_many(monkeypatch)
    X, y = degenerate(name, seed)
    assert solve_sparse(sparse.csr_array(X), y).certificate.verify(sparse.csr_array(X), y)


@pytest.mark.filterwarnings("ignore::RuntimeWarning")  # numbers beyond all doubles, on the way to a guess
def test_nothing_false_is_proved_of_tables_that_mislead(monkeypatch):
    """Against every basis of small tables, in rational numbers."""
    as_many(monkeypatch)
    monkeypatch.setattr(block_inverse, "DENSE", 1)
    count = Counter()
    for seed in range(150):
        X, y, options = table(KINDS[seed % len(KINDS)], np.random.default_rng(seed))
        weight = options.pop("sample_weight", None)
        X_sparse = sparse.csr_array(X)
        try:
            solution = solve_sparse(X_sparse, y, sample_weight=weight, **options)
        except (CertificateFailed, InvalidInput):
            count["refused"] += 1
            continue
        found = solution.certificate.verify(X_sparse, y, weight)
        count[bool(found)] += 1
        exactly = least(X.tolist(), y.tolist(), weight, **options)
        if exactly is None or found.left_out or found.gap_bound == math.inf:
            continue
        low, high = found.least_bounds
        assert Fraction(low) <= exactly and (math.isinf(high) or exactly <= Fraction(high))
        w, b = [Fraction(c) for c in solution.coef.tolist()], Fraction(solution.intercept)
        rest = {k: v for k, v in options.items() if k != "fit_intercept"}
        assert objective(X.tolist(), y.tolist(), w, b, weight, **rest) - exactly <= Fraction(found.gap_bound)
    assert count[True] >= 135 and count["refused"] <= 2


@pytest.mark.parametrize(("most_pivots", "proved"), [(60, True), (0, False)])
@pytest.mark.parametrize("alpha", [0.0, 0.001])
def test_a_wrong_basis_is_mended_or_not_certified(monkeypatch, alpha, most_pivots, proved):
    """Pivots from a basis with a row that does not belong there, by sparse factors."""
    as_many(monkeypatch)
    right = sparse_solve.wide_basis

    def wrong(*arguments):
        basis = right(*arguments)
        others = np.setdiff1d(np.arange(40, 80), basis.rows)
        return replace(basis, rows=np.sort(np.append(basis.rows[1:], others[0])))

    monkeypatch.setattr(sparse_solve, "wide_basis", wrong)
    monkeypatch.setattr(mending, "MOST_NUMBERS", 0)
    monkeypatch.setattr(mending, "MOST_PIVOTS", most_pivots)
    X, y, _ = scattered()
    found = solve_sparse(sparse.csr_array(X), y, alpha=alpha).certificate.verify(sparse.csr_array(X), y)
    assert bool(found) == proved
    assert found.gap_bound >= found.objective - highs_optimum(X, y, alpha=alpha) - 1e-9


def test_ties_too_many_to_decide_are_no_optimum(monkeypatch):
    """Rows without a proved sign are counted by what they store; their likely signs give a bound only."""
    as_many(monkeypatch)
    X, y = two_factors(2500, 120, 60, ties=True)
    certificate = solve_sparse(X, y).certificate
    assert certificate.verify(X, y)
    monkeypatch.setattr(theorem, "MOST_OPEN", 500)
    found = certificate.verify(X, y)
    assert not found and "residuals is not decided" in found.flaw
    assert found.gap_bound < math.inf
