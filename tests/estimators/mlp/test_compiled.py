"""A fitted estimator holds a predictor: never one of other parameters, options or kernels than it has now."""

import copy
import os
import pickle
import sys

import numpy as np
import pytest
import sklearn
from sklearn.base import clone
from sklearn.exceptions import NotFittedError

from tests.at_once import agrees_in_a_child, in_threads
from tests.estimators.mlp.mlp_cases import blobs, labels, plane
from treadle import EngineUnavailable, InvalidInput, MLPClassifier, MLPRegressor, load
from treadle.engines.numpy_engine import NumpyEngine
from treadle.estimators.mlp import compiled, multilayer_perceptron
from treadle.estimators.mlp.compiled import laid_out
from treadle.hardware.native.extension import SIMD, available_kernels

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
OPTIONS = {"hidden_layer_sizes": (7, 5), "max_iter": 3, "random_state": 0}


def classifier(dtype=np.float32, n_classes=3, **options):
    return MLPClassifier(**(OPTIONS | options)).fit(*blobs(dtype=dtype, n_classes=n_classes))


def anew(fitted, X):
    """The logits by an engine that is given the parameters for the first time."""
    return NumpyEngine().logits(fitted._parameters(), X)


def close(found, wanted):
    np.testing.assert_allclose(found, wanted, rtol=1e-4, atol=1e-5)


@pytest.fixture
def chosen(monkeypatch):
    """How often an engine was chosen, and by what."""
    seen = []
    select = compiled.select_engine
    monkeypatch.setattr(
        compiled,
        "select_engine",
        lambda name, **others: seen.append((name, others)) or select(name, **others),
    )
    return seen


@pytest.fixture
def validated(monkeypatch):
    """The rows that went through scikit-learn's validation."""
    seen = []
    validate = multilayer_perceptron.validated_rows
    monkeypatch.setattr(
        multilayer_perceptron, "validated_rows", lambda estimator, X: seen.append(X) or validate(estimator, X)
    )
    return seen


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("options", [{}, {"batch_norm": True}], ids=str)
def test_the_engine_is_chosen_once_and_plain_rows_are_not_validated_twice(dtype, options, chosen, validated):
    X, _ = blobs(dtype=dtype)
    fitted = classifier(dtype, **options)
    for n in (1, 1, 30, 60):
        close(fitted._logits(X[:n]), anew(fitted, X[:n]))
        close(fitted._logits(np.asfortranarray(X[:n])), anew(fitted, X[:n]))
    close(
        fitted._logits((4 * X[::2] + 30).astype(np.uint8)), anew(fitted, (4 * X[::2] + 30).astype(np.uint8))
    )
    assert len(chosen) == 1 and not validated


def test_what_predicts_is_the_same_by_both_ways():
    X, _ = blobs(dtype=np.float32)
    for fitted in (
        classifier(),
        classifier(n_classes=2),
        MLPRegressor(**OPTIONS).fit(*plane(dtype=np.float32)),
    ):
        for method in ("predict", "predict_proba", "predict_log_proba"):
            if hasattr(fitted, method):
                found, wanted = getattr(fitted, method)(X), getattr(fitted, method)(X.tolist())
                assert found.dtype == wanted.dtype and found.tobytes() == getattr(fitted, method)(X).tobytes()
                np.testing.assert_allclose(found, wanted, rtol=1e-6)


