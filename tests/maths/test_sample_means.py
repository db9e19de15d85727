"""The mean over samples: against fractions, with weights of any scale, zeros and none at all."""

from fractions import Fraction

import numpy as np
import pytest

from treadle.errors import InvalidInput
from treadle.maths.sample_means import checked_weights, mean_over_samples, scaled_for_mean

LOSSES = np.array([1.5, -2.0, 0.25, 8.0])
WEIGHTS = np.array([1.0, 0.0, 3.0, 0.5])


def exact(losses, weights):
    total = sum(map(Fraction, weights))
    return sum(Fraction(a) * Fraction(c) for a, c in zip(losses, weights, strict=True)) / total


def test_the_mean_is_that_of_fractions():
    assert mean_over_samples(LOSSES, None) == float(exact(LOSSES, [1.0] * 4))
    assert mean_over_samples(LOSSES, WEIGHTS) == float(exact(LOSSES, WEIGHTS))
    assert type(mean_over_samples(LOSSES, WEIGHTS)) is float


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_a_sample_of_weight_zero_takes_no_part_whatever_its_loss_is(bad):
    losses = np.array([1.0, bad, 3.0])
    with np.errstate(all="ignore"):  # as the losses have it
        assert mean_over_samples(losses, np.array([1.0, 0.0, 1.0])) == 2.0
    assert not np.isfinite(mean_over_samples(losses, np.ones(3)))


def test_without_any_weight_the_mean_is_zero():
    assert mean_over_samples(LOSSES, np.zeros(4)) == 0.0
    np.testing.assert_array_equal(scaled_for_mean(np.ones((4, 2)), np.zeros(4)), np.zeros((4, 2)))


def test_float32_losses_are_summed_in_float64():
    losses = np.full(1 << 20, 0.1, np.float32)
    assert mean_over_samples(losses, None) == pytest.approx(float(np.float32(0.1)), rel=1e-12)


def test_complex_losses_have_a_complex_mean():
    assert mean_over_samples(np.array([1 + 2j, 3j]), None) == 0.5 + 2.5j
    assert mean_over_samples(np.array([1 + 2j, 3j]), np.array([3.0, 1.0])) == 0.75 + 2.25j


def test_gradients_are_scaled_in_place_so_that_they_are_those_of_the_mean():
    plain = np.array([[1.0, 2.0], [np.inf, np.nan], [3.0, -4.0], [0.0, 1.0]])
    gradient = plain.copy()
    with np.errstate(all="ignore"):
        assert scaled_for_mean(gradient, WEIGHTS) is gradient
    np.testing.assert_allclose(gradient[[0, 2, 3]], plain[[0, 2, 3]] * WEIGHTS[[0, 2, 3], None] / 4.5)
    assert gradient[1].tolist() == [0, 0]
    np.testing.assert_array_equal(scaled_for_mean(np.ones((4, 2), np.float32), None), np.full((4, 2), 0.25))
    assert scaled_for_mean(np.ones((4, 2), np.float32), WEIGHTS).dtype == np.float32


def test_weights_are_flat_doubles_or_none():
    found = checked_weights([[1, 2], [3, 4]], (2, 2))
    assert found.dtype == np.float64 and found.tolist() == [1, 2, 3, 4]
    assert checked_weights(None, (9,)) is None


@pytest.mark.parametrize(
    ("weights", "message"),
    [
        ([1, 2], r"sample_weight must have a weight for each sample, shape \(3,\); got \(2,\)"),
        ([1, -1, 1], "sample_weight must be at least 0 and finite, .*; got weights from -1 to 1"),
        ([1, np.nan, 1], "got weights from nan to nan"),
        ([1, np.inf, 1], "got weights from 1 to inf"),
        ([1e308, 1e308, 0], "and so must its sum; got weights from 0 to 1e"),
    ],
)
@pytest.mark.filterwarnings("ignore:overflow encountered")
def test_other_weights_are_refused(weights, message):
    with pytest.raises(InvalidInput, match=message):
        checked_weights(weights, (3,))
