"""Fading against its formula; AdamW's decay under it."""

import math

import numpy as np
import pytest

from treadle import SGD, AdamW, Fading, Network, Objective, Parameters, TrainingProblem
from treadle.engines.numpy_engine import NumpyEngine
from treadle.errors import InvalidInput


def flat_cos(t):
    return (1 + math.cos(math.pi * (max(1, 2 * t) - 1))) / 2


@pytest.mark.parametrize("n", [1, 2, 7, 1000])
def test_factors_are_those_of_the_formula(n):
    expected = [flat_cos((s + 0.5) / n) for s in range(n)]
    np.testing.assert_allclose(Fading(n).factors(0, n), expected, rtol=0, atol=1e-15)
    np.testing.assert_array_equal(Fading(n).factors(0, n)[: n // 2], 1)


def test_any_part_of_the_steps_has_the_same_factors():
    whole = Fading(100).factors(0, 100)
    np.testing.assert_array_equal(Fading(100).factors(70, 11), whole[70:81])
    assert (np.diff(whole[50:]) < 0).all()


def test_steps_past_the_end_are_refused():
    with pytest.raises(InvalidInput, match="fade over 10 steps; got step 11: plan more steps"):
        Fading(10).factors(8, 3)


@pytest.mark.parametrize("n", [0, -1, 2.5, True])
def test_a_number_of_steps_that_is_none_is_refused(n):
    with pytest.raises(InvalidInput, match=f"n_steps must be an integer of at least 1; got {n}"):
        Fading(n)


def test_the_decay_of_adamw_fades_and_the_rest_of_it_stays():
    assert AdamW(0.8, 0.9, 1e-6, 0.5).faded(0.25) == AdamW(0.8, 0.9, 1e-6, 0.125)
    assert SGD().faded(0.25) == SGD()


def test_a_training_decays_by_the_factors_of_its_steps():
    network = Network((1, 1), output="identity")
    X, y = np.zeros((1, 1)), np.zeros((1, 1))  # no gradient but that of the bias
    problem = TrainingProblem(
        network, Objective("squared"), AdamW(weight_decay=0.5), X, y, 1, fading=Fading(8)
    )
    start = Parameters(network, np.array([1.0, 0.0]))
    trainer = NumpyEngine().trainer(problem, start)
    for _ in range(8):
        trainer.run_epoch(np.array([0]), np.array([0.1]))
    expected = math.prod(1 - 0.1 * 0.5 * flat_cos((s + 0.5) / 8) for s in range(8))
    np.testing.assert_allclose(trainer.parameters().weights[0], expected, rtol=1e-14)
    with pytest.raises(InvalidInput, match="fade over 8 steps; got step 9"):
        trainer.run_epoch(np.array([0]), np.array([0.1]))
