import inspect
import warnings

import numpy as np
import pandas as pd
import pytest
from sklearn import neural_network
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LogisticRegression

from tests.estimators.estimator_cases import COUNTS, NAMES, TARGETS, X, fitted, predictions
from treadle import MLPClassifier, MLPRegressor, load, save_model
from treadle.errors import InvalidInput, MissingDependency

EPS = np.finfo(np.float64).eps


def theirs_fitted(case, **params):
    estimator_class, X, y = TARGETS[case]
    return fitted(getattr(neural_network, estimator_class.__name__), X, y, **params), X, y


def assert_same_predictions(a, b, X):
    for name, expected in predictions(a, X).items():
        if len(getattr(a, "classes_", "ab")) == 1 and name != "predict":
            continue  # scikit-learn gives two columns of probabilities for one class
        found = predictions(b, X)[name]
        assert found.shape == expected.shape
        if expected.dtype.kind == "f":
            np.testing.assert_allclose(found, expected, rtol=1e-11, atol=200 * EPS)
        else:
            np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize("case", TARGETS)
@pytest.mark.parametrize("solver", ["adam", "sgd", "lbfgs"])
def test_from_scikit_learn_predicts_the_same(case, solver):
    theirs, X, y = theirs_fitted(case, solver=solver)
    ours = TARGETS[case][0].from_sklearn(theirs)
    assert_same_predictions(theirs, ours, X)
    assert ours.score(X, y) == pytest.approx(theirs.score(X, y), abs=1e-12)
    for name in ("n_iter_", "t_", "loss_", "out_activation_", "n_layers_", "n_outputs_", "n_features_in_"):
        assert getattr(ours, name) == getattr(theirs, name)
    shared = inspect.signature(type(theirs)).parameters
    assert {name: ours.get_params()[name] for name in shared} == theirs.get_params()


@pytest.mark.parametrize("case", TARGETS)
@pytest.mark.parametrize("solver", ["adam", "lbfgs"])
def test_what_came_from_scikit_learn_can_be_saved_and_loaded(case, solver, tmp_path):
    theirs, X, _ = theirs_fitted(case, solver=solver, early_stopping=case != "one class")
    ours = TARGETS[case][0].from_sklearn(theirs)
    ours.save(tmp_path / "converted.safetensors")
    loaded = load(tmp_path / "converted.safetensors")
    np.testing.assert_array_equal(loaded.predict(X), ours.predict(X))
    for name in ("loss_curve_", "validation_scores_", "best_loss_", "loss_", "history_"):
        assert getattr(loaded, name) == getattr(ours, name)


@pytest.mark.parametrize("case", TARGETS)
def test_there_and_back_is_the_same(case):
    theirs, X, _ = theirs_fitted(case, early_stopping=case != "one class")
    back = TARGETS[case][0].from_sklearn(theirs).to_sklearn()
    assert type(back) is type(theirs)
    for a, b in zip(theirs.coefs_ + theirs.intercepts_, back.coefs_ + back.intercepts_, strict=True):
        np.testing.assert_array_equal(a, b)
    assert_same_predictions(theirs, back, X)
    # All that its own fit leaves and its methods may look at; the rest is of the fit alone.
    left = {name for name in vars(theirs) if not name.startswith("_")}
    assert left <= set(vars(back)) | {"_optimizer", "_random_state"}


@pytest.mark.parametrize("case", TARGETS)
def test_both_train_on_after_a_conversion(case):
    theirs, X, y = theirs_fitted(case)
    ours = TARGETS[case][0].from_sklearn(theirs)
    back = ours.to_sklearn()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for one in (ours, back):
            one.partial_fit(X, y)
            assert len(one.loss_curve_) == len(theirs.loss_curve_) + 1
        ours.set_params(warm_start=True).fit(X, y)


@pytest.mark.parametrize("case", TARGETS)
@pytest.mark.parametrize(
    "options",
    [{}, {"batch_norm": True, "dropout": 0.1}, {"input_scale": 0.25}, {"learning_rate": "one_cycle"}],
    ids=["plain", "batch norm", "scaled", "one cycle"],
)
def test_to_scikit_learn_predicts_the_same(case, options):
    estimator_class, X, y = TARGETS[case]
    ours = fitted(estimator_class, X, y, activation="tanh", **options)
    if estimator_class is MLPClassifier and case != "one class":
        ours.calibrate(X, y)
        assert ours.temperature_ != 1
    assert_same_predictions(ours, ours.to_sklearn(), X)


