"""The function to approximate, its values, and its bounds over cells.

A cell is [lower, upper), so of its numbers in float64 the greatest along an axis is the one before ``upper``,
but where the domain ends: an enclosure is evaluated that far and no further. So a function that jumps at a
cell's upper edge does not jump within it, and refinement towards a jump ends, with the edge at the jump.

Values of f are taken as float64 computes them. A Lipschitz constant or a modulus that a user gives is about
the exact f; computed values are allowed to lie ``VALUE_ROUNDING`` of the greatest from those. An enclosure
has the computed values in it, as its protocol says.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from treadle.boxes.proof.bounds import UNIT, Modulus, outward
from treadle.choices import BoxBoundName
from treadle.errors import InvalidInput
from treadle.formulas.enclosure import Enclosure

Array = NDArray[np.float64]

# Relative to the greatest value: four units in the last place of whoever computes f.
VALUE_ROUNDING = 8 * UNIT
# Points at which f is evaluated in one call.
POINTS_PER_CALL = 1 << 18


@dataclass(frozen=True)
class Ranges:
    """Each cell's bounds of f, and its least and largest sampled values, (n,)."""

    least: Array
    greatest: Array
    least_sampled: Array
    largest_sampled: Array

    @property
    def middle(self) -> Array:
        """The midrange: the height whose error is least."""
        return np.asarray(self.least / 2 + self.greatest / 2)

    def errors(self, heights: Array) -> Array:
        """Bound |f - height| over each cell, rounded up."""
        return np.asarray(outward(np.maximum(self.greatest - heights, heights - self.least)))