class TestRowsThatAreNotPlain:
    @pytest.mark.parametrize(
        ("spoil", "message"),
        [
            (lambda X: np.where(X[0, 0] == X, np.nan, X), "Input X contains NaN"),
            (lambda X: np.where(X[0, 0] == X, np.inf, X), "Input X contains infinity"),
            (lambda X: X[:, :3], "X has 3 features, but MLPClassifier is expecting 4 features"),
            (lambda X: X[:0], r"0 sample\(s\) \(shape=\(0, 4\)\) while a minimum of 1 is required"),
            (lambda X: X[0], "Expected 2D array, got 1D array instead"),
            (lambda X: X[:, :, None], "Found array with dim 3"),
            (lambda X: X.astype(complex), "Complex data not supported"),
            (lambda X: X.view(np.matrix), r"np.matrix is not supported"),
        ],
    )
    @pytest.mark.parametrize("dtype", [np.float32, np.float64])
    def test_are_refused_in_scikit_learns_words_also_after_rows_that_were(self, spoil, message, dtype):
        X, _ = blobs(dtype=dtype)
        fitted = classifier(dtype)
        fitted.predict(X)
        for ask in (fitted.predict, fitted.predict_proba, fitted.predict_log_proba):
            with pytest.raises((ValueError, TypeError), match=message):
                ask(spoil(X))

    def test_are_taken_as_ever(self, validated):
        X, _ = blobs(dtype=np.float64)
        fitted = classifier(np.float64)
        wanted = fitted.predict_proba(X)
        for other in (
            X.tolist(),
            X.astype(object),
            X.astype(">f8"),
            X.view(np.recarray),
            X.astype(np.longdouble),
        ):
            np.testing.assert_array_equal(fitted.predict_proba(other), wanted)
        assert len(validated) == 5

    def test_whose_sum_overflows_are_taken(self, validated):
        fitted = classifier()
        large = np.full((1, 4), 3e38, np.float32)
        assert fitted.predict(large).shape == (1,) and len(validated) == 1

    def test_may_hold_nan_where_scikit_learn_is_told_to_assume_they_do_not(self):
        fitted = classifier()
        with sklearn.config_context(assume_finite=True):
            assert np.isnan(fitted.predict_proba(np.full((1, 4), np.nan, np.float32))).all()

    def test_without_the_names_of_fit_are_warned_of(self):
        pandas = pytest.importorskip("pandas")
        X, y = blobs(dtype=np.float32)
        fitted = MLPClassifier(**OPTIONS).fit(pandas.DataFrame(X, columns=list("abcd")), y)
        for _ in range(2):
            with pytest.warns(
                UserWarning, match="X does not have valid feature names, but MLPClassifier was"
            ):
                fitted.predict(X)


def test_an_estimator_that_is_not_fitted_says_so():
    X, _ = blobs()
    for estimator in (MLPClassifier(), MLPRegressor()):
        with pytest.raises(NotFittedError, match="is not fitted yet"):
            estimator.predict(X)


