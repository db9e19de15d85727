"""Adam and AdamW against the papers' equations, element by element, and scikit-learn's Adam."""

import math

import numpy as np
import pytest
from sklearn.neural_network._stochastic_optimizers import AdamOptimizer

from tests.optimizers.gradients import NETWORK, RATES, follow, gradient, start
from treadle.errors import InvalidInput
from treadle.optimizers import Adam, AdamW


def by_the_paper(optimizer, decay=0.0):
    """Kingma and Ba (2015), algorithm 1, with Loshchilov and Hutter's decay (2019), in plain Python.

    m <- b1 m + (1 - b1) g,  v <- b2 v + (1 - b2) g^2,  w <- w - rate mhat / (sqrt(vhat) + epsilon), where
    mhat = m / (1 - b1^t) and vhat = v / (1 - b2^t); weights, not biases, lose rate x decay x w first.
    """
    parameters = start()
    result = []
    gradients = [gradient(step).flat.tolist() for step in range(1, len(RATES) + 1)]
    for i, w in enumerate(parameters.flat.tolist()):
        m = v = 0.0
        for t, rate in enumerate(RATES, 1):
            g = gradients[t - 1][i]
            if i < parameters.n_weights:
                w -= rate * decay * w
            m = optimizer.beta_1 * m + (1 - optimizer.beta_1) * g
            v = optimizer.beta_2 * v + (1 - optimizer.beta_2) * g * g
            m_hat, v_hat = m / (1 - optimizer.beta_1**t), v / (1 - optimizer.beta_2**t)
            w -= rate * m_hat / (math.sqrt(v_hat) + optimizer.epsilon)
        result.append((w, m, v))
    return np.array(result).T


@pytest.mark.parametrize(
    "optimizer",
    [Adam(), Adam(0.5, 0.9, 1e-3), Adam(0.0, 0.0, 0.1), AdamW(), AdamW(0.8, 0.99, 1e-4, weight_decay=0.3)],
    ids=str,
)
def test_steps_are_those_of_the_papers(optimizer):
    w, m, v = by_the_paper(optimizer, getattr(optimizer, "weight_decay", 0.0))
    parameters, moments = follow(optimizer, RATES)
    np.testing.assert_allclose(parameters.flat, w, rtol=1e-11, atol=1e-13)
    np.testing.assert_allclose(moments["m"], m, rtol=1e-11, atol=1e-18)
    np.testing.assert_allclose(moments["v"], v, rtol=1e-12)


def test_an_epsilon_off_by_a_ten_thousandth_is_seen():
    w, _, _ = by_the_paper(Adam(epsilon=1e-3 * 1.0001))
    assert not np.allclose(follow(Adam(epsilon=1e-3), RATES)[0].flat, w, rtol=1e-11, atol=1e-13)


def test_the_first_step_is_the_rate_whatever_the_gradients_scale():
    before = start()
    after, _ = follow(Adam(epsilon=1e-30), [0.01])
    step = after.flat - before.flat
    np.testing.assert_allclose(step, -0.01 * np.sign(gradient(1).flat), rtol=1e-9)
    assert NETWORK.n_parameters == step.size


def test_adam_is_scikit_learns_where_epsilon_does_not_count():
    ours, _ = follow(Adam(epsilon=1e-30), [0.05] * 30)
    theirs = start().flat
    optimizer = AdamOptimizer([theirs], 0.05, epsilon=1e-30)
    for step in range(1, 31):
        optimizer.update_params([theirs], [gradient(step).flat])
    np.testing.assert_allclose(ours.flat, theirs, rtol=1e-12, atol=1e-12)


def test_adamw_leaves_biases_to_adam():
    decayed, _ = follow(AdamW(weight_decay=0.5), RATES)
    plain, _ = follow(Adam(), RATES)
    np.testing.assert_array_equal(np.concatenate(decayed.biases), np.concatenate(plain.biases))
    assert all((a != b).all() for a, b in zip(decayed.weights, plain.weights, strict=True))


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Adam(beta_1=1.0), "beta_1 must be at least 0 and below 1; got 1.0"),
        (lambda: AdamW(beta_2=-0.1), "beta_2 must be at least 0 and below 1; got -0.1"),
        (lambda: Adam(beta_2=float("nan")), "beta_2 must be at least 0 and below 1; got nan"),
        (lambda: Adam(epsilon=0.0), "epsilon must be positive and finite; got 0.0"),
        (lambda: AdamW(weight_decay=-1.0), "weight_decay must be at least 0 and finite; got -1.0"),
        (lambda: AdamW(weight_decay=float("inf")), "weight_decay must be at least 0 and finite; got inf"),
    ],
)
def test_hyper_parameters_out_of_range_are_refused(make, message):
    with pytest.raises(InvalidInput, match=message):
        make()
