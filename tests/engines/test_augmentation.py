"""Flips and shifts: the documented draws in plain integers, pixel by pixel, and who gets them."""

import numpy as np
import pytest

from tests.engines.plain_philox import word32
from treadle.engines.augmentation import Augmentation, mirrored
from treadle.engines.engine import TrainingProblem
from treadle.engines.numpy_engine import NumpyEngine
from treadle.engines.objective import Objective
from treadle.engines.torch_engine import TorchEngine
from treadle.errors import InvalidInput
from treadle.network import Network, Parameters
from treadle.optimizers import SGD


def documented(X, shape, flip, shift, seed, step):
    """The docstrings, pixel by pixel."""
    height, width = shape
    out = np.zeros((len(X), height, width), X.dtype)
    for i, image in enumerate(X.reshape(-1, height, width)):
        words = [word32(seed, 3 * i + k, 1, 0, step) for k in range(3)]
        dx, dy = ((word * (2 * shift + 1) >> 32) - shift for word in words[1:])
        for y in range(height):
            for x in range(width):
                to_y, to_x = y + dy, x + dx
                if 0 <= to_y < height and 0 <= to_x < width:
                    is_flipped = flip and words[0] >= 2**31
                    out[i, to_y, to_x] = image[y, width - 1 - x if is_flipped else x]
    return out.reshape(len(X), -1)


@pytest.mark.parametrize("dtype", [np.uint8, np.float32, np.float64])
@pytest.mark.parametrize(("flip", "shift"), [(True, 0), (False, 1), (True, 2), (False, 0)])
def test_pixels_follow_the_documented_draws(flip, shift, dtype):
    X = np.random.default_rng(0).integers(1, 256, (37, 15)).astype(dtype)
    for seed, step in ((0, 0), (2**64 - 1, 2**40)):
        found = Augmentation((3, 5), flip, shift).apply(X, seed, step)
        assert found.dtype == dtype
        np.testing.assert_array_equal(found, documented(X, (3, 5), flip, shift, seed, step))


def test_half_are_flipped_and_every_move_is_as_likely():
    n = 9000
    X = np.zeros((n, 49), np.uint8)
    X[:, 3 * 7 + 3] = 1  # the middle: a flip leaves it, a move is where it went
    places = Augmentation((7, 7), True, 1).apply(X, 3, 5).reshape(n, 7, 7)
    assert places.sum() == n
    counts = places.sum(axis=0, dtype=int)[2:5, 2:5]
    assert counts.sum() == n
    # Binomial, p = 1/9, to five standard deviations.
    assert (np.abs(counts - n / 9) <= 5 * np.sqrt(n * 8 / 81)).all()
    X[:] = np.arange(49)
    flipped = Augmentation((7, 7), flip=True).apply(X, 3, 5)
    n_flipped = int((flipped[:, 0] == 6).sum())
    assert abs(n_flipped - n / 2) <= 5 * np.sqrt(n / 4)


@pytest.mark.parametrize("changed", [(4, 5), (3, 6)], ids=["seed", "step"])
def test_the_seed_and_the_step_change_the_draws(changed):
    X = np.tile(np.arange(49, dtype=np.uint8), (200, 1))
    augmentation = Augmentation((7, 7), True, 2)
    same = (augmentation.apply(X, 3, 5) == augmentation.apply(X, *changed)).all(axis=1).sum()
    assert same <= 20  # of 50 equally likely outcomes; the mean is 4


def test_the_batch_that_is_given_stays_as_it_is():
    X = np.random.default_rng(0).random((8, 12))
    before = X.copy()
    Augmentation((3, 4), True, 1).apply(X, 0, 0)
    np.testing.assert_array_equal(X, before)


def test_mirrored_reverses_each_line():
    np.testing.assert_array_equal(
        mirrored(np.arange(12).reshape(2, 6), 3), [[2, 1, 0, 5, 4, 3], [8, 7, 6, 11, 10, 9]]
    )


@pytest.mark.parametrize("engine", [NumpyEngine(), TorchEngine("cpu")], ids=["numpy", "torch"])
def test_an_epoch_trains_on_augmented_batches_that_count_their_rows_and_the_steps_of_all_epochs(engine):
    rng = np.random.default_rng(0)
    X, y = rng.integers(256, size=(22, 12), dtype=np.uint8), rng.integers(3, size=22)
    network = Network((12, 3), input_scale=1 / 255, input_offset=-0.5)
    augmentation = Augmentation((3, 4), True, 1)
    task = TrainingProblem(network, Objective(), SGD(0.0), X, y, 8, None, 6, augmentation)
    parameters = Parameters.initialise(network, dtype=np.float64)
    order = rng.permutation(22)
    trainer = engine.trainer(task, parameters)
    losses = [trainer.run_epoch(order, np.zeros(3)) for _ in range(2)]
    for step in range(6):
        rows = order[8 * (step % 3) :][:8]
        seen = documented(X[rows], (3, 4), True, 1, 6, step)
        expected, _ = engine.loss_and_gradients(parameters, seen, y[rows], objective=Objective())
        assert losses[step // 3][step % 3] == expected


@pytest.mark.parametrize("shape", [None, (28,), (0, 4), (4, 4, 3), [4, 4], (2.0, 3), (True, 4)], ids=repr)
def test_a_shape_that_is_no_image_s_is_refused(shape):
    with pytest.raises(InvalidInput, match="image_shape must be two positive integers, height and width: a"):
        Augmentation(shape, flip=True)


@pytest.mark.parametrize("shift", [-1, 3, 1.0, True], ids=repr)
def test_a_shift_that_is_none_or_may_lose_the_image_is_refused(shift):
    with pytest.raises(
        InvalidInput, match="shift must be an integer of at least 0, smaller than the image's 3 x 4"
    ):
        Augmentation((3, 4), shift=shift)


def test_a_flip_is_yes_or_no():
    with pytest.raises(InvalidInput, match=r"flip must be True or False; got 0\.5"):
        Augmentation((3, 4), flip=0.5)


def test_an_image_has_the_network_s_inputs_for_pixels():
    with pytest.raises(InvalidInput, match=r"image_shape must multiply to the 10 inputs; got \(3, 4\)"):
        TrainingProblem(
            Network((10, 3)), Objective(), SGD(), np.zeros((5, 10)), np.zeros(5, int), 4,
            augmentation=Augmentation((3, 4), True),
        )  # fmt: skip
