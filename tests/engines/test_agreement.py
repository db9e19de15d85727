import math

import numpy as np
import pytest

from treadle.engines.agreement import STEP_TOLERANCES, Agreement, compare_engines
from treadle.engines.engine import TrainingProblem
from treadle.engines.gradient_check import random_batch
from treadle.engines.numpy_engine import NumpyEngine, NumpyTrainer
from treadle.engines.objective import Objective
from treadle.errors import InvalidInput
from treadle.network import Network, Parameters
from treadle.optimizers import Adam

NETWORK = Network((5, 4, 3))
START = Parameters.initialise(NETWORK)


def problem(**changes):
    X, y, _ = random_batch(NETWORK, 22, 0)
    arguments = {"X": X, "y": y, "sample_weight": None, "batch_size": 4, "noise_seed": 0}
    return TrainingProblem(NETWORK, Objective(), Adam(), **(arguments | changes))


class Drifting(NumpyEngine):
    """Every step's loss from the third on is larger by a factor."""

    def __init__(self, factor):
        self.factor = factor

    def trainer(self, problem, parameters):
        factor = self.factor

        class Trainer(NumpyTrainer):
            def run_epoch(self, order, learning_rates):
                losses = super().run_epoch(order, learning_rates)
                losses[2:] *= factor
                return losses

        return Trainer(problem, parameters)


def compare(engine, n_steps=5, **options):
    arguments = {"n_steps": n_steps, "learning_rate": 0.1, "seed": 3}
    return compare_engines(engine, NumpyEngine(), problem(), START, **(arguments | options))


def test_an_engine_agrees_with_itself_to_the_bit():
    agreement = compare(NumpyEngine())
    assert agreement.passed and agreement.largest_relative_difference == 0
    assert agreement.losses.shape == agreement.reference_losses.shape == (5,)


@pytest.mark.parametrize(
    ("drift", "passes"), [(5e-7, True), (2e-6, False), (-2e-6, False), (math.nan, False)]
)
def test_a_drift_is_found_with_its_size_and_step(drift, passes):
    agreement = compare(Drifting(1 + drift))
    assert agreement.passed is passes
    np.testing.assert_allclose(agreement.relative_differences[:2], 0)
    np.testing.assert_allclose(agreement.relative_differences[2:], abs(drift), rtol=1e-6)
    assert agreement.step >= 3
    if not math.isnan(drift):
        assert agreement.largest_relative_difference == agreement.relative_differences.max()


def test_the_tolerance_itself_passes_and_a_nan_does_not():
    reference = np.ones(3)
    assert Agreement(reference + np.array([0, 0, 0.999e-6]), reference, 1e-6).passed
    failed = Agreement(np.array([1, math.nan, 1]), reference, 1e-6)
    assert not failed.passed and failed.step == 2 and math.isnan(failed.largest_relative_difference)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_the_tolerance_is_that_of_the_parameters_dtype(dtype):
    start = Parameters.initialise(NETWORK, dtype=dtype)
    agreement = compare_engines(
        NumpyEngine(), NumpyEngine(), problem(), start, n_steps=2, learning_rate=0.1, seed=3
    )
    assert agreement.tolerance == STEP_TOLERANCES[np.dtype(dtype)]


def test_losses_of_zero_agree_and_differ_from_others():
    zeros = np.zeros(2)
    assert Agreement(zeros, zeros, 1e-6).passed
    assert not Agreement(np.array([0, 1e-3]), zeros, 1e-6).passed


def test_the_steps_are_those_of_one_shuffled_epoch():
    order = np.random.default_rng(3).permutation(22)
    trainer = NumpyEngine().trainer(problem(), START)
    np.testing.assert_array_equal(compare(NumpyEngine(), 6).losses, trainer.run_epoch(order, np.full(6, 0.1)))
    np.testing.assert_array_equal(compare(NumpyEngine(), 2).losses, compare(NumpyEngine(), 6).losses[:2])
    assert np.any(compare(NumpyEngine(), seed=4).losses != compare(NumpyEngine()).losses)
    assert compare(NumpyEngine(), learning_rate=0.2).losses[1] != compare(NumpyEngine()).losses[1]


@pytest.mark.parametrize("n_steps", [0, -1, 7])
def test_more_steps_than_an_epoch_has_are_refused(n_steps):
    with pytest.raises(InvalidInput, match=f"steps must be from 1 to the 6 of an epoch; got {n_steps}"):
        compare(NumpyEngine(), n_steps)


def test_synchronised_an_error_in_the_update_does_not_add_up():
    class Lazy(NumpyEngine):
        def trainer(self, problem, parameters):
            class Trainer(NumpyTrainer):
                def run_epoch(self, order, learning_rates):
                    return super().run_epoch(order, 0.5 * learning_rates)

            return Trainer(problem, parameters)

    assert compare(Lazy(), synchronised=True).largest_relative_difference == 0
    assert not compare(Lazy()).passed
    assert not compare(Drifting(1 + 2e-6)).passed
