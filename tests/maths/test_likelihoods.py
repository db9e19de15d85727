import numpy as np
import pytest
import scipy.special
import scipy.stats
import torch
from sklearn.metrics import log_loss, mean_poisson_deviance

from treadle.errors import InvalidInput
from treadle.maths.derivative_check import check_derivative
from treadle.maths.likelihoods import (
    binary_cross_entropy,
    binary_cross_entropy_gradient,
    log_logistic,
    poisson_loss,
    poisson_loss_gradient,
)
from treadle.maths.losses import cross_entropy

INF, NAN = np.inf, np.nan
N = 6
WEIGHTS = [0, 1, 2, 0.5, 3, 1]
LOSSES = {
    "binary": (binary_cross_entropy, binary_cross_entropy_gradient),
    "poisson": (poisson_loss, poisson_loss_gradient),
}
each_loss = pytest.mark.parametrize("name", LOSSES)
each_output_count = pytest.mark.parametrize("K", [1, 2, 3])


def problem(name, K):
    rng = np.random.default_rng(K)
    logits = rng.normal(scale=2, size=(N, K))
    return logits, rng.integers(0, 2, (N, K)) if name == "binary" else rng.poisson(2, (N, K))


@each_loss
@each_output_count
@pytest.mark.parametrize("method", ["central", "complex"])
@pytest.mark.parametrize("weight", [None, WEIGHTS], ids=["even", "weighted"])
def test_the_gradient_passes_the_derivative_check(name, K, method, weight):
    loss, gradient = LOSSES[name]
    logits, target = problem(name, K)
    report = check_derivative(
        lambda z: loss(z, target, sample_weight=weight),
        lambda z: gradient(z, target, sample_weight=weight),
        logits,
        method=method,
    )
    assert report, str(report)


def test_the_gradient_with_smoothing_and_soft_targets_passes_too():
    logits, _ = problem("binary", 3)
    target = np.random.default_rng(0).uniform(size=(N, 3))
    report = check_derivative(
        lambda z: binary_cross_entropy(z, target, label_smoothing=0.2),
        lambda z: binary_cross_entropy_gradient(z, target, label_smoothing=0.2),
        logits,
    )
    assert report, str(report)


@each_loss
def test_the_check_sees_a_planted_error(name):
    loss, gradient = LOSSES[name]
    logits, target = problem(name, 2)
    planted = 1.001 * gradient(logits, target)
    assert not check_derivative(lambda z: loss(z, target), lambda _z: planted, logits)


@each_output_count
def test_binary_cross_entropy_is_scikit_learns_log_loss_and_pytorchs(K):
    logits, target = problem("binary", K)
    found = binary_cross_entropy(logits, target, sample_weight=WEIGHTS)
    probabilities = scipy.special.expit(logits)
    expected = sum(
        log_loss(target[:, k], probabilities[:, k], sample_weight=WEIGHTS, labels=[0, 1]) for k in range(K)
    )
    assert found == pytest.approx(expected, rel=1e-13)
    z, t = torch.tensor(logits), torch.tensor(target, dtype=torch.float64)
    by_torch = torch.nn.functional.binary_cross_entropy_with_logits(z, t, reduction="sum") / N
    assert binary_cross_entropy(logits, target) == pytest.approx(by_torch.item(), rel=1e-13)


@each_output_count
def test_the_poisson_loss_is_half_of_scikit_learns_deviance(K):
    logits, target = problem("poisson", K)
    means = np.exp(logits)
    expected = sum(
        mean_poisson_deviance(target[:, k], means[:, k], sample_weight=WEIGHTS) / 2 for k in range(K)
    )
    assert poisson_loss(logits, target, sample_weight=WEIGHTS) == pytest.approx(expected, rel=1e-13)


def test_the_poisson_loss_is_the_likelihood_up_to_a_term_in_the_target():
    target = np.array([0, 1, 4, 9])
    at_target = scipy.stats.poisson.logpmf(target, np.maximum(target, 1e-300))
    for logits in (np.zeros(4), np.array([-3.0, 0.5, 1, 3])):
        expected = (at_target - scipy.stats.poisson.logpmf(target, np.exp(logits))).mean()
        assert poisson_loss(logits, target) == pytest.approx(expected, rel=1e-12)


def test_one_output_with_smoothing_is_two_of_a_softmax():
    logits, target = problem("binary", 1)
    two = np.hstack([np.zeros_like(logits), logits])
    for smoothing in (0.0, 0.3):
        assert binary_cross_entropy(logits, target, label_smoothing=smoothing) == pytest.approx(
            cross_entropy(two, target[:, 0], label_smoothing=smoothing), rel=1e-14
        )


