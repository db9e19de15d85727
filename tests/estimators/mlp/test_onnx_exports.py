"""Every export of a fitted estimator, run by ONNX Runtime and compared with its predictions."""

import itertools
import json

import numpy as np
import onnx
import onnxruntime
import pytest

from treadle import BoxRegressor, MLPClassifier, MLPRegressor, approximate
from treadle.export.layers import Layer, forward
from treadle.export.onnx import save_layers_onnx
from treadle.maths.activations import ACTIVATIONS

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

RNG = np.random.default_rng(0)
N_CLASSES = (1, 2, 3, 20)
DTYPES = (np.float32, np.float64)
EACH_OF_BOTH = list(itertools.product(ACTIVATIONS, DTYPES))
# Relative to the larger of 1 and the value.
TOLERANCE = {np.float32: 1e-5, np.float64: 1e-12}


def rows(dtype, n=90):
    return RNG.normal(0, 2, (n, 6)).astype(dtype)


def run(path, X):
    """The graph's one output, by name, and its declared columns."""
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    (output,) = session.get_outputs()
    (given,) = session.run(None, {"X": X})
    assert given.shape == (len(X), output.shape[1])
    return output.name, given


def fitted(estimator_class, X, y, **options):
    options = {"hidden_layer_sizes": (9, 7), "max_iter": 3, "random_state": 0, "batch_size": 20, **options}
    return estimator_class(**options).fit(X, y)


def check(estimator, X, expected, name, path):
    estimator.save_onnx(path)
    found, given = run(path, X)
    assert found == name
    assert given.dtype == expected.dtype == X.dtype
    tolerance = TOLERANCE[X.dtype.type]
    np.testing.assert_allclose(given, expected, rtol=tolerance, atol=tolerance)


@pytest.mark.parametrize("batch_norm", [False, True])
@pytest.mark.parametrize("n_classes", N_CLASSES)
@pytest.mark.parametrize(("activation", "dtype"), EACH_OF_BOTH)
def test_a_classifier_s_probabilities_have_a_column_a_class(
    activation, dtype, n_classes, batch_norm, tmp_path
):
    X = rows(dtype)
    y = np.array([f"class {k}" for k in np.arange(len(X)) % n_classes])
    ours = fitted(MLPClassifier, X, y, activation=activation, batch_norm=batch_norm, input_scale=0.7)
    expected = ours.predict_proba(X)
    assert expected.shape == (len(X), n_classes)
    check(ours, X, expected, "probabilities", tmp_path / "it.onnx")
    _, given = run(tmp_path / "it.onnx", X)
    np.testing.assert_array_equal(ours.classes_[given.argmax(axis=1)], ours.predict(X))
    properties = onnx.load(tmp_path / "it.onnx").metadata_props
    metadata = {entry.key: json.loads(entry.value) for entry in properties}
    assert metadata["class_names"] == list(ours.classes_)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("n_labels", [2, 3])
def test_several_labels_a_row_have_a_column_each(dtype, n_labels, tmp_path):
    X = rows(dtype)
    Y = (X[:, :n_labels] > 0).astype(int)
    ours = fitted(MLPClassifier, X, Y)
    check(ours, X, ours.predict_proba(X), "probabilities", tmp_path / "it.onnx")


@pytest.mark.parametrize(
    "options", [{"label_smoothing": 0.1}, {"dropout": 0.3}, {"solver": "lbfgs"}], ids=str
)
@pytest.mark.parametrize("n_classes", N_CLASSES)
def test_how_it_was_trained_does_not_matter_and_temperature_does(options, n_classes, tmp_path):
    X = rows(np.float64)
    y = np.arange(len(X)) % n_classes
    ours = fitted(MLPClassifier, X, y, **options)
    if n_classes > 1:
        guesses = np.where(np.arange(len(X)) % 3 == 0, np.roll(ours.predict(X), 1), y)
        ours.calibrate(X, guesses)
        assert ours.temperature_ != 1
    check(ours, X, ours.predict_proba(X), "probabilities", tmp_path / "it.onnx")


@pytest.mark.parametrize("batch_norm", [False, True])
@pytest.mark.parametrize("n_outputs", [1, 2])
@pytest.mark.parametrize("loss", ["squared_error", "absolute_error", "huber", "poisson"])
@pytest.mark.parametrize(("activation", "dtype"), EACH_OF_BOTH)
def test_a_regressor_s_prediction_has_a_column_an_output(
    activation, dtype, loss, n_outputs, batch_norm, tmp_path
):
    X = rows(dtype)
    Y = np.abs(X[:, :n_outputs]) + X[:, 2:3] ** 2
    ours = fitted(
        MLPRegressor,
        X,
        Y[:, 0] if n_outputs == 1 else Y,
        activation=activation,
        loss=loss,
        batch_norm=batch_norm,
    )
    check(ours, X, ours.predict(X).reshape(len(X), n_outputs), "prediction", tmp_path / "it.onnx")


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("form", ["homework", "telescoped", "and", "index"])
def test_a_box_network_and_a_box_regressor_are_equal_to_the_bit(form, dtype, tmp_path):
    X = RNG.uniform(-2, 2, (300, 1)).astype(dtype)
    regressor = BoxRegressor().fit(X.astype(np.float64), np.sin(3 * X[:, 0]))
    for network in (approximate("sin(3*x)", (-2, 2), eps=0.05), regressor.network_):
        network.to_onnx(tmp_path / "it.onnx", form, dtype)
        _, given = run(tmp_path / "it.onnx", X)
        assert given.dtype == dtype
        assert np.abs(given[:, 0] - network.predict(X.astype(np.float64))).max() <= 1e-5


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_plain_layers_of_any_activation_load(activation, dtype, tmp_path):
    layers = [
        Layer(RNG.normal(size=(6, 4)), RNG.normal(size=4), activation),
        Layer(RNG.normal(size=(4, 2)), RNG.normal(size=2)),
    ]
    X = rows(dtype)
    save_layers_onnx(tmp_path / "it.onnx", layers, dtype)
    expected = forward(layers, X.astype(np.float64))
    tolerance = TOLERANCE[dtype]
    np.testing.assert_allclose(run(tmp_path / "it.onnx", X)[1], expected, rtol=tolerance, atol=tolerance)
