import pickle

import joblib
import numpy as np
import pandas as pd
import polars as pl
import pytest
from safetensors import safe_open
from scipy.sparse import csr_array
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import QuantileRegressor
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import parametrize_with_checks

from treadle import CorruptFile, InvalidInput, LADRegressor, load
from treadle.estimators import lad
from treadle.estimators.files.saved_certificate import certificate_parts
from treadle.l1.sources.chunk_rows import ChunkRows


def data(n=200, d=3, dtype=np.float64, order="C", seed=0):
    rng = np.random.default_rng(seed)
    X = np.asarray(rng.standard_normal((n, d)), dtype=dtype, order=order)
    return X, X @ np.arange(1.0, d + 1) + 2 + rng.standard_t(2, n)


@parametrize_with_checks(
    [
        LADRegressor(),
        LADRegressor(0.3, alpha=0.01),
        LADRegressor(0.8, fit_intercept=False),
    ]
)
def test_keeps_scikit_learns_contract(estimator, check):
    check(estimator)


@pytest.mark.parametrize("quantile", [0.1, 0.5, 0.75])
@pytest.mark.parametrize("alpha", [0.0, 0.05])
@pytest.mark.parametrize("fit_intercept", [True, False])
@pytest.mark.parametrize("weighted", [True, False])
def test_has_the_objective_of_scikit_learns_quantile_regressor(quantile, alpha, fit_intercept, weighted):
    X, y = data()
    c = np.random.default_rng(1).integers(0, 4, len(y)).astype(float) if weighted else None
    ours = LADRegressor(quantile, alpha=alpha, fit_intercept=fit_intercept).fit(X, y, c)
    theirs = QuantileRegressor(quantile=quantile, alpha=alpha, fit_intercept=fit_intercept).fit(X, y, c)

    def objective(model):
        r = y - model.predict(X)
        weights = np.ones(len(y)) if c is None else c
        loss = 2 * (weights * np.where(r > 0, quantile * r, (quantile - 1) * r)).sum()
        return loss + 2 * alpha * weights.sum() * np.abs(model.coef_).sum()

    assert ours.objective_ <= objective(theirs) * (1 + 1e-10)
    assert abs(ours.objective_ - objective(ours)) <= 1e-12 * objective(ours)
    assert ours.certificate_.verify(X, y, c)
    wrong = clone(ours).fit(X, y, c)
    wrong.coef_ = wrong.coef_ * 1.01
    assert objective(wrong) > ours.objective_ * (1 + 1e-10)


# Parameters whose change must show.
EFFECTS = [{"quantile": 0.6}, {"alpha": 0.5}, {"fit_intercept": False}]


@pytest.mark.parametrize("change", EFFECTS, ids=lambda change: next(iter(change)))
def test_every_parameter_has_an_effect(change):
    X, y = data()
    fitted, changed = LADRegressor().fit(X, y), LADRegressor(**change).fit(X, y)
    assert np.abs(fitted.predict(X) - changed.predict(X)).max() > 0.01


def test_random_state_is_of_the_samples_alone(monkeypatch):
    seen = []
    monkeypatch.setattr(lad, "solve", lambda *a, **k: seen.append(k["random_state"]) or solve(*a, **k))
    solve = __import__("treadle.l1.dense.solve", fromlist=["solve"]).solve
    X, y = data()
    fits = [LADRegressor(random_state=state).fit(X, y) for state in (7, np.random.RandomState(3), None)]
    assert seen[0] == 7 and seen[1] == np.random.RandomState(3).randint(2**31 - 1)
    assert len({fit.objective_ for fit in fits}) == 1
    assert {*LADRegressor().get_params()} == {name for e in EFFECTS for name in e} | {"random_state"}


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"quantile": 0}, "'quantile' parameter of LADRegressor must be .* Got 0 instead"),
        ({"quantile": 1.0}, "'quantile' parameter of LADRegressor must be .* Got 1.0 instead"),
        ({"quantile": "0.5"}, "'quantile' parameter of LADRegressor must be"),
        ({"alpha": -1}, "'alpha' parameter of LADRegressor must be .* Got -1 instead"),
        ({"fit_intercept": 2}, "'fit_intercept' parameter of LADRegressor must be .* Got 2 instead"),
        ({"random_state": -1}, "'random_state' parameter of LADRegressor must be .* Got -1 instead"),
    ],
)
def test_a_wrong_parameter_is_told(parameters, message):
    with pytest.raises(InvalidInput, match=message):
        LADRegressor(**parameters).fit(*data())


