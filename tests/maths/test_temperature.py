import math

import numpy as np
import pytest
from scipy.optimize import minimize_scalar

from treadle.errors import InvalidInput
from treadle.maths.activations import logistic
from treadle.maths.losses import cross_entropy
from treadle.maths.softmax import softmax
from treadle.maths.temperature import best_temperature


def overconfident(K, n=400, by=2.5, seed=0):
    """Logits that are by times too large, and labels drawn from the probabilities before."""
    rng = np.random.default_rng(seed)
    honest = rng.normal(size=(n, K)) * 2
    cumulated = softmax(honest).cumsum(axis=1)
    return honest * by, (rng.random((n, 1)) > cumulated).sum(axis=1).clip(max=K - 1)


def entropy_at(logits, y, weights=None):
    """-log softmax(z / T) at the labels, from its definition, in long double."""
    z = logits.astype(np.longdouble)
    w = np.ones(len(y)) if weights is None else weights

    def value(T):
        terms = np.log(np.exp(z / T).sum(axis=1)) - z[np.arange(len(y)), y] / T
        return float((w * terms).sum() / w.sum())

    return value


@pytest.mark.parametrize("K", [2, 3, 10])
@pytest.mark.parametrize("weighted", [False, True])
def test_it_is_where_the_cross_entropy_is_least(K, weighted):
    logits, y = overconfident(K)
    weights = np.random.default_rng(1).uniform(0, 2, len(y)) if weighted else None
    found = best_temperature(logits, y, weights)
    value = entropy_at(logits, y, weights)
    least = minimize_scalar(value, bounds=(0.1, 20), method="bounded", options={"xatol": 1e-10})
    assert abs(found - least.x) <= 1e-5 * found  # a minimum is flat: half the digits
    assert value(found) <= least.fun + 1e-14
    assert value(found) <= min(value(found * (1 + h)) for h in (-1e-6, 1e-6))


def test_labels_of_the_honest_probabilities_give_back_the_factor():
    logits, y = overconfident(5, n=20_000)
    assert abs(best_temperature(logits, y) - 2.5) <= 0.1
    assert abs(best_temperature(logits / 10, y) - 0.25) <= 0.01


def test_logistic_outputs_are_each_a_pair_of_classes():
    logits, y = overconfident(2)
    difference = logits[:, 1:] - logits[:, :1]
    both = best_temperature(difference, y[:, None], output="logistic")
    assert abs(both - best_temperature(logits, y)) <= 1e-7 * both
    p = logistic(difference / both)
    slope = np.sum(difference * (p - y[:, None]))
    assert abs(slope) <= 1e-6 * np.abs(difference).sum()


def test_calibrated_it_is_calibrated_no_further():
    logits, y = overconfident(4)
    again = best_temperature(logits / best_temperature(logits, y), y)
    assert abs(again - 1) <= 1e-7


@pytest.mark.parametrize(
    ("logits", "y", "bound", "why"),
    [
        ([[2.0, 0.0], [0.0, 1.0]], [0, 1], 0.01, "falls for ever as T does: every row is classified right"),
        ([[2.0, 0.0], [0.0, 1.0]], [1, 0], 100, "falls for ever as T rises: the logits say the opp"),
        ([[1.0, 1.0]], [0], 1, "it does not depend on T"),
        ([[1e300, 0.0]], [0], 1, "it does not depend on T"),
    ],
)
def test_without_a_minimum_it_warns_and_takes_the_bound(logits, y, bound, why):
    with pytest.warns(UserWarning, match=rf"no temperature from 0\.01 to 100 minimises .*{why}"):
        assert best_temperature(np.array(logits), np.array(y)) == bound


@pytest.mark.parametrize(
    ("logits", "output", "message"),
    [
        (np.ones((2, 2)), "identity", "a temperature is for outputs softmax and logistic; got 'identity'"),
        (np.ones((0, 2)), "softmax", r"with at least one row; got shape \(0, 2\)"),
        (np.ones(2), "softmax", r"of shape \(N, K\) with at least one row; got shape \(2,\)"),
        (np.full((2, 2), math.nan), "softmax", r"got shape \(2, 2\) with NaN or infinite numbers"),
    ],
)
def test_nonsense_is_refused(logits, output, message):
    with pytest.raises(InvalidInput, match=message):
        best_temperature(logits, np.zeros(len(logits), int), output=output)


def test_it_lowers_the_cross_entropy_and_keeps_the_order():
    logits, y = overconfident(6)
    T = best_temperature(logits, y)
    assert cross_entropy(logits / T, y) < cross_entropy(logits, y)
    np.testing.assert_array_equal(logits.argmax(axis=1), (logits / T).argmax(axis=1))