@pytest.mark.parametrize(
    ("logit", "target", "loss"),
    [
        (1e4, 1, 0),
        (1e4, 0, 1e4),
        (-1e4, 1, 1e4),
        (-1e4, 0, 0),
        (INF, 1, 0),
        (-INF, 0, 0),
        (INF, 0, INF),
        (-INF, 1, INF),
        (NAN, 0, NAN),
        (40.0, 1, np.exp(-40)),
    ],
)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_binary_cross_entropy_of_large_logits(logit, target, loss, dtype):
    found = binary_cross_entropy(np.array([logit], dtype), [target])
    np.testing.assert_allclose(found, loss, rtol=1e-5 if dtype == np.float32 else 1e-14)


@pytest.mark.parametrize(
    ("logit", "target", "loss"), [(-INF, 0, 0), (-INF, 2, INF), (1e4, 0, INF), (NAN, 1, NAN), (0, 1, 0)]
)
def test_the_poisson_loss_at_its_limits(logit, target, loss):
    assert poisson_loss([float(logit)], [target]) == pytest.approx(loss, nan_ok=True)


@each_loss
def test_rows_of_weight_zero_take_no_part_and_dtypes_stay(name):
    loss, gradient = LOSSES[name]
    logits, target = problem(name, 2)
    spoiled = logits.astype(np.float32)
    spoiled[0] = NAN
    assert loss(spoiled, target, sample_weight=WEIGHTS) == pytest.approx(
        loss(logits[1:], target[1:], sample_weight=WEIGHTS[1:]), rel=1e-6
    )
    found = gradient(spoiled, target, sample_weight=WEIGHTS)
    assert found.dtype == np.float32 and found.shape == logits.shape
    assert not found[0].any() and np.isfinite(found).all()


@each_loss
def test_shapes_n_and_n_by_one_are_the_same(name):
    loss, gradient = LOSSES[name]
    logits, target = problem(name, 1)
    flat = logits[:, 0]
    assert loss(flat, target) == loss(logits, target[:, 0]) == loss(logits, target)
    np.testing.assert_array_equal(gradient(flat, target), gradient(logits, target)[:, 0])


def test_log_logistic_is_exact_below_and_agrees_with_the_rounded_function_above():
    z = np.array([-1e4, -745.2, -30, -1, -1e-9, 0, 1e-9, 1, 30, 40, 1e4])
    np.testing.assert_allclose(log_logistic(z), -np.logaddexp(0, -z), rtol=1e-14, atol=2e-16)
    np.testing.assert_array_equal(log_logistic([40.0, 50.0, INF]), 0)
    assert log_logistic(-INF) == -INF and np.isnan(log_logistic(NAN))
    assert log_logistic(np.float32([1, -1])).dtype == np.float32


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (
            lambda: binary_cross_entropy([0.0], [2]),
            "binary cross-entropy must lie from 0 to 1; got some from 2",
        ),
        (
            lambda: binary_cross_entropy([0.0], [NAN]),
            "binary cross-entropy must lie from 0 to 1; got some from n",
        ),
        (lambda: binary_cross_entropy_gradient([0.0], [-1]), "must lie from 0 to 1; got some from -1 to -1"),
        (
            lambda: binary_cross_entropy([0.0], [1], label_smoothing=1),
            "label_smoothing must be at least 0 and b",
        ),
        (
            lambda: poisson_loss([0.0], [-1]),
            "targets of the Poisson loss must be at least 0, as counts are; got -1",
        ),
        (
            lambda: poisson_loss_gradient([0.0], [NAN]),
            "Poisson loss must be at least 0, as counts are; got nan",
        ),
        (lambda: poisson_loss([], []), r"logits must have shape \(N, K\) or \(N,\), with N and K at least 1"),
        (lambda: poisson_loss(np.zeros((2, 2, 2)), 1), r"logits must have shape \(N, K\) or \(N,\)"),
        (
            lambda: poisson_loss(np.zeros((2, 3)), [1, 2]),
            r"target must have the shape of the logits, \(2, 3\)",
        ),
        (lambda: poisson_loss([0.0], [1], sample_weight=[1, 2]), "sample_weight must have a weight for each"),
    ],
)
def test_refuses(call, message):
    with pytest.raises(InvalidInput, match=message):
        call()
