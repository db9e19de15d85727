import numpy as np
import pytest

from treadle.errors import CertificateFailed
from treadle.l1.dense.preparation import CentredRows, disentangled, prepared
from treadle.l1.dense.solve import solve, solve_rows
from treadle.l1.sources.chunk_rows import ChunkRows
from treadle.l1.sources.rows import ArrayRows


def rows_of(X, weight=None):
    return ArrayRows(X, np.arange(float(len(X))), weight)


def scattered(n=300, d=2, seed=0):
    return np.random.default_rng(seed).normal(size=(n, d))


def test_far_columns_are_measured_from_a_row_of_their_own_exactly():
    X = np.column_stack([1e15 + np.arange(50.0), scattered(50, 1), np.full(50, 7e9)])
    found = prepared(rows_of(X), True)
    assert found.centre.tolist() == [1e15, 0.0, 7e9] and found.exact
    assert found.rows.X[:, 0].tolist() == list(range(50)) and not found.rows.X[:, 2].any()
    assert prepared(rows_of(X), False).rows.X is X  # without an intercept there is no centre
    assert found.start(np.array([2.0, 0.0, 1.0, 5.0])).tolist() == [2.0, 0.0, 1.0, 5.0 + 2e15 + 7e9]


def test_a_stray_entry_makes_differences_inexact():
    X = np.append(np.repeat(1e15 + np.arange(50.0), 100), 0.1)[:, None]
    y = np.arange(5001.0)
    weight = np.ones(5001)
    weight[1000:] = 1e-3
    found = prepared(ArrayRows(X, y, weight), True)
    assert not (found.centre.any() and found.exact)
    assert solve(X, y, sample_weight=weight).certificate.verify(X, y, weight)


def test_rows_without_a_weight_do_not_tell_where_columns_are():
    X = 1e9 + np.arange(20.0)[:, None]
    X[0] = 0
    weight = np.ones(20)
    weight[0] = 0
    assert prepared(rows_of(X, weight), True).centre.tolist() == [1e9 + 1]


def test_streams_are_centred_as_they_are_read():
    X = 1e12 + np.arange(90.0)[:, None]
    y = np.arange(90.0)
    parts = [(X[i : i + 30], y[i : i + 30]) for i in (0, 30, 60)]
    found = prepared(ChunkRows(lambda: iter(parts)), True)
    assert isinstance(found.rows, CentredRows) and not found.exact
    assert np.concatenate([c.X for c in found.rows.chunks()]).ravel().tolist() == list(range(90))
    assert found.rows.take(np.array([3, 50])).X.ravel().tolist() == [3.0, 50.0]
    assert found.rows.some().X[0, 0] == 0 and found.rows.total_weight() == 90
    assert [c.max() for c in found.rows.map(lambda chunk: chunk.X)] == [29.0, 59.0, 89.0]
    assert found.rows.sample(9, np.random.default_rng(0)).X.max() < 90


def test_columns_that_nearly_cancel_are_replaced_by_what_is_left():
    start = np.sort(np.random.default_rng(0).integers(0, 10**13, 300)).astype(float)
    span = np.random.default_rng(1).integers(1, 9, 300).astype(float)
    rows = rows_of(np.column_stack([start, start + span]))
    found = disentangled(prepared(rows, True), rows, True)
    left = found.rows.X[:, 1]
    assert found.columns.tolist() == [0, 1] and not found.exact
    # What is left is the span less a combination of the constant and of the start.
    basis = np.column_stack([np.ones(300), start / 1e13, left])
    w, *_ = np.linalg.lstsq(basis, span, rcond=None)
    assert np.abs(basis @ w - span).max() < 1e-6


def test_a_column_that_depends_to_rounding_is_left_out():
    X = scattered()
    X = np.column_stack([X, 0.1 * X[:, 0] + 0.7 * X[:, 1]])
    rows = rows_of(X)
    before = prepared(rows, True)
    assert disentangled(before, rows, True) is before  # by the solver, to which nothing is left of it
    assert not solve(X, X[:, 0] + scattered(300, 1, 5)[:, 0]).coef[2]
    whole = np.random.default_rng(0).integers(0, 9, (300, 2)).astype(float)
    whole = np.column_stack([whole * 2.0**40, whole[:, 0] * 2.0**40 + np.arange(300) % 3])
    rows = rows_of(whole)  # whole numbers are exact, however little is left of them
    found = disentangled(prepared(rows, True), rows, True)
    assert found.columns.tolist() == [0, 1, 2]


def stream(X, y):
    return ChunkRows(lambda: ((X[i : i + 100], y[i : i + 100]) for i in range(0, len(y), 100)))


def test_streams_are_refused_with_a_remedy_that_serves():
    rng = np.random.default_rng(0)
    start = rng.integers(0, 10**13, 300).astype(float)
    X = np.column_stack([start, start + rng.integers(1, 9, 300)])
    y = rng.normal(size=300)
    with pytest.raises(
        CertificateFailed, match="Replace feature 1 by its difference from feature 0, which was"
    ):
        solve_rows(stream(X, y))
    X[:, 1] -= X[:, 0]
    assert solve_rows(stream(X, y)).certificate.verify(X, y)


def test_streams_without_so_simple_a_remedy_are_refused():
    rng = np.random.default_rng(0)
    X = rng.integers(0, 10**13, (300, 3)).astype(float)
    X[:, 2] = X[:, 0] + X[:, 1] + rng.integers(1, 9, 300)
    with pytest.raises(CertificateFailed, match="Leave it out, or replace it by its difference from what it"):
        solve_rows(stream(X, rng.normal(size=300)))
