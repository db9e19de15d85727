"""Softmax, its logarithm, its Jacobian, and the products with that Jacobian.

``softmax(z)_i = exp(z_i) / sum_j exp(z_j)``, stable for logits of any size: the largest is subtracted first.
float32 and float64 keep their type, integers become float64; complex logits serve the complex step.

At +-inf each function is its limit: a logit of -inf has probability 0, a single +inf takes it all. Where
there is no limit (all are -inf, or several +inf) and where a logit is NaN, the whole slice is NaN. No
warning is emitted for any of these.

The loss that is taken of a softmax is in ``treadle.maths.losses``, which never forms its logarithm apart.
Dimensions: K classes.
"""

from __future__ import annotations

import math
from typing import overload

import numpy as np
from numpy.typing import ArrayLike

from treadle.errors import InvalidInput
from treadle.maths.dtypes import Floats, Inexact, as_inexact


@overload
def softmax(logits: Floats, axis: int = ...) -> Floats: ...
@overload
def softmax(logits: ArrayLike, axis: int = ...) -> Inexact: ...
def softmax(logits: ArrayLike, axis: int = -1) -> Inexact:
    """Probabilities ``y_i = exp(z_i) / sum_j exp(z_j)`` along an axis.

    Parameters
    ----------
    logits : array_like of shape (..., K, ...), float32, float64 or complex
        Integers become float64.
    axis : int
        Where the K classes lie.

    Returns
    -------
    ndarray of the shape and dtype of the logits
        Slices along the axis sum to 1.

    Raises
    ------
    InvalidInput
        If there is no such axis, or it has no entries, or the logits are not numbers.

    Examples
    --------
    >>> import math
    >>> from treadle import softmax
    >>> softmax([0.0, math.log(3)]).round(12).tolist()
    [0.25, 0.75]
    """
    z = _with_axis("logits", logits, axis)
    with np.errstate(all="ignore"):
        shifted = shift_by_max(z, axis)
        np.exp(shifted, out=shifted)
        shifted /= shifted.sum(axis=axis, keepdims=True)
    return shifted


@overload
def log_softmax(logits: Floats, axis: int = ...) -> Floats: ...
@overload
def log_softmax(logits: ArrayLike, axis: int = ...) -> Inexact: ...
def log_softmax(logits: ArrayLike, axis: int = -1) -> Inexact:
    """Log-probabilities ``z_i - log sum_j exp(z_j)`` along an axis.

    They are finite also where the probability underflows.

    Arguments, result and errors as in ``softmax``. The sum contains exp(0) = 1, so its logarithm is finite.

    Examples
    --------
    >>> from treadle import log_softmax
    >>> log_softmax([0.0, -1000.0]).tolist()  # softmax is 1 and, in float64, 0
    [0.0, -1000.0]
    """
    z = _with_axis("logits", logits, axis)
    with np.errstate(all="ignore"):
        shifted = shift_by_max(z, axis)
        shifted -= np.log(np.exp(shifted).sum(axis=axis, keepdims=True))
    return shifted


def softmax_jacobian(logits: ArrayLike) -> Inexact:
    """Compute the derivatives ``J_ij = d y_i / d z_j`` of softmax.

    ``J_ij = y_i (delta_ij - y_j)`` for ``y = softmax(z)``.

    J is symmetric and positive semi-definite, and each of its rows sums to 0. To multiply by J, use
    ``softmax_jvp`` or ``softmax_vjp``, which take K operations where J takes K^2.

    Parameters
    ----------
    logits : array_like of shape (..., K), float32, float64 or complex
        The classes lie along the last axis.

    Returns
    -------
    ndarray of shape (..., K, K) in the dtype of the logits

    Raises
    ------
    InvalidInput
        As ``softmax`` does.

    Examples
    --------
    >>> from treadle import softmax_jacobian
    >>> softmax_jacobian([0.0, 0.0]).tolist()
    [[0.25, -0.25], [-0.25, 0.25]]
    """
    y = softmax(logits)
    jacobian: Inexact = -y[..., :, np.newaxis] * y[..., np.newaxis, :]
    diagonal = np.arange(y.shape[-1])
    # y_i (1 - y_i) = y_i sum_(j != i) y_j: the sum keeps its digits where y_i is close to 1.
    jacobian[..., diagonal, diagonal] = 0
    jacobian[..., diagonal, diagonal] = -jacobian.sum(axis=-1)
    return jacobian


