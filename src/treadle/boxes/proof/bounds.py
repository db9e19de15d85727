r"""The theorems that bound the error, and the record of a proved bound.

``h`` is the width of a cell, c its height, L a Lipschitz constant, omega a modulus of continuity, M the bound
of second derivatives. |f - c| over a cell is at most:

====================================  ====================================================================
height                                bound
====================================  ====================================================================
f(middle)                             omega(h / 2), L h / 2 at most
midrange of f over the cell           half the range of f over the cell, omega(h) / 2 at most
f(lower corner)                       omega(h), L h at most
====================================  ====================================================================

In d dimensions a path along the axes from the middle to any point gives (1/2) sum_i L_i h_i, and the straight
one (L_2 / 2) ||h||_2 (L_i along axis i, L_2 for the Euclidean distance).

What is piecewise linear interpolates f at the vertices v_k of a simplex: with barycentric weights t_k,
Taylor's formula gives |f - F| <= (1/2) sum_k t_k |v_k - x|^T |H| |v_k - x|, and
sum_k t_k (v_k - x)_i^2 <= h_i^2 / 4, so

    |f - F| <= (1/8) sum_ij M_ij h_i h_j,

M_ij a bound of the second partial derivatives; M h^2 / 8 in one dimension. Of f's Lipschitz constants alone
follows (1/2) sum_i L_i h_i, as for boxes.

In the norm of L2, a cell of boxes with f(middle) contributes the integral of (sum_i L_i |x_i - m_i|)^2,
which is its volume times (sum_i L_i h_i)^2 / 16 + sum_i (L_i h_i)^2 / 48; a linear piece M^2 h^5 / 120.

Everything is rounded outward, by more than these few operations can be wrong.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from treadle.choices import BoxBoundName, BoxNormName

# Of one rounding: float64's numbers near 1 are twice that apart.
UNIT = float(np.finfo(np.float64).eps) / 2


@dataclass(frozen=True)
class ErrorBound:
    """A proved bound of the network's distance from f over the domain.

    ``value`` is nan where nothing is proved.

    Parameters
    ----------
    value : float
        nan where nothing is proved.
    kind : {"none", "lipschitz", "modulus", "enclosure", "second_derivative"}
        What it follows from.
    theorem : str
        The inequality, in a sentence.
    norm : {"sup", "l2"}
        In which |f - F| is measured.
    """

    value: float
    kind: BoxBoundName
    theorem: str
    norm: BoxNormName = "sup"


def unproved(norm: BoxNormName = "sup") -> ErrorBound:
    """Make the record of a network without a proved bound."""
    return ErrorBound(
        math.nan, "none", "nothing is proved: give lipschitz, modulus, enclosure or a typed function", norm
    )


_THEOREMS = {
    "boxes": "a box as high as f in its middle is off by f's modulus over half its width: L h / 2",
    "lower": "a box as high as f at its lower edge is off by f's modulus over its width: L h",
    "midrange": "a box as high as f's midrange over it is off by half f's range there",
    "enclosure": "a box is off by the furthest that f's enclosure over it lies from its height",
    "runs": "the longest runs with f's range at most 2 eps, each as high as f's midrange (Kahane)",
    "density": "a box as high as f in its middle is off by L h / sqrt(12) in the root mean square",
    "smooth": "boxes are off by what steps would be, and rises over a width move f by L times its mean",
    "hats": "linear interpolation is off by (1/8) sum_ij M_ij h_i h_j: M h^2 / 8 in one dimension",
    "hats of a Lipschitz function": "linear interpolation is off by (1/2) sum_i L_i h_i",
    "hats of a modulus": "linear interpolation is off by f's modulus over the diagonal of a cell",
    "chords": "a chord is off by what it is at the mesh's nodes, and between them by what hats there are",
}


def theorem(name: str, norm: BoxNormName) -> str:
    """The inequality that a bound rests on, in a sentence."""
    return _THEOREMS[name] + ("; squared and added up over the domain" if norm == "l2" else "")


def root_of_squares(parts: NDArray[np.float64]) -> float:
    """Return the root of the sum of squares, rounded up.

    It is the L2 norm of a whole from its parts' norms.
    """
    greatest = float(np.abs(parts).max(initial=0.0))
    if not 0 < greatest < math.inf:
        return greatest
    # The sum is pairwise: its rounding grows with the logarithm of how many there are.
    return float(outward(greatest * math.sqrt(float(np.square(parts / greatest).sum()))))


def root_mean_square(parts: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the root mean square of sum_i p_i |u_i| for uniform u.

    u is uniform on [-1, 1]^d, or on [0, 1]^d; parts p (..., d) give (...).
    """
    return np.asarray(np.sqrt(np.square(parts.sum(axis=-1)) / 4 + np.square(parts).sum(axis=-1) / 12))


Outward = TypeVar("Outward", float, NDArray[np.float64])


def outward(value: Outward) -> Outward:
    """Round up a bound made by some tens of rounded operations.

    Its operands are of one sign.
    """
    return value * (1 + 64 * UNIT) + 5e-324


@dataclass(frozen=True)
class Modulus:
    """A modulus of continuity: |f(x) - f(y)| <= modulus(distance).

    Parameters
    ----------
    per_axis : ndarray of shape (d,), or None
        Lipschitz constants along the axes.
    euclidean : callable, or None
        Of the Euclidean distance; not decreasing.
    kind : {"lipschitz", "modulus"}
    """

    per_axis: NDArray[np.float64] | None
    euclidean: Callable[[NDArray[np.float64]], NDArray[np.float64]] | None
    kind: BoxBoundName

    def across(self, offsets: NDArray[np.float64]) -> NDArray[np.float64]:
        """Bound |f(x) - f(y)| where |x_i - y_i| <= offsets[..., i]: an array (...)."""
        bounds = []
        if self.per_axis is not None:
            bounds.append(offsets @ self.per_axis)
        if self.euclidean is not None:
            bounds.append(self.euclidean(outward(np.sqrt(np.square(offsets).sum(axis=-1)))))
        return np.asarray(outward(np.minimum.reduce(bounds)))
