"""A run's evaluation: probabilities by formulas, other data refused, samples drawn."""

from types import SimpleNamespace

import numpy as np
import pytest
from scipy.special import log_softmax

from treadle.engines.numpy_engine import NumpyEngine
from treadle.errors import RunError
from treadle.network import Network, Parameters
from treadle.report.run_report import evaluate_model, sample_rows

NETWORK = Network((4, 3))
RNG = np.random.default_rng(0)
X, Y = RNG.random((8, 4)).astype(np.float32), RNG.integers(0, 3, 8)


def model(**changes):
    given = {
        "network": NETWORK,
        "parameters": Parameters.initialise(NETWORK, random_state=0),
        "class_names": ("a", "b", "c"),
        "image_shape": (2, 2),
        "data_range": (0.0, 1.0),
        "data_scale": 1.0,
    }
    return SimpleNamespace(**(given | changes))


def data(**changes):
    given = {
        "name": "shirts",
        "X_test": X,
        "y_test": Y,
        "class_names": ("a", "b", "c"),
        "image_shape": (2, 2),
        "data_range": (0.0, 1.0),
        "scale": 1.0,
    }
    return SimpleNamespace(**(given | changes))


def test_loss_and_probabilities_are_those_of_the_formulas():
    p = model().parameters
    found = evaluate_model(model(), NumpyEngine(), data())
    logs = log_softmax(X @ p.weights[0] + p.biases[0], axis=1)
    np.testing.assert_allclose(found.probabilities, np.exp(logs), rtol=1e-5)
    assert found.loss == pytest.approx(-logs[np.arange(8), Y].mean(), rel=1e-5)


def test_rows_in_other_units_are_converted_with_a_notice():
    notices = []
    twice = 2 * X - 1
    twice[0, :2] = -1, 1
    given = data(X_test=twice, data_range=(-1.0, 1.0))
    from treadle.data.pixel_units import PixelUnits

    found = evaluate_model(model(pixel_units=PixelUnits(0, 1)), NumpyEngine(), given, notices.append)
    plain = evaluate_model(model(), NumpyEngine(), data(X_test=(twice + 1) / 2))
    np.testing.assert_allclose(found.probabilities, plain.probabilities, rtol=1e-4)
    assert len(notices) == 1 and "brought to the model's units" in notices[0]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"X_test": X[:, :3]},
            "shirts has 3 columns and the classes a, b, c; the model takes 4 and a, b, c: eval",
        ),
        ({"class_names": ("a", "c", "b")}, "the classes a, c, b; the model takes 4 and a, b, c"),
        (
            {"image_shape": (4, 1)},
            "shirts has images of 4 x 1, and the model takes 2 x 2: evaluate it on images",
        ),
    ],
)
def test_data_of_another_kind_are_refused(changes, message):
    with pytest.raises(RunError, match=message):
        evaluate_model(model(), NumpyEngine(), data(**changes))


def test_samples_are_drawn_without_the_answers_and_always_the_same():
    one, other = SimpleNamespace(n_samples=500), SimpleNamespace(n_samples=5)
    assert sample_rows(one).tolist() == sample_rows(one).tolist()
    assert len(set(sample_rows(one).tolist())) == 12 and (np.diff(sample_rows(one)) > 0).all()
    assert sample_rows(other).tolist() == [0, 1, 2, 3, 4]
