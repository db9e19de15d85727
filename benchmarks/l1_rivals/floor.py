"""No fit: one product X w and one X'X, less than which no exact method takes."""

import numpy as np

name = "X w and X'X"
packages = ("numpy",)


def fit(X, y):
    X @ np.ones(X.shape[1])
    X.T @ X
