import numpy as np
import pytest
from scipy import sparse

from treadle.l1.dense.solve import solve
from treadle.l1.pivots import mending
from treadle.l1.pivots.mending import mended, proved
from treadle.l1.proof.claim import Claim, Problem
from treadle.l1.sources.chunk_rows import ChunkRows
from treadle.l1.sources.rows import ArrayRows
from treadle.l1.sources.sparse_rows import SparseRows


def claim_of(X, basis, quantile=0.5, alpha=0.0, ties=None):
    D = X.shape[1]
    problem = Problem(quantile, alpha, True)
    return Claim(problem, np.zeros(D), np.arange(D), np.array(basis, np.int64), ties or {})


def few_steps_off(certificate, X, y):
    """The basis of a certificate, one row exchanged for one of the next."""
    r = np.abs(y - X @ certificate.coef - certificate.intercept)
    r[certificate.basis] = np.inf
    for k in range(len(certificate.basis)):
        basis = certificate.basis.copy()
        basis[k] = r.argmin()
        proof = proved(ArrayRows(X, y), claim_of(X, basis, certificate.quantile, certificate.alpha))
        if proof is not None and not proof.optimal:
            return basis, proof
    raise AssertionError("no basis next to it is worse")


@pytest.fixture(params=["exact", "proved"])
def way(request, monkeypatch):
    """Pivots in rational arithmetic, or with a proof each."""
    if request.param == "proved":
        monkeypatch.setattr(mending, "MOST_NUMBERS", 0)
    return request.param


def scattered(n=400, d=3, seed=0):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, d))
    return X, X @ np.arange(1.0, d + 1) + rng.standard_t(2, n)


@pytest.mark.parametrize(("quantile", "alpha"), [(0.5, 0.0), (0.3, 0.0), (0.5, 0.01)])
def test_a_vertex_next_to_the_optimum_is_mended(way, quantile, alpha):
    X, y = scattered()
    certificate = solve(X, y, quantile=quantile, alpha=alpha).certificate
    basis, proof = few_steps_off(certificate, X, y)
    claim, found = mended(ArrayRows(X, y), claim_of(X, basis, quantile, alpha), proof)
    assert found.optimal and found.flaw is None
    assert sorted(claim.basis.tolist()) == sorted(certificate.basis.tolist())


@pytest.mark.parametrize("n", [60, 200, 1000])
def test_a_quantile_that_is_no_double_is_decided_among_ties(way, n):
    """tau n is whole in decimals, not in doubles; dummies make most u whole too."""
    rng = np.random.default_rng(n)
    X = np.eye(3)[rng.integers(0, 3, n)][:, :2]
    y = rng.integers(0, 40, n).astype(float)
    solution = solve(X, y, quantile=0.05)
    assert solution.certificate.verify(X, y)
    basis, proof = few_steps_off(solution.certificate, X, y)
    claim, found = mended(ArrayRows(X, y), claim_of(X, basis, 0.05), proof)
    assert found.optimal
    assert found.least == proved(ArrayRows(X, y), claim).least


def test_sparse_rows_are_mended(way):
    X, y = scattered(300, 2)
    X[np.abs(X) < 0.3] = 0
    basis, proof = few_steps_off(solve(X, y).certificate, X, y)
    rows = SparseRows(sparse.csr_array(X), y)
    assert mended(rows, claim_of(X, basis), proof)[1].optimal


def test_an_empty_basis_stands_for_any_and_dependent_columns_are_left_out():
    X, y = scattered(60, 2)
    X = np.column_stack([X, X[:, 0] - X[:, 1]])
    X = np.rint(X * 64)
    X[:, 2] = X[:, 0] - X[:, 1]
    claim, found = mended(ArrayRows(X, y), claim_of(X, []), None)
    assert found.optimal and claim.kept.tolist() == [0, 1]


def test_what_cannot_be_mended_is_left():
    X, y = scattered(60, 2)
    singular = claim_of(X, [0, 0, 1])
    assert proved(ArrayRows(X, y), singular) is None
    assert proved(ArrayRows(X, y), claim_of(X, [0, 1])) is None
    stream = ChunkRows(lambda: iter([(X, y)]))
    assert mended(stream, claim_of(X, [0, 1, 2]), None) is None


def test_without_pivots_left_nothing_better_is_found(monkeypatch):
    X, y = scattered()
    basis, proof = few_steps_off(solve(X, y).certificate, X, y)
    monkeypatch.setattr(mending, "MOST_NUMBERS", 0)
    monkeypatch.setattr(mending, "MOST_PIVOTS", 0)
    assert mended(ArrayRows(X, y), claim_of(X, basis), proof) is None
    monkeypatch.setattr(mending, "MOST_PIVOTS", 60)
    assert mended(ArrayRows(X, y), claim_of(X, basis), None) is None  # what is violated is not known
