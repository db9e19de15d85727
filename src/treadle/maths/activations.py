"""The activations f(z) of hidden units, and their derivatives f'(z), elementwise.

Each takes the pre-activation z of any shape. float32 and float64 keep their type, integers become float64.
NaN passes through; at z = +-inf each value and derivative is its limit. Where f is analytic complex z works
too, so that the complex step can check the derivative; ReLU and SELU go by the real part.

``ACTIVATIONS`` holds what an engine needs of each. What takes a whole row at once (softmax) is elsewhere.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import overload

import numpy as np
from numpy.typing import ArrayLike

from treadle.maths.dtypes import Floats, Inexact, as_inexact, is_complex

# Beyond this, 1 - Phi and the normal density underflow in float64: Phi(-40) < 1e-349.
_NORMAL_TAIL = 40.0

# SELU's scale and scale times alpha: activations of mean 0 and variance 1 keep them (Klambauer et al. 2017).
SELU_SCALE = 1.0507009873554805
SELU_FALL = 1.7580993408473766

# From here on mish is z to the last digit of float64, and no square of e^z overflows in float32.
MISH_LINEAR = 40.0


def identity(z: ArrayLike, out: Inexact | None = None) -> Inexact:
    """f(z) = z.

    Parameters
    ----------
    z : array_like of any shape, float32, float64 or complex
        Integers become float64.
    out : ndarray of the shape of z, optional
        Where the result goes; it may be z.

    Returns
    -------
    ndarray of the shape and dtype of z
        A copy, unless ``out`` is z.

    Raises
    ------
    InvalidInput
        If z does not hold numbers.

    Examples
    --------
    >>> from treadle import identity
    >>> identity([-1.5, 2]).tolist()
    [-1.5, 2.0]
    """
    return np.asarray(np.positive(as_inexact("z", z), out=out))


def identity_derivative(z: ArrayLike) -> Inexact:
    """f'(z) = 1; NaN where z is NaN. Arguments as in ``identity``.

    Examples
    --------
    >>> from treadle import identity_derivative
    >>> identity_derivative([-1.5, 2]).tolist()
    [1.0, 1.0]
    """
    z = as_inexact("z", z)
    return np.asarray(np.where(np.isnan(z), z, z.dtype.type(1)))


def relu(z: ArrayLike, out: Inexact | None = None) -> Inexact:
    """f(z) = max(z, 0), the rectified linear unit. Arguments as in ``identity``.

    Source: Nair and Hinton 2010. Complex z is kept where its real part is positive.

    Examples
    --------
    >>> from treadle import relu
    >>> relu([-1.5, 0.0, 2.0]).tolist()
    [0.0, 0.0, 2.0]
    """
    z = as_inexact("z", z)
    if is_complex(z):
        return np.asarray(np.multiply(z, z.real > 0, out=out))
    return np.asarray(np.maximum(z, 0, out=out))


def relu_derivative(z: ArrayLike) -> Inexact:
    """f'(z) = 1 for z > 0, else 0.

    The subgradient at 0 is 0, as in PyTorch. Arguments as in ``identity``.

    Examples
    --------
    >>> from treadle import relu_derivative
    >>> relu_derivative([-1.5, 0.0, 2.0]).tolist()
    [0.0, 0.0, 1.0]
    """
    z = as_inexact("z", z)
    return np.asarray(np.where(np.isnan(z), z, (z.real > 0).astype(z.dtype)))


def tanh(z: ArrayLike, out: Inexact | None = None) -> Inexact:
    """f(z) = (e^z - e^-z) / (e^z + e^-z). Arguments as in ``identity``.

    Examples
    --------
    >>> from treadle import tanh
    >>> tanh([0.0, float("inf")]).tolist()
    [0.0, 1.0]
    """
    return np.asarray(np.tanh(as_inexact("z", z), out=out))


def tanh_derivative(z: ArrayLike) -> Inexact:
    """f'(z) = 1 - tanh(z)^2.

    It is right to about one unit of rounding of 1. Arguments as in ``identity``.

    Examples
    --------
    >>> from treadle import tanh_derivative
    >>> tanh_derivative([0.0, float("inf")]).tolist()
    [1.0, 0.0]
    """
    a = tanh(z)
    return np.asarray(1 - a * a)


@overload
def logistic(z: Floats, out: Inexact | None = ...) -> Floats: ...
@overload
def logistic(z: ArrayLike, out: Inexact | None = ...) -> Inexact: ...
def logistic(z: ArrayLike, out: Inexact | None = None) -> Inexact:
    """f(z) = 1 / (1 + e^-z), the logistic sigmoid. Arguments as in ``identity``.

    Small relative error on both sides, as long as the result is a normal number.

    Examples
    --------
    >>> from treadle import logistic
    >>> logistic([0.0, float("inf")]).tolist()
    [0.5, 1.0]
    """
    z = as_inexact("z", z)
    with np.errstate(over="ignore", under="ignore"):
        if is_complex(z):
            # A complex e^-z that overflows has no usable quotient; tanh saturates.
            return np.asarray(np.multiply(0.5, 1 + np.tanh(z / 2), out=out))
        # e^-z = inf is right: its reciprocal is 0.
        out = np.empty_like(z) if out is None else out
        np.negative(z, out=out)
        np.exp(out, out=out)
        np.add(out, 1, out=out)
        return np.asarray(np.reciprocal(out, out=out))


def logistic_derivative(z: ArrayLike) -> Inexact:
    """f'(z) = f(z) f(-z), which is f(z) (1 - f(z)) without cancellation.

    Arguments as in ``identity``.

    Examples
    --------
    >>> from treadle import logistic_derivative
    >>> logistic_derivative([0.0, float("inf")]).tolist()
    [0.25, 0.0]
    """
    z = as_inexact("z", z)
    with np.errstate(under="ignore"):
        return np.asarray(logistic(z) * logistic(-z))


def gelu(z: ArrayLike, out: Inexact | None = None) -> Inexact:
    """f(z) = z Phi(z), Phi being the normal distribution function.

    It is exact, not the tanh approximation. Arguments as in ``identity``. Source: Hendrycks and Gimpel 2016,
    arXiv:1606.08415.

    Examples
    --------
    >>> from treadle import gelu
    >>> gelu([-float("inf"), 0.0, 1.0]).round(4).tolist()  # Phi(1) = 0.8413
    [-0.0, 0.0, 0.8413]
    """
    z = _within(as_inexact("z", z), -_NORMAL_TAIL, math.inf)
    with np.errstate(under="ignore"):
        return np.asarray(np.multiply(z, _normal_distribution(z), out=out))


def gelu_derivative(z: ArrayLike) -> Inexact:
    """f'(z) = Phi(z) + z phi(z), phi being the normal density.

    Arguments as in ``identity``.

    Examples
    --------
    >>> from treadle import gelu_derivative
    >>> gelu_derivative([0.0, float("inf")]).tolist()
    [0.5, 1.0]
    """
    z = _within(as_inexact("z", z), -_NORMAL_TAIL, _NORMAL_TAIL)
    with np.errstate(under="ignore"):
        density = np.exp(-0.5 * z * z) * (1 / math.sqrt(2 * math.pi))
        return np.asarray(_normal_distribution(z) + z * density)


def silu(z: ArrayLike, out: Inexact | None = None) -> Inexact:
    """f(z) = z logistic(z), also called swish. Arguments as in ``identity``.

    Source: Elfwing, Uchibe and Doya 2018, arXiv:1702.03118.

    Examples
    --------
    >>> from treadle import silu
    >>> silu([0.0, 100.0]).round(6).tolist()
    [0.0, 100.0]
    """
    z = as_inexact("z", z)
    z = _within(z, float(np.finfo(z.dtype).min), math.inf)
    with np.errstate(under="ignore"):
        return np.asarray(np.multiply(z, logistic(z), out=out))


def silu_derivative(z: ArrayLike) -> Inexact:
    """f'(z) = s(z) (1 + z s(-z)), s the logistic function.

    Arguments as in ``identity``.

    Examples
    --------
    >>> from treadle import silu_derivative
    >>> silu_derivative([0.0, float("inf")]).tolist()
    [0.5, 1.0]
    """
    z = as_inexact("z", z)
    largest = float(np.finfo(z.dtype).max)
    z = _within(z, -largest, largest)
    with np.errstate(under="ignore"):
        return np.asarray(logistic(z) * (1 + z * logistic(-z)))


def selu(z: ArrayLike, out: Inexact | None = None) -> Inexact:
    """f(z) = 1.0507 z for z > 0, else 1.7581 (e^z - 1). Arguments as in ``identity``.

    Source: Klambauer et al. 2017, arXiv:1706.02515. Complex z goes by its real part.

    Examples
    --------
    >>> from treadle import selu
    >>> selu([-float("inf"), 0.0, 1.0]).round(4).tolist()
    [-1.7581, 0.0, 1.0507]
    """
    z = as_inexact("z", z)
    positive = z.real > 0
    fallen = np.multiply(np.expm1(np.where(positive, 0, z)), SELU_FALL)
    return np.asarray(np.add(fallen, np.multiply(np.where(positive, z, 0), SELU_SCALE), out=out))


def selu_derivative(z: ArrayLike) -> Inexact:
    """f'(z) = 1.0507 for z > 0, else 1.7581 e^z, as in PyTorch also at 0.

    Arguments as in ``identity``.

    Examples
    --------
    >>> from treadle import selu_derivative
    >>> selu_derivative([-float("inf"), 0.0, 1.0]).round(4).tolist()
    [0.0, 1.7581, 1.0507]
    """
    z = as_inexact("z", z)
    positive = z.real > 0
    with np.errstate(under="ignore"):
        slope = np.multiply(np.exp(np.where(positive, 0, z)), SELU_FALL)
    return np.asarray(np.where(positive, z.dtype.type(SELU_SCALE), slope))


def mish(z: ArrayLike, out: Inexact | None = None) -> Inexact:
    """f(z) = z tanh(log(1 + e^z)). Arguments as in ``identity``.

    With n = e^z (e^z + 2), the hyperbolic tangent is n / (n + 2). Source: Misra 2019, arXiv:1908.08681.

    Examples
    --------
    >>> from treadle import mish
    >>> mish([-float("inf"), 0.0, 1.0]).round(4).tolist()
    [-0.0, 0.0, 0.8651]
    """
    z = as_inexact("z", z)
    z = _within(z, float(np.finfo(z.dtype).min), math.inf)
    with np.errstate(under="ignore"):
        e = np.exp(_within(z, -math.inf, MISH_LINEAR))
        n = e * (e + 2)
        return np.asarray(np.multiply(z, n / (n + 2), out=out))


def mish_derivative(z: ArrayLike) -> Inexact:
    """f'(z) = n / (n + 2) + 4 z e^z (e^z + 1) / (n + 2)^2, with n = e^z (e^z + 2).

    Arguments as in ``identity``.

    Examples
    --------
    >>> from treadle import mish_derivative
    >>> mish_derivative([-float("inf"), 0.0, float("inf")]).tolist()
    [0.0, 0.6, 1.0]
    """
    z = as_inexact("z", z)
    z = _within(z, float(np.finfo(z.dtype).min), MISH_LINEAR)
    with np.errstate(under="ignore"):
        e = np.exp(z)
        n = e * (e + 2)
        return np.asarray(n / (n + 2) + z * (2 / (n + 2)) * (2 * e * (e + 1) / (n + 2)))


def _within(z: Inexact, low: float, high: float) -> Inexact:
    """Clip z to [low, high], to avoid inf * 0 = NaN.

    z times a vanishing factor is 0 then. The functions above do not change, in floating point, beyond their
    bounds. NaN stays NaN.
    """
    if is_complex(z):
        z = z.copy()
        np.clip(z.real, low, high, out=z.real)
        return z
    return np.asarray(np.clip(z, low, high))


def _normal_distribution(z: Inexact) -> Inexact:
    # scipy.special takes half a second to load; most networks need no GELU.
    from scipy.special import ndtr

    return np.asarray(ndtr(z))


@dataclass(frozen=True)
class Activation:
    """An activation f, with its derivative and its step of back-propagation.

    Parameters
    ----------
    name : str
    value : callable
        ``value(z, out=None)`` is f(z).
    derivative : callable
        ``derivative(z)`` is f'(z).
    backward : callable
        ``backward(delta, z, a)`` multiplies delta by f'(z), in place, given z and a = f(z). All three are
        real arrays of one shape and dtype.
    in_place : bool
        ``backward`` reads a alone, so that f(z) may overwrite z; z is then passed as a.
    """

    name: str
    value: Callable[..., Inexact]
    derivative: Callable[[ArrayLike], Inexact]
    backward: Callable[[Inexact, Inexact, Inexact], None]
    in_place: bool


def _identity_backward(delta: Inexact, z: Inexact, a: Inexact) -> None:
    """The derivative is 1: delta stays."""


def _relu_backward(delta: Inexact, z: Inexact, a: Inexact) -> None:
    np.multiply(delta, a > 0, out=delta)


def _tanh_backward(delta: Inexact, z: Inexact, a: Inexact) -> None:
    slope = a * a
    np.subtract(1, slope, out=slope)
    np.multiply(delta, slope, out=delta)


def _logistic_backward(delta: Inexact, z: Inexact, a: Inexact) -> None:
    slope = 1 - a
    np.multiply(slope, a, out=slope)
    np.multiply(delta, slope, out=delta)


def _gelu_backward(delta: Inexact, z: Inexact, a: Inexact) -> None:
    np.multiply(delta, gelu_derivative(z), out=delta)


def _silu_backward(delta: Inexact, z: Inexact, a: Inexact) -> None:
    np.multiply(delta, silu_derivative(z), out=delta)


def _selu_backward(delta: Inexact, z: Inexact, a: Inexact) -> None:
    np.multiply(delta, np.where(a > 0, a.dtype.type(SELU_SCALE), a + SELU_FALL), out=delta)


def _mish_backward(delta: Inexact, z: Inexact, a: Inexact) -> None:
    np.multiply(delta, mish_derivative(z), out=delta)


ACTIVATIONS: dict[str, Activation] = {
    activation.name: activation
    for activation in (
        Activation("identity", identity, identity_derivative, _identity_backward, in_place=True),
        Activation("relu", relu, relu_derivative, _relu_backward, in_place=True),
        Activation("tanh", tanh, tanh_derivative, _tanh_backward, in_place=True),
        Activation("logistic", logistic, logistic_derivative, _logistic_backward, in_place=True),
        Activation("gelu", gelu, gelu_derivative, _gelu_backward, in_place=False),
        Activation("silu", silu, silu_derivative, _silu_backward, in_place=False),
        Activation("selu", selu, selu_derivative, _selu_backward, in_place=True),
        Activation("mish", mish, mish_derivative, _mish_backward, in_place=False),
    )
}
"""The activations by name."""
