import numpy as np
import pytest
from scipy import sparse

from treadle.l1.proof import dependencies
from treadle.l1.proof.claim import Claim, Problem
from treadle.l1.proof.dependencies import proved_dependent
from treadle.l1.proof.theorem import Prover
from treadle.l1.sources.rows import ArrayRows
from treadle.l1.sources.sparse_rows import SparseRows


def found(X, weight=None, alpha=0.0, centre=None, thin=False, basis=(0, 1, 2)):
    """Whether the last of three features is said to depend on the first two and the constant."""
    y = np.arange(float(len(X)))
    rows = SparseRows(sparse.csr_array(X), y, weight) if thin else ArrayRows(X, y, weight)
    centre = np.zeros(3) if centre is None else centre
    claim = Claim(Problem(0.5, alpha, True), centre, np.array([0, 1]), np.array(basis), {})
    return proved_dependent(rows, Prover(rows, claim), np.array([2]))


def table(factors, constant=0.0, n=40):
    X = np.random.default_rng(0).integers(-9, 10, (n, 3)).astype(float)
    X[:, 2] = X[:, :2] @ factors + constant
    return X


@pytest.mark.parametrize("thin", [False, True])
def test_an_exact_combination_is_proved(thin):
    assert found(table([2.0, -3.0], 5.0), thin=thin) == {2}
    assert found(table([0.5, 0.0]), thin=thin) == {2}
    assert found(table([0.0, 0.0]), thin=thin) == {2}
    assert found(np.ldexp(table([1.0, 1.0]), -1070), thin=thin, basis=(1, 2, 3)) == {2}


def test_one_row_by_the_last_place_breaks_it():
    X = table([2.0, -3.0], 5.0)
    X[33, 2] = np.nextafter(X[33, 2], np.inf)
    assert found(X) == set()
    weight = np.ones(40)
    weight[33] = 0
    assert found(X, weight) == {2}  # a row without a weight adds nothing


def test_numbers_too_long_for_doubles_are_looked_at_in_integers(monkeypatch):
    X = np.column_stack([np.random.default_rng(0).normal(size=(40, 2)), np.zeros(40)])
    X[:, 2] = X[:, 0] * 2.0**60
    assert found(X) == {2}
    monkeypatch.setattr(dependencies, "MOST_NUMBERS", 10)
    assert found(X) == set()  # not looked at is not proved


def test_columns_are_measured_from_the_centre():
    X = table([1.0, 1.0]) + np.array([1e15, 2e15, 3e15])
    assert found(X, centre=X[0].copy()) == {2}
    X[7, 2] += 1
    assert found(X, centre=X[0].copy()) == set()


def test_under_a_penalty_a_combination_is_not_without_loss():
    """Ten times a feature costs a tenth of the penalty."""
    assert found(table([10.0, 0.0]), alpha=0.1) == set()
