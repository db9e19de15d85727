"""A data set ready to train on: four checked arrays and what they mean.

It refuses empty sets, NaN and infinite values, labels outside the classes, and arrays that do not fit.
Dimensions: N rows, D features, K classes.
"""

from __future__ import annotations

import hashlib
import math
from dataclasses import dataclass
from functools import cached_property
from typing import TypeAlias, TypeVar

import numpy as np
from numpy.typing import NDArray

from treadle.data.pixel_units import PixelUnits, units_of
from treadle.errors import InvalidInput
from treadle.maths.dtypes import Numbers

BLOCK_BYTES = 1 << 22  # of X looked at in one go, so that a memory-mapped X is never copied whole
CACHED_ELEMENTS = 1 << 17  # as float64 they stay in a processor's cache


Features: TypeAlias = NDArray[np.uint8 | np.float32]
Scalar = TypeVar("Scalar", bound=np.generic)


@dataclass(frozen=True, eq=False)
class Dataset:
    """A classification data set, split into a training and a test part.

    The arrays are read-only views, since they may be maps of a cached file.

    Parameters
    ----------
    name : str
        "fashion-mnist", "digits", or the stem of the path it was read from.
    X_train, X_test : ndarray of shape (N, D), uint8 or float32, C-contiguous
        A row per sample, N > 0 and D > 0, all values finite. Possibly memory-mapped.
    y_train, y_test : ndarray of shape (N,), int64
        Class numbers, 0 to K - 1.
    class_names : tuple of str
        The K names.
    image_shape : tuple (height, width) or None
        What a row is an image of, row by row from the top; None where rows are no images.
    scale : float
        The network sees ``X * scale``: 1/255 for uint8 pixels, 1/16 for the digits, 1 for floats.
    source : str
        Where it came from, for people.

    Raises
    ------
    InvalidInput
        If any of the above does not hold.

    Examples
    --------
    >>> import numpy as np
    >>> from treadle import Dataset
    >>> X, y = np.array([[0.0], [1.0]], np.float32), np.array([0, 1])
    >>> data = Dataset("two points", X, y, X, y, ("low", "high"), None, 1.0, "typed in")
    >>> data.moments, data.data_range
    ((0.5, 0.5), (0.0, 1.0))
    """

    name: str
    X_train: Features
    y_train: NDArray[np.int64]
    X_test: Features
    y_test: NDArray[np.int64]
    class_names: tuple[str, ...]
    image_shape: tuple[int, int] | None
    scale: float
    source: str

    def __post_init__(self) -> None:
        if not (math.isfinite(self.scale) and self.scale > 0):
            raise InvalidInput(f"scale must be finite and above 0; got {self.scale!r}")
        for part in ("train", "test"):
            X, y = getattr(self, f"X_{part}"), getattr(self, f"y_{part}")
            _check_features(f"X_{part}", X)
            _check_labels(f"y_{part}", y, len(X), len(self.class_names))
            object.__setattr__(self, f"X_{part}", _read_only(X))
            object.__setattr__(self, f"y_{part}", _read_only(y))
        n_features = self.X_train.shape[1]
        if self.X_test.shape[1] != n_features or self.X_test.dtype != self.X_train.dtype:
            raise InvalidInput(
                "X_train and X_test must have the same features in the same dtype; got "
                f"{n_features} of {self.X_train.dtype} and {self.X_test.shape[1]} of {self.X_test.dtype}"
            )
        if self.image_shape is not None and math.prod(self.image_shape) != n_features:
            raise InvalidInput(
                f"image_shape must multiply to the {n_features} features; got {self.image_shape}"
            )

    @cached_property
    def moments(self) -> tuple[float, float]:
        """Mean and standard deviation of all elements of X_train, computed in float64."""
        return _moments(self.X_train)

    @cached_property
    def data_range(self) -> tuple[float, float]:
        """The least and the greatest element of X_train."""
        return float(self.X_train.min()), float(self.X_train.max())

    @property
    def pixel_units(self) -> PixelUnits | None:
        """The values of black and white pixels, from X_train; None if unknown.

        They are for rows that are images.
        """
        return units_of(*self.data_range, self.scale)

    @cached_property
    def checksum(self) -> str:
        """Compute the SHA-256 of the four arrays, in hexadecimal.

        Of each array in order: name, dtype and shape as text, then its bytes. Two data sets that train alike
        have the same one. It takes about a millisecond a megabyte.
        """
        digest = hashlib.sha256()
        for name in ("X_train", "y_train", "X_test", "y_test"):
            array = getattr(self, name)
            digest.update(f"{name} {array.dtype.str} {array.shape}\n".encode())
            digest.update(array.data)
        return digest.hexdigest()


def _moments(X: Features) -> tuple[float, float]:
    """Mean and standard deviation of all elements, in float64.

    Block by block; the blocks' squared deviations are combined as in Chan, Golub and LeVeque (1979), which
    keeps its digits however far the mean is from 0. No sum is BLAS's, which depends on the processor.
    """
    rows = max(1, CACHED_ELEMENTS // X.shape[1])
    count, mean, squares = 0, 0.0, 0.0
    for start in range(0, len(X), rows):
        block = X[start : start + rows].astype(np.float64).ravel()
        block_mean = float(block.mean())
        block -= block_mean
        difference = block_mean - mean
        total = count + block.size
        np.square(block, out=block)
        squares += float(block.sum()) + difference**2 * (count * block.size / total)
        mean += difference * (block.size / total)
        count = total
    return mean, math.sqrt(squares / count)


def _check_features(name: str, X: Features) -> None:
    if X.dtype not in (np.uint8, np.float32) or X.ndim != 2 or not X.flags.c_contiguous:
        raise InvalidInput(
            f"{name} must be uint8 or float32 of shape (rows, features), C-contiguous; "
            f"got {X.dtype} of shape {X.shape}"
        )
    if X.size == 0:
        raise InvalidInput(f"{name} is empty, of shape {X.shape}; it needs at least one row and one feature")
    if X.dtype == np.uint8:
        return
    rows = max(1, BLOCK_BYTES // X[0].nbytes)
    for start in range(0, len(X), rows):
        finite = np.isfinite(X[start : start + rows])
        if not finite.all():
            row, column = np.argwhere(~finite)[0]
            raise InvalidInput(
                f"{name} holds {X[start + row, column]} in row {start + row}, column {column}; "
                "every value must be a finite float32: fill in or leave out such rows"
            )


def _check_labels(name: str, y: Numbers, n_rows: int, n_classes: int) -> None:
    if y.dtype != np.int64 or y.shape != (n_rows,):
        raise InvalidInput(
            f"{name} must be int64 of shape ({n_rows},), a class number a row; "
            f"got {y.dtype} of shape {y.shape}"
        )
    outside = (y < 0) | (y >= n_classes)
    if outside.any():
        row = int(outside.argmax())
        raise InvalidInput(
            f"{name} holds {y[row]} in row {row}, outside of the {n_classes} classes "
            f"0 to {n_classes - 1}; correct the labels, or name every class"
        )


def _read_only(array: NDArray[Scalar]) -> NDArray[Scalar]:
    view: NDArray[Scalar] = array.view(np.ndarray)
    view.flags.writeable = False
    return view
