r"""Bandwidths for estimating the density of the errors at a quantile.

h is in units of probability: the density is taken from the quantiles tau - h and tau + h. With z the standard
normal's quantile of tau and phi its density:

Hall and Sheather (1988), the best for intervals of the level 95 %::

    h = n^(-1/3) z_{.975}^(2/3) (1.5 phi(z)^2 / (2 z^2 + 1))^(1/3)

Bofinger (1975), the best for the density itself::

    h = n^(-1/5) (4.5 phi(z)^4 / (2 z^2 + 1)^2)^(1/5)

Chamberlain (1994)::

    h = z_{.975} sqrt(tau (1 - tau) / n)

The 97.5 % stays whatever the level of the intervals, as in R's quantreg: standard errors do not depend on it.
statsmodels writes phi(2 z) for Bofinger's phi(z), which is the same at the median alone.
"""

from __future__ import annotations

import math
from collections.abc import Callable

from scipy.special import ndtri

from treadle.errors import InvalidInput

Z_95 = float(ndtri(0.975))


def hall_sheather(n: int, quantile: float) -> float:
    """Compute Hall and Sheather's bandwidth, for n rows."""
    z, density = _normal(quantile)
    core = 1.5 * density**2 / (2 * z**2 + 1)
    return float(n ** (-1 / 3) * Z_95 ** (2 / 3) * core ** (1 / 3))


def bofinger(n: int, quantile: float) -> float:
    """Compute Bofinger's bandwidth, for n rows."""
    z, density = _normal(quantile)
    return float(n ** (-1 / 5) * (4.5 * density**4 / (2 * z**2 + 1) ** 2) ** (1 / 5))


def chamberlain(n: int, quantile: float) -> float:
    """Compute Chamberlain's bandwidth, for n rows."""
    return float(Z_95 * math.sqrt(quantile * (1 - quantile) / n))


def _normal(quantile: float) -> tuple[float, float]:
    """Return the standard normal's quantile, and its density there."""
    z = float(ndtri(quantile))
    return z, math.exp(-z * z / 2) / math.sqrt(2 * math.pi)


BANDWIDTHS: dict[str, Callable[[int, float], float]] = {
    "hall_sheather": hall_sheather,
    "bofinger": bofinger,
    "chamberlain": chamberlain,
}


def bandwidth(name: str, n: int, quantile: float) -> float:
    """Compute the named bandwidth by its formula."""
    if name not in BANDWIDTHS:
        raise InvalidInput(f"bandwidth must be one of {', '.join(BANDWIDTHS)}; got {name!r}")
    return BANDWIDTHS[name](n, quantile)


def bandwidth_within(name: str, n: int, quantile: float) -> float:
    """Compute the bandwidth, halved until both quantiles are within (0, 1).

    R's quantreg does so too.
    """
    h = bandwidth(name, n, quantile)
    while not 0 < quantile - h < quantile + h < 1:
        h /= 2
    return h
