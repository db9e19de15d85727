"""Blocks of equations: the shape that is promised, and strong components found by walking everywhere."""

import numpy as np
import pytest
from scipy import sparse

from treadle.l1.proof.block_triangle import block_triangle


def scrambled(seed, p=14):
    """A nonsingular matrix of few entries, its rows and columns in any order."""
    rng = np.random.default_rng(seed)
    Z = np.triu(rng.random((p, p)) < 0.15) | np.eye(p, dtype=bool)
    for start in rng.choice(p - 3, 2, replace=False):
        Z[start : start + 3, start : start + 3] = True
    return Z[rng.permutation(p)][:, rng.permutation(p)].astype(float)


@pytest.mark.parametrize("transposed", [False, True])
@pytest.mark.parametrize("seed", range(20))
def test_each_block_needs_only_unknowns_of_levels_before(seed, transposed):
    Z = scrambled(seed)
    levels = block_triangle(sparse.csr_array(Z))
    if transposed:
        Z, levels = Z.T, [level.transposed() for level in levels[::-1]]
    solved = np.zeros(len(Z), bool)
    for level in levels:
        singles = [slice(k, k + 1) for k in range(level.n_single)]
        for block in [*singles, *level.blocks()]:
            rows, columns = level.rows[block], level.columns[block]
            needed = Z[rows].any(axis=0)
            needed[columns] = False
            assert solved[needed].all()
            assert Z[rows][:, columns].any(axis=1).all()
        solved[level.columns] = True
    assert sorted(np.concatenate([level.rows for level in levels])) == list(range(len(Z)))
    assert sorted(np.concatenate([level.columns for level in levels])) == list(range(len(Z)))


@pytest.mark.parametrize("seed", range(20))
def test_the_rows_of_a_block_need_one_another(seed):
    Z = scrambled(seed)
    for level in block_triangle(sparse.csr_array(Z)):
        assert all(size > 1 for size in level.sizes)
        for block in level.blocks():
            near = Z[level.rows[block]][:, level.columns[block]] != 0
            reached = np.linalg.matrix_power(near.astype(float) + np.eye(len(near)), len(near)) > 0
            assert reached.all()


def test_no_columns_for_all_rows_is_no_triangle():
    assert block_triangle(sparse.csr_array(np.array([[1.0, 0, 0], [1, 0, 0], [0, 1, 1]]))) is None


def test_no_rows_have_no_levels():
    assert block_triangle(sparse.csr_array((0, 0))) == []
