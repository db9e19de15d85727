"""statsmodels' QuantReg: iteratively reweighted least squares."""

import warnings

import numpy as np
from statsmodels.regression.quantile_regression import QuantReg

name = "statsmodels QuantReg"
packages = ("statsmodels",)


def fit(X, y):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return np.asarray(QuantReg(y, np.column_stack([np.ones(len(y)), X])).fit(q=0.5).params)