def test_targets_of_text_are_told():
    with pytest.raises(
        InvalidInput, match=r"y must be real numbers; got an array of <U1, which begins with "
    ):
        LADRegressor().fit(np.arange(6.0).reshape(3, 2), np.array(["a", "b", "c"]))


def test_targets_whose_squares_overflow_are_told():
    X, y = data()
    y[3] = 1e200
    with pytest.raises(InvalidInput, match=r"y must lie within 1e\+150 of 0.*to 1e\+200: divide y"):
        LADRegressor().fit(X, y)


@pytest.mark.parametrize("n", [20, 3000, 60_000])
@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_a_value_that_is_not_finite_is_told_by_its_row(n, bad):
    X, y = data(n)
    row = n // 3
    spoiled, wrong = X.copy(), y.copy()
    spoiled[row, 1] = wrong[row] = bad
    for arguments in ((spoiled, y), (X, wrong)):
        with pytest.raises(InvalidInput, match=rf"row {row} holds a value .*NaN or infinity"):
            LADRegressor().fit(*arguments)


@pytest.mark.parametrize("scale", [1e-300, 1e-8, 1e8, 1e300])
def test_summary_of_columns_of_any_size(scale):
    X, y = data()
    expected = LADRegressor().fit(X, y).summary(X, y)
    X[:, 1] *= scale
    found = LADRegressor().fit(X, y).summary(X, y)
    np.testing.assert_allclose(found.t_values, expected.t_values, rtol=1e-6)
    np.testing.assert_allclose(found.intervals[2] * scale, expected.intervals[2], rtol=1e-6)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("order", ["C", "F"])
def test_x_is_fitted_without_a_copy(monkeypatch, dtype, order):
    seen = []
    solve = lad.solve
    monkeypatch.setattr(lad, "solve", lambda X, *a, **k: seen.append(X) or solve(X, *a, **k))
    X, y = data(dtype=dtype, order=order)
    fitted = LADRegressor().fit(X, y)
    assert np.shares_memory(seen[0], X) and seen[0].dtype == dtype
    assert fitted.certificate_.verify(X, y)
    assert fitted.predict(X).dtype == np.float64


def test_a_memory_map_stays_one(monkeypatch, tmp_path):
    X, y = data()
    np.save(tmp_path / "X.npy", X)
    mapped = np.load(tmp_path / "X.npy", mmap_mode="r")
    seen = []
    solve = lad.solve
    monkeypatch.setattr(lad, "solve", lambda X, *a, **k: seen.append(X) or solve(X, *a, **k))
    fitted = LADRegressor().fit(mapped, y)
    assert np.shares_memory(seen[0], mapped)
    assert fitted.coef_.tobytes() == LADRegressor().fit(X, y).coef_.tobytes()


def test_float32_is_predicted_in_float64(monkeypatch):
    X, y = data(dtype=np.float32)
    fitted = LADRegressor().fit(X, y)
    monkeypatch.setattr(lad, "ROWS_PER_BLOCK", 7)
    expected = X.astype(np.float64) @ fitted.coef_ + fitted.intercept_
    np.testing.assert_allclose(fitted.predict(X), expected, rtol=1e-15, atol=1e-14)


def test_pandas_and_polars_give_names():
    X, y = data()
    names = ["age", "income", "size"]
    for frame in (pd.DataFrame(X, columns=names), pl.DataFrame(X, schema=names)):
        fitted = LADRegressor().fit(frame, pd.Series(y))
        assert fitted.feature_names_in_.tolist() == names
        np.testing.assert_allclose(fitted.coef_, LADRegressor().fit(X, y).coef_, rtol=1e-10)
        assert fitted.summary(frame, y).names == ("intercept", *names)
        with pytest.raises(ValueError, match="feature names"):
            fitted.predict(frame[["size", "age", "income"]])


