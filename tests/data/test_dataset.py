from __future__ import annotations

import hashlib
from dataclasses import replace

import numpy as np
import pytest

from treadle.data import Dataset
from treadle.errors import InvalidInput


def dataset(**changes: object) -> Dataset:
    rng = np.random.default_rng(1)
    fields: dict[str, object] = {
        "name": "small",
        "X_train": rng.random((5, 4), dtype=np.float32),
        "y_train": np.array([0, 1, 2, 0, 1]),
        "X_test": rng.random((3, 4), dtype=np.float32),
        "y_test": np.array([2, 1, 0]),
        "class_names": ("a", "b", "c"),
        "image_shape": (2, 2),
        "scale": 1.0,
        "source": "a test",
    }
    return Dataset(**(fields | changes))  # type: ignore[arg-type]


def with_value(value: float) -> np.ndarray:
    X = np.zeros((5, 4), dtype=np.float32)
    X[3, 2] = value
    return X


def test_arrays_are_handed_out_read_only_and_the_caller_s_stay_writable() -> None:
    X = np.zeros((5, 4), dtype=np.uint8)
    small = dataset(X_train=X, X_test=np.zeros((3, 4), dtype=np.uint8))
    with pytest.raises(ValueError, match=r"read-only"):
        small.X_train[0, 0] = 1
    X[0, 0] = 1
    assert small.X_train[0, 0] == 1


def test_checksum_is_sha256_of_names_dtypes_shapes_and_bytes() -> None:
    small = dataset()
    digest = hashlib.sha256()
    for name in ("X_train", "y_train", "X_test", "y_test"):
        array = getattr(small, name)
        digest.update(f"{name} {array.dtype.str} {array.shape}\n".encode() + array.tobytes())
    assert small.checksum == digest.hexdigest()


def test_checksum_notices_one_changed_label() -> None:
    small = dataset()
    assert replace(small, y_test=np.array([2, 1, 1])).checksum != small.checksum
    assert replace(small, source="elsewhere").checksum == small.checksum


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"scale": float("nan")}, "scale must be finite and above 0; got nan"),
        ({"X_train": np.zeros((5, 4))}, r"X_train must be uint8 or float32 .* got float64 of shape \(5, 4\)"),
        ({"X_train": np.zeros((4, 5), dtype=np.uint8).T}, "C-contiguous"),
        ({"X_train": np.zeros((0, 4), dtype=np.uint8)}, r"X_train is empty, of shape \(0, 4\)"),
        ({"X_test": np.zeros((0, 4), dtype=np.float32)}, r"X_test is empty"),
        (
            {"X_train": with_value(np.nan)},
            "X_train holds nan in row 3, column 2; every value must be a finite",
        ),
        ({"X_train": with_value(-np.inf)}, "X_train holds -inf in row 3, column 2"),
        ({"y_train": np.zeros(5)}, "y_train must be int64 .* got float64"),
        ({"y_test": np.zeros(4, dtype=np.int64)}, r"y_test must be int64 of shape \(3,\)"),
        ({"y_test": np.array([0, 3, 0])}, "y_test holds 3 in row 1, outside of the 3 classes 0 to 2"),
        ({"y_train": np.array([0, 0, 0, 0, -1])}, "y_train holds -1 in row 4, outside"),
        (
            {"X_test": np.zeros((3, 5), dtype=np.float32)},
            "the same features .* 4 of float32 and 5 of float32",
        ),
        ({"X_test": np.zeros((3, 4), dtype=np.uint8)}, "the same features in the same dtype"),
        ({"image_shape": (2, 3)}, r"image_shape must multiply to the 4 features; got \(2, 3\)"),
    ],
)
def test_what_does_not_hold_is_refused(changes: dict[str, object], message: str) -> None:
    with pytest.raises(InvalidInput, match=message):
        dataset(**changes)


def test_nan_is_found_in_a_later_block(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("treadle.data.dataset.BLOCK_BYTES", 32)
    with pytest.raises(InvalidInput, match=r"nan in row 3, column 2"):
        dataset(X_train=with_value(np.nan))


@pytest.mark.parametrize("block", [1, 3, 10, 1 << 17])
def test_moments_are_those_of_all_numbers_together(monkeypatch, block):
    monkeypatch.setattr("treadle.data.dataset.CACHED_ELEMENTS", block)
    rng = np.random.default_rng(0)
    pixels = rng.integers(256, size=(5, 4), dtype=np.uint8)
    for X in (pixels, (rng.random((5, 4)) + 1000).astype(np.float32)):
        mean, deviation = dataset(X_train=X, X_test=X[:3]).moments
        assert mean == pytest.approx(X.astype(float).mean(), rel=1e-14)
        assert deviation == pytest.approx(X.astype(float).std(), rel=1e-12)
