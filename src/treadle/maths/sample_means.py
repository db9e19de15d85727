"""The common mean of losses over samples, weighted where weights are given.

``sum_i c_i loss_i / sum_i c_i``, in float64. A sample of weight 0 takes no part, whatever its loss is; where
no sample has weight, the mean is 0. Dimensions: N samples, K outputs.
"""

from __future__ import annotations

import math
from typing import TypeVar, cast

import numpy as np
from numpy.typing import ArrayLike, NDArray

from treadle.errors import InvalidInput
from treadle.maths.dtypes import Inexact, as_real, is_complex

Gradient = TypeVar("Gradient", bound=Inexact)


def mean_over_samples(losses: Inexact, weights: NDArray[np.float64] | None) -> float:
    """Average the samples' losses in float64; complex losses have a complex mean.

    Weighted where weights are given.
    """
    dtype = np.complex128 if is_complex(losses) else np.float64
    if weights is None:
        mean = np.add.reduce(losses, dtype=dtype) / len(losses)
    else:
        total = weights.sum()
        weighted = np.where(weights == 0, 0, losses.astype(dtype) * weights).sum()
        mean = weighted / total if total > 0 else dtype(0)
    return cast(float, mean.item())


def scaled_for_mean(gradient: Gradient, weights: NDArray[np.float64] | None) -> Gradient:
    """Multiply each sample's gradient by its share in the mean, in place."""
    if weights is None:
        np.multiply(gradient, 1 / len(gradient), out=gradient)
        return gradient
    total = weights.sum()
    share = weights / total if total > 0 else weights
    np.multiply(gradient, share.astype(gradient.real.dtype)[:, np.newaxis], out=gradient)
    gradient[weights == 0] = 0
    return gradient


def checked_weights(weights: ArrayLike | None, shape: tuple[int, ...]) -> NDArray[np.float64] | None:
    """Return weights as a flat float64 array, None where there are none."""
    if weights is None:
        return None
    w = as_real("sample_weight", weights)
    if w.shape != shape:
        raise InvalidInput(f"sample_weight must have a weight for each sample, shape {shape}; got {w.shape}")
    w = w.astype(np.float64).reshape(-1)
    if not (w.min() >= 0 and math.isfinite(w.sum())):
        raise InvalidInput(
            "sample_weight must be at least 0 and finite, and so must its sum; got weights from "
            f"{w.min():g} to {w.max():g}"
        )
    return w
