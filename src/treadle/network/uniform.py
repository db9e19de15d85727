"""Draws uniform numbers whose bits no compiler changes."""

from __future__ import annotations

import numpy as np

from treadle.maths.dtypes import Floats


def uniform(rng: np.random.Generator, bound: float, shape: tuple[int, ...]) -> Floats:
    """Uniform on +-bound, as ``rng.uniform``, whose compiler may fuse the product and the sum."""
    numbers = rng.random(shape)
    numbers *= 2 * bound
    numbers -= bound
    return numbers
