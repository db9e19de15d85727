"""Sparse matrices of integers, against dense ones."""

import numpy as np
import pytest
from scipy import sparse

from treadle.l1.proof.scaled_integers import scaled
from treadle.l1.proof.sparse_integers import SparseIntegers


def matrix(seed=0, shape=(9, 7)):
    rng = np.random.default_rng(seed)
    X = np.where(rng.random(shape) < 0.4, rng.normal(size=shape) * 10.0 ** rng.integers(-9, 9, shape), 0.0)
    X[3] = 0
    X[:, 2] = 0
    return X


def exactly(X):
    return SparseIntegers.of(sparse.csr_array(X))


def long_integers(n, seed=1):
    rng = np.random.default_rng(seed)
    return np.array([int(a) << int(b) for a, b in rng.integers(1, 90, (n, 2))], object)


def test_products_are_those_of_the_dense_integers():
    X = matrix()
    found, dense = exactly(X), scaled(X)
    assert len(found) == 9 and found.exponent == dense.exponent
    v, u = long_integers(7), long_integers(9)
    assert (found.product(v) == dense.product(v)).all()
    assert (found.transposed_product(u) == dense.transposed_product(u)).all()
    assert (found.sizes().product(v) == dense.sizes().product(v)).all()
    assert (found.dense().integers == dense.integers).all()
    assert (found.floats().toarray() == X).all()


def test_some_columns_are_those_of_the_dense_integers():
    some = np.array([0, 2, 5])
    assert (exactly(matrix()).columns(some).dense().integers == scaled(matrix()).columns(some).integers).all()
    every = exactly(matrix())
    assert every.columns(np.arange(7)) is every


def test_a_matrix_without_entries_has_products_of_zeros():
    empty = exactly(np.zeros((2, 3)))
    assert empty.product(long_integers(3)).tolist() == [0, 0]
    assert empty.transposed_product(long_integers(2)).tolist() == [0, 0, 0]


def test_what_is_not_finite_has_no_integers():
    X = matrix()
    X[0, 0] = np.inf
    with pytest.raises(ValueError, match="not finite has no exact value"):
        exactly(X)
