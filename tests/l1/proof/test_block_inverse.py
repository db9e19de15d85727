"""Bounds of a block's inverse, against inverses in rational numbers."""

from fractions import Fraction

import numpy as np
import pytest
from scipy import sparse

from tests.l1.exact_oracle import solution
from treadle.l1.proof import block_inverse
from treadle.l1.proof.block_inverse import BlockInverse


@pytest.fixture(params=["dense", "factors"])
def _each_way(request, monkeypatch):
    if request.param == "factors":
        monkeypatch.setattr(block_inverse, "DENSE", 0)
        monkeypatch.setattr(block_inverse, "MOST_DENSE", 0)
        monkeypatch.setattr(block_inverse, "NUMBERS_AT_ONCE", 12)  # a few rows at a time


def block(seed, p=5):
    rng = np.random.default_rng(seed)
    return np.where(rng.random((p, p)) < 0.6, rng.normal(size=(p, p)), 0.0) + 2 * np.eye(p), rng


@pytest.mark.usefixtures("_each_way")
@pytest.mark.parametrize("transposed", [False, True])
@pytest.mark.parametrize("seed", range(10))
def test_solutions_are_within_the_bounds(seed, transposed):
    Z, rng = block(seed)
    inverse = BlockInverse(sparse.csr_array(Z))
    bounds = inverse.bounds(transposed)
    M = Z.T if transposed else Z
    for signs in rng.choice([-1.0, 1.0], (8, 5)):
        x = solution(M.tolist(), signs.tolist())
        assert all(abs(v) <= Fraction(b) for v, b in zip(x, bounds.tolist(), strict=True))
        np.testing.assert_allclose(inverse.solve(signs, transposed), np.array(x, float), rtol=1e-9)
    # No wider than the inverse's rows are long.
    np.testing.assert_allclose(bounds, np.abs(np.linalg.inv(M)).sum(axis=1), rtol=1e-6)


@pytest.mark.usefixtures("_each_way")
def test_a_block_that_is_nearly_singular_is_not_bounded_too_tightly():
    """Rows that differ by less than doubles can tell apart: no bound, or one that holds."""
    for k in range(30, 60):
        Z = np.array([[1.0, 1.0], [1.0, 1.0 + 2.0**-k]])
        inverse = BlockInverse(sparse.csr_array(Z))
        bounds = inverse.bounds(False)
        exact = solution(Z.tolist(), [1.0, -1.0])
        if exact is None:
            assert bounds is None
        elif bounds is not None:
            assert all(abs(x) <= Fraction(b) for x, b in zip(exact, bounds.tolist(), strict=True))
    assert inverse.bounds(True) is None


def test_an_inverse_that_is_wrong_proves_nothing(monkeypatch):
    Z, _ = block(0)
    right = block_inverse._inverse_of(sparse.csr_array(Z))
    monkeypatch.setattr(block_inverse, "_inverse_of", lambda Z: right + 0.3)
    inverse = BlockInverse(sparse.csr_array(Z))
    assert inverse.is_found and inverse.bounds(False) is None and inverse.bounds(True) is None


@pytest.mark.usefixtures("_each_way")
def test_a_singular_block_has_no_inverse():
    inverse = BlockInverse(sparse.csr_array(np.array([[1.0, 2.0], [2.0, 4.0]])))
    assert not inverse.is_found and inverse.bounds(False) is None


def test_factors_too_full_for_all_rows_are_not_used(monkeypatch):
    monkeypatch.setattr(block_inverse, "DENSE", 0)
    Z = sparse.csr_array(block(0)[0])
    assert BlockInverse(Z)._R is not None  # as full as a dense inverse
    monkeypatch.setattr(block_inverse, "MOST_DENSE", 0)
    monkeypatch.setattr(block_inverse, "MOST_PRODUCTS", 1)
    assert not BlockInverse(Z).is_found