def softmax_jvp(logits: ArrayLike, tangent: ArrayLike, axis: int = -1) -> Inexact:
    """Compute the Jacobian-vector product ``J t = y * (t - sum_j y_j t_j)``.

    It is how y moves as z moves along t.

    Parameters
    ----------
    logits : array_like of shape (..., K, ...), float32, float64 or complex
        The point z.
    tangent : array_like of the shape of the logits
        The direction t.
    axis : int
        Where the K classes lie.

    Returns
    -------
    ndarray of the shape of the logits, in the common dtype of both arguments

    Raises
    ------
    InvalidInput
        As ``softmax`` does, and if the shapes differ.

    Examples
    --------
    >>> from treadle import softmax_jvp
    >>> softmax_jvp([0.0, 0.0], [1.0, 0.0]).tolist()  # the first column of the Jacobian
    [0.25, -0.25]
    """
    return _times_jacobian(logits, "tangent", tangent, axis)


def softmax_vjp(logits: ArrayLike, cotangent: ArrayLike, axis: int = -1) -> Inexact:
    """Compute the vector-Jacobian product ``y * (c - sum_j y_j c_j)``.

    It is ``J^T c``, back-propagation through softmax.

    c holds the derivatives of some scalar with respect to y, the result those with respect to z. J being
    symmetric, this is the same formula as ``softmax_jvp``. Arguments, result and errors as there.

    Examples
    --------
    >>> from treadle import softmax_vjp
    >>> softmax_vjp([0.0, 0.0], [2.0, 0.0]).tolist()  # twice the first row of the Jacobian
    [0.5, -0.5]
    """
    return _times_jacobian(logits, "cotangent", cotangent, axis)


def _times_jacobian(logits: ArrayLike, name: str, vector: ArrayLike, axis: int) -> Inexact:
    y = softmax(logits, axis=axis)
    vector = as_inexact(name, vector)
    if vector.shape != y.shape:
        raise InvalidInput(f"{name} must have the shape of the logits, {y.shape}; got {vector.shape}")
    return np.asarray(y * (vector - (y * vector).sum(axis=axis, keepdims=True)))


def shift_by_max(logits: Inexact, axis: int) -> Inexact:
    """Subtract each slice's largest logit, which changes no softmax.

    The array is new.

    The largest becomes 0 and the others negative, so that exp cannot overflow. A slice with a single +inf
    becomes 0 there and -inf elsewhere, one without a limit gets NaN. Complex logits go by their real parts.
    Overflow (finite logits may lie further apart than the largest float; -inf is then right) and inf - inf
    are expected: call it, and take exp of the result, under ``np.errstate(all="ignore")``.

    Parameters
    ----------
    logits : ndarray of float32, float64 or complex
        Of shape (..., K, ...).
    axis : int
        Where the K classes lie.
    """
    top = np.maximum.reduce(logits.real, axis=axis, keepdims=True)
    shifted: Inexact = logits - top
    # One pass says that every maximum is finite; a sum that overflows costs time only.
    if not math.isfinite(np.add.reduce(top, axis=None)):
        at_top = logits.real == math.inf
        has_limit = (top == math.inf) & (np.count_nonzero(at_top, axis=axis, keepdims=True) == 1)
        shifted = np.where(has_limit, np.where(at_top, 0, -math.inf).astype(shifted.dtype), shifted)
    return shifted


def _with_axis(name: str, values: ArrayLike, axis: int) -> Inexact:
    """Check that an array has the axis, with an entry along it."""
    array = as_inexact(name, values)
    if not -array.ndim <= axis < array.ndim:
        raise InvalidInput(f"{name} of shape {array.shape} have no axis {axis}")
    if not array.shape[axis]:
        raise InvalidInput(f"{name} must have at least one class along axis {axis}; got shape {array.shape}")
    return array
