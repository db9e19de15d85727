"""scikit-learn's QuantileRegressor without a penalty, by HiGHS."""

import numpy as np
from sklearn.linear_model import QuantileRegressor

name = "scikit-learn QuantileRegressor"
packages = ("scikit-learn", "scipy")


def fit(X, y):
    model = QuantileRegressor(quantile=0.5, alpha=0, solver="highs").fit(X, y)
    return np.append(model.intercept_, model.coef_)
