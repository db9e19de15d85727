"""Loads scikit-learn's digits: 1797 images of 8 x 8 pixels, without network.

The pixels are grey, 0 to 16, in 10 classes. They are the test part of the UCI "Optical Recognition of
Handwritten Digits" set (Alpaydin and Kaynak 1998). scikit-learn does not split them. Here every fifth image
of each class is a test image, so that the split is stratified and never changes.
"""

from __future__ import annotations

import numpy as np

from treadle.data.dataset import Dataset

NAME = "digits"
TEST_EVERY = 5


def load_digits() -> Dataset:
    """Load the digits: uint8 pixels 0 to 16, and so scale 1/16."""
    from sklearn.datasets import load_digits as load_bunch

    bunch = load_bunch()
    X = bunch.data.astype(np.uint8)
    y = bunch.target.astype(np.int64)
    test = np.zeros(len(y), dtype=bool)
    for digit in range(10):
        test[np.flatnonzero(y == digit)[TEST_EVERY - 1 :: TEST_EVERY]] = True
    return Dataset(
        name=NAME,
        X_train=X[~test],
        y_train=y[~test],
        X_test=X[test],
        y_test=y[test],
        class_names=tuple(str(digit) for digit in range(10)),
        image_shape=(8, 8),
        scale=1 / 16,
        source="scikit-learn",
    )
