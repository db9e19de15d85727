"""The losses of a batch, and their derivatives by the network's output.

Each loss is a sum over outputs and a mean over samples, weighted where weights are given:
``sum_i c_i loss_i / sum_i c_i``. Samples of weight 0 take no part; if no sample has weight, the loss is 0.
A loss is accumulated in float64 and returned as a Python float (a complex where the logits are complex, for
the complex step); a gradient has the shape and dtype of the logits or the prediction. Overflow, infinities
and NaN show in the result, and are no warnings.

The targets are constants: no derivative with respect to them is given. Penalties are not the business of
this file, see ``treadle.engines.objective``. Dimensions: N samples, K classes or outputs.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from treadle.errors import InvalidInput
from treadle.maths.dtypes import Floats, Inexact, as_inexact, is_complex
from treadle.maths.sample_means import mean_over_samples, scaled_for_mean
from treadle.maths.softmax import shift_by_max
from treadle.maths.targets import checked_classes, checked_numbers


@np.errstate(all="ignore")
def cross_entropy(
    logits: ArrayLike,
    target: ArrayLike,
    *,
    label_smoothing: float = 0.0,
    sample_weight: ArrayLike | None = None,
) -> float:
    """Cross-entropy ``-sum_k t_k log softmax(z)_k``: sum over classes, mean over samples.

    The logarithm is never taken of a softmax: with m the largest logit, a term is
    ``t_k (log sum_j exp(z_j - m) - (z_k - m))``, finite for finite logits of any size. Where t_k = 0 the
    term is 0, even for a logit of -inf; where t_k > 0, a logit of -inf gives inf.

    Parameters
    ----------
    logits : array_like of shape (N, K) or (..., K), float32, float64 or complex
        Unnormalised log-probabilities z. Each leading position is a sample. Integers become float64.
    target : array_like
        Labels: integers in 0..K-1, of shape (N,) or (...). Or soft targets t: of the shape of the logits,
        not negative, each sample's sum 1 within 1e-4.
    label_smoothing : float in [0, 1)
        e makes the target ``(1 - e) t + e / K``, as in PyTorch (Szegedy et al. 2016, section 7).
    sample_weight : array_like of the shape of the labels, optional
        Finite and not negative. None: all 1.

    Returns
    -------
    float
        In nats.

    Raises
    ------
    InvalidInput
        If an argument is not as above, or there is no sample.

    Examples
    --------
    >>> from treadle import cross_entropy
    >>> round(cross_entropy([[0.0, 0.0]], [1]), 4)  # log 2
    0.6931
    """
    z, t, w = _classification_arguments(logits, target, label_smoothing, sample_weight)
    shifted = shift_by_max(z, -1)
    log_sum = np.log(np.add.reduce(np.exp(shifted), axis=-1))
    if t.ndim == 1:
        losses = log_sum - shifted[np.arange(len(t)), t]
    else:
        terms = t * (log_sum[:, np.newaxis] - shifted)
        losses = np.where((t == 0) & np.isinf(shifted), 0, terms).sum(axis=-1)
    if label_smoothing:
        everywhere = log_sum - shifted.mean(axis=-1)
        losses = (1 - label_smoothing) * losses + label_smoothing * everywhere
    return mean_over_samples(losses, w)


@np.errstate(all="ignore")
def cross_entropy_gradient(
    logits: ArrayLike,
    target: ArrayLike,
    *,
    label_smoothing: float = 0.0,
    sample_weight: ArrayLike | None = None,
) -> Inexact:
    """Compute the derivative of ``cross_entropy`` by the logits.

    It is ``c_i (softmax(z_i) - t_i) / sum_i c_i`` for each sample.

    Parameters and errors as in ``cross_entropy``. The formula follows from ``softmax_vjp`` with the
    cotangent ``-t / y``.

    Returns
    -------
    ndarray of the shape and dtype of the logits

    Examples
    --------
    >>> from treadle import cross_entropy_gradient
    >>> cross_entropy_gradient([[0.0, 0.0]], [1]).tolist()  # softmax minus target
    [[0.5, -0.5]]
    """
    z, t, w = _classification_arguments(logits, target, label_smoothing, sample_weight)
    gradient = shift_by_max(z, -1)
    np.exp(gradient, out=gradient)
    gradient /= np.add.reduce(gradient, axis=-1, keepdims=True)
    if t.ndim == 2:
        # The sum is 1 to within the tolerance; the factor makes this the gradient of the loss as computed.
        gradient *= (1 - label_smoothing) * t.sum(axis=-1, keepdims=True) + label_smoothing
    if label_smoothing:
        gradient -= label_smoothing / z.shape[-1]
    if t.ndim == 1:
        gradient[np.arange(len(t)), t] -= 1 - label_smoothing
    else:
        gradient -= (1 - label_smoothing) * t
    return scaled_for_mean(gradient, w).reshape(np.shape(logits))


@np.errstate(all="ignore")
def squared_loss(
    prediction: ArrayLike, target: ArrayLike, *, sample_weight: ArrayLike | None = None
) -> float:
    """Half the squared error, ``1/2 (p - t)^2``: sum over outputs, mean over samples.

    Parameters
    ----------
    prediction : array_like of shape (N, K) or (N,), float32, float64 or complex
        What the network puts out, p. Integers become float64.
    target : array_like of the shape of the prediction, real
        (N,) also goes with a prediction of shape (N, 1), and the other way round.
    sample_weight : array_like of shape (N,), optional
        Finite and not negative. None: all 1.

    Returns
    -------
    float
        In squared units of the target.

    Raises
    ------
    InvalidInput
        If an argument is not as above, or there is no sample.

    Examples
    --------
    >>> from treadle import squared_loss
    >>> squared_loss([3.0, 0.0], [1.0, 0.0])  # the mean of 2 and 0
    1.0
    """
    r, w = _residual(prediction, target, sample_weight)
    return mean_over_samples(0.5 * np.add.reduce(r * r, axis=-1), w)


@np.errstate(all="ignore")
def squared_loss_gradient(
    prediction: ArrayLike, target: ArrayLike, *, sample_weight: ArrayLike | None = None
) -> Inexact:
    """Compute the derivative of ``squared_loss`` by the prediction.

    It is ``c_i (p_i - t_i) / sum_i c_i`` for each sample.

    Parameters and errors as in ``squared_loss``.

    Returns
    -------
    ndarray of the shape and dtype of the prediction

    Examples
    --------
    >>> from treadle import squared_loss_gradient
    >>> squared_loss_gradient([3.0, 0.0], [1.0, 0.0]).tolist()  # residuals over the number of samples
    [1.0, 0.0]
    """
    r, w = _residual(prediction, target, sample_weight)
    return scaled_for_mean(r, w).reshape(np.shape(prediction))


@np.errstate(all="ignore")
def absolute_loss(
    prediction: ArrayLike, target: ArrayLike, *, sample_weight: ArrayLike | None = None
) -> float:
    """The absolute error, ``|p - t|``: sum over outputs, mean over samples.

    Parameters, result (in units of the target) and errors as in ``squared_loss``. Complex residuals take
    the sign of their real part.

    Examples
    --------
    >>> from treadle import absolute_loss
    >>> absolute_loss([3.0, 0.0], [1.0, 1.0])  # the mean of 2 and 1
    1.5
    """
    r, w = _residual(prediction, target, sample_weight)
    return mean_over_samples(np.add.reduce(_sign(r) * r, axis=-1), w)


@np.errstate(all="ignore")
def absolute_loss_gradient(
    prediction: ArrayLike, target: ArrayLike, *, sample_weight: ArrayLike | None = None
) -> Floats:
    """Compute a subgradient of ``absolute_loss``, with 0 at the kink.

    It is ``c_i sign(p_i - t_i) / sum_i c_i``.

    Parameters and errors as in ``squared_loss``.

    Returns
    -------
    ndarray of the shape and dtype of the prediction

    Examples
    --------
    >>> from treadle import absolute_loss_gradient
    >>> absolute_loss_gradient([3.0, 0.0], [1.0, 1.0]).tolist()  # signs over the number of samples
    [0.5, -0.5]
    """
    r, w = _residual(prediction, target, sample_weight)
    return scaled_for_mean(_sign(r), w).astype(r.dtype, copy=False).reshape(np.shape(prediction))


@np.errstate(all="ignore")
def huber_loss(
    prediction: ArrayLike,
    target: ArrayLike,
    *,
    delta: float = 1.0,
    sample_weight: ArrayLike | None = None,
) -> float:
    """Huber's loss of r = p - t: sum over outputs, mean over samples.

    ``r^2 / 2`` where ``|r| <= delta``, else ``delta (|r| - delta / 2)``. ``delta``, positive and finite, is
    the residual at which the square becomes a line, in units of the target. Other arguments, result (in
    squared units of the target) and errors as in ``squared_loss``. Source: Huber 1964, equation 2.5; the same
    as ``torch.nn.HuberLoss``.

    Examples
    --------
    >>> from treadle import huber_loss
    >>> huber_loss([1.0], [0.0]), huber_loss([3.0], [0.0])  # 1/2, and 3 - 1/2
    (0.5, 2.5)
    """
    _check_delta(delta)
    r, w = _residual(prediction, target, sample_weight)
    slope = _clipped(r, delta)
    # Both branches at once: within delta the slope is r, beyond it is +-delta.
    return mean_over_samples(np.add.reduce(slope * (r - 0.5 * slope), axis=-1), w)


@np.errstate(all="ignore")
def huber_loss_gradient(
    prediction: ArrayLike,
    target: ArrayLike,
    *,
    delta: float = 1.0,
    sample_weight: ArrayLike | None = None,
) -> Inexact:
    """Compute the derivative of ``huber_loss`` by the prediction.

    It is ``c_i clip(p_i - t_i, -delta, delta) / sum_i c_i``.

    Parameters and errors as in ``huber_loss``.

    Returns
    -------
    ndarray of the shape and dtype of the prediction

    Examples
    --------
    >>> from treadle import huber_loss_gradient
    >>> huber_loss_gradient([0.5, 3.0], [0.0, 0.0]).tolist()  # 0.5 and 1 over the number of samples
    [0.25, 0.5]
    """
    _check_delta(delta)
    r, w = _residual(prediction, target, sample_weight)
    return scaled_for_mean(_clipped(r, delta), w).reshape(np.shape(prediction))


# Any: labels are integers, soft targets floats.
def _classification_arguments(
    logits: ArrayLike, target: ArrayLike, label_smoothing: float, sample_weight: ArrayLike | None
) -> tuple[Inexact, NDArray[Any], NDArray[np.float64] | None]:
    """Check and return logits (N, K), targets, and weights.

    Targets are labels (N,) or soft (N, K); weights are (N,) or None.
    """
    if not 0 <= label_smoothing < 1:
        raise InvalidInput(f"label_smoothing must be at least 0 and below 1; got {label_smoothing!r}")
    z = as_inexact("logits", logits)
    t, w = checked_classes(target, z.shape, sample_weight)
    return z.reshape(-1, z.shape[-1]), t, w


# Any: as of ``as_inexact``.
def _residual(
    prediction: ArrayLike, target: ArrayLike, sample_weight: ArrayLike | None
) -> tuple[NDArray[Any], NDArray[np.float64] | None]:
    """Compute prediction minus target as a new (N, K) array; check weights.

    It is of the prediction's dtype; the weights are (N,) or None.
    """
    p = as_inexact("prediction", prediction)
    t, w = checked_numbers(target, p.shape, sample_weight)
    return (p.reshape(t.shape) - t).astype(p.dtype, copy=False), w


def _check_delta(delta: float) -> None:
    if not (delta > 0 and math.isfinite(delta)):
        raise InvalidInput(f"delta must be positive and finite; got {delta!r}")


def _sign(r: Inexact) -> Floats:
    """-1, 0 or 1 by the real part, NaN for NaN."""
    return np.asarray(np.sign(r.real))


def _clipped(r: Inexact, delta: float) -> Inexact:
    """Clip the residual to [-delta, delta], by its real part."""
    if is_complex(r):
        return np.where(np.abs(r.real) <= delta, r, delta * np.sign(r.real))
    return np.asarray(np.clip(r, -delta, delta))