class Target:
    """A function over a box, with checked values and all known bounds.

    Parameters
    ----------
    f : callable
        Takes (n,) in one dimension and (n, d) in more; returns (n,).
    bounds : ndarray of shape (d, 2)
    modulus : Modulus or None
    enclosure : Enclosure or None
    curvature : ndarray of shape (d, d), or None
        Bounds of the second partial derivatives over all the domain.
    value_rounding : float or None
        A proved bound of |computed f - exact f| where there is one.
    """

    def __init__(
        self,
        f: Callable[[Array], ArrayLike],
        bounds: Array,
        modulus: Modulus | None,
        enclosure: Enclosure | None,
        curvature: Array | None,
        value_rounding: float | None = None,
    ) -> None:
        self._f = f
        self.bounds = bounds
        self.modulus = modulus
        self.enclosure = enclosure
        self.curvature = curvature
        self.value_rounding = value_rounding
        self.largest_sampled = 0.0

    @property
    def n_dims(self) -> int:
        """The number of variables, d."""
        return len(self.bounds)

    @property
    def widths(self) -> Array:
        """The domain's width along each axis."""
        return np.asarray(self.bounds[:, 1] - self.bounds[:, 0])

    @property
    def rounding(self) -> float:
        """Bound |computed f - exact f|, from the largest value sampled so far."""
        if self.value_rounding is not None:
            return self.value_rounding
        return VALUE_ROUNDING * self.largest_sampled

    @property
    def kind(self) -> BoxBoundName:
        """The kind of knowledge that bounds over cells follow from."""
        if self.enclosure is not None:
            return "enclosure"
        return "none" if self.modulus is None else self.modulus.kind

    @property
    def kind_of_hats(self) -> BoxBoundName:
        """The kind of knowledge that bounds of linear interpolation follow from."""
        if self.enclosure is not None:
            return "enclosure"
        return "second_derivative" if self.curvature is not None else self.kind

    def values(self, points: Array) -> Array:
        """Compute f at points (n, d), and check the values.

        Raises
        ------
        InvalidInput
            If f fails on an array, returns another shape or no real numbers, or is not finite somewhere.
        """
        result = np.empty(len(points))
        for start in range(0, len(points), POINTS_PER_CALL):
            block = points[start : start + POINTS_PER_CALL]
            result[start : start + len(block)] = self._block_values(block)
        if result.size:
            self.largest_sampled = max(self.largest_sampled, float(np.abs(result).max()))
        return result

    def _block_values(self, block: Array) -> Array:
        n = len(block)
        argument = block[:, 0].copy() if self.n_dims == 1 else block.copy()
        taken = f"({n},)" if self.n_dims == 1 else f"({n}, {self.n_dims})"
        remedy = "write f with NumPy's functions, or wrap it with numpy.vectorize"
        try:
            answer = np.asarray(self._f(argument))
        except InvalidInput:
            raise
        except (TypeError, ValueError) as error:
            raise InvalidInput(
                f"f must take an array of shape {taken} and return one of shape ({n},); it raised {error!r}: "
                f"{remedy}"
            ) from error
        if answer.shape != (n,) or answer.dtype.kind not in "biuf":
            raise InvalidInput(
                f"f must take an array of shape {taken} and return real numbers of shape ({n},); it returned "
                f"{answer.dtype} of shape {answer.shape}: {remedy}"
            )
        values = answer.astype(np.float64)
        if not np.isfinite(values).all():
            i = int(np.flatnonzero(~np.isfinite(values))[0])
            raise InvalidInput(
                f"f must be finite over the bounds; it is {values[i]} at {block[i].tolist()}: choose bounds "
                "where it is defined"
            )
        return values

    def last(self, lower: Array, upper: Array) -> Array:
        """Return the greatest float64 of each cell (n, d) along each axis.

        It is the number before ``upper``, or the domain's bound itself.
        """
        before = np.maximum(np.nextafter(upper, -np.inf), lower)
        return np.where(upper < self.bounds[:, 1], before, upper)

    def ranges(self, lower: Array, upper: Array, parts: int = 1) -> Ranges:
        """Bounds of f over cells, each cut into ``parts`` along every axis.

        Where nothing is known of f they are the sampled values, and prove nothing: ``kind`` is "none" then.

        Parameters
        ----------
        lower, upper : ndarray of shape (n, d)
        parts : int
        """
        n, d = lower.shape
        n_parts = parts**d
        if n * n_parts > POINTS_PER_CALL and n > 1:
            half = n // 2
            pieces = (
                self.ranges(lower[:half], upper[:half], parts),
                self.ranges(lower[half:], upper[half:], parts),
            )
            return Ranges(
                *(
                    np.concatenate([getattr(piece, name) for piece in pieces])
                    for name in ("least", "greatest", "least_sampled", "largest_sampled")
                )
            )
        low, high = cut(lower, upper, parts)
        last = self.last(low, high)
        middles = np.minimum(low / 2 + high / 2, last)
        # In one dimension the ends too: there a monotone f has its least and greatest value.
        places = [middles, low, last] if d == 1 else [middles]
        values = np.stack([self.values(points) for points in places])
        least_sampled, largest_sampled = values.min(axis=0), values.max(axis=0)
        least, greatest = least_sampled, largest_sampled
        if self.modulus is not None:
            least, greatest = self._within_modulus(low, last, middles, values)
        if self.enclosure is not None:
            enclosed = self.enclosure.range(low, last)
            if self.modulus is None:
                least, greatest = enclosed
            else:
                least, greatest = np.maximum(least, enclosed[0]), np.minimum(greatest, enclosed[1])
        single = (low == last).all(axis=1)
        if single.any():  # of one number f is known to be what it is computed to be
            least, greatest = (
                np.where(single, least_sampled, least),
                np.where(single, largest_sampled, greatest),
            )
        shape = (n, n_parts)
        return Ranges(
            least.reshape(shape).min(axis=1),
            greatest.reshape(shape).max(axis=1),
            least_sampled.reshape(shape).min(axis=1),
            largest_sampled.reshape(shape).max(axis=1),
        )

    def _within_modulus(self, low: Array, last: Array, middles: Array, values: Array) -> tuple[Array, Array]:
        """Bound f by its modulus from the value in the middle.

        In one dimension also from both ends (Piyavskii 1972).
        """
        assert self.modulus is not None
        reach = self.modulus.across(np.maximum(last - middles, middles - low))
        least, greatest = values[0] - reach, values[0] + reach
        if self.n_dims == 1 and self.modulus.per_axis is not None:
            halves = [
                self._between(values[1], values[0], middles - low),
                self._between(values[0], values[2], last - middles),
            ]
            least = np.maximum(least, np.minimum(halves[0][0], halves[1][0]))
            greatest = np.minimum(greatest, np.maximum(halves[0][1], halves[1][1]))
        # The value in the middle is computed, and so are those that are to lie within.
        slack = 2 * self.rounding + 4 * UNIT * np.maximum(np.abs(least), np.abs(greatest))
        return least - slack, greatest + slack

    def _between(self, y0: Array, y1: Array, width: Array) -> tuple[Array, Array]:
        """Bound f between two values at distance ``width``, by its Lipschitz constant.

        f exceeds the greater of y0 and y1 by (L width - |y1 - y0|) / 2 at most.
        """
        assert self.modulus is not None
        excess = np.maximum(outward(self.modulus.across(width) - np.abs(y1 - y0)) / 2, 0.0)
        return np.minimum(y0, y1) - excess, np.maximum(y0, y1) + excess


def cut(lower: Array, upper: Array, parts: int) -> tuple[Array, Array]:
    """Cut each cell (n, d) evenly into ``parts`` along every axis.

    The corners are of shape (n * parts^d, d).
    """
    if parts == 1:
        return lower, upper
    d = lower.shape[1]
    places = np.stack(np.meshgrid(*[np.arange(parts)] * d, indexing="ij"), axis=-1).reshape(-1, d)
    start, width = lower[:, np.newaxis], (upper - lower)[:, np.newaxis]
    low = start + width * (places / parts)
    high = np.where(places == parts - 1, upper[:, np.newaxis], start + width * ((places + 1) / parts))
    return low.reshape(-1, d), high.reshape(-1, d)
