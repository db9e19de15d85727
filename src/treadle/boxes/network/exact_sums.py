"""Heights whose sums of jumps are exact, in whatever order a library adds.

The telescoped form sums jumps, c_j = c_0 + D_1 + .. + D_j, and floating-point sums round: by how much depends
on the order. But where all summands are multiples of one power of two q, and their absolute values add up to
at most 2^53 q, every partial sum is a float64 and no order rounds. So heights are cut at a power of two:

- ``exact_parts`` writes heights as a sum of such parts, the upper bits, the next ones, and so on. All parts
  of a height have its sign, so that their sum is exact too.
- ``summable`` rounds heights to where one part is enough, which moves them by about 1e-16 of their total
  variation.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from treadle.errors import InvalidInput

BITS = 53  # of a float64's significand
LEAST_EXPONENT = -1074  # of the least float64


def summable(heights: NDArray[np.float64]) -> NDArray[np.float64]:
    """Round the heights so that sums of their jumps are exact.

    The jumps are those of the heights flattened in C order; the shape stays.

    Parameters
    ----------
    heights : ndarray of float64
        Finite.

    Returns
    -------
    ndarray of float64
        Within half of ``quantum`` of the heights, or equal to them where that is enough.
    """
    flat = heights.ravel()
    exponent = _exponent(_variation(flat), flat.size)
    return np.asarray(np.ldexp(np.rint(np.ldexp(flat, -exponent)), exponent)).reshape(heights.shape) + 0.0


def quantum(heights: NDArray[np.float64]) -> float:
    """Return the power of two that ``summable`` rounds heights to.

    A height is moved by half of it at most.
    """
    return math.ldexp(1.0, _exponent(_variation(heights.ravel()), heights.size))


def exact_parts(heights: NDArray[np.float64], *, in_pairs: bool = False) -> NDArray[np.float64]:
    """Split heights into parts (n_parts, N), each of which sums exactly.

    Parameters
    ----------
    heights : ndarray of float64, shape (N,)
        Finite.
    in_pairs : bool
        Whether the summands are h_j and -h_j of each box, rather than the jumps.

    Raises
    ------
    InvalidInput
        If the summands are so large that they add up to infinity.
    """
    parts: list[NDArray[np.float64]] = []
    rest = heights + 0.0
    while not parts or rest.any():
        variation = 2 * float(np.abs(rest).sum()) if in_pairs else _variation(rest)
        if not math.isfinite(variation):
            raise InvalidInput(
                f"the heights reach {np.abs(heights).max():.3g}, and their sum is beyond float64: scale the "
                "function down, or take the form 'and'"
            )
        exponent = _exponent(variation, rest.size)
        part = np.ldexp(np.trunc(np.ldexp(rest, -exponent)), exponent)
        parts.append(part)
        rest = rest - part
    return np.array(parts)


def _variation(flat: NDArray[np.float64]) -> float:
    """|c_0| + |D_1| + |D_2| + ..."""
    with np.errstate(over="ignore"):
        return float(abs(flat[0]) + np.abs(np.diff(flat)).sum())


def _exponent(variation: float, n: int) -> int:
    """Return the exponent of a power of two q to round heights to.

    variation + (n + 1) q <= 2^53 q holds, as rounding moves a jump by q at most.
    """
    room = variation / (2.0**BITS - n - 2)
    return max(LEAST_EXPONENT, math.frexp(room)[1]) if room > 0 else LEAST_EXPONENT
