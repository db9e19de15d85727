"""Independent rows and their columns, by ranks that NumPy computes."""

import numpy as np
import pytest
from scipy import sparse

from treadle.l1.sparse import elimination
from treadle.l1.sparse.elimination import independent_pivots


def table(kind, seed):
    rng = np.random.default_rng(seed)
    if kind == "dummies":
        A = np.hstack([np.ones((60, 1)), *(np.eye(k)[rng.integers(0, k, 60)] for k in (8, 7))])
    elif kind == "dependent":
        A = np.where(rng.random((40, 6)) < 0.4, rng.normal(size=(40, 6)), 0.0) @ rng.normal(size=(6, 12))
    elif kind == "few rows":
        A = np.where(rng.random((5, 12)) < 0.5, rng.normal(size=(5, 12)), 0.0)
    else:
        A = np.where(rng.random((50, 15)) < 0.2, rng.normal(size=(50, 15)), 0.0)
    return A, rng


@pytest.fixture(params=["sparse to the end", "dense at once"])
def _each_way(request, monkeypatch):
    monkeypatch.setattr(
        elimination, "NUMBERS_PER_ENTRY", 0 if request.param == "sparse to the end" else 10**9
    )


@pytest.mark.usefixtures("_each_way")
@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("kind", ["dummies", "dependent", "few rows", "scattered"])
def test_as_many_rows_are_chosen_as_are_independent(kind, seed):
    A, _ = table(kind, seed)
    rows, columns = independent_pivots(sparse.csr_array(A), np.ones(len(A)))
    rank = np.linalg.matrix_rank(A)
    assert len(set(rows.tolist())) == len(set(columns.tolist())) == len(rows) == len(columns)
    assert np.linalg.matrix_rank(A[rows][:, columns]) == len(rows)
    # A dense step that begins with dependent columns may leave out rows, which the next steps look at again.
    assert len(rows) == rank or (kind in ("dependent", "few rows") and len(rows) <= rank)


def test_light_rows_are_left_where_heavy_ones_do():
    A, rng = table("scattered", 3)
    weight = np.full(50, 1e-3)
    heavy = rng.choice(50, 35, replace=False)
    weight[heavy] = 1.0
    rows, _ = independent_pivots(sparse.csr_array(A), weight)
    assert len(rows) == np.linalg.matrix_rank(A[heavy])
    assert set(rows.tolist()) <= set(heavy.tolist())


def test_zeros_that_are_stored_are_no_pivots():
    A = sparse.csr_array((np.array([0.0, 2.0]), np.array([0, 1]), np.array([0, 1, 2])), shape=(2, 2))
    rows, columns = independent_pivots(A, np.ones(2))
    assert rows.tolist() == [1] and columns.tolist() == [1]


def test_without_entries_nothing_is_chosen():
    rows, columns = independent_pivots(sparse.csr_array((3, 2)), np.ones(3))
    assert rows.size == columns.size == 0


def test_what_takes_too_long_is_given_up(monkeypatch):
    monkeypatch.setattr(elimination, "MOST_CHANGES", 3)
    monkeypatch.setattr(elimination, "NUMBERS_PER_ENTRY", 0)
    assert independent_pivots(sparse.csr_array(table("scattered", 0)[0]), np.ones(50)) is None
