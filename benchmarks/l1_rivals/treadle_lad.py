"""treadle.LADRegressor."""

import numpy as np

from treadle import LADRegressor

name = "treadle"
packages = ("treadle",)


def fit(X, y):
    model = LADRegressor().fit(X, y)
    return np.append(model.intercept_, model.coef_)
