"""What y may hold, loss by loss: returned as losses use it, or refused with what came."""

import numpy as np
import pytest

from treadle.errors import InvalidInput
from treadle.maths.targets import checked_classes, checked_counts, checked_numbers, checked_probabilities

SOFT = [[0.25, 0.75, 0.0], [1.0, 0.0, 0.0]]


def test_labels_and_soft_targets_are_flattened_over_samples():
    labels, weights = checked_classes([[0, 2], [1, 0]], (2, 2, 3), [[1, 2], [3, 4]])
    assert labels.tolist() == [0, 2, 1, 0] and weights.tolist() == [1, 2, 3, 4]
    soft, weights = checked_classes([SOFT, SOFT], (2, 2, 3), None)
    assert soft.tolist() == SOFT + SOFT and weights is None


@pytest.mark.parametrize(
    ("target", "shape", "message"),
    [
        ([0], (3,), r"logits must have shape \(N, K\), with N and K at least 1; got \(3,\)"),
        ([], (0, 3), r"got \(0, 3\)"),
        ([0, 1, 2], (2, 3), r"labels of shape \(2,\) or soft targets of shape \(2, 3\), .* got shape \(3,\)"),
        (
            [0.0, 1.0],
            (2, 3),
            "labels must be integers; got dtype float64: number the classes from 0, or give",
        ),
        ([0, 3], (2, 3), r"labels must lie in 0\.\.2, for the K = 3 classes .* got 3 at index 1: number the"),
        ([-1, 3], (2, 3), "got -1 at index 0"),
        ([[0, 1], [5, 0]], (2, 2, 3), r"got 5 at index \(1, 0\)"),
        ([[0.5, 0.5, 0.1], SOFT[1]], (2, 3), "a least entry of 0 and sums from 1 to 1.1: divide each row by"),
        ([[1.5, -0.5, 0], SOFT[1]], (2, 3), "got a least entry of -0.5 and sums from 1 to 1"),
        ([[np.nan, 1, 0], SOFT[1]], (2, 3), "got a least entry of nan"),
    ],
)
def test_classes_that_do_not_go_with_the_logits_are_refused(target, shape, message):
    with pytest.raises(InvalidInput, match=message):
        checked_classes(target, shape, None)


def test_sums_of_float32_are_near_enough_to_one():
    soft = np.random.default_rng(0).dirichlet(np.ones(1000), 4).astype(np.float32)
    assert checked_classes(soft, (4, 1000), None)[0].dtype == np.float32
    with pytest.raises(InvalidInput, match=r"to within 0\.0001"):
        checked_classes(soft * np.float32(1.001), (4, 1000), None)


@pytest.mark.parametrize("target", [[1.0, 2.0], [[1.0], [2.0]]])
@pytest.mark.parametrize("shape", [(2,), (2, 1)])
def test_one_output_may_be_flat_or_a_column(target, shape):
    found, _ = checked_numbers(target, shape, None)
    assert found.tolist() == [[1.0], [2.0]]


@pytest.mark.parametrize("check", [checked_numbers, checked_probabilities, checked_counts])
def test_another_shape_is_refused(check):
    with pytest.raises(InvalidInput, match=r"target must have the shape of the .*, \(2, 3\); got \(3, 2\)"):
        check(np.zeros((3, 2)), (2, 3), None)
    with pytest.raises(
        InvalidInput, match=r"must have shape \(N, K\) or \(N,\), with N and K at least 1; got"
    ):
        check(np.zeros((2, 0)), (2, 0), None)
    with pytest.raises(InvalidInput, match="sample_weight must have a weight for each sample"):
        check(np.zeros((2, 3)), (2, 3), [1.0])


def test_probabilities_lie_from_zero_to_one():
    assert checked_probabilities([[0, 1], [0.5, 1]], (2, 2), None)[0].tolist() == [[0, 1], [0.5, 1]]
    for bad in (-0.1, 1.1, np.nan):
        with pytest.raises(InvalidInput, match="cross-entropy must lie from 0 to 1; got some from"):
            checked_probabilities([[bad, 0.5]], (1, 2), None)


def test_counts_are_at_least_zero():
    assert checked_counts([[0.0], [7.0]], (2, 1), None)[0].tolist() == [[0], [7]]
    for bad in (-1.0, np.nan):
        with pytest.raises(InvalidInput, match="Poisson loss must be at least 0, as counts are; got"):
            checked_counts([[bad]], (1, 1), None)
