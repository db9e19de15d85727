"""Losses that are negative log-likelihoods of single outputs, computed from logits.

Binary cross-entropy goes with an output ``p = logistic(z)``, half the Poisson deviance with ``mu = exp(z)``.
Taken of the logits z, neither loses digits where p rounds to 0 or 1, and both have the derivative "output
minus target".
Sums, means, weights, complex logits and what overflows: as in ``treadle.maths.losses``.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from treadle.errors import InvalidInput
from treadle.maths.activations import logistic
from treadle.maths.dtypes import Floats, Inexact, as_inexact, as_real
from treadle.maths.sample_means import mean_over_samples, scaled_for_mean
from treadle.maths.targets import checked_counts, checked_probabilities


@np.errstate(all="ignore")
def log_logistic(logits: ArrayLike) -> Floats:
    """``log(logistic(z))``, finite where the logistic function itself rounds to 0.

    Above one half it is the logarithm of the rounded function, so that equal probabilities have equal
    logarithms; below, ``-log(1 + exp(-z))``.

    Parameters
    ----------
    logits : array_like of any shape, float32 or float64

    Returns
    -------
    ndarray of the shape and dtype of the logits
    """
    z = as_real("logits", logits)
    return np.asarray(np.where(z > 0, np.log(logistic(z)), -_softplus(-z)))


@np.errstate(all="ignore")
def binary_cross_entropy(
    logits: ArrayLike,
    target: ArrayLike,
    *,
    label_smoothing: float = 0.0,
    sample_weight: ArrayLike | None = None,
) -> float:
    """``-t log p - (1 - t) log(1 - p)``, with ``p = logistic(z)``.

    It is the sum over outputs, the mean over samples.

    Computed as ``t softplus(-z) + (1 - t) softplus(z)``, finite for finite logits of any size. A term with
    the factor 0 is 0, even for an infinite logit.

    Parameters
    ----------
    logits : array_like of shape (N, K) or (N,), float32, float64 or complex
        z. Integers become float64.
    target : array_like of the shape of the logits, real, from 0 to 1
        (N,) also goes with logits of shape (N, 1), and the other way round.
    label_smoothing : float in [0, 1)
        e makes the target ``(1 - e) t + e / 2``: for one output, what it is in ``cross_entropy`` with two.
    sample_weight : array_like of shape (N,), optional
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
    >>> from treadle import binary_cross_entropy
    >>> round(binary_cross_entropy([0.0], [1]), 4)  # log 2
    0.6931
    """
    z, t, w = _binary_arguments(logits, target, label_smoothing, sample_weight)
    terms = _unless_zero(t, _softplus(-z)) + _unless_zero(1 - t, _softplus(z))
    return mean_over_samples(np.add.reduce(terms, axis=-1), w)


@np.errstate(all="ignore")
def binary_cross_entropy_gradient(
    logits: ArrayLike,
    target: ArrayLike,
    *,
    label_smoothing: float = 0.0,
    sample_weight: ArrayLike | None = None,
) -> Inexact:
    """Compute the derivative of ``binary_cross_entropy`` by the logits.

    It is ``c_i (logistic(z_i) - t_i) / sum_i c_i`` for each sample.

    Parameters and errors as in ``binary_cross_entropy``.

    Returns
    -------
    ndarray of the shape and dtype of the logits

    Examples
    --------
    >>> from treadle import binary_cross_entropy_gradient
    >>> binary_cross_entropy_gradient([0.0], [1]).tolist()  # logistic(0) - 1
    [-0.5]
    """
    z, t, w = _binary_arguments(logits, target, label_smoothing, sample_weight)
    gradient: Inexact = logistic(z) - t.astype(z.real.dtype)
    return scaled_for_mean(gradient, w).reshape(np.shape(logits))


@np.errstate(all="ignore")
def poisson_loss(logits: ArrayLike, target: ArrayLike, *, sample_weight: ArrayLike | None = None) -> float:
    """Half the Poisson deviance, ``t log(t / mu) - t + mu``.

    ``mu = exp(z)``.

    The sum is over outputs, the mean over samples. It is the negative log-likelihood of a Poisson variable
    with mean mu, up to a term in t alone that makes it 0 where mu = t; ``t log t`` is 0 for t = 0.

    Parameters
    ----------
    logits : array_like of shape (N, K) or (N,), float32, float64 or complex
        z. Integers become float64.
    target : array_like of the shape of the logits, real, at least 0
        (N,) also goes with logits of shape (N, 1), and the other way round.
    sample_weight : array_like of shape (N,), optional
        Finite and not negative. None: all 1.

    Returns
    -------
    float

    Raises
    ------
    InvalidInput
        If an argument is not as above, or there is no sample.

    Examples
    --------
    >>> from treadle import poisson_loss
    >>> poisson_loss([0.0, 0.0], [1, 0])  # mu = 1: the mean of 0 and 1
    0.5
    """
    z, t, w = _poisson_arguments(logits, target, sample_weight)
    constant = _unless_zero(t, np.log(t)) - t
    return mean_over_samples(np.add.reduce(np.exp(z) - _unless_zero(t, z) + constant, axis=-1), w)


@np.errstate(all="ignore")
def poisson_loss_gradient(
    logits: ArrayLike, target: ArrayLike, *, sample_weight: ArrayLike | None = None
) -> Inexact:
    """Compute the derivative of ``poisson_loss`` by the logits.

    It is ``c_i (exp(z_i) - t_i) / sum_i c_i`` for each sample.

    Parameters and errors as in ``poisson_loss``.

    Returns
    -------
    ndarray of the shape and dtype of the logits

    Examples
    --------
    >>> from treadle import poisson_loss_gradient
    >>> poisson_loss_gradient([0.0, 0.0], [1, 0]).tolist()  # mu - t over the number of samples
    [0.0, 0.5]
    """
    z, t, w = _poisson_arguments(logits, target, sample_weight)
    gradient: Inexact = np.exp(z) - t.astype(z.real.dtype)
    return scaled_for_mean(gradient, w).reshape(np.shape(logits))


def _softplus(z: Inexact) -> Inexact:
    """Compute ``log(1 + exp(z))``.

    A complex z takes the branch of its real part.
    """
    return np.asarray(np.where(z.real > 0, z + np.log1p(np.exp(-z)), np.log1p(np.exp(z))))


def _unless_zero(factor: Inexact, value: Inexact) -> Inexact:
    """Compute ``factor * value``; 0 where the factor is 0, whatever the value."""
    return np.asarray(np.where(factor == 0, 0, factor * value))


def _binary_arguments(
    logits: ArrayLike, target: ArrayLike, label_smoothing: float, sample_weight: ArrayLike | None
) -> tuple[Inexact, Floats, NDArray[np.float64] | None]:
    """Check and return logits and smoothed targets (N, K), and weights.

    The weights are (N,) or None.
    """
    if not 0 <= label_smoothing < 1:
        raise InvalidInput(f"label_smoothing must be at least 0 and below 1; got {label_smoothing!r}")
    z = as_inexact("logits", logits)
    t, w = checked_probabilities(target, z.shape, sample_weight)
    return z.reshape(t.shape), (1 - label_smoothing) * t + label_smoothing / 2, w


def _poisson_arguments(
    logits: ArrayLike, target: ArrayLike, sample_weight: ArrayLike | None
) -> tuple[Inexact, Floats, NDArray[np.float64] | None]:
    """Check and return logits and targets (N, K), and weights.

    The weights are (N,) or None.
    """
    z = as_inexact("logits", logits)
    t, w = checked_counts(target, z.shape, sample_weight)
    return z.reshape(t.shape), t, w