@pytest.mark.parametrize("options", [{}, {"batch_norm": True}], ids=str)
class TestWhatWasFitted:
    def test_may_be_written_into(self, options):
        X, _ = blobs(dtype=np.float32)
        fitted = classifier(**options)
        arrays = [*fitted.coefs_, *fitted.intercepts_]
        arrays += [a for some in getattr(fitted, "batch_norm_", {}).values() for a in some]
        for array in arrays:
            before = fitted._logits(X)
            array += 0.25
            assert not np.array_equal(fitted._logits(X), before)
            close(fitted._logits(X), anew(fitted, X))

    def test_may_be_replaced(self, options):
        X, _ = blobs(dtype=np.float32)
        for name in ("coefs_", "intercepts_", "batch_norm_"):
            fitted = classifier(**options)
            if not hasattr(fitted, name):
                continue
            fitted.predict(X)
            shown = getattr(fitted, name)
            lists = shown.values() if isinstance(shown, dict) else [shown]
            for some in lists:
                some[0] = some[0] * 2 + 1  # in the list
                close(fitted._logits(X), anew(fitted, X))
                some[0][:] = 0.5  # and no copy is held
                close(fitted._logits(X), anew(fitted, X))
            twice = (
                {k: [2 * a for a in v] for k, v in shown.items()}
                if isinstance(shown, dict)
                else [2 * a for a in shown]
            )
            setattr(fitted, name, twice)
            close(fitted._logits(X), anew(fitted, X))

    def test_of_other_shapes_is_refused(self, options):
        X, _ = blobs(dtype=np.float32)
        fitted = classifier(**options)
        fitted.predict(X)
        fitted.coefs_ = fitted.coefs_[:-1]
        with pytest.raises(InvalidInput, match="coefs_ and intercepts_ are of shapes"):
            fitted.predict(X)

    def test_is_another_after_another_fit(self, options):
        X, y = blobs(dtype=np.float32)
        fitted = classifier(**options)
        before = fitted._logits(X)
        fitted.partial_fit(X, y)
        assert not np.array_equal(fitted._logits(X), before)
        close(fitted._logits(X), anew(fitted, X))
        wide = np.hstack([X, X])
        close(fitted.fit(wide, y)._logits(wide), anew(fitted, wide))
        with pytest.raises(ValueError, match="X has 4 features, but MLPClassifier is expecting 8"):
            fitted.predict(X)

    @pytest.mark.parametrize("how", ["pickle", "deepcopy", "copy"])
    def test_is_copied_without_the_predictor_and_predicts_the_same_bits(self, options, how, chosen):
        X, _ = blobs(dtype=np.float32)
        fitted = classifier(**options)
        wanted = fitted.predict_proba(X).tobytes()
        make = {
            "pickle": lambda e: pickle.loads(pickle.dumps(e)),
            "deepcopy": copy.deepcopy,
            "copy": copy.copy,
        }
        other = make[how](fitted)
        assert other.predict_proba(X).tobytes() == other.predict_proba(X).tobytes() == wanted
        assert len(chosen) == 2  # once for each of the two
        assert b"Predictor" not in pickle.dumps(fitted) and b"_compiled" not in pickle.dumps(fitted)
        other.coefs_[0][:] = 0
        close(other._logits(X), anew(other, X))
        assert fitted.predict_proba(X).tobytes() == wanted

    def test_is_saved_without_the_predictor(self, options, tmp_path):
        X, _ = blobs(dtype=np.float32)
        fitted = classifier(**options)
        wanted = fitted.predict_proba(X)
        fitted.save(tmp_path / "model.safetensors")
        np.testing.assert_array_equal(load(tmp_path / "model.safetensors").predict_proba(X), wanted)


def test_prediction_leaves_the_estimators_dictionary_as_it_is():
    X, _ = blobs(dtype=np.float32)
    fitted = classifier()
    before = dict(vars(fitted))
    fitted.predict(X)
    assert all(vars(fitted)[name] is value for name, value in before.items()) and len(vars(fitted)) == len(
        before
    )
    assert not hasattr(clone(fitted), "coefs_") and clone(fitted)._compiled is None


def test_other_options_take_another_engine_and_back(chosen):
    X, _ = blobs(dtype=np.float32)
    fitted = classifier()
    for options in (
        {},
        {"engine": "numpy"},
        {"engine": "torch"},
        {"engine": "native", "n_threads": 1},
        {"n_threads": 2},
    ):
        fitted.set_params(**options)
        for _ in range(2):
            close(fitted._logits(X), anew(fitted, X))
    assert [name for name, _ in chosen] == ["auto", "numpy", "torch", "native", "native"]
    assert [others["n_threads"] for _, others in chosen] == [None, None, None, 1, 2]
    fitted.set_params(n_threads=1).predict(X)
    for n_threads in (True, 0, 1.0):  # True and 1.0 equal the 1 before them
        with pytest.raises(InvalidInput, match="n_threads must be an integer of at least 1, or None; got"):
            fitted.set_params(n_threads=n_threads).predict(X)
    with pytest.raises(InvalidInput, match="engine must be one of auto, native, numpy, torch; got 'jax'"):
        fitted.set_params(n_threads=None, engine="jax").predict(X)


def test_an_engine_that_cannot_serve_says_so_in_each_call(monkeypatch):
    X, _ = blobs()
    monkeypatch.setitem(sys.modules, "torch", None)
    fitted = classifier().set_params(engine="torch")
    for _ in range(2):
        with pytest.raises(EngineUnavailable, match="needs PyTorch"):
            fitted.predict(X)


