"""Converts feature arrays to the rows of a Dataset, uint8 or float32."""

from __future__ import annotations

import math

import numpy as np

from treadle.data.pixel_units import units_of
from treadle.errors import InvalidInput
from treadle.maths.dtypes import Arrays, Numbers

Parts = Arrays


def as_rows(parts: Parts) -> tuple[Parts, tuple[int, int] | None, float]:
    """Bring all parts to rows of one dtype.

    Parameters
    ----------
    parts : dict of str to ndarray of shape (N, D), or (N, H, W) for images
        ``X_train`` and ``X_test``. uint8 stays as it is, and so do images of other integers where all lie in
        0 to 255; all else becomes float32.

    Returns
    -------
    parts : dict of str to ndarray of shape (N, D), uint8 or float32
    image_shape : tuple (H, W) or None
    scale : float
        1/255 for uint8, 1 for float32.

    Raises
    ------
    InvalidInput
        If a part has another shape than the first, or is not of numbers; if the parts are images, or one is
        of bytes, and their ranges are those of different units.
    """
    first = next(iter(parts.values()))
    for name, X in parts.items():
        if X.ndim not in (2, 3) or X.shape[1:] != first.shape[1:]:
            raise InvalidInput(
                f"{name} must be of shape (rows, features), or (rows, height, width) for grey images, alike "
                f"in both parts; got {X.shape}"
            )
        if X.dtype.kind not in "biuf":
            raise InvalidInput(f"{name} must hold real numbers; got {X.dtype}")
    image_shape = (int(first.shape[1]), int(first.shape[2])) if first.ndim == 3 else None
    pixels = all(_are_pixels(X, image_shape is not None) for X in parts.values())
    if not pixels and (image_shape or any(X.dtype == np.uint8 for X in parts.values())):
        _check_units(parts)
    n_features = math.prod(first.shape[1:])
    dtype = np.uint8 if pixels else np.float32
    with np.errstate(over="ignore"):  # what exceeds float32 becomes infinite, which a Dataset refuses
        rows = {
            name: np.ascontiguousarray(X.reshape(len(X), n_features), dtype=dtype)
            for name, X in parts.items()
        }
    return rows, image_shape, 1 / 255 if pixels else 1.0


def _check_units(parts: Parts) -> None:
    """Raise InvalidInput if parts have different units, as 0-255 and 0-1."""
    ranges = {name: (float(X.min()), float(X.max())) for name, X in parts.items() if X.size}
    units = {name: units_of(low, high, 1.0) for name, (low, high) in ranges.items()}
    if None not in units.values() and len(set(units.values())) > 1:
        told = ", ".join(f"{name} of {low:g} to {high:g}" for name, (low, high) in ranges.items())
        raise InvalidInput(
            f"the parts are in different units, {told}: bring all to the same, as by X_test / 255"
        )


def _are_pixels(X: Numbers, image: bool) -> bool:
    if X.dtype == np.uint8:
        return True
    return image and X.dtype.kind in "iu" and X.size > 0 and X.min() >= 0 and X.max() <= 255
