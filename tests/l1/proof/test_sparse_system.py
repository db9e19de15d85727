"""Sparse equations against Gauss and Jordan in fractions, and against the dense equations."""

from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest
from scipy import sparse

from tests.l1.exact_oracle import solution
from treadle.l1.proof import block_inverse, sparse_system
from treadle.l1.proof.basis_system import BasisSystem, Enclosed
from treadle.l1.proof.rational_solve import Singular
from treadle.l1.proof.scaled_integers import scaled
from treadle.l1.proof.sparse_integers import SparseIntegers
from treadle.l1.proof.sparse_system import SparseSystem


def system_of(Z):
    return SparseSystem(SparseIntegers.of(sparse.csr_array(Z)))


def matrix(kind, rng, p=8):
    """Few entries, so that there are blocks of all kinds."""
    Z = np.where(rng.random((p, p)) < 0.25, rng.normal(size=(p, p)), 0.0)
    Z[np.arange(p), rng.permutation(p)] = rng.normal(size=p)
    if kind == "dummies":
        Z = (Z != 0).astype(float)
        Z[:, 0] = 1
    if kind == "sizes by row and column":
        Z = np.ldexp(Z, rng.integers(-300, 300, p)[:, None] + rng.integers(-300, 300, p))
    if kind == "entries of all sizes":
        Z = np.ldexp(Z, rng.integers(-40, 40, (p, p)))
    if kind == "a long chain":
        Z = np.diag(rng.uniform(0.1, 0.2, p)) + np.diag(rng.normal(size=p - 1), 1)
    return Z


KINDS = ["plain", "dummies", "sizes by row and column", "entries of all sizes", "a long chain"]


@pytest.mark.parametrize("by_factors", [False, True])
@pytest.mark.parametrize("transposed", [False, True])
@pytest.mark.parametrize("kind", KINDS)
def test_the_exact_solution_is_within_the_enclosure(monkeypatch, kind, transposed, by_factors):
    if by_factors:
        monkeypatch.setattr(block_inverse, "DENSE", 0)
        monkeypatch.setattr(block_inverse, "MOST_DENSE", 0)
    rng = np.random.default_rng(len(kind))
    n_enclosed = 0
    for _ in range(30):
        Z, b = matrix(kind, rng), rng.normal(size=8) * 10.0 ** rng.integers(-9, 9, 8)
        x = solution((Z.T if transposed else Z).tolist(), b.tolist())
        if x is None:
            try:
                assert system_of(Z).enclosure(scaled(b), transposed) is None
                assert system_of(Z).solution(scaled(b), transposed) is None
            except Singular:
                pass
            continue
        system = system_of(Z)
        found = system.enclosure(scaled(b), transposed)
        exactly = system.solution(scaled(b), transposed)
        assert exactly is None or exactly.center == x
        assert system.is_rational == (exactly is not None)
        if kind == "dummies":
            assert exactly is not None
        if found is not None:
            n_enclosed += 1
            assert all(abs(c - v) <= r for c, r, v in zip(found.center, found.radius, x, strict=True))
            if kind in ("plain", "dummies", "a long chain"):
                assert max(found.radius) <= Fraction(2.0**-90) * max(map(abs, x))
    assert n_enclosed >= 15


def test_a_solution_of_few_digits_is_found_whatever_the_size_of_the_block():
    """One block of 40 rows, whose rational solution has a denominator of a hundred bits."""
    rng = np.random.default_rng(0)
    Z, b = rng.integers(-2, 3, (40, 40)).astype(float), rng.integers(-9, 9, 40).astype(float)
    found = system_of(Z).solution(scaled(b))
    assert found.center == solution(Z.tolist(), b.tolist())
    assert found.denominator.bit_length() > 64


