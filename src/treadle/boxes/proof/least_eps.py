"""Refuses an eps that is smaller than float64 allows, before any work.

Rounding makes a function known to within a part of its values only, however small a box is. Over two
neighbouring numbers, at places drawn at random, the error of a box is looked at; a partition of as many boxes
as fit in memory cannot isolate each number of the domain, so some box holds such neighbours and more. Linear
pieces are computed with rounding of their own, ``interpolation_rounding``.

A function without rounding, as one that is constant in pieces may be, has no least eps.
"""

from __future__ import annotations

import numpy as np

from treadle.boxes.proof.cell_errors import interpolation_rounding
from treadle.boxes.proof.known_function import Target
from treadle.choices import BoxNormName
from treadle.errors import InvalidInput

PLACES = 256
# The error is that over a number and its neighbours, of which a box is certain to hold the number alone.
MARGIN = 0.5


def check_eps(target: Target, eps: float, order: int, norm: BoxNormName) -> None:
    """Refuse an eps that rounding alone exceeds.

    Parameters
    ----------
    target : Target
    eps : float
        As the user gave it.
    order : {0, 1}
    norm : {"sup", "l2"}

    Raises
    ------
    InvalidInput
        It says the least eps.
    """
    least = least_eps(target, order, norm)
    if eps < least:
        raise InvalidInput(
            f"eps={eps!r} is below what rounding allows: float64 has f, of values up to "
            f"{target.largest_sampled:.3g}, to within {least} only; take an eps of at least {least}, and of "
            "many times that for a network of moderate size"
        )


def least_eps(target: Target, order: int, norm: BoxNormName) -> float:
    """The least error that can be proved; 0 where there is no such number."""
    a, b = target.bounds[:, 0], target.bounds[:, 1]
    places = np.random.default_rng(0).uniform(a, b, (PLACES, target.n_dims))
    lower = np.clip(places, a, b)
    upper = np.minimum(np.nextafter(np.nextafter(lower, np.inf), np.inf), b)
    inside = (np.nextafter(lower, np.inf) < upper).all(axis=1)
    ranges = target.ranges(lower[inside], upper[inside])
    # Slopes prove a box as well, but for the rounding of f at the point and in the middle.
    errors = np.minimum(ranges.errors(ranges.middle), 2 * target.rounding)
    if order == 1:
        errors = np.full(errors.shape, interpolation_rounding(target))
    if not errors.size:
        return 0.0
    error = float(errors.max())
    if norm == "l2":  # half of the domain has at least the median
        error = float(np.median(errors) * np.sqrt(target.widths.prod() / 2))
    return float(f"{MARGIN * error:.1e}")  # what is printed is what is compared
