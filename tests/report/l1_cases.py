"""An L1 fit of rows with planted outliers, beside least squares."""

import numpy as np

from treadle import LADRegressor
from treadle.report.l1_comparison import compare


def fitted(n=60, d=1, quantile=0.5, n_outliers=3, seed=0):
    """The model, its rows and targets, and the comparison; the first n_outliers rows are outliers."""
    rng = np.random.default_rng(seed)
    X = rng.uniform(0, 10, (n, d))
    y = X.sum(axis=1) + rng.standard_normal(n)
    y[:n_outliers] += 30
    model = LADRegressor(quantile).fit(X, y)
    return model, X, y, compare(model, X, y)
