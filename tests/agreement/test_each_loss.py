"""Each loss of the table: its derivative, its options, its check, every engine, and the output in ONNX."""

from typing import get_args

import numpy as np
import onnxruntime
import pytest

from treadle import Model, Network, Parameters, check_derivative, check_gradients, onnx_model
from treadle.choices import LossName, OutputName
from treadle.engines.gradient_check import random_targets
from treadle.engines.native_engine import NativeEngine
from treadle.engines.numpy_engine import NumpyEngine
from treadle.engines.objective import Objective
from treadle.engines.torch_engine import TorchEngine
from treadle.engines.torch_losses import ROW_LOSSES
from treadle.errors import InvalidInput
from treadle.maths.loss_table import LOSSES

N, D, K = 9, 4, 3
# A value of each option that is not its default.
OF_OPTIONS = {"label_smoothing": 0.2, "huber_delta": 0.4}

each_loss = pytest.mark.parametrize("loss", LOSSES)


def objectives(loss):
    """Without and, where the loss has them, with its options."""
    options = {name: OF_OPTIONS[name] for name in LOSSES[loss].options}
    return [Objective(loss), *([Objective(loss, **options, l2=0.1)] if options else [])]


def case(loss, dtype=np.float64):
    """Parameters, rows, targets and weights (one of them 0) of a small network that the loss fits."""
    rng = np.random.default_rng(4)
    network = Network((D, 5, K), "tanh", LOSSES[loss].output)
    parameters = Parameters.initialise(network, random_state=1, dtype=dtype)
    X = rng.normal(size=(N, D)).astype(dtype)
    return parameters, X, random_targets(network, N, rng), np.r_[0, rng.uniform(0.5, 2, N - 1)]


def test_the_table_has_the_names_that_options_offer_and_so_has_pytorch():
    assert tuple(LOSSES) == get_args(LossName) and set(ROW_LOSSES) == set(LOSSES)
    for name, loss in LOSSES.items():
        assert loss.name == name and loss.output in get_args(OutputName)


@each_loss
def test_the_gradient_is_the_derivative_of_the_value(loss):
    _, _, y, weights = case(loss)
    logits = np.random.default_rng(0).normal(size=(N, K))
    for objective in objectives(loss):
        for w in (None, weights):
            assert check_derivative(
                lambda z, objective=objective, w=w: objective.data_loss(z, y, w),
                lambda z, objective=objective, w=w: objective.data_gradient(z, y, w),
                logits,
            )


@each_loss
def test_an_option_changes_the_loss(loss):
    logits = np.random.default_rng(0).normal(size=(N, K))
    y = case(loss)[2]
    losses = {objective.data_loss(logits, y) for objective in objectives(loss)}
    assert len(losses) == len(objectives(loss))


@each_loss
@pytest.mark.parametrize(
    "engine", [NumpyEngine(), TorchEngine("cpu"), NativeEngine(1)], ids=lambda engine: engine.name
)
def test_the_engines_gradients_pass_finite_differences(loss, engine):
    parameters, X, y, weights = case(loss)
    for objective in objectives(loss):
        reports = check_gradients(engine, parameters, X, y, weights, objective=objective)
        assert all(report.passed for report in reports), reports


@each_loss
@pytest.mark.parametrize(("dtype", "rounding"), [(np.float32, 1e-5), (np.float64, 1e-13)])
def test_every_engine_finds_the_same_loss_and_gradient(loss, dtype, rounding):
    parameters, X, y, weights = case(loss, dtype)
    for objective in objectives(loss):
        expected, gradients = NumpyEngine().loss_and_gradients(parameters, X, y, weights, objective=objective)
        for engine in (TorchEngine("cpu"), NativeEngine(1)):
            found, found_gradients = engine.loss_and_gradients(parameters, X, y, weights, objective=objective)
            assert found == pytest.approx(expected, rel=rounding)
            np.testing.assert_allclose(
                found_gradients.flat, gradients.flat, rtol=10 * rounding, atol=rounding / 10
            )


@each_loss
def test_onnx_puts_out_what_the_loss_is_taken_with(loss):
    parameters, X, *_ = case(loss, np.float32)
    proto = onnx_model(Model(parameters, ("a", "b", "c")))
    session = onnxruntime.InferenceSession(proto.SerializeToString(), providers=["CPUExecutionProvider"])
    found = session.run(None, {"X": X})[0]
    np.testing.assert_allclose(found, NumpyEngine().predict(parameters, X), rtol=1e-5, atol=1e-6)


@each_loss
def test_the_check_says_what_the_loss_says(loss):
    table, logits = LOSSES[loss], np.zeros((N, K))
    _, _, y, weights = case(loss)
    table.check(y, (N, K), None)
    table.check(y, (N, K), weights)
    wrong = [
        (np.full((N, K), -0.5), None),
        (np.full((N, K), np.nan), None),
        (np.full(N, K), None),
        (np.zeros(N), None),
        (np.zeros((N, K + 1)), None),
        (np.zeros((N, K), complex), None),
        (y, -weights),
        (y, weights[1:]),
        (y[:0], None),
    ]
    refusals = 0
    for target, w in wrong:
        try:
            table.value(logits[: len(target)], target, sample_weight=w)
        except InvalidInput as error:
            refusals += 1
            with pytest.raises(InvalidInput) as caught:
                table.check(target, (len(target), K), w)
            assert str(caught.value) == str(error)
        else:
            table.check(target, (len(target), K), w)
    assert refusals >= 7 - (loss in ("squared", "absolute", "huber"))


@each_loss
def test_labels_are_taken_where_the_table_says_so(loss):
    labels = np.arange(N) % K
    if LOSSES[loss].takes_labels:
        LOSSES[loss].check(labels, (N, K), None)
    else:
        with pytest.raises(InvalidInput, match="target must have the shape of the"):
            LOSSES[loss].check(labels, (N, K), None)


def test_a_label_out_of_range_is_named_by_its_row():
    labels = np.zeros(20_000, int)
    labels[15_000] = 3
    with pytest.raises(InvalidInput, match=r"got 3 at index 15000: number the classes from 0"):
        LOSSES["cross_entropy"].check(labels, (20_000, 3), None)
