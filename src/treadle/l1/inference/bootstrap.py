"""Estimates the coefficients' covariance by refitting rows drawn or weighed at random.

``pairs`` draws N rows with replacement, each with its target: as weights, which count how often a row was
drawn. ``weighted`` gives each row a weight from the exponential distribution of mean 1, so that no row is
ever lost and rare dummy columns keep their rows. Both allow errors whose spread depends on X. Every refit is
exact.

Sources: Efron (1979) for pairs; Rubin (1981), and Bose and Chatterjee (2003) for weights.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from treadle.data.progress import SILENT, Progress
from treadle.errors import InvalidInput
from treadle.l1.dense.solve import solve
from treadle.l1.inference.covariances import Covariance

Matrix = NDArray[np.float64]

DRAWS: dict[str, Callable[[np.random.Generator, int], Matrix]] = {
    "pairs": lambda rng, n: rng.multinomial(n, np.full(n, 1 / n)).astype(np.float64),
    "weighted": lambda rng, n: rng.standard_exponential(n),
}


def bootstrap_covariance(
    Z: Matrix,
    y: Matrix,
    quantile: float,
    kind: str,
    n_bootstrap: int,
    seed: int,
    progress: Progress = SILENT,
) -> Covariance:
    """Estimate the covariance of the coefficients from ``n_bootstrap`` refits.

    Parameters
    ----------
    Z : ndarray of shape (N, P)
    y : ndarray of shape (N,)
    quantile : float in (0, 1)
    kind : {"pairs", "weighted"}
    n_bootstrap : int, at least 2
    seed : int
        Equal seeds give equal bits.
    progress : Progress
        Says so where it takes long.
    """
    if n_bootstrap < 2:
        raise InvalidInput(f"n_bootstrap must be at least 2; got {n_bootstrap}: a hundred or more are usual")
    rng = np.random.default_rng(seed)
    coefs = np.empty((n_bootstrap, Z.shape[1]))
    with progress.counted("bootstrap", n_bootstrap) as step:
        for b in range(n_bootstrap):
            weights = DRAWS[kind](rng, len(y))
            coefs[b] = solve(Z, y, quantile=quantile, sample_weight=weights, fit_intercept=False).coef
            step()
    return Covariance(np.atleast_2d(np.cov(coefs, rowvar=False)), math.nan, math.nan)
