"""Back-propagation by hand against central differences; tests/agreement holds it against autograd."""

import math

import numpy as np
import pytest

from treadle.engines.gradient_check import (
    REFERENCE_TOLERANCE,
    GradientReport,
    check_gradients,
    random_batch,
)
from treadle.engines.numpy_engine import NumpyEngine
from treadle.engines.objective import Objective
from treadle.errors import InvalidInput
from treadle.maths.activations import ACTIVATIONS
from treadle.maths.derivative_check import check_derivative
from treadle.maths.loss_table import LOSSES
from treadle.network import OUTPUTS, Network, Parameters

ENGINE = NumpyEngine()


class Spoiled(NumpyEngine):
    """One entry of one array's gradient is off by a factor."""

    def __init__(self, name, factor):
        self.spoiled, self.factor = name, factor

    def loss_and_gradients(self, *arguments, **options):
        loss, gradients = super().loss_and_gradients(*arguments, **options)
        array = dict(gradients.named())[self.spoiled]
        array.flat[np.abs(array).argmax()] *= self.factor
        return loss, gradients


def case(loss, activation="tanh", n_outputs=3, *, options=True):
    """Parameters, batch and objective, with every option that the loss takes or with none."""
    network = Network(
        (2, 3, 2, n_outputs),
        activation,
        output=LOSSES[loss].output,
        dropout=(0.3, 0.2) if options else 0,
        input_scale=0.5,
    )
    objective = Objective(
        loss,
        label_smoothing=0.2 if options and loss.endswith("cross_entropy") else 0,
        huber_delta=0.7 if loss == "huber" else 1,
        l2=0.1 if options else 0,
    )
    X, y, weights = random_batch(network, 5, 3)
    parameters = Parameters.initialise(network, "glorot", 1, np.float64)
    return parameters, X, y, weights if options else None, objective, (4, 2) if options else None


def check(engine, parameters, X, y, weights, objective, noise_key, **options):
    return check_gradients(
        engine, parameters, X, y, weights, objective=objective, noise_key=noise_key, **options
    )


@pytest.mark.parametrize("n_outputs", [1, 2, 3])
@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("loss", LOSSES)
def test_every_loss_activation_and_output_count_with_every_option(loss, activation, n_outputs):
    reports = check(ENGINE, *case(loss, activation, n_outputs))
    assert [report.name for report in reports] == [
        f"{a}.{i}" for i in range(3) for a in ("weights", "biases")
    ]
    assert [report.shape for report in reports][-2:] == [(2, n_outputs), (n_outputs,)]
    for report in reports:
        assert report.passed, f"{report.name}\n{report.finite_differences}"


@pytest.mark.parametrize("loss", LOSSES)
def test_every_loss_without_options(loss):
    assert all(report.passed for report in check(ENGINE, *case(loss, options=False)))


@pytest.mark.parametrize("n_outputs", [1, 2, 3])
def test_soft_targets(n_outputs):
    parameters, X, _, *rest = case("cross_entropy", n_outputs=n_outputs)
    y = np.random.default_rng(0).dirichlet(np.ones(n_outputs), 5)
    assert all(report.passed for report in check(ENGINE, parameters, X, y, *rest))


@pytest.mark.parametrize("smoothing", [0.1, 0.3, 0.7, 1 / 3])
def test_a_softmax_of_one_class_has_no_gradient(smoothing):
    parameters, X, y, weights, _, key = case("cross_entropy", n_outputs=1)
    objective = Objective(label_smoothing=smoothing)
    assert all(report.passed for report in check(ENGINE, parameters, X, y, weights, objective, key))


def test_a_batch_of_one_row_and_one_without_weight():
    parameters, X, y, weights, *rest = case("huber")
    assert all(report.passed for report in check(ENGINE, parameters, X[:1], y[:1], weights[:1], *rest))
    assert all(report.passed for report in check(ENGINE, parameters, X, y, 0 * weights, *rest))


