"""Scales numbers robustly and clips them smoothly, as RealMLP does.

For a column x of the training rows, its quartiles q1 and q3, its least and its greatest value::

    s  = q3 - q1, or (max - min) / 2 where that is 0
    x' = (x - median) / s, or 0 where s is 0 too
    x''= x' / sqrt(1 + (x' / 3)^2)

which lies within -3 and 3. A missing number (NaN) becomes 0, as the median does; an infinite one -3 or 3.
Source: Holzmueller, Grinsztajn, Steinwart (NeurIPS 2024, arXiv 2407.04491), section 3.

An indicator of 0 and 1 that is 1 in less than a quarter of the rows has the median 0 and s = 1/2: it becomes
0 or 2 / sqrt(1 + 4/9) = 1.664. Between a quarter and a half of the rows s is 1, and it becomes 0 or 0.949.

Only sums, products, quotients and square roots are taken, each rounded correctly: the result of a row depends
neither on the processor nor on the rows beside it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

BOUND = 3.0
LARGEST = 1e300  # quartiles are of numbers within it, so that their differences stay finite
LARGEST_SCALED = 1e100  # x' is kept within it, so that its square stays finite

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class RobustScale:
    """The medians and the scales of columns.

    Attributes
    ----------
    medians : ndarray of shape (D,), float64
    scales : ndarray of shape (D,), float64
        At least 0.
    """

    medians: Array
    scales: Array

    @classmethod
    def of(cls, pairs: Sequence[tuple[float, float]]) -> RobustScale:
        """Gather the median and the scale of each column."""
        both = np.array(pairs, np.float64).reshape(-1, 2)
        return cls(both[:, 0].copy(), both[:, 1].copy())

    def apply(self, rows: Array) -> None:
        """Scale and clip rows (N, D) of float64, in place."""
        divisors = np.where(self.scales > 0, self.scales, np.inf)
        with np.errstate(over="ignore", invalid="ignore"):  # infinities, of which inf / inf is 0 in the end
            rows -= self.medians
            rows /= divisors
        np.clip(rows, -LARGEST_SCALED, LARGEST_SCALED, out=rows)
        root = rows / BOUND
        root *= root
        root += 1.0
        np.sqrt(root, out=root)
        rows /= root
        np.copyto(rows, 0.0, where=np.isnan(rows))


def median_and_scale(column: Array) -> tuple[float, float]:
    """Find the median and the scale of a column's finite values; 0 and 0 where it has none."""
    finite = np.clip(column[np.isfinite(column)], -LARGEST, LARGEST)
    if len(finite) == 0:
        return 0.0, 0.0
    low, median, high = np.quantile(finite, (0.25, 0.5, 0.75))
    scale = high - low
    if scale == 0:
        scale = (finite.max() - finite.min()) / 2
    return float(median), float(scale)
