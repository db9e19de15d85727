from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from treadle.data.features import as_rows
from treadle.errors import InvalidInput


def parts(train: Any, test: Any) -> dict[str, np.ndarray[Any, Any]]:
    return {"X_train": np.asarray(train), "X_test": np.asarray(test)}


def test_pixels_stay_uint8_and_images_of_wider_integers_become_it() -> None:
    images = np.array([[[0, 255], [1, 2]]])
    for dtype in (np.uint8, np.int64, np.uint16):
        rows, image_shape, scale = as_rows(parts(images.astype(dtype), images.astype(dtype)))
        assert rows["X_train"].dtype == np.uint8
        assert rows["X_train"].tolist() == [[0, 255, 1, 2]]
        assert (image_shape, scale) == ((2, 2), 1 / 255)


@pytest.mark.parametrize(
    "X", [np.array([[[0, 256]]]), np.array([[0, 255]]), np.array([[0.5, 2.0]]), np.array([[True, False]])]
)
def test_all_else_becomes_float32_unscaled(X: np.ndarray[Any, Any]) -> None:
    rows, image_shape, scale = as_rows(parts(X, X))
    assert rows["X_test"].dtype == np.float32
    assert rows["X_test"].tolist() == X.reshape(1, 2).tolist()
    assert (image_shape is None) == (X.ndim == 2)
    assert scale == 1.0


@pytest.mark.parametrize(
    ("train", "test", "message"),
    [
        (np.zeros(3), np.zeros(3), r"X_train must be of shape \(rows, features\), or .* got \(3,\)"),
        (np.zeros((3, 2)), np.zeros((3, 4)), r"X_test must be of shape .* alike in both parts; got \(3, 4\)"),
        (np.zeros((2, 8, 8, 3)), np.zeros((2, 8, 8, 3)), r"grey images"),
        (np.zeros((2, 2), complex), np.zeros((2, 2)), r"X_train must hold real numbers; got complex128"),
        (np.array([["a"]]), np.array([["a"]]), r"X_train must hold real numbers; got <U1"),
    ],
)
def test_features_that_are_no_rows_of_numbers_are_refused(train: Any, test: Any, message: str) -> None:
    with pytest.raises(InvalidInput, match=message):
        as_rows(parts(train, test))
