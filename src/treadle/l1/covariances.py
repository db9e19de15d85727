r"""Four estimates of the covariance of the coefficients, from one fit of N rows Z (N, P) and residuals r.

With D = Z'Z, and f_i the density of the error of row i at its quantile::

    iid      s^2 tau (1 - tau) D^-1            s: the slope of the ordered residuals about zero
    nid      tau (1 - tau) H^-1 D H^-1         H = Z' diag(f) Z,  f_i = 2 h / z_i'(w(tau + h) - w(tau - h))
    kernel   f^-2 tau (1 - tau) D^-1           f: a kernel's density of all residuals at zero
    robust   D^-1 Z' diag(d) Z D^-1            d_i = (tau / f)^2 if r_i > 0, else ((1 - tau) / f)^2

Sources: Koenker and Bassett (1978) for iid; Hendricks and Koenker (1991) for nid; both in the form of
summary.rq of R's quantreg. kernel and robust are ``vcov="iid"`` and ``vcov="robust"`` of statsmodels'
QuantReg, with the Epanechnikov kernel. Only nid holds where the spread of the errors depends on Z.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import solve_triangular
from scipy.special import ndtri

from treadle.errors import InvalidInput
from treadle.l1.bandwidths import bandwidth
from treadle.l1.solve import solve

Matrix = NDArray[np.float64]


class Covariance(NamedTuple):
    """The estimate (P, P), the bandwidth that it took, and the sparsity 1 / f where there is one f."""

    matrix: Matrix
    bandwidth: float
    sparsity: float


def inverse_gram(Z: Matrix) -> Matrix:
    """(Z'Z)^-1 through a QR decomposition, which loses half the digits that Z'Z would."""
    R = np.linalg.qr(Z, mode="r")
    inverse = solve_triangular(R, np.eye(len(R)))
    return np.asarray(inverse @ inverse.T)


def iid_covariance(Z: Matrix, r: Matrix, quantile: float, bandwidth_name: str, level: float) -> Covariance:
    """iid: the sparsity is the slope of a median regression of ordered residuals on their ranks.

    The residuals are those nearest to zero, as many as the bandwidth says, without those that are zero
    because the fit goes through them.
    """
    N, P = Z.shape
    h = bandwidth(bandwidth_name, N, quantile, level)
    n_zero = int(np.sum(r == 0))
    n_near = min(max(P + 1, math.ceil(N * h)) + 1, N - n_zero)
    if n_near < 3:
        raise InvalidInput(
            f"there are {n_near} residuals to estimate a density from: too few of {N} rows, or too many that "
            "the fit goes through; bootstrap needs no density"
        )
    ranks = np.arange(n_zero, n_zero + n_near)
    near = np.sort(r[np.argsort(np.abs(r), kind="stable")[ranks]])
    sparsity = float(solve((ranks[:, None] + 1.0) / (N - P), near).coef[0])
    return Covariance(sparsity**2 * quantile * (1 - quantile) * inverse_gram(Z), h, sparsity)


def conditional_densities(Z: Matrix, y: Matrix, quantile: float, bandwidth_name: str, level: float) -> Any:
    """f (N,) of Hendricks and Koenker, 0 where the two quantiles cross, and the bandwidth."""
    h = bandwidth(bandwidth_name, len(y), quantile, level)
    high, low = (solve(Z, y, quantile=q, fit_intercept=False).coef for q in (quantile + h, quantile - h))
    apart = Z @ (high - low)
    smallest = np.finfo(float).eps ** (2 / 3) * max(np.abs(y).max(), 1e-300)
    return np.where(apart > smallest, 2 * h / np.maximum(apart, smallest), 0.0), h


def nid_covariance(Z: Matrix, y: Matrix, quantile: float, bandwidth_name: str, level: float) -> Covariance:
    """nid: the density of each row from the two quantiles beside this one."""
    f, h = conditional_densities(Z, y, quantile, bandwidth_name, level)
    weighted = np.sqrt(f)[:, None] * Z
    if np.linalg.matrix_rank(weighted) < Z.shape[1]:
        raise InvalidInput(
            f"the quantiles {quantile - h:.3g} and {quantile + h:.3g} cross in so many rows that too few are "
            "left to estimate densities from; take method='iid' or a bootstrap"
        )
    H_inverse = inverse_gram(weighted)
    matrix = quantile * (1 - quantile) * H_inverse @ (Z.T @ Z) @ H_inverse
    return Covariance(matrix, h, math.nan)


def kernel_density(r: Matrix, y: Matrix, quantile: float, bandwidth_name: str, level: float) -> Any:
    """f at zero, and the bandwidth in units of y, as statsmodels computes both."""
    h = bandwidth(bandwidth_name, len(r), quantile, level)
    low, high = np.quantile(r, [0.25, 0.75])
    width = min(np.std(y), (high - low) / 1.34) * (ndtri(quantile + h) - ndtri(quantile - h))
    if not width > 0:
        raise InvalidInput(
            "at least half of the residuals are equal: a kernel finds no density at zero; take method='nid' "
            "or a bootstrap"
        )
    u = r / width
    return np.sum(np.where(np.abs(u) <= 1, 0.75 * (1 - u**2), 0.0)) / (len(r) * width), width


def kernel_covariance(
    Z: Matrix, y: Matrix, r: Matrix, quantile: float, bandwidth_name: str, level: float
) -> Covariance:
    """kernel: statsmodels' ``vcov="iid"``."""
    f, width = kernel_density(r, y, quantile, bandwidth_name, level)
    return Covariance(quantile * (1 - quantile) / f**2 * inverse_gram(Z), width, 1 / f)


def robust_covariance(
    Z: Matrix, y: Matrix, r: Matrix, quantile: float, bandwidth_name: str, level: float
) -> Covariance:
    """robust: statsmodels' ``vcov="robust"``, after Greene (2008)."""
    f, width = kernel_density(r, y, quantile, bandwidth_name, level)
    root = np.where(r > 0, quantile / f, (1 - quantile) / f)
    bread = inverse_gram(Z)
    scaled = root[:, None] * Z
    return Covariance(bread @ (scaled.T @ scaled) @ bread, width, 1 / f)
