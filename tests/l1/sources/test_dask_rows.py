"""Dask arrays: two worker processes come to the solution and certificate of one process, and X stays "
"where it is."""

import os

import numpy as np
import pytest

pytest.importorskip("dask")
da = pytest.importorskip("dask.array")

from treadle.errors import InvalidInput  # noqa: E402
from treadle.l1.dense.solve import solve, solve_rows  # noqa: E402
from treadle.l1.sources.dask_rows import DaskRows  # noqa: E402
from treadle.l1.sources.rows import Chunk  # noqa: E402

N, D = 12_000, 4


@pytest.fixture(scope="module")
def data():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(N, D)).astype(np.float32)
    y = X @ np.arange(D) + rng.standard_t(1.5, N)
    return X, y, rng.random(N)


@pytest.fixture(scope="module")
def client():
    """Two worker processes of one thread each."""
    distributed = pytest.importorskip("distributed")
    with (
        distributed.LocalCluster(
            n_workers=2, threads_per_worker=1, processes=True, dashboard_address=None, silence_logs=50
        ) as cluster,
        distributed.Client(cluster) as client,
    ):
        yield client


@pytest.fixture
def blocks(data):
    """X in blocks of rows and of columns, y and weights in blocks of another size."""
    X, y, weight = data
    return da.from_array(X, chunks=(2500, 3)), da.from_array(y, chunks=1700), da.from_array(weight, chunks=N)


def pid_and_rows(chunk):
    return os.getpid(), len(chunk)


def test_the_rows_are_those_of_the_arrays(data, blocks):
    X, y, weight = data
    rows = DaskRows(*blocks)
    assert (rows.n_rows, rows.n_features) == (N, D)
    whole = Chunk.joined(list(rows.chunks()))
    some = np.array([0, 2499, 2500, N - 1])
    for chunk, numbers in ((whole, np.arange(N)), (rows.take(some), some)):
        assert np.array_equal(chunk.indices, numbers)
        assert np.array_equal(chunk.X, X[numbers])
        assert np.array_equal(chunk.y, y[numbers])
        assert np.array_equal(chunk.weight, weight[numbers])
    assert rows.total_weight() == pytest.approx(weight.sum(), rel=1e-12)


def test_two_worker_processes_come_to_the_same_solution_and_certificate(client, data, blocks):
    X, y, weight = data
    rows = DaskRows(*blocks)
    shared = solve_rows(rows, quantile=0.3)
    alone = solve(X, y, quantile=0.3, sample_weight=weight)
    assert shared.objective == pytest.approx(alone.objective, rel=1e-12)
    np.testing.assert_allclose(shared.coef, alone.coef, rtol=1e-9)
    assert sorted(shared.certificate.basis) == sorted(alone.certificate.basis)
    assert shared.certificate.verify_rows(rows)
    assert shared.certificate.verify(X, y, weight)


def test_each_pass_runs_in_both_workers_and_not_here(client, blocks):
    found = list(DaskRows(*blocks).map(pid_and_rows))
    pids = {pid for pid, _ in found}
    assert len(pids) == 2
    assert os.getpid() not in pids
    assert sum(n for _, n in found) == N


def test_a_pass_sends_back_few_of_the_rows(client, blocks, monkeypatch):
    sent = []
    monkeypatch.setattr(
        DaskRows, "map", lambda self, function, plain=DaskRows.map: map(watched(sent), plain(self, function))
    )
    solve_rows(DaskRows(*blocks))
    n_kept = sum(len(result.kept) for result in sent if hasattr(result, "kept"))
    assert 0 < n_kept <= N / 3


def watched(sent):
    def watch(result):
        sent.append(result)
        return result

    return watch


def test_a_frame_and_its_column_are_rows_as_well(data):
    dd = pytest.importorskip("dask.dataframe")
    import pandas as pd

    X, y, _ = data
    frame = dd.from_pandas(pd.DataFrame(X, columns=list("abcd")).assign(y=y), npartitions=3)
    rows = DaskRows(frame[["a", "b", "c", "d"]], frame["y"])
    assert rows.feature_names == ("a", "b", "c", "d")
    assert np.array_equal(Chunk.joined(list(rows.chunks())).X, X)


def test_blocks_of_unknown_size_are_counted(data):
    X, y, _ = data
    array = da.from_array(X, chunks=(2500, D))
    kept = array[array[:, 0] > 0]
    rows = DaskRows(kept, da.from_array(y[X[:, 0] > 0], chunks=1000))
    assert rows.n_rows == (X[:, 0] > 0).sum()


def test_a_row_that_is_not_finite_is_named(data):
    X, y, _ = data
    X = X.copy()
    X[7001, 2] = np.nan
    with pytest.raises(InvalidInput, match="row 7001 holds a value that is not a finite number"):
        solve_rows(DaskRows(da.from_array(X, chunks=(2500, D)), da.from_array(y, chunks=N)))


@pytest.mark.parametrize(
    ("X", "y", "message"),
    [
        (np.ones((3, 2)), da.ones(3), "X must be a Dask array; got ndarray"),
        (da.ones((3, 2)), [1, 2, 3], "y must be a Dask array; got list"),
        (da.ones(3), da.ones(3), "X must have 2 dimensions and hold real numbers; got float64 of shape"),
        (da.ones((3, 2), dtype=complex), da.ones(3), "got complex128"),
        (da.ones((3, 2)), da.ones(4), r"X has 3 rows and y is of shape \(4,\)"),
        (da.ones((0, 2)), da.ones(0), "at least one row and one feature are needed"),
    ],
)
def test_what_is_no_dask_array_or_does_not_fit_is_refused(X, y, message):
    with pytest.raises(InvalidInput, match=message):
        DaskRows(X, y)
