"""The protocol of proved bounds of a function over many boxes at once.

N boxes in d dimensions are two arrays of shape (N, d), the lower and the upper corners, with lower <= upper;
both corners belong to the box. Whatever is returned holds at every point of the box that float64 can hold,
for the function's values as float64 computes them: whoever encloses rounds outward. An infinite bound says
that nothing is known; NaN is never returned.

``treadle.formulas.expressions`` keeps the protocol by interval arithmetic. A plain function
``enclosure(lower, upper) -> (min, max)`` is enough where no derivatives are known: ``RangeOnly``.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from treadle.errors import InvalidInput

Corners = NDArray[np.float64]
RangeFunction = Callable[[Corners, Corners], tuple[NDArray[np.float64], NDArray[np.float64]]]


@runtime_checkable
class Enclosure(Protocol):
    """Proved bounds of a function of d variables and of its derivatives, over boxes."""

    def range(self, lower: Corners, upper: Corners) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Bound f over each box by two arrays (N,): least <= f(x) <= greatest.

        It holds for every x in the box.
        """
        ...

    def gradient_range(
        self, lower: Corners, upper: Corners
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]] | None:
        """Bound each partial derivative over each box by two arrays (N, d).

        None where there are none.

        They are bounds of f's difference quotients along each axis within the box, so a function with kinks,
        such as abs, has them; one that jumps in the box has infinite ones.
        """
        ...

    def second_derivative_bound(self, lower: Corners, upper: Corners) -> NDArray[np.float64] | None:
        """Bound each second partial derivative's absolute value over each box, (N, d, d).

        None where there are none; infinite where a first derivative jumps in the box.
        """
        ...


class RangeOnly:
    """An enclosure without derivatives, from a function ``enclosure(lower, upper) -> (min, max)``.

    Parameters
    ----------
    function : callable
        Takes two arrays (N, d) and returns two arrays (N,).

    Raises
    ------
    InvalidInput
        From ``range``: if the function returns other shapes, NaN, or a least value above the greatest.
    """

    def __init__(self, function: RangeFunction) -> None:
        self._function = function

    def range(self, lower: Corners, upper: Corners) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """See ``Enclosure.range``; checked."""
        try:
            least, greatest = (np.asarray(part, dtype=np.float64) for part in self._function(lower, upper))
        except (TypeError, ValueError) as error:
            raise InvalidInput(
                "enclosure(lower, upper) must return two arrays of numbers, the bounds of f over each box; "
                f"got {error}"
            ) from error
        if least.shape != (len(lower),) or greatest.shape != (len(lower),):
            raise InvalidInput(
                f"enclosure(lower, upper) must return two arrays of shape ({len(lower)},), one number a box; "
                f"got {least.shape} and {greatest.shape}"
            )
        wrong = np.flatnonzero(~(least <= greatest))
        if wrong.size:
            i = wrong[0]
            raise InvalidInput(
                f"enclosure must return a least value <= the greatest; got {least[i]} and {greatest[i]} over "
                f"the box from {lower[i]} to {upper[i]}"
            )
        return least, greatest

    def gradient_range(self, lower: Corners, upper: Corners) -> None:
        """See ``Enclosure.gradient_range``: there is none."""
        return None

    def second_derivative_bound(self, lower: Corners, upper: Corners) -> None:
        """See ``Enclosure.second_derivative_bound``: there is none."""
        return None


def as_enclosure(enclosure: object) -> Enclosure:
    """Turn a function or an ``Enclosure`` from the user into an enclosure.

    Raises
    ------
    InvalidInput
        If it is neither an object with the three methods nor a function.
    """
    if isinstance(enclosure, Enclosure):
        return enclosure
    if callable(enclosure):
        return RangeOnly(enclosure)
    raise InvalidInput(
        "enclosure must be a function (lower, upper) -> (min, max) over arrays of boxes, or an object with "
        f"the methods of treadle.formulas.enclosure.Enclosure; got {enclosure!r}"
    )
