"""LADRegressor on what is no dense array: sparse X, files, chunks and Dask arrays have the same optimum."""

import numpy as np
import pytest
from scipy import sparse
from sklearn.exceptions import NotFittedError

from treadle import InvalidInput, LADRegressor
from treadle.l1 import ChunkRows, DaskRows, NpyRows, ParquetRows

N, D = 9000, 3


@pytest.fixture(scope="module")
def data():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(N, D)).astype(np.float32)
    return X, (X @ np.arange(1.0, D + 1) + 2 + rng.standard_t(1.5, N)).astype(np.float32)


def parquet_rows(folder, X, y):
    pa = pytest.importorskip("pyarrow")
    pq = pytest.importorskip("pyarrow.parquet")
    pq.write_table(pa.table({"a": X[:, 0], "b": X[:, 1], "c": X[:, 2], "y": y}), folder / "t.parquet")
    return ParquetRows(folder / "t.parquet", "y")


def npy_rows(folder, X, y):
    np.save(folder / "t.npy", np.column_stack([X, y]))
    return NpyRows(folder / "t.npy", -1)


def chunk_rows(folder, X, y):
    return ChunkRows(lambda: ((X[i : i + 1000], y[i : i + 1000]) for i in range(0, N, 1000)))


def dask_rows(folder, X, y):
    da = pytest.importorskip("dask.array")
    return DaskRows(da.from_array(X, chunks=(4000, D)), da.from_array(y, chunks=4000))


@pytest.mark.parametrize("make", [parquet_rows, npy_rows, chunk_rows, dask_rows])
def test_rows_that_memory_need_not_hold_are_fitted_and_predicted(tmp_path, data, make):
    X, y = data
    rows = make(tmp_path, X, y)
    dense = LADRegressor(0.7).fit(X, y)
    model = LADRegressor(0.7).fit(rows)
    assert model.objective_ == pytest.approx(dense.objective_, rel=1e-12)
    np.testing.assert_allclose(model.coef_, dense.coef_, rtol=1e-9)
    assert model.n_features_in_ == D
    assert model.certificate_.side is None
    assert model.certificate_.verify(rows)
    assert model.certificate_.verify(X, y)
    np.testing.assert_allclose(model.predict(rows), dense.predict(X), rtol=1e-6, atol=1e-5)
    if make is parquet_rows:
        assert model.feature_names_in_.tolist() == ["a", "b", "c"]
    wrong = y.copy()
    wrong[:5] += 1e4
    assert not model.certificate_.verify(X, wrong)


def test_names_of_an_earlier_fit_are_forgotten(tmp_path, data):
    X, y = data
    model = LADRegressor().fit(parquet_rows(tmp_path, X, y))
    model.fit(chunk_rows(tmp_path, X, y))
    assert not hasattr(model, "feature_names_in_")


@pytest.mark.parametrize("form", [sparse.csr_array, sparse.csc_matrix, sparse.coo_array])
def test_sparse_x_is_fitted_and_predicted(data, form):
    X, y = data
    X = np.where(X > 0, X, 0)
    weight = np.random.default_rng(1).random(N)
    dense = LADRegressor(alpha=0.01).fit(X, y, weight)
    model = LADRegressor(alpha=0.01).fit(form(X), y, weight)
    assert model.objective_ == pytest.approx(dense.objective_, rel=1e-11)
    np.testing.assert_allclose(model.predict(form(X)), dense.predict(X), rtol=1e-5, atol=1e-5)
    assert model.certificate_.verify(form(X), y, weight)


def test_rows_come_with_their_targets(tmp_path, data):
    X, y = data
    rows = chunk_rows(tmp_path, X, y)
    for arguments in ((rows, y), (rows, None, y)):
        with pytest.raises(InvalidInput, match="ChunkRows have their targets and weights with them"):
            LADRegressor().fit(*arguments)
    with pytest.raises(NotFittedError):
        LADRegressor().predict(rows)
    model = LADRegressor().fit(X[:, :2], y)
    with pytest.raises(InvalidInput, match="the rows have 3 features; fit had 2"):
        model.predict(rows)


def test_a_summary_takes_arrays(tmp_path, data):
    X, y = data
    rows = chunk_rows(tmp_path, X, y)
    model = LADRegressor().fit(rows)
    with pytest.raises(
        InvalidInput, match="standard errors need X and y in memory, and X dense; got ChunkRows"
    ):
        model.summary(rows, None)