@pytest.mark.parametrize(
    ("name", "factor"),
    [
        ("weights.0", 1.001),
        ("biases.0", 0.999),
        ("weights.1", -1),
        ("biases.1", 0),
        ("weights.2", math.nan),
        ("biases.2", math.inf),
    ],
)
def test_a_planted_error_is_found_in_the_array_that_has_it(name, factor):
    reports = check(Spoiled(name, factor), *case("squared"))
    assert [report.name for report in reports if not report.passed] == [name]


@pytest.mark.parametrize("option", ["mask", "l2", "weights"])
def test_leaving_an_option_out_of_the_gradient_is_found(option):
    parameters, X, y, weights, objective, key = case("squared")
    changed = {
        "mask": (weights, objective, None),
        "l2": (weights, Objective("squared"), key),
        "weights": (None, objective, key),
    }[option]
    _, gradients = ENGINE.loss_and_gradients(
        parameters, X, y, changed[0], objective=changed[1], noise_key=changed[2]
    )
    reports = check(ENGINE, parameters, X, y, weights, objective, key, gradients=gradients)
    assert not all(report.passed for report in reports)


def test_given_gradients_take_the_place_of_the_engine_s():
    parameters, *rest = case("squared")
    zeros = Parameters.zeros(parameters.network, np.float64)
    assert not any(report.passed for report in check(ENGINE, parameters, *rest, gradients=zeros))


def test_without_a_reference_nothing_is_said_of_it():
    assert {report.reference_error for report in check(ENGINE, *case("squared"))} == {None}


@pytest.mark.parametrize(("factor", "passes"), [(1 + 1e-13, True), (1 + 1e-11, False), (math.nan, False)])
def test_a_reference_engine_is_compared_far_more_closely(factor, passes):
    reports = check(ENGINE, *case("squared"), reference=Spoiled("weights.1", factor))
    for report in reports:
        assert report.finite_differences.passed
        if report.name == "weights.1":
            assert report.passed == passes
            assert (report.reference_error <= REFERENCE_TOLERANCE) == passes
        else:
            assert report.reference_error == 0 and report.passed


def test_the_reference_error_is_relative_to_the_largest_entry():
    reports = check(ENGINE, *case("squared"), reference=Spoiled("weights.1", 1.25))
    assert reports[2].reference_error == pytest.approx(0.2, rel=1e-12)


def test_a_report_passes_only_if_both_comparisons_do():
    good, bad = (check_derivative(np.sin, df, 0.3) for df in (np.cos, np.sin))
    for finite_differences, error, passed in [
        (good, None, True),
        (good, REFERENCE_TOLERANCE, True),
        (good, 2 * REFERENCE_TOLERANCE, False),
        (good, math.nan, False),
        (bad, None, False),
        (bad, 0.0, False),
    ]:
        assert GradientReport("weights.0", (1,), finite_differences, error).passed is passed


def test_parameters_in_float32_are_refused():
    parameters, *rest = case("squared")
    single = Parameters(parameters.network, parameters.flat.astype(np.float32))
    with pytest.raises(InvalidInput, match="a gradient check needs float64 parameters; got float32"):
        check(ENGINE, single, *rest)


def test_the_parameters_are_left_as_they_were():
    parameters, *rest = case("squared")
    before = parameters.flat.copy()
    check(ENGINE, parameters, *rest)
    np.testing.assert_array_equal(parameters.flat, before)


def test_a_random_batch_suits_the_network_and_follows_its_seed():
    for output in OUTPUTS:
        network = Network((4, 3), output=output)
        X, y, weights = random_batch(network, 50, 1)
        assert X.shape == (50, 4) and y.shape == ((50,) if output == "softmax" else (50, 3))
        assert weights.shape == (50,) and weights.min() >= 0.5 and weights.max() <= 2
        if output == "softmax":
            assert set(y) == {0, 1, 2}
        if output == "logistic":
            assert set(y.ravel()) == {0, 1}
        if output == "exp":
            assert set(y.ravel()) > {0, 1, 2}
        assert all(map(np.array_equal, (X, y, weights), random_batch(network, 50, 1)))
        assert np.any(random_batch(network, 50, 2)[0] != X)
