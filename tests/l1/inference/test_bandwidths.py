"""Bandwidths: against statsmodels' formulas and the literature's, and within the quantiles there are."""

import math

import pytest
from scipy.stats import norm
from statsmodels.regression.quantile_regression import bofinger, chamberlain, hall_sheather

from treadle.errors import InvalidInput
from treadle.l1.inference.bandwidths import BANDWIDTHS, bandwidth, bandwidth_within


@pytest.mark.parametrize("quantile", [0.05, 0.3, 0.5, 0.9])
def test_hall_and_sheather_and_chamberlain_are_those_of_statsmodels(quantile):
    for n in (10, 1000):
        assert bandwidth("hall_sheather", n, quantile) == pytest.approx(hall_sheather(n, quantile))
        assert bandwidth("chamberlain", n, quantile) == pytest.approx(chamberlain(n, quantile))


def test_bofinger_is_that_of_statsmodels_at_the_median_alone():
    """There phi(2 z) is phi(z)."""
    assert bandwidth("bofinger", 500, 0.5) == pytest.approx(bofinger(500, 0.5))
    assert bandwidth("bofinger", 500, 0.8) != pytest.approx(bofinger(500, 0.8), rel=1e-2)


@pytest.mark.parametrize("quantile", [0.2, 0.5, 0.95])
def test_bofinger_is_the_least_of_the_density_estimates_mean_squared_error(quantile):
    """Of the sparsity s = Q' it is (4.5 s(t)^2 / s''(t)^2 / n)^(1/5), with s'' by differences of Q."""
    t, e = quantile, 1e-3

    def s(u):
        return (norm.ppf(u + 1e-5) - norm.ppf(u - 1e-5)) / 2e-5

    second = (s(t + e) - 2 * s(t) + s(t - e)) / e**2
    assert bandwidth("bofinger", 700, t) == pytest.approx(
        (4.5 * s(t) ** 2 / second**2 / 700) ** 0.2, rel=1e-3
    )


def test_bandwidths_by_hand():
    # Koenker (2005), section 3.4.2, at the median, where z = 0 and phi = 1 / sqrt(2 pi).
    assert math.isclose(
        bandwidth("hall_sheather", 1000, 0.5),
        1000 ** (-1 / 3) * norm.ppf(0.975) ** (2 / 3) * (1.5 / (2 * math.pi)) ** (1 / 3),
    )
    assert math.isclose(bandwidth("bofinger", 1000, 0.5), (4.5 / (4 * math.pi**2) / 1000) ** 0.2)


@pytest.mark.parametrize("quantile", [0.001, 0.02, 0.5, 0.999])
@pytest.mark.parametrize("name", BANDWIDTHS)
def test_a_bandwidth_stays_within_zero_and_one(quantile, name):
    h = bandwidth_within(name, 20, quantile)
    assert quantile - h > 0 and quantile + h < 1
    halvings = math.log2(bandwidth(name, 20, quantile) / h)
    assert halvings == round(halvings) >= 0
    assert halvings == 0 or not 0 < quantile - 2 * h < quantile + 2 * h < 1
    assert bandwidth(name, 10**9, 0.5) < bandwidth(name, 10**4, 0.5)


def test_other_names_are_refused():
    with pytest.raises(InvalidInput, match="one of hall_sheather, bofinger, chamberlain; got 'silver'"):
        bandwidth("silver", 100, 0.5)
