"""The start from data: deviations of 1, biases within the sums, refusals; and that each part is needed."""

import numpy as np
import pytest

from tests.engines.table_networks import STAGES, table_network
from treadle import Network, start_from_data
from treadle.engines.gradient_check import random_batch
from treadle.engines.input_stage import StagePasses
from treadle.errors import InvalidInput
from treadle.maths.activations import ACTIVATIONS
from treadle.training import start_from_data as module


def sums_of(network, parameters, X):
    """The sums of each layer before the bias, and after."""
    a = X * network.input_scale + network.input_offset
    if network.input_stage is not None:
        a = StagePasses(len(X), network.input_stage, parameters, None).forward(a)
    for layer, W, b in zip(network.layers, parameters.weights, parameters.biases, strict=True):
        z = a @ W
        yield z, b
        a = ACTIVATIONS[layer.activation].value(z + b)


@pytest.mark.parametrize("stage", STAGES.values(), ids=STAGES)
@pytest.mark.parametrize("activation", ["selu", "mish"])
def test_sums_have_deviation_1_and_biases_are_means_of_some(stage, activation):
    network = table_network(stage, activation=activation)
    X, _, _ = random_batch(network, 300, 0)
    start = start_from_data(network, X, 7, np.float64)
    for z, b in sums_of(network, start, X):
        np.testing.assert_allclose(z.std(axis=0), 1, rtol=1e-9)
        assert (-b >= z.min(axis=0)).all() and (-b <= z.max(axis=0)).all()
    assert all((slopes == 1).all() for slopes in start.slopes[:-1])


def test_biases_have_the_spread_of_five_exponential_shares():
    # Shares c of five exponentials have sum 1 and E sum c^2 = 2 / 6: the bias of a unit whose sums are
    # independent with variance 1 has variance 1/3 about minus their mean.
    X = np.random.default_rng(0).normal(size=(4000, 3))
    start = start_from_data(Network((3, 3000, 2)), X, 0, np.float64)
    assert start.biases[0].mean() == pytest.approx(0, abs=0.05)
    assert start.biases[0].var() == pytest.approx(1 / 3, rel=0.06)


def test_one_seed_gives_one_start_in_both_types_and_another_another():
    network = table_network()
    X, _, _ = random_batch(network, 50, 0)
    wide, narrow = (start_from_data(network, X, 3, dtype) for dtype in (np.float64, np.float32))
    np.testing.assert_array_equal(wide.flat.astype(np.float32), narrow.flat)
    assert (start_from_data(network, X, 4, np.float64).flat != wide.flat).mean() > 0.9


def test_of_many_rows_some_are_drawn(monkeypatch):
    monkeypatch.setattr(module, "ROWS_SEEN", 1000)
    X = np.random.default_rng(0).normal(3, 5, (20_000, 4))
    start = start_from_data(Network((4, 30, 2)), X, 0, np.float64)
    deviations = (X @ start.weights[0]).std(axis=0)
    assert 1e-9 < np.abs(deviations - 1).max() < 0.1


def test_units_whose_sums_do_not_vary_stay_finite():
    start = start_from_data(Network((3, 5, 2), "relu"), np.zeros((10, 3)), 0)
    assert np.isfinite(start.flat).all() and start.weights[0].any()


def test_pixels_are_scaled_first():
    X = np.random.default_rng(0).integers(256, size=(200, 6), dtype=np.uint8)
    network = Network((6, 5, 2), input_scale=1 / 255, input_offset=-0.3)
    start = start_from_data(network, X, 0, np.float64)
    np.testing.assert_allclose(((X / 255 - 0.3) @ start.weights[0]).std(axis=0), 1, rtol=1e-9)


def test_what_has_no_start_from_data_is_refused():
    with pytest.raises(InvalidInput, match="which batch normalisation does too: take a network without"):
        start_from_data(Network((3, 5, 2), batch_norm=True), np.zeros((4, 3)))
    with pytest.raises(InvalidInput, match="a start from data needs at least one row of X; got none"):
        start_from_data(Network((3, 5, 2)), np.zeros((0, 3)))
    with pytest.raises(InvalidInput, match=r"X must be .* of shape \(N, 3\)"):
        start_from_data(Network((3, 5, 2)), np.zeros((4, 2)))
