"""Equations (1) to (8) one at a time, against the engine, finite differences and equations by hand."""

import numpy as np
import pytest

from treadle import Network, Objective, Parameters, check_derivative, select_engine
from treadle.engines.equation_steps import Equations
from treadle.engines.gradient_check import check_gradients, random_batch
from treadle.errors import InvalidInput
from treadle.maths.activations import ACTIVATIONS
from treadle.maths.loss_table import LOSSES

ENGINE = select_engine("numpy").engine


def case(activation="tanh", loss="cross_entropy", l2=0.3, **options):
    network = Network((3, 4, 3, 2), activation, output=LOSSES[loss].output, **options)
    parameters = Parameters.initialise(network, "glorot", 5, np.float64)
    X, y, _ = random_batch(network, 6, 2)
    return parameters, X, y, Objective(loss, l2=l2)


@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("loss", LOSSES)
def test_loss_and_gradients_are_the_engines(activation, loss):
    parameters, X, y, objective = case(activation, loss, input_scale=0.5, input_offset=0.25)
    steps = Equations().steps(parameters, X, y, objective=objective)
    expected_loss, expected = ENGINE.loss_and_gradients(parameters, X, y, objective=objective)
    assert abs(steps.loss - expected_loss) <= 1e-13 * abs(expected_loss)
    np.testing.assert_allclose(steps.gradients.flat, expected.flat, rtol=1e-12, atol=1e-14)
    np.testing.assert_allclose(steps.h[-1], ENGINE.logits(parameters, X), rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("layer", [0, 1, 2])
def test_d_is_the_derivative_by_the_sums(layer):
    parameters, X, y, objective = case()
    steps = Equations().steps(parameters, X, y, objective=objective)

    def loss_from(z):
        """J with the sums of a layer put in place of its own."""
        for above in range(layer + 1, 3):
            z = np.tanh(z) @ parameters.weights[above] + parameters.biases[above]
        return objective.data_loss(z, y)

    assert check_derivative(loss_from, lambda _: steps.d[layer], steps.z[layer])
    assert not check_derivative(loss_from, lambda _: 1.001 * steps.d[layer], steps.z[layer])


@pytest.mark.parametrize(
    ("name", "wrong", "failing"),
    [
        ("derivative", lambda self, d, W, f, z: d @ W.T, {"weights.0", "biases.0", "weights.1", "biases.1"}),
        ("weight_gradient", lambda self, a, d, W, l2: a.T @ d, {"weights.0", "weights.1", "weights.2"}),
        ("bias_gradient", lambda self, d: d.mean(axis=0), {"biases.0", "biases.1", "biases.2"}),
    ],
)
def test_an_equation_that_is_replaced_is_seen(name, wrong, failing):
    parameters, X, y, objective = case()
    equations = type("Wrong", (Equations,), {name: wrong})()
    gradients = equations.steps(parameters, X, y, objective=objective).gradients
    reports = check_gradients(ENGINE, parameters, X, y, objective=objective, gradients=gradients)
    assert {report.name for report in reports if not report.passed} == failing


@pytest.mark.parametrize("options", [{"dropout": 0.5}, {"batch_norm": True}])
def test_other_layers_are_refused(options):
    parameters, X, y, objective = case(**options)
    with pytest.raises(InvalidInput, match=r"without batch normalisation and dropout; got batch_norm="):
        Equations().steps(parameters, X, y, objective=objective)


def test_what_does_not_fit_is_refused_as_by_an_engine():
    parameters, X, y, objective = case()
    with pytest.raises(InvalidInput, match=r"for the 3 inputs of the network"):
        Equations().steps(parameters, X[:, :2], y, objective=objective)
    with pytest.raises(InvalidInput, match="needs a network with output="):
        Equations().steps(parameters, X, y, objective=Objective("squared"))
