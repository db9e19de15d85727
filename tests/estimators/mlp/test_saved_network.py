import copy
import io
import json
import pickle
import warnings

import joblib
import numpy as np
import pandas as pd
import pytest
from safetensors import safe_open
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from tests.estimators.estimator_cases import LABELS, NAMES, TARGETS, X, fitted, predictions
from treadle import MLPClassifier, MLPRegressor, load, load_model
from treadle.errors import CorruptFile
from treadle.export.safetensors_file import write_safetensors
from treadle.training.progress import Progress

OPTIONS = {
    "plain": {},
    "float32": {"precision": "float32"},
    "batch norm, per layer": {"batch_norm": True, "activation": ("tanh", "gelu"), "dropout": 0.1},
    "scaled, early stopping": {"input_scale": 0.5, "early_stopping": True},
    "sgd": {"solver": "sgd", "learning_rate": "adaptive", "learning_rate_init": 0.05},
    "lbfgs": {"solver": "lbfgs"},
}


@pytest.fixture
def path(tmp_path):
    return tmp_path / "estimator.safetensors"


def attributes(estimator):
    """All that the estimator has, what the stopping rule remembers taken apart."""
    memory = estimator._earlier
    told = {} if memory is None else {**vars(memory), "stall": vars(memory.stall)}
    return estimator.__getstate__() | {"_earlier": told}


@pytest.mark.parametrize("case", TARGETS)
@pytest.mark.parametrize("options", OPTIONS.values(), ids=OPTIONS)
def test_a_loaded_estimator_is_the_one_that_was_saved(path, case, options):
    estimator_class, X, y = TARGETS[case]
    estimator = fitted(estimator_class, X, y, **options)
    estimator.save(path)
    loaded = load(path)
    assert type(loaded) is estimator_class
    assert loaded.get_params() == estimator.get_params()
    np.testing.assert_equal(attributes(loaded), attributes(estimator))
    for name, expected in predictions(estimator, X).items():
        found = predictions(loaded, X)[name]
        assert found.dtype.kind == expected.dtype.kind
        np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize("case", ["three classes, texts", "several labels", "two numbers"])
def test_a_loaded_estimator_trains_on_to_the_same_bits(path, case):
    estimator_class, X, y = TARGETS[case]
    estimator = fitted(estimator_class, X, y)
    estimator.save(path)
    loaded = load(path)
    for one in (estimator, loaded):
        one.partial_fit(X, y)
    np.testing.assert_array_equal(loaded.coefs_[0], estimator.coefs_[0])
    assert loaded.loss_curve_ == estimator.loss_curve_


def test_early_stopping_of_partial_fit_goes_on_after_loading(path):
    options = {"early_stopping": True, "n_iter_no_change": 4, "tol": 0.01, "learning_rate_init": 0.01}
    mlp = MLPClassifier(hidden_layer_sizes=7, random_state=0, **options)

    def one_more(estimator):
        return estimator.partial_fit(X, NAMES, classes=np.unique(NAMES), X_val=X[::3], y_val=NAMES[::3])

    for _ in range(10):
        one_more(mlp)
    mlp.save(path)
    loaded = load(path)
    for _ in range(60):
        one_more(mlp)
        one_more(loaded)
        assert loaded.stopped_early_ == mlp.stopped_early_
        np.testing.assert_array_equal(loaded.coefs_[0], mlp.coefs_[0])
        if mlp.stopped_early_:
            break
    assert mlp.stopped_early_


def test_names_of_features_and_the_temperature_are_kept(path):
    frame = pd.DataFrame(X, columns=list("abcd"))
    estimator = fitted(MLPClassifier, frame, NAMES).calibrate(frame, NAMES)
    assert estimator.temperature_ != 1
    estimator.save(path)
    loaded = load(path)
    assert loaded.feature_names_in_.tolist() == list("abcd")
    assert loaded.temperature_ == estimator.temperature_
    np.testing.assert_array_equal(loaded.predict_proba(frame), estimator.predict_proba(frame))
    with pytest.raises(ValueError, match="feature names should match"):
        loaded.predict(frame[list("badc")])


def test_the_file_is_a_models_file_too(path):
    estimator = fitted(MLPClassifier, X, LABELS > 0)
    estimator.save(path)
    model = load_model(path)
    assert model.class_names == ("False", "True")
    assert model.network == estimator.network_
    np.testing.assert_array_equal(model.parameters.weights[0], estimator.coefs_[0])


def test_equal_fits_give_equal_bytes_but_for_their_seconds(tmp_path):
    files = [tmp_path / "a", tmp_path / "b"]
    for file in files:
        estimator = fitted(MLPClassifier, X, NAMES)
        estimator.history_["seconds"] = [0.0] * len(estimator.loss_curve_)
        estimator.save(file)
    assert files[0].read_bytes() == files[1].read_bytes()


def test_callbacks_are_not_in_the_file_and_a_function_for_scoring_is_refused(path):
    fitted(MLPClassifier, X, NAMES, callbacks=[Progress(), lambda training: None]).save(path)
    assert load(path).callbacks is None

    def score(estimator, X, y):
        return 0.5

    with pytest.raises(ValueError, match="the parameter scoring cannot be saved: it is a function"):
        fitted(MLPClassifier, X, NAMES, early_stopping=True, scoring=score).save(path)


