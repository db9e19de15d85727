"""Finds the temperature that calibrates a classifier's probabilities.

Guo, Pleiss, Sun and Weinberger, "On calibration of modern neural networks" (2017): all logits z are
divided by one number T > 0, which minimises the cross-entropy of softmax(z / T) on rows that the network
was not trained on. The most probable class stays the same; networks that are too sure of themselves get
T > 1. The same holds for outputs that are logistic each.

With s = 1 / T the objective is convex: cross-entropy is a convex function of the logits, and s z is linear in
s. So its derivative ``sum_i z_i . g_i``, g_i being the derivative by row i's logits, rises with s, and the
minimum is its only root.

Dimensions: N samples, K classes or outputs.
"""

from __future__ import annotations

import numpy as np

from treadle.errors import InvalidInput
from treadle.maths.dtypes import Inexact, Numbers
from treadle.maths.likelihoods import binary_cross_entropy_gradient
from treadle.maths.losses import cross_entropy_gradient
from treadle.messages import warn_caller

# T is sought within these: beyond, probabilities are 0 and 1, or all the same, to any purpose.
LEAST, GREATEST = 1e-2, 1e2


def best_temperature(
    logits: Inexact,
    y: Numbers,
    sample_weight: Numbers | None = None,
    *,
    output: str = "softmax",
) -> float:
    """Find the temperature of least cross-entropy, to eight digits.

    Parameters
    ----------
    logits : ndarray of shape (N, K), N >= 1
    y : ndarray
        (N,) class numbers for softmax; (N, K) of 0 and 1 for logistic.
    sample_weight : ndarray of shape (N,), or None
        Not negative, not all 0.
    output : {"softmax", "logistic"}

    Returns
    -------
    float
        From 0.01 to 100.

    Raises
    ------
    InvalidInput
        If there is no such output, or no row, or logits are not finite.

    Warns
    -----
    UserWarning
        If the best temperature is not within these bounds, as where every row is classified right: the
        cross-entropy falls for ever as T does. The bound is returned; 1 where T changes nothing.
    """
    taken, doubt = temperature_in_bounds(logits, y, sample_weight, output=output)
    if doubt:
        warn_caller(
            f"no temperature from {LEAST:g} to {GREATEST:g} minimises the cross-entropy of these "
            f"{len(logits)} rows: {doubt}. Took {taken:g}; give more rows that were not trained on"
        )
    return taken


def temperature_in_bounds(
    logits: Inexact,
    y: Numbers,
    sample_weight: Numbers | None = None,
    *,
    output: str = "softmax",
) -> tuple[float, str]:
    """Find the temperature as ``best_temperature`` does, and say why it is a bound, if it is.

    The targets may be soft: (N, K), of sum 1 for softmax.

    Returns
    -------
    float, str
        The last is empty where the temperature is within the bounds.

    Raises
    ------
    InvalidInput
        As ``best_temperature``.
    """
    if output not in ("softmax", "logistic"):
        raise InvalidInput(f"a temperature is for outputs softmax and logistic; got {output!r}")
    z = np.asarray(logits, dtype=np.float64)
    if z.ndim != 2 or z.size == 0 or not np.isfinite(z).all():
        raise InvalidInput(
            f"logits must be finite, of shape (N, K) with at least one row; got shape {z.shape}"
            + (" with NaN or infinite numbers" if z.size else "")
        )
    gradient = cross_entropy_gradient if output == "softmax" else binary_cross_entropy_gradient

    def slope(log_s: float) -> float:
        s = np.exp(log_s)
        return float(np.sum(z * gradient(s * z, y, sample_weight=sample_weight)))

    low, high = -np.log(GREATEST), -np.log(LEAST)
    at_low, at_high = slope(low), slope(high)
    if at_low == at_high == 0:
        return 1.0, "it does not depend on T"
    if at_low >= 0:
        return GREATEST, "it falls for ever as T rises: the logits say the opposite of what is so"
    if at_high <= 0:
        return LEAST, "it falls for ever as T does: every row is classified right, or nearly so"
    from scipy.optimize import brentq

    return float(np.exp(-brentq(slope, low, high, xtol=1e-9))), ""
