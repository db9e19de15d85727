"""pinball-qr's QuantileRegressor by its method fnb."""

import numpy as np
from pinball import QuantileRegressor

name = "pinball-qr, fnb"
packages = ("pinball-qr",)


def fit(X, y):
    model = QuantileRegressor(tau=0.5, method="fnb").fit(X, y)
    return np.append(model.intercept_, model.coef_)
