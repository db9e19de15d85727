"""Covariances from one fit: each formula by NumPy's own inverses, densities by hand, and its warnings."""

import math
import warnings

import numpy as np
import pytest
import scipy.optimize
from scipy.stats import norm

from treadle.errors import InferenceWarning, InvalidInput
from treadle.l1.inference import covariances
from treadle.l1.inference.bandwidths import bandwidth, bandwidth_within
from treadle.l1.inference.covariances import (
    conditional_densities,
    iid_covariance,
    inverse_gram,
    kernel_covariance,
    kernel_density,
    nid_covariance,
    robust_covariance,
)


def fit(n=120, quantile=0.5, seed=0, spread=0.5):
    """Rows, and residuals of the quantile by a linear program."""
    rng = np.random.default_rng(seed)
    Z = np.column_stack([np.ones(n), rng.uniform(0, 2, n)])
    y = Z @ [1.0, 2.0] + (1 + spread * Z[:, 1]) * rng.standard_t(3, n)
    return Z, y, y - Z @ quantile_coefs(Z, y, quantile)


def quantile_coefs(Z, y, quantile):
    n, p = Z.shape
    cost = np.concatenate([np.zeros(2 * p), np.full(n, quantile), np.full(n, 1 - quantile)])
    A = np.hstack([Z, -Z, np.eye(n), -np.eye(n)])
    x = scipy.optimize.linprog(cost, A_eq=A, b_eq=y, method="highs").x
    return x[:p] - x[p : 2 * p]


def test_the_inverse_of_a_gram_matrix_keeps_half_the_digits_more():
    rng = np.random.default_rng(0)
    Z = rng.standard_normal((30, 3)) * [1, 1e-3, 1e3]
    np.testing.assert_allclose(inverse_gram(Z), np.linalg.inv(Z.T @ Z), rtol=1e-6)
    # Columns 1 and 1 + 1e-9 t: Z'Z is singular to double precision, Z is not; det = n (sum of t^2) 1e-18.
    t = np.tile([1.0, -1.0], 50)
    near = np.column_stack([np.ones(100), 1 + 1e-9 * t])
    assert inverse_gram(near)[1, 1] == pytest.approx(1 / (1e-18 * 100), rel=1e-5)


@pytest.mark.parametrize("quantile", [0.25, 0.5])
def test_iid_is_the_slope_of_ordered_residuals_by_a_linear_program(quantile):
    Z, _, r = fit(quantile=quantile)
    r = np.where(np.abs(r) < 1e-9, 0.0, r)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", InferenceWarning)
        found = iid_covariance(Z, r, quantile, "hall_sheather")
    h = bandwidth("hall_sheather", 120, quantile)
    n_zero = int((r == 0).sum())
    n_near = max(3, math.ceil(120 * h)) + 1
    near = np.sort(sorted(r, key=abs)[n_zero : n_zero + n_near])
    places = (np.arange(n_zero, n_zero + n_near) + 1) / (120 - 2)
    line = np.column_stack([np.ones(n_near), places])
    best = np.abs(near - line @ quantile_coefs(line, near, 0.5)).sum()
    ours = min(np.abs(near - a - found.sparsity * places).sum() for a in near - found.sparsity * places)
    assert ours == pytest.approx(best)
    expected = found.sparsity**2 * quantile * (1 - quantile) * np.linalg.inv(Z.T @ Z)
    np.testing.assert_allclose(found.matrix, expected, rtol=1e-9)
    assert found.bandwidth == h


def test_iid_needs_residuals_that_are_not_zero():
    Z, _, r = fit(n=10)
    with pytest.raises(InvalidInput, match="there are 2 residuals to estimate a density from: too few of 10"):
        iid_covariance(Z, np.where(np.arange(10) < 8, 0.0, r), 0.5, "hall_sheather")


def test_a_slope_that_others_are_as_good_as_is_warned_of(monkeypatch):
    # Lines through the first and third, and the second and fourth, have the same absolute errors.
    Z, r = np.ones((4, 1)), np.array([-3.0, 1.0, 3.0, 4.0])
    with pytest.warns(
        InferenceWarning, match=r"a slope through 4 residuals, 9, and others from 4\.5 to 9 are as"
    ):
        iid_covariance(Z, r, 0.5, "hall_sheather")
    monkeypatch.setattr(covariances, "vertex_of", lambda table, tilt: None)
    with pytest.raises(InvalidInput, match="the 4 residuals nearest to zero differ by too many orders of"):
        iid_covariance(Z, r, 0.5, "hall_sheather")


