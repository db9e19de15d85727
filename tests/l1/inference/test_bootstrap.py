"""Bootstraps: the covariance of refits that are drawn again here, by their definition."""

import math

import numpy as np
import pytest

from treadle.errors import InvalidInput
from treadle.l1.inference import bootstrap
from treadle.l1.inference.bootstrap import DRAWS, bootstrap_covariance


def medians(y, counts):
    """The weighted median, of which at an odd number of rows there is one."""
    order = np.argsort(y)
    return y[order][np.searchsorted(np.cumsum(counts[order]), counts.sum() / 2)]


@pytest.mark.parametrize("kind", ["pairs", "weighted"])
def test_the_covariance_of_a_constant_is_that_of_weighted_medians(kind):
    rng = np.random.default_rng(0)
    y = rng.standard_normal(41)
    found = bootstrap_covariance(np.ones((41, 1)), y, 0.5, kind, 30, seed=3)
    again = np.random.default_rng(3)
    refits = [medians(y, DRAWS[kind](again, 41)) for _ in range(30)]
    np.testing.assert_allclose(found.matrix, [[np.var(refits, ddof=1)]], rtol=1e-12)
    assert math.isnan(found.bandwidth) and math.isnan(found.sparsity)


def test_pairs_count_rows_and_weights_lose_none():
    counts = DRAWS["pairs"](np.random.default_rng(1), 50)
    assert counts.sum() == 50 and (counts == np.round(counts)).all() and (counts == 0).any()
    weights = DRAWS["weighted"](np.random.default_rng(1), 20000)
    assert (weights > 0).all()
    # The exponential distribution of mean 1, by its distribution function.
    assert np.mean(weights) == pytest.approx(1, abs=0.05)
    assert np.mean(weights <= 0.5) == pytest.approx(1 - math.exp(-0.5), abs=0.02)


def test_the_covariance_is_over_refits_and_symmetric():
    rng = np.random.default_rng(2)
    Z, y = np.column_stack([np.ones(60), rng.standard_normal(60)]), rng.standard_normal(60)
    coefs = []
    real = bootstrap.solve

    def noted(*arguments, **options):
        coefs.append(real(*arguments, **options).coef)
        return real(*arguments, **options)

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(bootstrap, "solve", noted)
        found = bootstrap_covariance(Z, y, 0.3, "weighted", 15, seed=0).matrix
    centred = np.array(coefs) - np.mean(coefs, axis=0)
    np.testing.assert_allclose(found, centred.T @ centred / 14, rtol=1e-10)


def test_one_refit_has_no_covariance():
    with pytest.raises(InvalidInput, match="n_bootstrap must be at least 2; got 1: a hundred or more are"):
        bootstrap_covariance(np.ones((5, 1)), np.arange(5.0), 0.5, "pairs", 1, seed=0)