def test_kernels_that_are_named_later_are_taken_or_refused(monkeypatch, chosen):
    X, _ = blobs(dtype=np.float32)
    fitted = classifier()
    fitted.predict(X)
    monkeypatch.setenv(SIMD, "mmx")
    with pytest.raises(InvalidInput, match="TREADLE_SIMD must be one of"):
        fitted.predict(X)
    for name in available_kernels():
        monkeypatch.setenv(SIMD, name)
        close(fitted._logits(X), anew(fitted, X))
        assert fitted._compiled.predictor(fitted.engine, fitted.n_threads)._engine.kernels == name
    monkeypatch.delenv(SIMD)
    fitted.predict(X)
    assert len(chosen) == 3 + len(available_kernels())


def test_temperature_is_of_the_probabilities_of_the_next_call():
    X, y = blobs(dtype=np.float32)
    fitted = classifier(max_iter=100)
    before = fitted.predict_proba(X)
    fitted.calibrate(X, np.where(np.arange(60) % 5 == 0, (y + 1) % 3, y))  # so that one is best
    logits = anew(fitted, X) / fitted.temperature_
    wanted = np.exp(logits - logits.max(axis=1, keepdims=True))
    close(fitted.predict_proba(X), wanted / wanted.sum(axis=1, keepdims=True))
    fitted.temperature_ = 1.0
    np.testing.assert_array_equal(fitted.predict_proba(X), before)


def test_threads_ask_an_estimator_at_once_that_was_never_asked():
    X, _ = blobs(dtype=np.float32)
    fitted = classifier(batch_norm=True)
    wanted = copy.deepcopy(fitted).predict_proba(X).tobytes()
    found = in_threads(6, lambda: {fitted.predict_proba(X).tobytes() for _ in range(50)})
    assert found == [{wanted}] * 6


def test_a_copy_with_other_parameters_does_not_first_lay_out_its_own(monkeypatch):
    X, _ = blobs(dtype=np.float32)
    fitted = classifier(batch_norm=True)
    before, other = fitted._logits(X), fitted._parameters().copy()
    other.flat *= 2
    monkeypatch.setattr(multilayer_perceptron, "laid_out", None)
    copied = fitted._with(other)
    assert type(copied) is MLPClassifier and copied.get_params() == fitted.get_params()
    assert copied.coefs_[0] is other.weights[0] and fitted.coefs_[0] is not other.weights[0]
    close(copied._logits(X), anew(copied, X))
    np.testing.assert_array_equal(fitted._logits(X), before)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="the system has no fork")
def test_a_forked_child_predicts():
    X, _ = blobs(dtype=np.float32)
    fitted = classifier()
    assert agrees_in_a_child(lambda: fitted.predict_proba(X).tobytes())


def test_several_labels_a_row_and_several_outputs():
    X, y = labels()
    fitted = MLPClassifier(**OPTIONS).fit(X, y)
    close(fitted.predict_proba(X[:1]), 1 / (1 + np.exp(-anew(fitted, X[:1]))))
    assert fitted.predict(X[:1]).shape == (1, 3)
    X, y = plane(n_outputs=2)
    fitted = MLPRegressor(**OPTIONS).fit(X, y)
    close(fitted.predict(X[:1]), anew(fitted, X[:1]))


def test_arrays_that_no_fit_left_are_not_laid_out_anew(tmp_path):
    fitted = classifier()
    shown = vars(fitted)
    assert laid_out(shown) is not None
    assert laid_out(shown | {"coefs_": shown["coefs_"][:-1]}) is None
    assert laid_out(shown | {"coefs_": None}) is None
    assert laid_out({name: value for name, value in shown.items() if name != "network_"}) is None
    assert laid_out(shown | {"intercepts_": [b.astype(np.float64) for b in shown["intercepts_"]]}) is None
    np.save(tmp_path / "W.npy", shown["coefs_"][0])
    mapped = np.load(tmp_path / "W.npy", mmap_mode="r")
    assert laid_out(shown | {"coefs_": [mapped, *shown["coefs_"][1:]]}) is None
    fitted.coefs_[0] = mapped
    X, _ = blobs(dtype=np.float32)
    close(fitted.predict_proba(X), classifier().predict_proba(X))
