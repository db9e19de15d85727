import numpy as np
import pytest

from treadle.hardware.native import networks
from treadle.training import batches
from treadle.training.batches import epoch_order, epoch_orders


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


@pytest.mark.parametrize("n_rows", [0, 1, 2, 3, 200, 70_000])
@pytest.mark.parametrize("seed", [0, 7, 2**32 - 1, 2**32, 2**62 + 12345])
def test_orders_of_several_epochs_are_those_of_one_by_one(seed, n_rows):
    for first in (1, 2**32 - 1):
        orders = epoch_orders(seed, first, 3, n_rows)
        expected = [epoch_order(seed, epoch, n_rows) for epoch in range(first, first + 3)]
        assert orders.dtype == np.int64
        np.testing.assert_array_equal(orders, expected)


def test_seeds_of_more_than_64_bits_have_orders():
    np.testing.assert_array_equal(epoch_orders(2**70, 4, 1, 50), [epoch_order(2**70, 4, 50)])


def test_the_kernel_draws_numpys_stream_here():
    assert batches._kernel_draws_as_numpy()


def test_another_stream_than_numpys_is_not_taken(monkeypatch):
    batches._kernel_draws_as_numpy.cache_clear()
    draw = networks.draw_orders
    monkeypatch.setattr(networks, "draw_orders", lambda *numbers: draw(*numbers)[:, ::-1])
    np.testing.assert_array_equal(epoch_orders(3, 1, 2, 9), [epoch_order(3, e, 9) for e in (1, 2)])
    batches._kernel_draws_as_numpy.cache_clear()