def changed(path, estimator, **changes):
    estimator.save(path)
    with safe_open(path, "numpy") as file:
        metadata = json.loads(file.metadata()["treadle"])
        arrays = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    del metadata["sha256"]
    for key, value in changes.items():
        if key == "arrays":
            arrays |= value
        elif value is None:
            del metadata["estimator"]["fields"][key]
        else:
            metadata["estimator"]["fields"][key] = value
    write_safetensors(path, arrays, metadata)


FLOATS = {"array": {"dtype": "float64", "values": [1.0, 1.0, 2.0]}}
TEXTS = {"array": {"dtype": "U", "values": ["a", "b"]}}


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"classes_": None}, "KeyError"),
        ({"classes_": TEXTS}, r"2 classes need 1 outputs, logistic; the network has 3, softmax"),
        (
            {"classes_": FLOATS},
            r"classes_ must be labels that differ, in order; got array\(\[1\., 1\., 2\.\]\)",
        ),
        ({"classes_": 3}, "classes_ must be labels in one row; got 3"),
        ({"temperature_": -1.0}, r"temperature_ must be a positive number; got -1\.0"),
        ({"temperature_": "1"}, "temperature_ must be a positive number; got '1'"),
        ({"loss_curve_": ["low"]}, r"loss_curve_ must be a list of numbers; got \['low'\]"),
        ({"n_iter_": "many"}, r"n_iter_ must be a whole number from 0 to \d+; got 'many'"),
        ({"history_": [1]}, r"history_ must be a table of epoch, train_loss, .*; got \[1\]"),
        (
            {"history_": {"mapping": [["epoch", [1]], ["seconds", []]]}},
            "the columns of history_ must have one length",
        ),
        ({"predict": "x"}, r"attributes that are not its own: \['predict'\]"),
        ({"feature_names_in_": TEXTS}, "feature_names_in_ must be a text for each of the 4 features"),
        ({"_seed": "x"}, r"_seed must be a whole number from 0 to 2\^32 - 1; got 'x'"),
        ({"_earlier": {"mapping": [["by_score", True]]}}, "_earlier must be what a stopping rule remembers"),
        ({"_earlier": 3}, "_earlier must be what a stopping rule remembers"),
        ({"arrays": {"fitted.best": np.ones(3), "fitted.best_statistics": np.ones(0)}}, "flat must be"),
        ({"arrays": {"fitted.moments.m": np.ones(3)}}, r"m must be float64 of shape \(\d+,\); got"),
        ({"arrays": {"fitted.moments.step": np.ones(3)}}, r"step must be int64 of shape \(\); got"),
        ({"arrays": {"weights.0": np.ones((3, 3))}}, "describes arrays of shapes"),
    ],
)
def test_a_file_that_contradicts_itself_is_refused(path, changes, message):
    changed(path, fitted(MLPClassifier, X, NAMES), **changes)
    with pytest.raises(CorruptFile, match=message):
        load(path)


def test_the_names_of_version_0_1_0_in_a_history_are_read(path):
    table = [["epoch", [1]], ["validation_loss", [2.5]], ["validation_score", [0.5]]]
    changed(path, fitted(MLPClassifier, X, NAMES), history_={"mapping": table})
    assert load(path).history_ == {"epoch": [1], "held_out_loss": [2.5], "held_out_score": [0.5]}


def test_a_file_without_a_network_is_refused(path):
    estimator = {"name": "MLPRegressor", "params": {}, "fields": {}}
    write_safetensors(path, {}, {"format": 1, "estimator": estimator})
    with pytest.raises(CorruptFile, match=r"does not describe a fitted MLPRegressor: .*it has no network"):
        load(path)


@pytest.mark.parametrize("case", TARGETS)
def test_pickle_joblib_and_deepcopy_predict_the_same_and_clone_forgets(case):
    estimator_class, X, y = TARGETS[case]
    estimator = fitted(estimator_class, X, y, callbacks=Progress())
    buffer = io.BytesIO()
    joblib.dump(estimator, buffer)
    buffer.seek(0)
    copies = (pickle.loads(pickle.dumps(estimator)), joblib.load(buffer), copy.deepcopy(estimator))
    for other in copies:
        np.testing.assert_array_equal(other.predict(X), estimator.predict(X))
        other.partial_fit(X, y)
    np.testing.assert_array_equal(copies[0].coefs_[0], copies[1].coefs_[0])
    assert not hasattr(clone(estimator), "coefs_")


@pytest.mark.parametrize("estimator_class", [MLPClassifier, MLPRegressor])
def test_a_search_in_two_processes_and_a_pipeline(estimator_class):
    estimator = estimator_class(hidden_layer_sizes=4, max_iter=3, random_state=0)
    grid = {f"{estimator_class.__name__.lower()}__alpha": [1e-4, 10.0]}
    search = GridSearchCV(make_pipeline(StandardScaler(), estimator), grid, n_jobs=2, cv=2)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        search.fit(X, LABELS)
    assert np.isfinite(search.cv_results_["mean_test_score"]).all()
    assert search.predict(X).shape == LABELS.shape
