"""pinball-qr's QuantileRegressor by its method pfn."""

import numpy as np
from pinball import QuantileRegressor

name = "pinball-qr, pfn"
packages = ("pinball-qr",)


def fit(X, y):
    model = QuantileRegressor(tau=0.5, method="pfn").fit(X, y)
    return np.append(model.intercept_, model.coef_)