def test_densities_are_the_slope_between_two_quantiles_of_linear_programs():
    Z, _, r = fit()
    f, h = conditional_densities(Z, r, np.zeros(120), 0.5, "hall_sheather")
    assert h == bandwidth_within("hall_sheather", 120, 0.5)
    apart = Z @ (quantile_coefs(Z, r, 0.5 + h) - quantile_coefs(Z, r, 0.5 - h))
    assert (apart > 0).all()
    np.testing.assert_allclose(f, 2 * h / apart, rtol=1e-7)


def test_nid_is_its_sandwich():
    Z, _, r = fit()
    f, h = conditional_densities(Z, r, np.zeros(120), 0.5, "bofinger")
    H_inverse = np.linalg.inv(Z.T @ (f[:, None] * Z))
    expected = 0.25 * H_inverse @ (Z.T @ Z) @ H_inverse
    found = nid_covariance(Z, r, np.zeros(120), 0.5, "bofinger")
    np.testing.assert_allclose(found.matrix, expected, rtol=1e-9)
    assert found.bandwidth == h and math.isnan(found.sparsity)


def test_quantiles_that_meet_everywhere_have_no_density():
    Z = np.ones((40, 1))
    with pytest.raises(InvalidInput, match=r"the quantiles 0\.\d+ and 0\.\d+ meet or cross in every row"):
        conditional_densities(Z, np.zeros(40), np.zeros(40), 0.5, "hall_sheather")


def test_rounding_of_fitted_values_is_no_distance_between_quantiles():
    Z, _, r = fit()
    apart = (
        2
        * bandwidth_within("hall_sheather", 120, 0.5)
        / conditional_densities(Z, r, np.zeros(120), 0.5, "hall_sheather")[0]
    )
    rounding = np.where(np.arange(120) < 5, apart, 0.0)
    f, _ = conditional_densities(Z, r, rounding, 0.5, "hall_sheather")
    assert (f[:5] == 0).all() and (f[5:] > 0).all()


def test_rows_that_hold_most_of_a_coefficient_get_the_mean_density():
    """One row has all of the second column; its quantiles are called crossed by its rounding."""
    Z, _, r = fit()
    Z = np.column_stack([np.ones(120), np.arange(120) == 7])
    with pytest.warns(InferenceWarning, match="cross in 1 of 120 rows, which hold 100% of what is known"):
        f, _ = conditional_densities(Z, r, 1e9 * Z[:, 1], 0.5, "hall_sheather")
    np.testing.assert_allclose(f[7], f[0], rtol=1e-9)


def epanechnikov(r, width):
    total = 0.0
    for value in r:
        u = value / width
        total += 0.75 * (1 - u * u) if -1 <= u <= 1 else 0.0
    return total / (len(r) * width)


@pytest.mark.parametrize("quantile", [0.3, 0.5])
def test_a_kernels_density_and_both_covariances_are_their_formulas(quantile):
    Z, y, r = fit(quantile=quantile)
    h = bandwidth_within("chamberlain", 120, quantile)
    ordered = np.sort(r)
    low, high = (np.interp(q * 119, np.arange(120), ordered) for q in (0.25, 0.75))
    spread = min(math.sqrt(np.mean((y - y.mean()) ** 2)), (high - low) / 1.34)
    width = spread * (norm.ppf(quantile + h) - norm.ppf(quantile - h))
    f = epanechnikov(r, width)
    assert kernel_density(r, y, quantile, "chamberlain") == pytest.approx((f, width))
    D = np.linalg.inv(Z.T @ Z)
    found = kernel_covariance(Z, y, r, quantile, "chamberlain")
    np.testing.assert_allclose(found.matrix, quantile * (1 - quantile) / f**2 * D, rtol=1e-9)
    assert found.sparsity == pytest.approx(1 / f)
    d = np.where(r > 0, (quantile / f) ** 2, ((1 - quantile) / f) ** 2)
    robust = robust_covariance(Z, y, r, quantile, "chamberlain")
    np.testing.assert_allclose(robust.matrix, D @ (Z.T @ (d[:, None] * Z)) @ D, rtol=1e-9)


def test_residuals_of_which_half_are_equal_have_no_kernel_density():
    r = np.where(np.arange(40) < 32, 0.0, np.arange(40))
    with pytest.raises(InvalidInput, match="at least half of the residuals are equal: a kernel finds no"):
        kernel_density(r, np.arange(40.0), 0.5, "hall_sheather")