def test_it_works_in_pipelines_searches_and_pickles(tmp_path):
    X, y = data()
    pipeline = make_pipeline(StandardScaler(), LADRegressor())
    search = GridSearchCV(
        pipeline, {"ladregressor__alpha": [0.0, 1.0]}, scoring="neg_mean_absolute_error", cv=3
    )
    assert search.fit(X, y).best_params_ == {"ladregressor__alpha": 0.0}
    fitted = LADRegressor().fit(X, y)
    joblib.dump(fitted, tmp_path / "model")
    for again in (pickle.loads(pickle.dumps(fitted)), joblib.load(tmp_path / "model")):
        assert again.predict(X).tobytes() == fitted.predict(X).tobytes()
        assert again.certificate_.verify(X, y)


@pytest.mark.parametrize("alpha", [0.0, 0.1])
def test_a_saved_fit_is_loaded_with_its_proof(tmp_path, alpha):
    X, y = data(37)
    frame = pd.DataFrame(X, columns=["a", "b", "c"])
    fitted = LADRegressor(0.3, alpha=alpha, random_state=5).fit(frame, y)
    path = tmp_path / "model.safetensors"
    fitted.save(path)
    loaded = load(path)
    assert type(loaded) is LADRegressor and loaded.get_params() == fitted.get_params()
    assert loaded.predict(frame).tobytes() == fitted.predict(frame).tobytes()
    assert (loaded.objective_, loaded.n_iter_) == (fitted.objective_, fitted.n_iter_)
    assert loaded.feature_names_in_.tolist() == ["a", "b", "c"] and loaded.n_features_in_ == 3
    assert loaded.certificate_.verify(X, y)
    assert not loaded.certificate_.verify(X, y + np.sin(np.arange(len(y))))
    content = path.read_bytes()
    loaded.save(path)
    assert path.read_bytes() == content


def test_a_file_with_names_for_other_features_is_refused(tmp_path):
    X, y = data()
    fitted = LADRegressor().fit(X, y)
    fitted.feature_names_in_ = np.array(["a", "b"], dtype=object)
    fitted.save(tmp_path / "model")
    with safe_open(tmp_path / "model", "numpy") as file:
        assert "fitted.coef" in file.keys()  # noqa: SIM118
    with pytest.raises(CorruptFile, match="names must be one for each of 3 features"):
        load(tmp_path / "model")


def test_summary_is_of_the_fit_and_of_its_data():
    X, y = data()
    fitted = LADRegressor(0.4).fit(X, y)
    found = fitted.summary(X, y, level=0.9, method="iid", bandwidth="bofinger")
    np.testing.assert_array_equal(found.coef, [fitted.intercept_, *fitted.coef_])
    assert (found.quantile, found.level, found.method) == (0.4, 0.9, "iid")
    assert abs(found.loss - fitted.objective_) <= 1e-12 * found.loss
    with pytest.raises(InvalidInput, match="these are not the data of fit: its objective was"):
        fitted.summary(X, y + 1)
    with pytest.raises(InvalidInput, match=r"a penalised fit has no standard errors.*alpha is 0\.1"):
        LADRegressor(alpha=0.1).fit(X, y).summary(X, y)
    with pytest.raises(NotFittedError):
        LADRegressor().summary(X, y)


def test_summary_with_weights_and_without_intercept():
    X, y = data()
    c = np.random.default_rng(2).integers(0, 3, len(y)).astype(float)
    fitted = LADRegressor(fit_intercept=False).fit(X, y, c)
    found = fitted.summary(X, y, c, n_bootstrap=20, method="weighted")
    assert found.names == ("x1", "x2", "x3") and found.n_rows == (c > 0).sum()
    assert (found.standard_errors > 0).all()


