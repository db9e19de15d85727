"""Loads scikit-learn's digits: 1797 images of 8 x 8 pixels, without network.

The pixels are grey, 0 to 16, in 10 classes. They are the test part of the UCI "Optical Recognition of
Handwritten Digits" set (Alpaydin and Kaynak 1998). scikit-learn does not split them. Here every fifth image
of each class is a test image, so that the split is stratified and never changes. The file is read without
scikit-learn, which would take longer to import.
"""

from __future__ import annotations

import gzip
import importlib.util
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from treadle.data.dataset import Dataset

NAME = "digits"
TEST_EVERY = 5


def load_digits() -> Dataset:
    """Load the digits: uint8 pixels 0 to 16, and so scale 1/16."""
    pixels, labels = _pixels_and_labels()
    X = pixels.astype(np.uint8)
    y = labels.astype(np.int64)
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


def _pixels_and_labels() -> tuple[NDArray[Any], NDArray[Any]]:
    """Of its file; by its function where the file lies elsewhere, as it may in another version."""
    path = digits_file()
    if path is None:
        from sklearn.datasets import load_digits as load_bunch

        bunch = load_bunch()
        return bunch.data, bunch.target
    with gzip.open(path, "rt", encoding="ascii") as file:
        table = np.loadtxt(file, delimiter=",")
    return table[:, :-1], table[:, -1]


def digits_file() -> Path | None:
    """Where scikit-learn keeps them: rows of 64 pixels and the digit. None if no such file is there."""
    spec = importlib.util.find_spec("sklearn")
    folders = (spec.submodule_search_locations or []) if spec else []
    paths = (Path(folder, "datasets", "data", "digits.csv.gz") for folder in folders)
    return next((path for path in paths if path.is_file()), None)
