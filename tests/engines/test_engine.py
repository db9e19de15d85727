import re

import numpy as np
import pytest

from treadle.engines.engine import TrainingProblem, diverged
from treadle.engines.objective import Objective
from treadle.engines.selection import select_engine
from treadle.errors import EngineUnavailable, InvalidInput
from treadle.network import Network, Parameters
from treadle.optimizers import Adam

NETWORK = Network((4, 3))


def problem(**changes):
    arguments = {
        "network": NETWORK,
        "objective": Objective(),
        "optimizer": Adam(),
        "X": np.zeros((10, 4)),
        "y": np.zeros(10, int),
        "sample_weight": None,
        "batch_size": 4,
        "noise_seed": 0,
    }
    return TrainingProblem(**(arguments | changes))


def test_the_last_partial_batch_is_a_step():
    assert [problem().n_steps(n) for n in (0, 1, 4, 5, 8, 10)] == [0, 1, 1, 2, 2, 3]


@pytest.mark.parametrize(
    "X", [np.zeros((10, 5)), np.zeros((10, 1)), np.zeros(4), np.zeros((10, 4, 1)), np.zeros((10, 4), int)]
)
def test_rows_that_are_not_the_network_s_inputs_are_refused(X):
    with pytest.raises(
        InvalidInput,
        match=r"X must be uint8, float32 or float64 of shape \(N, 4\), for the 4 inputs of the network; got",
    ):
        problem(X=X)


@pytest.mark.parametrize("name", ["y", "sample_weight"])
@pytest.mark.parametrize("shape", [(9,), (11,), ()])
def test_targets_and_weights_go_with_the_rows(name, shape):
    with pytest.raises(
        InvalidInput, match=f"{name} must have an entry for each of the 10 rows of X; got shape"
    ):
        problem(**{name: np.zeros(shape, int)})


@pytest.mark.parametrize("X", [[[0.0] * 4] * 10, None, "rows"], ids=lambda X: type(X).__name__)
def test_rows_that_are_no_array_are_refused(X):
    with pytest.raises(
        InvalidInput,
        match=r"X must be a NumPy array or .* uint8, float32 or float64 of shape \(N, 4\); "
        f"got {type(X).__name__}",
    ):
        problem(X=X)


@pytest.mark.parametrize(
    "changes", [{"y": [0] * 10}, {"y": None}, {"sample_weight": [1.0] * 10}], ids=lambda c: f"{c}"[:16]
)
def test_targets_and_weights_that_are_no_arrays_are_refused(changes):
    [(name, value)] = changes.items()
    with pytest.raises(InvalidInput, match=f"{name} must be a NumPy array; got {type(value).__name__}"):
        problem(**changes)


@pytest.mark.parametrize("batch_size", [0, -1, 2.5, 4.0, True, "4", None], ids=repr)
def test_a_batch_is_a_whole_number_of_rows(batch_size):
    with pytest.raises(
        InvalidInput, match=re.escape(f"batch_size must be an integer of at least 1; got {batch_size!r}")
    ):
        problem(batch_size=batch_size)


def test_an_integer_of_numpy_is_a_batch_size_and_a_seed():
    assert problem(batch_size=np.int64(4), noise_seed=np.uint64(2**64 - 1)).n_steps(10) == 3


@pytest.mark.parametrize("seed", [-1, 2**64, 0.5, True, "0", None], ids=repr)
def test_a_noise_seed_is_a_64_bit_word(seed):
    with pytest.raises(
        InvalidInput,
        match=re.escape(f"noise_seed must be an integer of at least 0 and below 2**64; got {seed!r}"),
    ):
        problem(noise_seed=seed)


def test_the_loss_goes_with_the_output():
    with pytest.raises(InvalidInput, match="needs a network with output='identity'"):
        problem(objective=Objective("squared"))


def test_diverging_says_the_step_and_what_to_try():
    assert str(diverged(7, float("nan"))) == (
        "the loss became nan at step 7 of the epoch; try a smaller learning rate, "
        "and look for extreme values in X and y"
    )


def test_an_unknown_precision_is_refused():
    with pytest.raises(InvalidInput, match="precision must be one of float32, bfloat16; got 'float16'"):
        problem(precision="float16")


@pytest.mark.parametrize("name", ["numpy", "torch"])
def test_an_engine_without_bfloat16_says_so_before_it_trains(name):
    engine = select_engine(name).engine
    with pytest.raises(
        EngineUnavailable,
        match=f"the {name} engine does not compute in bfloat16: take the native engine, or precision float32",
    ):
        engine.trainer(problem(precision="bfloat16"), Parameters.initialise(NETWORK))


def test_a_batch_is_the_rows_that_are_asked_for_in_their_order():
    X, y, weights = np.random.default_rng(0).random((10, 4)), np.arange(10) % 3, np.arange(10.0)
    task = problem(X=X, y=y, sample_weight=weights)
    rows = np.array([7, 2, 9])
    for found, expected in zip(task.batch(rows, 5), (X[rows], y[rows], weights[rows]), strict=True):
        np.testing.assert_array_equal(found, expected)
    assert problem().batch(rows, 5)[2] is None
