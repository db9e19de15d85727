"""The ends of a rank test's intervals by linear programs alone, HiGHS's, for the tests of rank inversion.

g(b), the least loss with the coefficient j held at b, is convex and piecewise linear. Its value and a slope
at any b come from one linear program; where two tangents meet, and g is no more than they are, is a kink.
"""

from typing import NamedTuple

import numpy as np
import scipy.optimize
from scipy.stats import t as student

FAR = 1e4  # sizes of the table: no kink is farther
SAME = 1e-7  # of a slope, and of a value
BESIDE = 1e-5  # nearer than any two kinks


class LastStep(NamedTuple):
    """The last step that the test accepts is ``below`` from ``start`` to ``end``, and then ``beyond``."""

    start: float
    end: float
    below: float
    beyond: float
    limit: float

    @property
    def interpolated(self):
        share = (self.limit - self.below) / (self.beyond - self.below)
        return self.start + share * (self.end - self.start)


class LeastLoss:
    def __init__(self, Z, y, j, sign, quantile):
        self.V, self.x, self.y, self.quantile = np.delete(Z, j, axis=1), sign * Z[:, j], y, quantile
        self.size = max(1.0, float(np.abs(y).max()))

    def tangent(self, b):
        """g(b) and a slope there, from the dual program: max (y - b x)'u, V'u = 0, tau - 1 <= u <= tau."""
        moved = self.y - b * self.x
        for method in ("highs", "highs-ipm"):  # each gives up on a table in a thousand
            found = scipy.optimize.linprog(
                -moved,
                A_eq=self.V.T,
                b_eq=np.zeros(self.V.shape[1]),
                bounds=(self.quantile - 1, self.quantile),
                method=method,
            )
            if found.status == 0:
                return -found.fun, float(-self.x @ found.x)
        raise AssertionError(found.message)

    def meeting(self, left, right, limit):
        """The kink where the slope passes ``limit``, between points (b, g, slope) that lie on either side."""
        for _ in range(500):
            (a, g, s), (b, h, t) = left, right
            at = (h - g + s * a - t * b) / (s - t)
            value, slope = self.tangent(at)
            if value <= g + s * (at - a) + SAME * max(1.0, abs(value)):
                return at
            if slope > limit:
                right = (at, value, slope)
            else:
                left = (at, value, slope)
        raise AssertionError("no kink was found")


def last_step(Z, y, j, sign, quantile, level):
    """Of the coefficient times ``sign``, in its direction; None where the test accepts all of it."""
    n, p = Z.shape
    loss = LeastLoss(Z, y, j, sign, quantile)
    V = loss.V
    apart = Z[:, j] - V @ np.linalg.lstsq(V, Z[:, j], rcond=None)[0]
    limit = float(student.ppf((1 + level) / 2, n - p)) * np.sqrt(quantile * (1 - quantile) * apart @ apart)
    far = FAR * loss.size
    left, right = ((b, *loss.tangent(b)) for b in (-far, far))
    if right[2] <= limit:
        return None
    end = loss.meeting(left, right, limit)
    # A slope at a kink may be any between those on either side of it: the step's are taken beside it.
    before, after = ((b, *loss.tangent(b)) for b in (end - BESIDE, end + BESIDE))
    below, beyond = before[2], after[2]
    assert below < limit < beyond
    if below < -SAME:  # the slope passes 0 here: this is the estimate
        return LastStep(end, end, 0.0, beyond, limit)
    return LastStep(loss.meeting(left, before, below - SAME), end, below, beyond, limit)


def tied_table(seed):
    """A few rows of small whole numbers, of full rank, as they tie; and a quantile."""
    rng = np.random.default_rng(seed)
    while True:
        n, d = int(rng.integers(6, 31)), int(rng.integers(1, 4))
        X = rng.integers(0, rng.integers(2, 6), (n, d)).astype(float)
        y = rng.integers(0, rng.integers(4, 13), n).astype(float)
        Z = np.column_stack([np.ones(n), X])
        if np.linalg.matrix_rank(Z) == d + 1:
            return Z, y, float(rng.choice([0.1, 0.25, 0.5, 0.75, 0.8]))
