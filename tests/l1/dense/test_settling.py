"""From a search's candidate to a certificate: planted searches, against every basis in rational numbers."""

from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest

from tests.l1 import exact_oracle
from tests.l1.linear_programs import contaminated
from treadle.errors import CertificateFailed
from treadle.l1.dense import settling
from treadle.l1.dense.preparation import NearlyDependent
from treadle.l1.dense.settling import settled
from treadle.l1.dense.solve import optimum
from treadle.l1.proof.claim import Problem
from treadle.l1.sources.chunk_rows import ChunkRows
from treadle.l1.sources.rows import ArrayRows

MEDIAN = Problem(0.5, 0.0, True)


def small(seed=0, kind="ties"):
    rng = np.random.default_rng(seed)
    X, y, _ = exact_oracle.table(kind, rng)
    return X, y


def search(rows, accept, guess):
    return optimum(rows, MEDIAN, np.random.default_rng(0), guess, accept)


def excess(X, y, solution):
    coef = [Fraction(c) for c in solution.coef.tolist()]
    told = exact_oracle.objective(X, y, coef, Fraction(solution.intercept))
    return float(told - exact_oracle.least(X, y))


@pytest.mark.parametrize("seed", range(8))
def test_a_search_that_finds_nothing_is_settled_from_any_vertex(seed):
    X, y = small(seed)
    if exact_oracle.least(X, y) is None:
        return

    def fails(rows, accept, guess):
        raise CertificateFailed("planted")

    solution = settled(ArrayRows(X, y), MEDIAN, fails)
    assert solution.certificate.verify(X, y)
    assert excess(X, y, solution) <= 1e-12
    assert (solution.n_iter, solution.n_pivots) == (0, 0)


def test_where_not_even_that_helps_the_search_is_the_one_to_say():
    def fails(rows, accept, guess):
        raise CertificateFailed("planted")

    X, y = contaminated(100, 2)
    with pytest.raises(CertificateFailed, match="planted"):
        settled(ChunkRows([(X, y)]), MEDIAN, fails)


@pytest.mark.parametrize("seed", range(8))
def test_any_basis_is_mended_to_the_least_of_all(seed):
    X, y = small(seed)
    if exact_oracle.least(X, y) is None:
        return

    def wrong(rows, accept, guess):
        found = search(rows, accept, guess)
        basis = np.random.default_rng(seed).permutation(rows.n_rows)[: len(found.candidate.basis)]
        nothing = np.empty(0, np.int64)
        candidate = replace(found.candidate, basis=basis, ties=nothing, tie_values=np.empty(0), sure=False)
        return replace(found, candidate=candidate)

    try:
        solution = settled(ArrayRows(X, y), MEDIAN, wrong)
    except CertificateFailed:
        pytest.fail("a table that small has an exact optimum")
    assert excess(X, y, solution) <= 1e-12


def test_a_candidate_that_is_sure_is_not_proved_during_the_fit(monkeypatch):
    def proved(*arguments):
        raise AssertionError("asked for a proof")

    monkeypatch.setattr(settling, "proved", proved)
    X, y = contaminated(121, 3)
    assert settled(ArrayRows(X, y), MEDIAN, search).certificate.verify(X, y)


def test_nearly_dependent_columns_are_disentangled_and_searched_again():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(40, 2))
    X = np.column_stack([X, X[:, 0] + 1e-10 * X[:, 1] ** 2])
    y = rng.normal(size=40)
    calls = []

    def noted(rows, accept, guess):
        calls.append((accept, guess is None))
        return search(rows, accept, guess)

    solution = settled(ArrayRows(X, y), MEDIAN, noted, np.zeros(4))
    assert calls[:2] == [(False, False), (True, True)]
    assert solution.certificate.verify(X, y)

    def refuses(rows, accept, guess):
        if not accept:
            raise NearlyDependent
        return search(rows, accept, guess)

    again = settled(ArrayRows(X[:, :2].copy(), y), MEDIAN, refuses)
    assert again.certificate.verify(X[:, :2], y)


def test_what_a_search_took_is_told():
    X, y = contaminated(9000, 3)
    found = []

    def noted(rows, accept, guess):
        found.append(search(rows, accept, guess))
        return found[-1]

    solution = settled(ArrayRows(X, y), MEDIAN, noted)
    assert (solution.n_iter, solution.n_pivots) == (found[0].n_iter, found[0].n_pivots)
    assert solution.n_passes >= found[0].n_passes >= 1
