"""Estimates the time of fits with tied rows, from a few rows.

Where many rows lie on the fit, a fit is a walk from vertex to vertex: the number of steps grows with the
rows, as does the time of each. Where rows do not tie, steps are few: all rows take about a second.
"""

from __future__ import annotations

import time

import numpy as np
from numpy.typing import NDArray

from treadle.errors import TreadleError
from treadle.l1.dense.solve import solve

SAMPLE, MOST = 2500, 32  # rows of the fit that is timed, and what share of all they are at least


def seconds_of_a_tied_fit(Z: NDArray[np.float64], y: NDArray[np.float64], quantile: float) -> float:
    """Estimate the time of a fit of all rows from some; 0 for few.

    The time grows with the square of the number of rows.
    """
    step = min(len(y) // SAMPLE, MOST)
    if step < 2:
        return 0.0
    start = time.perf_counter()
    try:
        solve(Z[::step], y[::step], quantile=quantile, fit_intercept=False)
    except TreadleError:  # some rows may be no problem of their own
        return 0.0
    return (time.perf_counter() - start) * step**2
