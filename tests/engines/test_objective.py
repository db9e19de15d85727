import math

import numpy as np
import pytest

import treadle
from treadle.engines.gradient_check import random_targets
from treadle.engines.objective import Objective
from treadle.errors import InvalidInput
from treadle.maths.loss_table import LOSSES
from treadle.network import OUTPUTS, Network


@pytest.mark.parametrize("loss", ["crossentropy", "", None])
def test_an_unknown_loss_is_refused(loss):
    with pytest.raises(
        InvalidInput,
        match="loss must be one of cross_entropy, binary_cross_entropy, squared, absolute, huber, poisson",
    ):
        Objective(loss)


@pytest.mark.parametrize("value", [-0.1, 1, math.nan])
def test_label_smoothing_out_of_range_is_refused(value):
    with pytest.raises(InvalidInput, match="label_smoothing must be at least 0 and below 1; got"):
        Objective(label_smoothing=value)


@pytest.mark.parametrize("loss", list(LOSSES)[2:])
def test_label_smoothing_without_labels_is_refused(loss):
    with pytest.raises(
        InvalidInput, match=f"label_smoothing is for .* and binary_cross_entropy; got 0.1 for '{loss}'"
    ):
        Objective(loss, label_smoothing=0.1)


@pytest.mark.parametrize("value", [0, -1, math.nan, math.inf])
def test_huber_s_delta_out_of_range_is_refused(value):
    with pytest.raises(InvalidInput, match="huber_delta must be positive and finite; got"):
        Objective("huber", huber_delta=value)


def test_a_huber_delta_that_would_be_ignored_is_refused():
    with pytest.raises(InvalidInput, match="huber_delta is of the loss 'huber' alone; got it with 'squared'"):
        Objective("squared", huber_delta=0.5)


@pytest.mark.parametrize("value", [-1e-9, math.nan, math.inf])
def test_l2_out_of_range_is_refused(value):
    with pytest.raises(InvalidInput, match="l2 must be at least 0 and finite; got"):
        Objective(l2=value)


@pytest.mark.parametrize("loss", LOSSES)
def test_a_loss_fits_one_output_and_refuses_the_other(loss):
    fitting = LOSSES[loss].output
    Objective(loss).check_fits(Network((3, 2), output=fitting))
    other = next(output for output in OUTPUTS if output != fitting)
    with pytest.raises(
        InvalidInput, match=f"the loss '{loss}' needs a network with output='{fitting}'; got '{other}'"
    ):
        Objective(loss).check_fits(Network((3, 2), output=other))


@pytest.mark.parametrize(
    ("objective", "loss", "gradient", "options"),
    [
        (
            Objective(label_smoothing=0.2),
            treadle.cross_entropy,
            treadle.cross_entropy_gradient,
            {"label_smoothing": 0.2},
        ),
        (
            Objective("binary_cross_entropy", label_smoothing=0.2),
            treadle.binary_cross_entropy,
            treadle.binary_cross_entropy_gradient,
            {"label_smoothing": 0.2},
        ),
        (Objective("squared"), treadle.squared_loss, treadle.squared_loss_gradient, {}),
        (Objective("absolute"), treadle.absolute_loss, treadle.absolute_loss_gradient, {}),
        (
            Objective("huber", huber_delta=0.3),
            treadle.huber_loss,
            treadle.huber_loss_gradient,
            {"delta": 0.3},
        ),
        (Objective("poisson"), treadle.poisson_loss, treadle.poisson_loss_gradient, {}),
    ],
    ids=LOSSES,
)
def test_each_loss_is_the_one_of_maths_with_its_options_and_without_the_penalty(
    objective, loss, gradient, options
):
    rng = np.random.default_rng(0)
    logits, weights = rng.normal(size=(6, 3)), rng.uniform(size=6)
    y = random_targets(Network((1, 3), output=LOSSES[objective.loss].output), 6, rng)
    penalised = Objective(objective.loss, objective.label_smoothing, objective.huber_delta, l2=9)
    for w in (None, weights):
        expected = loss(logits, y, sample_weight=w, **options)
        assert objective.data_loss(logits, y, w) == penalised.data_loss(logits, y, w) == expected
        np.testing.assert_array_equal(
            penalised.data_gradient(logits, y, w), gradient(logits, y, sample_weight=w, **options)
        )
    assert objective.data_loss(logits, y) != objective.data_loss(logits, y, weights)