def time_table(kind, n=120):
    """Time stamps of one second, y in thousandths of a nanosecond's slope, and the same in small numbers."""
    rng = np.random.default_rng(3)
    after = np.sort(rng.integers(0, 10**9, n))
    y = 2e-6 * after + rng.standard_t(2, n)
    start = 1_700_000_000_123_456_789
    plain = np.column_stack([after.astype(float), rng.normal(size=n)])
    if kind == "int64":
        X = np.column_stack([start + after, np.rint(plain[:, 1] * 1000).astype(np.int64)])
        plain[:, 1] = X[:, 1]
    elif kind == "datetime64":
        X = pd.DataFrame({"at": (start + after).astype("datetime64[ns]"), "x": plain[:, 1]})
    else:  # epoch microseconds, in doubles
        plain[:, 0] = after
        X = np.column_stack([1.7e15 + after, plain[:, 1]])
    return X, y, plain


@pytest.mark.parametrize("kind", ["int64", "datetime64", "microseconds"])
def test_time_stamps_lose_nothing(kind, tmp_path):
    X, y, plain = time_table(kind)
    fitted, small = LADRegressor().fit(X, y), LADRegressor().fit(plain, y)
    assert fitted.certificate_.verify(X, y) and not fitted.certificate_.verify(X, y).rounded
    assert abs(fitted.objective_ - small.objective_) <= 1e-12 * small.objective_
    predicted = fitted.predict(X)
    np.testing.assert_allclose(predicted, small.predict(plain), rtol=1e-12, atol=1e-9)
    r = np.abs(y - predicted)
    assert abs(r.sum() - fitted.objective_) <= 1e-12 * fitted.objective_
    assert r[fitted.certificate_.basis].max() < 1e-9
    # What the intercept at zero can hold is worse by far.
    assert abs(fitted.intercept_) > 1e9
    found = fitted.summary(X, y).standard_errors
    np.testing.assert_allclose(found[1:], small.summary(plain, y).standard_errors[1:], rtol=1e-6)
    fitted.save(tmp_path / "model")
    again = load(tmp_path / "model")
    assert again.predict(X).tobytes() == predicted.tobytes()
    assert again.certificate_.verify(X, y, exact=True) and again.intercept_ == fitted.intercept_
    assert not again.certificate_.verify(X, y + np.sin(np.arange(len(y))))


def test_rows_and_sparse_x_are_predicted_at_the_centre():
    X, y, _ = time_table("microseconds")
    fitted = LADRegressor().fit(X, y)
    assert fitted.certificate_.centre.any()
    rows = ChunkRows(lambda: iter([(X, y)]))
    np.testing.assert_allclose(fitted.predict(rows), fitted.predict(X), rtol=0, atol=1e-9)
    np.testing.assert_allclose(fitted.predict(csr_array(X)), fitted.predict(X), rtol=0, atol=1e-9)
    X, y, _ = time_table("int64")
    fitted = LADRegressor().fit(X, y)
    assert fitted.certificate_.origin.any()
    as_doubles = X.astype(float)  # time stamps to 256 nanoseconds
    rows = ChunkRows(lambda: iter([(as_doubles, y)]))
    np.testing.assert_allclose(fitted.predict(rows), fitted.predict(X), rtol=0, atol=2e-3)
    np.testing.assert_allclose(fitted.predict(csr_array(as_doubles)), fitted.predict(X), rtol=0, atol=2e-3)


@pytest.mark.parametrize("alpha", [0.0, 0.1])
def test_a_file_from_before_there_was_a_centre_is_loaded(tmp_path, monkeypatch, alpha):
    X, y = data(41)
    fitted = LADRegressor(0.4, alpha=alpha).fit(X, y)

    def without(certificate):
        fields, arrays = certificate_parts(certificate)
        del fields["centre_intercept"]
        for name in ("centre", "origin", "left_out"):
            del arrays[name]
        return fields, arrays

    monkeypatch.setattr(lad, "certificate_parts", without)
    fitted.save(tmp_path / "model")
    with safe_open(tmp_path / "model", "numpy") as file:
        assert not {"fitted.centre", "fitted.origin"} & set(file.keys())
    again = load(tmp_path / "model")
    assert again.predict(X).tobytes() == fitted.predict(X).tobytes()
    assert again.certificate_.left_out is None and again.certificate_.verify(X, y)
