"""Random and degenerate regressions, and HiGHS's optimum of the linear program, for the tests of l1/."""

import numpy as np
import scipy.optimize


def contaminated(n, d, seed=0):
    """t noise with 1.5 degrees of freedom, 5 % gross outliers and .1 % leverage rows."""
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, d))
    y = X @ rng.normal(size=d) + 1 + rng.standard_t(1.5, size=n)
    outliers = rng.random(n) < 0.05
    y[outliers] += rng.normal(size=outliers.sum(), scale=100)
    X[rng.random(n) < 0.001] *= 100
    return X, y


def highs_optimum(X, y, quantile=0.5, weight=None, alpha=0.0, fit_intercept=True):
    """The least of sum c 2 rho(y - Xw - b) + 2 alpha (sum c) |w|, by HiGHS on the primal program."""
    X, y = np.asarray(X, float), np.asarray(y, float)
    weight = np.ones(len(y)) if weight is None else weight
    n, d = X.shape
    # w+, w-, b, r+, r-
    penalty = np.full(2 * d, 2 * alpha * weight.sum())
    cost = np.concatenate([penalty, [0], 2 * quantile * weight, 2 * (1 - quantile) * weight])
    A = np.hstack([X, -X, np.full((n, 1), float(fit_intercept)), np.eye(n), -np.eye(n)])
    bounds = [(0, None)] * (2 * d) + [(None, None)] + [(0, None)] * (2 * n)
    found = scipy.optimize.linprog(cost, A_eq=A, b_eq=y, bounds=bounds, method="highs")
    assert found.status == 0, found.message
    return found.fun


def highs_dual(Z, y, low, high, g):
    """max y'u, Z'u = -g, low <= u <= high: the least of sum max(low r, high r) - g'w, and w, by HiGHS.

    None in place of both if no u is feasible, so that the objective has no least value.
    """
    found = scipy.optimize.linprog(
        -np.asarray(y), A_eq=Z.T, b_eq=-np.asarray(g), bounds=np.column_stack([low, high]), method="highs"
    )
    if found.status == 2:
        return None
    assert found.status == 0, found.message
    return -found.fun, -found.eqlin.marginals


def objective(X, y, coef, intercept, quantile=0.5, weight=None, alpha=0.0):
    """That of ``treadle.l1.dense.solve``, summed by math.fsum's rival, longdouble."""
    X, y = np.asarray(X, np.longdouble), np.asarray(y, np.longdouble)
    weight = np.ones(len(y)) if weight is None else weight
    r = y - X @ np.asarray(coef, np.longdouble) - intercept
    loss = weight * 2 * np.maximum(quantile * r, (quantile - 1) * r)
    return float(loss.sum() + 2 * alpha * weight.sum() * np.abs(coef).sum())
