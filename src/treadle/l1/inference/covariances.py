r"""Four estimates of the coefficients' covariance, from one fit.

The fit is of N rows Z (N, P), with residuals r.

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
import warnings
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import solve_triangular
from scipy.special import ndtri

from treadle.data.progress import SILENT, Progress
from treadle.errors import InferenceWarning, InvalidInput
from treadle.l1.dense.solve import solve
from treadle.l1.inference.bandwidths import bandwidth, bandwidth_within
from treadle.l1.inference.parametric_path import Table, Vertex, kinks, vertex_of

Matrix = NDArray[np.float64]
ROUNDING = 64 * float(np.finfo(np.float64).eps)  # of a fitted value, relative to the sizes that it sums
MOST = 0.75  # of what is known of a combination of coefficients: without it errors are up to 4 times as large
VAGUE = 0.1  # of a slope: what others that are as good may differ by, untold


class Covariance(NamedTuple):
    """A covariance estimate (P, P), its bandwidth and its sparsity.

    The sparsity is 1 / f where there is one f.
    """

    matrix: Matrix
    bandwidth: float
    sparsity: float


def inverse_gram(Z: Matrix) -> Matrix:
    """Compute (Z'Z)^-1 through a QR decomposition.

    Z'Z itself would lose twice the digits.
    """
    R = np.linalg.qr(Z, mode="r")
    inverse = solve_triangular(R, np.eye(len(R)))
    return np.asarray(inverse @ inverse.T)


def iid_covariance(Z: Matrix, r: Matrix, quantile: float, bandwidth_name: str) -> Covariance:
    """iid: estimate the sparsity by the slope of ordered residuals.

    It is the slope of a median regression of these on their ranks. The residuals are those nearest to zero,
    as many as the bandwidth says, without those that are zero because the fit goes through them. Of several
    slopes that are as good, one, with a warning if they differ.
    """
    N, P = Z.shape
    h = bandwidth(bandwidth_name, N, quantile)
    n_zero = int(np.sum(r == 0))
    n_near = min(max(P + 1, math.ceil(N * h)) + 1, N - n_zero)
    if n_near < 3:
        raise InvalidInput(
            f"there are {n_near} residuals to estimate a density from: too few of {N} rows, or too many that "
            "the fit goes through; bootstrap needs no density"
        )
    ranks = np.arange(n_zero, n_zero + n_near)
    near = np.sort(r[np.argsort(np.abs(r), kind="stable")[ranks]])
    table = Table.of(np.column_stack([np.ones(n_near), (ranks + 1.0) / (N - P)]), near, 0.5, np.zeros(n_near))
    vertex = vertex_of(table, np.zeros(2))
    if vertex is None:
        raise InvalidInput(
            f"the {n_near} residuals nearest to zero differ by too many orders of magnitude for a slope; "
            "take method='nid' or a bootstrap"
        )
    sparsity = float(table.residuals(vertex.basis).w[1])
    least, most = (_flat_until(table, vertex, sign) for sign in (-1, 1))
    if most - least > VAGUE * abs(sparsity):
        warnings.warn(
            f"the sparsity of iid is a slope through {n_near} residuals, {sparsity:.4g}, and others from "
            f"{least:.4g} to {most:.4g} are as good: its standard errors may be as much larger or smaller; "
            "take method='nid' or a bootstrap",
            InferenceWarning,
            stacklevel=4,
        )
    return Covariance(sparsity**2 * quantile * (1 - quantile) * inverse_gram(Z), h, sparsity)


def _flat_until(table: Table, vertex: Vertex, sign: int) -> float:
    """Return how far the slope may move until the loss grows.

    The slope moves up (``sign`` 1) or down (-1).
    """
    path = kinks(table, vertex, 1, sign)
    here = next(path)
    return here.at if here.gain > 0 else next(path).at


def conditional_densities(
    Z: Matrix,
    r: Matrix,
    rounding: Matrix,
    quantile: float,
    bandwidth_name: str,
    progress: Progress = SILENT,
) -> tuple[Matrix, float]:
    """Estimate f (N,) of Hendricks and Koenker; return the bandwidth too.

    f is 0 where the two quantiles cross.

    If the rows where they cross hold most of what is known of some combination of the coefficients, as a few
    rows far longer than the others may, f = 0 would leave almost nothing of it: these rows then have the mean
    density of the others, with a warning.

    Parameters
    ----------
    Z : ndarray of shape (N, P)
    r : ndarray of shape (N,)
        Residuals of any fit: a quantile of the residuals is that of the targets, less the fit.
    rounding : ndarray of shape (N,)
        Of a fitted value.
    progress : Progress
        Says so where it takes long.
    """
    h = bandwidth_within(bandwidth_name, len(r), quantile)
    beside = []
    with progress.counted("densities", 2) as step:
        for q in (quantile + h, quantile - h):
            beside.append(solve(Z, r, quantile=q, fit_intercept=False).coef)
            step()
    high, low = beside
    apart = Z @ (high - low)
    known = apart > 2 * rounding + ROUNDING * (np.abs(Z) @ (np.abs(high) + np.abs(low)))
    if not known.any():
        raise InvalidInput(
            f"the quantiles {quantile - h:.3g} and {quantile + h:.3g} meet or cross in every row: there is "
            "no density to estimate; take a bootstrap"
        )
    f = np.zeros(len(r))
    f[known] = 2 * h / apart[known]
    share = _share_of(Z, ~known)
    if share > MOST:
        warnings.warn(
            f"the quantiles {quantile - h:.3g} and {quantile + h:.3g} cross in {np.sum(~known)} of {len(r)} "
            f"rows, which hold {share:.0%} of what is known of some coefficients: these rows are given the "
            "mean density of the others; compare method='rank' or a bootstrap",
            InferenceWarning,
            stacklevel=4,
        )
        f[~known] = 2 * h / apart[known].mean()
    return f, h


def _share_of(Z: Matrix, some: NDArray[np.bool_]) -> float:
    """Return the largest share of d'Z'Z d that some rows have.

    It is d'Z_some'Z_some d / d'Z'Z d, over all d.
    """
    if not some.any():
        return 0.0
    Q = np.linalg.qr(Z)[0][some]
    return float(np.linalg.eigvalsh(Q.T @ Q)[-1])


def nid_covariance(
    Z: Matrix,
    r: Matrix,
    rounding: Matrix,
    quantile: float,
    bandwidth_name: str,
    progress: Progress = SILENT,
) -> Covariance:
    """nid: estimate each row's density from the two quantiles beside this one."""
    f, h = conditional_densities(Z, r, rounding, quantile, bandwidth_name, progress)
    H_inverse = inverse_gram(np.sqrt(f)[:, None] * Z)
    matrix = quantile * (1 - quantile) * H_inverse @ (Z.T @ Z) @ H_inverse
    return Covariance(matrix, h, math.nan)


def kernel_density(r: Matrix, y: Matrix, quantile: float, bandwidth_name: str) -> tuple[float, float]:
    """Estimate f at zero and the bandwidth, as statsmodels does.

    The bandwidth is in units of y.
    """
    h = bandwidth_within(bandwidth_name, len(r), quantile)
    low, high = np.quantile(r, [0.25, 0.75])
    width = min(np.std(y), (high - low) / 1.34) * (ndtri(quantile + h) - ndtri(quantile - h))
    if not width > 0:
        raise InvalidInput(
            "at least half of the residuals are equal: a kernel finds no density at zero; take method='nid' "
            "or a bootstrap"
        )
    u = r / width
    density = np.sum(np.where(np.abs(u) <= 1, 0.75 * (1 - u**2), 0.0)) / (len(r) * width)
    return float(density), float(width)


def kernel_covariance(Z: Matrix, y: Matrix, r: Matrix, quantile: float, bandwidth_name: str) -> Covariance:
    """kernel: statsmodels' ``vcov="iid"``."""
    f, width = kernel_density(r, y, quantile, bandwidth_name)
    return Covariance(quantile * (1 - quantile) / f**2 * inverse_gram(Z), width, 1 / f)


def robust_covariance(Z: Matrix, y: Matrix, r: Matrix, quantile: float, bandwidth_name: str) -> Covariance:
    """robust: statsmodels' ``vcov="robust"``, after Greene (2008)."""
    f, width = kernel_density(r, y, quantile, bandwidth_name)
    root = np.where(r > 0, quantile / f, (1 - quantile) / f)
    bread = inverse_gram(Z)
    scaled = root[:, None] * Z
    return Covariance(bread @ (scaled.T @ scaled) @ bread, width, 1 / f)
