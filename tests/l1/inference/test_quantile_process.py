import numpy as np
import pytest

import treadle
from treadle.errors import InvalidInput
from treadle.l1 import quantile_process
from treadle.l1.dense.solve import solve


def data(n=300, seed=0):
    rng = np.random.default_rng(seed)
    X = rng.uniform(0, 2, (n, 2))
    return X, X @ [1.0, 2.0] + (0.5 + X[:, 0]) * rng.standard_normal(n)


def test_each_quantile_is_the_optimum_and_certified():
    X, y = data()
    c = np.random.default_rng(1).uniform(0.1, 2, len(y))
    quantiles = (0.9, 0.1, 0.5)
    process = treadle.l1.quantile_process(X, y, quantiles, sample_weight=c, alpha=0.01)
    assert process.quantiles.tolist() == [0.1, 0.5, 0.9]
    for i, tau in enumerate(process.quantiles):
        alone = solve(X, y, quantile=tau, sample_weight=c, alpha=0.01)
        assert abs(process.objectives[i] - alone.objective) <= 1e-12 * alone.objective
        assert process.certificates[i].verify(X, y, c)
        assert not process.certificates[i].verify(X, y[::-1], c)
    expected = X @ process.coefs.T + process.intercepts
    np.testing.assert_allclose(process.predict(X), expected)
    assert process.predict(X).shape == (300, 3)


def test_a_warm_start_takes_no_more_steps():
    X, y = data(20_000)
    quantiles = np.arange(0.1, 0.95, 0.1)
    process = quantile_process(X, y, quantiles)
    cold = sum(solve(X, y, quantile=tau).n_iter for tau in process.quantiles)
    assert sum(process.n_iter) <= cold


def test_the_share_of_rows_below_is_the_quantile():
    X, y = data()
    process = quantile_process(X, y, [0.1, 0.5, 0.9])
    below = (y[:, None] < process.predict(X) - 1e-9).mean(axis=0)
    at_most = (y[:, None] <= process.predict(X) + 1e-9).mean(axis=0)
    assert (below <= process.quantiles).all() and (at_most >= process.quantiles).all()


def test_crossings_are_counted_and_told():
    X, y = data(40)
    process = quantile_process(np.column_stack([X, X**2, np.sin(9 * X)]), y, [0.3, 0.35, 0.4, 0.5, 0.55])
    predicted = process.predict(np.column_stack([X, X**2, np.sin(9 * X)]))
    by_hand = (np.diff(predicted, axis=1) < -1e-12).sum(axis=0)
    assert process.crossings.tolist() == by_hand.tolist() and by_hand.sum() > 0
    i = int(np.argmax(by_hand))
    low, high = process.quantiles[i : i + 2]
    assert f"{low:g} and {high:g} cross in {by_hand[i]} of 40 rows" in str(process)
    assert "no two neighbours cross" not in str(process)


def test_what_does_not_cross_says_so_of_these_rows():
    X, y = data()
    process = quantile_process(X, y, [0.1, 0.5, 0.9])
    assert process.crossings.tolist() == [0, 0]
    assert str(process).splitlines()[-1] == "  no two neighbours cross in these rows"
    alone = quantile_process(X, y, [0.5], fit_intercept=False)
    assert alone.crossings.tolist() == [] and alone.intercepts.tolist() == [0.0]


@pytest.mark.parametrize("quantiles", [[], [0.5, 0.5], [0.0, 0.5], [0.5, 1.0], [np.nan], [-0.1]])
def test_quantiles_that_cannot_be_are_told(quantiles):
    with pytest.raises(InvalidInput, match="quantiles must be one or more different numbers between 0 and 1"):
        quantile_process(*data(), quantiles)


def test_rows_of_other_features_are_told():
    X, y = data()
    with pytest.raises(InvalidInput, match=r"X must be of shape \(N, 2\), as it was fitted; got \(300, 1\)"):
        quantile_process(X, y, [0.5]).predict(X[:, :1])
