"""Checks the targets of losses: classes, real numbers, probabilities or counts.

It checks their weights too. Each check takes the target, the shape of the logits that it is to go with, and
the samples' weights, and returns them as the losses use them. Dimensions: N samples, K classes or outputs.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from treadle.errors import InvalidInput
from treadle.maths.dtypes import Floats, Numbers, as_array, as_real
from treadle.maths.sample_means import checked_weights

Checked = tuple[Numbers, NDArray[np.float64] | None]
CheckedFloats = tuple[Floats, NDArray[np.float64] | None]

# Soft targets computed in float32 over a thousand classes stay well within this of summing to 1.
_TARGET_SUM_TOLERANCE = 1e-4


def checked_classes(target: ArrayLike, shape: tuple[int, ...], sample_weight: ArrayLike | None) -> Checked:
    """Return labels (N,) or soft targets (N, K), and weights, checked.

    The logits are of shape (N, K) or (..., K), the weights (N,) or None.

    Raises
    ------
    InvalidInput
        If the target is neither integers from 0 below K, a sample each, nor rows that sum to 1, or the
        weights are not as ``checked_weights`` wants them.
    """
    if len(shape) < 2 or 0 in shape:
        raise InvalidInput(f"logits must have shape (N, K), with N and K at least 1; got {shape}")
    leading, K = shape[:-1], shape[-1]
    t = as_array("target", target)
    if t.shape == leading:
        t = _checked_labels(t, K).reshape(-1)
    elif t.shape == shape:
        t = _checked_soft_targets(t).reshape(-1, K)
    else:
        raise InvalidInput(
            f"target must be labels of shape {leading} or soft targets of shape {shape}, to go with the "
            f"logits; got shape {t.shape}"
        )
    return t, checked_weights(sample_weight, leading)


def checked_numbers(
    target: ArrayLike, shape: tuple[int, ...], sample_weight: ArrayLike | None, outputs: str = "prediction"
) -> CheckedFloats:
    """Return real numbers (N, K) and weights, checked.

    The outputs are of shape (N, K) or (N,), the weights (N,) or None.

    Parameters
    ----------
    outputs : str
        What the messages call what the shape is of.

    Raises
    ------
    InvalidInput
        If the target is not real numbers of that shape, (N,) and (N, 1) being one, or the weights are not as
        ``checked_weights`` wants them.
    """
    if len(shape) not in (1, 2) or 0 in shape:
        raise InvalidInput(f"{outputs} must have shape (N, K) or (N,), with N and K at least 1; got {shape}")
    t = as_real("target", target)
    columns = (shape[0], shape[1] if len(shape) == 2 else 1)
    if not (t.shape == shape or (columns[1] == 1 and t.shape in (shape[:1], columns))):
        raise InvalidInput(f"target must have the shape of the {outputs}, {shape}; got {t.shape}")
    return t.reshape(columns), checked_weights(sample_weight, shape[:1])


def checked_probabilities(
    target: ArrayLike, shape: tuple[int, ...], sample_weight: ArrayLike | None
) -> CheckedFloats:
    """Check as ``checked_numbers`` does, and that all are from 0 to 1.

    InvalidInput if one is not.
    """
    t, w = checked_numbers(target, shape, sample_weight, "logits")
    if not (t.min() >= 0 and t.max() <= 1):
        raise InvalidInput(
            f"the targets of binary cross-entropy must lie from 0 to 1; got some from {t.min():g} to "
            f"{t.max():g}: 1 where a row is of the class, else 0"
        )
    return t, w


def checked_counts(
    target: ArrayLike, shape: tuple[int, ...], sample_weight: ArrayLike | None
) -> CheckedFloats:
    """Check as ``checked_numbers`` does, and that none is below 0.

    InvalidInput if one is.
    """
    t, w = checked_numbers(target, shape, sample_weight, "logits")
    if not t.min() >= 0:
        raise InvalidInput(
            f"the targets of the Poisson loss must be at least 0, as counts are; got {t.min():g}: "
            "take another loss"
        )
    return t, w


# Any: of whatever type, which is looked at.
def _checked_labels(labels: NDArray[Any], K: int) -> NDArray[np.integer]:
    if labels.dtype.kind not in "iu":
        raise InvalidInput(
            f"labels must be integers; got dtype {labels.dtype}: number the classes from 0, or give soft "
            "targets of the shape of the logits"
        )
    if not (np.minimum.reduce(labels, axis=None) >= 0 and np.maximum.reduce(labels, axis=None) < K):
        index = tuple(int(i) for i in np.argwhere((labels < 0) | (labels >= K))[0])
        raise InvalidInput(
            f"labels must lie in 0..{K - 1}, for the K = {K} classes of the logits; got {labels[index]} at "
            f"index {index[0] if len(index) == 1 else index}: number the classes from 0"
        )
    return labels


def _checked_soft_targets(targets: NDArray[np.generic]) -> Floats:
    t = as_real("soft targets", targets)
    sums = t.sum(axis=-1)
    if not (t.min() >= 0 and np.abs(sums - 1).max() <= _TARGET_SUM_TOLERANCE):
        raise InvalidInput(
            "soft targets must be at least 0 and sum to 1 over the last axis, to within "
            f"{_TARGET_SUM_TOLERANCE:g}; got a least entry of {t.min():g} and sums from {sums.min():g} to "
            f"{sums.max():g}: divide each row by its sum"
        )
    return t