def test_float32_stays_float32():
    ours = fitted(MLPClassifier, X.astype(np.float32), NAMES)
    theirs = ours.to_sklearn()
    assert theirs.coefs_[0].dtype == np.float32
    np.testing.assert_allclose(theirs.predict_proba(X), ours.predict_proba(X), atol=1e-6)


def test_losses_that_scikit_learn_lacks_predict_the_same():
    for loss in ("absolute_error", "huber", "poisson"):
        ours = fitted(MLPRegressor, X, COUNTS, loss=loss)
        theirs = ours.to_sklearn()
        assert theirs.loss == ("poisson" if loss == "poisson" else "squared_error")
        assert_same_predictions(ours, theirs, X)


def test_names_of_features_cross_both_ways():
    frame = pd.DataFrame(X, columns=list("abcd"))
    ours = MLPClassifier.from_sklearn(fitted(neural_network.MLPClassifier, frame, NAMES))
    assert ours.feature_names_in_.tolist() == ours.to_sklearn().feature_names_in_.tolist() == list("abcd")
    ours.predict(frame)


@pytest.mark.parametrize(
    ("given", "error", "message"),
    [
        (
            LogisticRegression(),
            InvalidInput,
            r"MLPClassifier\.from_sklearn takes a fitted sklearn\.",
        ),
        (
            neural_network.MLPRegressor(),
            InvalidInput,
            r"got a sklearn\.neural_network\._",
        ),
        (neural_network.MLPClassifier(), NotFittedError, "not fitted yet"),
    ],
)
def test_what_cannot_be_converted_is_refused(given, error, message):
    with pytest.raises(error, match=message):
        MLPClassifier.from_sklearn(given)


@pytest.mark.parametrize("activation", ["gelu", ("relu", "tanh")])
def test_activations_that_scikit_learn_lacks_are_refused(activation):
    ours = fitted(MLPClassifier, X, NAMES, activation=activation)
    with pytest.raises(InvalidInput, match=r"one activation for all hidden layers, of .* this network has"):
        ours.to_sklearn()


@pytest.mark.parametrize("convert", ["to_sklearn", "to_torch", "to_model"])
def test_what_is_not_fitted_is_not_converted(convert):
    with pytest.raises(NotFittedError):
        getattr(MLPClassifier(), convert)()


@pytest.mark.parametrize("case", [case for case in TARGETS if case != "one class"])
def test_torch_and_onnx_predict_the_same(case, tmp_path):
    torch = pytest.importorskip("torch")
    onnxruntime = pytest.importorskip("onnxruntime")
    estimator_class, X, y = TARGETS[case]
    X = X.astype(np.float32)
    ours = fitted(
        estimator_class, X, y, activation=("silu", "tanh"), batch_norm=(True, False), input_scale=0.5
    )
    if estimator_class is MLPRegressor:
        expected = ours.predict(X).reshape(len(X), -1)
    else:
        expected = ours.calibrate(X, y).predict_proba(X)
    of_torch = expected[:, -1:] if ours.n_outputs_ == 1 else expected
    with torch.no_grad():
        found = ours.to_torch()(torch.from_numpy(X)).numpy()
        logits = ours.to_torch(logits=True)(torch.from_numpy(X)).numpy()
    np.testing.assert_allclose(found, of_torch, atol=2e-6, rtol=2e-5)
    assert logits.shape == of_torch.shape
    ours.save_onnx(tmp_path / "it.onnx")
    session = onnxruntime.InferenceSession((tmp_path / "it.onnx").read_bytes())
    np.testing.assert_allclose(session.run(None, {"X": X})[0], expected, atol=2e-6, rtol=2e-5)
    save_model(tmp_path / "it.safetensors", ours.to_model())


def test_without_pytorch_it_says_what_to_install(monkeypatch):
    import sys

    monkeypatch.setitem(sys.modules, "treadle.export.torch_sequential", None)
    with pytest.raises(MissingDependency, match=r"to_torch needs PyTorch.*pip install 'treadle\[torch\]'"):
        fitted(MLPClassifier, X, NAMES).to_torch()
