"""Gradient descent with momentum against its equations, element by element, and scikit-learn's."""

import numpy as np
import pytest
from sklearn.neural_network._stochastic_optimizers import SGDOptimizer

from tests.optimizers.gradients import RATES, follow, gradient, start
from treadle.errors import InvalidInput
from treadle.optimizers import SGD


def by_the_equations(momentum, nesterov):
    """u <- mu u + g; w <- w - rate u, or Nesterov's w <- w - rate (g + mu u), in plain Python."""
    gradients = [gradient(step).flat.tolist() for step in range(1, len(RATES) + 1)]
    result = []
    for i, w in enumerate(start().flat.tolist()):
        u = 0.0
        for t, rate in enumerate(RATES, 1):
            g = gradients[t - 1][i]
            u = momentum * u + g
            w -= rate * (g + momentum * u) if nesterov else rate * u
        result.append((w, u))
    return np.array(result).T


@pytest.mark.parametrize("momentum", [0.0, 0.5, 0.9, 1.0])
@pytest.mark.parametrize("nesterov", [False, True])
def test_steps_are_those_of_the_equations(momentum, nesterov):
    w, u = by_the_equations(momentum, nesterov)
    parameters, moments = follow(SGD(momentum, nesterov), RATES)
    np.testing.assert_allclose(parameters.flat, w, rtol=1e-12, atol=1e-13)
    if momentum:
        np.testing.assert_allclose(moments["velocity"], u, rtol=1e-12, atol=1e-15)
    else:
        assert moments == {}


def test_a_look_ahead_that_is_left_out_is_seen():
    w, _ = by_the_equations(0.9, False)
    assert not np.allclose(follow(SGD(0.9), RATES)[0].flat, w, rtol=1e-12, atol=1e-13)


def test_nesterov_with_the_last_velocity_is_nesterovs_own_form():
    """In x = w + mu v, v the velocity times the rate: v <- mu v - rate grad(x), w <- w + v; quadratic f."""
    mu, rate, w, v = 0.9, 0.1, 5.0, 0.0
    x, u = 5.0, 0.0
    for _ in range(20):
        v = mu * v - rate * (w + mu * v)  # of f(w) = w^2 / 2, the gradient at the place looked ahead to
        w += v
        g = x
        u = mu * u + g
        x -= rate * (g + mu * u)
        assert x == pytest.approx(w + mu * v, rel=1e-12)


@pytest.mark.parametrize("nesterov", [False, True])
def test_sgd_takes_scikit_learns_path_while_the_rate_is_constant(nesterov):
    ours, _ = follow(SGD(0.9, nesterov), [0.05] * 30)
    theirs = start().flat
    optimizer = SGDOptimizer([theirs], 0.05, momentum=0.9, nesterov=nesterov)
    for step in range(1, 31):
        optimizer.update_params([theirs], [gradient(step).flat])
    np.testing.assert_allclose(ours.flat, theirs, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("momentum", [1.1, -0.1, float("nan")])
def test_a_momentum_out_of_range_is_refused(momentum):
    with pytest.raises(InvalidInput, match=f"momentum must be from 0 to 1; got {momentum}"):
        SGD(momentum=momentum)
