import numpy as np
import pytest

from treadle.training.batches import epoch_order


@pytest.mark.parametrize("n_rows", [0, 1, 2, 1000])
def test_every_row_is_visited_once(n_rows):
    order = epoch_order(3, 1, n_rows)
    assert order.dtype == np.int64
    np.testing.assert_array_equal(np.sort(order), np.arange(n_rows))


@pytest.mark.parametrize(("seed", "epoch"), [(0, 1), (0, 20), (7, 3), (2**40 + 5, 2)])
def test_the_order_is_a_function_of_seed_and_epoch_alone(seed, epoch):
    np.random.default_rng(0).random(5)
    stream = np.random.Generator(np.random.PCG64(np.random.SeedSequence([seed, epoch])))
    np.testing.assert_array_equal(epoch_order(seed, epoch, 50), stream.permutation(50))


def test_epochs_and_seeds_differ():
    orders = {tuple(epoch_order(seed, epoch, 50)) for seed in range(5) for epoch in range(1, 6)}
    assert len(orders) == 25


def test_epoch_0_would_repeat_the_stream_of_the_initial_parameters():
    """Why epochs count from 1."""
    same = np.random.default_rng(np.random.SeedSequence(9)).permutation(50)
    np.testing.assert_array_equal(epoch_order(9, 0, 50), same)
    assert np.any(epoch_order(9, 1, 50) != same)