def test_both_ways_enclose_the_same_solution():
    rng = np.random.default_rng(1)
    Z = np.where(rng.random((60, 60)) < 0.05, rng.normal(size=(60, 60)), 0.0) + np.eye(60)
    b = scaled(rng.normal(size=60))
    for transposed in (False, True):
        one, other = (system.enclosure(b, transposed) for system in (system_of(Z), BasisSystem(scaled(Z))))
        for c, r, d, s in zip(one.center, one.radius, other.center, other.radius, strict=True):
            assert abs(c - d) <= r + s and max(r, s) <= Fraction(1, 1 << 80)


def test_a_wrong_inverse_of_a_block_encloses_nothing(monkeypatch):
    Z = np.array([[2.0, 1.0, 0.0], [1.0, 3.0, 0.0], [1.0, 0.0, 1.0]])
    assert system_of(Z).enclosure(scaled(np.ones(3))) is not None
    monkeypatch.setattr(block_inverse, "_inverse_of", lambda Z: np.eye(2))
    system = system_of(Z)
    assert system.enclosure(scaled(np.ones(3))) is None
    assert system.solution(scaled(np.ones(3))) is None


def test_a_wrong_denominator_is_seen(monkeypatch):
    """Numerators over it are checked in integers."""
    Z, b = np.array([[3.0, 1.0], [1.0, 1.0]]), scaled(np.array([1.0, 0.0]))
    assert system_of(Z).solution(b).center == [Fraction(1, 2), Fraction(-1, 2)]
    for wrong in (1, 3):
        monkeypatch.setattr(sparse_system, "_common_denominator", lambda v, bits, d=wrong: d)
        assert system_of(Z).solution(b) is None


def test_blocks_in_a_wrong_order_are_refused(monkeypatch):
    Z = np.array([[1.0, 1.0], [0.0, 1.0]])
    right = sparse_system.block_triangle
    monkeypatch.setattr(sparse_system, "block_triangle", lambda Z: right(Z)[::-1])
    with pytest.raises(Singular, match="blocks of the equations do not follow one another"):
        system_of(Z).enclosure(scaled(np.ones(2)))


def test_blocks_that_are_not_all_are_refused(monkeypatch):
    right = sparse_system.block_triangle

    def fewer(Z):
        (level,) = right(Z)
        return [replace(level, rows=level.rows[1:], columns=level.columns[1:], n_single=1)]

    monkeypatch.setattr(sparse_system, "block_triangle", fewer)
    with pytest.raises(Singular, match="blocks of the equations are not all"):
        system_of(np.eye(2)).enclosure(scaled(np.ones(2)))


def test_rows_that_cannot_determine_their_columns_are_singular():
    with pytest.raises(Singular, match="the 2 rows of the basis do not determine their coefficients"):
        system_of(np.array([[1.0, 0.0], [1.0, 0.0]]))


def test_zeros_that_are_stored_are_no_entries():
    Z = sparse.csr_array((np.array([0.0, 1.0, 1.0]), np.array([0, 1, 0]), np.array([0, 2, 3])), shape=(2, 2))
    found = SparseSystem(SparseIntegers.of(Z)).solution(scaled(np.array([5.0, 7.0])))
    assert found.center == [7, 5]


def test_numbers_that_no_power_of_two_brings_together_prove_nothing():
    Z = np.array([[1e300, 1e-300], [1e-300, 1e300]])
    Z[0, 1] = 5e-324
    assert system_of(Z).enclosure(scaled(np.ones(2))) is None


def test_more_unknowns_than_sums_are_bounded_for_prove_nothing(monkeypatch):
    system, b = system_of(np.eye(3)), scaled(np.ones(3))
    monkeypatch.setattr(sparse_system, "MOST_UNKNOWNS", 2)
    assert system.enclosure(b) is None and system.solution(b) is None
    monkeypatch.setattr(sparse_system, "MOST_UNKNOWNS", 3)
    assert system.enclosure(b).center == system.solution(b).center == [1, 1, 1]


def test_no_unknowns_are_enclosed_by_nothing():
    system = system_of(np.empty((0, 0)))
    assert system.enclosure(scaled(np.empty(0))) == Enclosed([], [], 1)
    assert system.solution(scaled(np.empty(0))) == Enclosed([], [], 1)
