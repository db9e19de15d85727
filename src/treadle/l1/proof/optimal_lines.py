r"""Computes all optimal lines, where several have the same least sum.

Let u be optimal, as a certificate proves it (``theorem``). A line b + w x has the least objective exactly if

    sum_i loss(r_i) - u_i r_i = 0,        r_i = y_i - b - w x_i,

and no term is below 0. So every term is 0: the optimal lines are those with

    r_i = 0 where u_i is strictly inside its box, r_i >= 0 where it is the upper bound, r_i <= 0 at the lower.

In the plane of (b, w) these are half-planes. Their intersection is cut out of a square that holds every line
between two different points whose numbers are doubles, in rational arithmetic. It takes no penalty, no
weights, and an intercept.
"""

from __future__ import annotations

from fractions import Fraction

import numpy as np
from numpy.typing import ArrayLike

from treadle.errors import InvalidInput
from treadle.l1.proof.certificate import Certificate

Line = tuple[Fraction, Fraction]

# Slopes through doubles are below 2^2100, and intercepts below 2^3200.
FAR = Fraction(1 << 4000)


def optimal_lines(certificate: Certificate, x: ArrayLike, y: ArrayLike) -> list[Line]:
    """Compute the corners of the set of optimal lines, exactly.

    The set is convex: the optimal lines are the mixtures of its corners.

    Parameters
    ----------
    certificate : Certificate
        Of a fit of one feature, with an intercept, without a penalty and without weights.
    x, y : array_like of shape (N,)
        What was fitted: x as it stood in the column of X.

    Returns
    -------
    list of (Fraction, Fraction)
        Intercept and slope of each corner, in order around the set: one line alone, the two ends of a
        segment, or more.

    Raises
    ------
    InvalidInput
        If the fit is another one, the data are not those that were fitted, or all x are equal, so that any
        slope will do.

    Examples
    --------
    >>> from treadle import LADRegressor
    >>> from treadle.l1 import optimal_lines
    >>> x, y = [0.0, 1.0, 2.0, 3.0], [3.0, 0.0, 0.0, 3.0]
    >>> model = LADRegressor().fit([[a] for a in x], y)
    >>> for intercept, slope in optimal_lines(model.certificate_, x, y):
    ...     print(f"{intercept} + {slope} x")
    -3/2 + 3/2 x
    0 + 0 x
    3 + -3/2 x
    3 + 0 x
    """
    if certificate.coef.shape != (1,) or not certificate.fit_intercept or certificate.alpha:
        raise InvalidInput(
            "optimal lines are of one feature with an intercept and alpha=0; the certificate is of "
            f"{len(certificate.coef)} features, fit_intercept={certificate.fit_intercept} and "
            f"alpha={certificate.alpha}"
        )
    x_column = np.asarray(x)
    if x_column.ndim != 1:
        raise InvalidInput(f"x must be of shape (N,), one number a row; got {x_column.shape}")
    if len(x_column) and x_column.min() == x_column.max():
        raise InvalidInput(f"all x are {x_column[0]}, so that any slope will do: pass two different ones")
    sides = certificate.dual_sides(x_column[:, None], y).tolist()
    points = [
        (Fraction(a), Fraction(b)) for a, b in zip(x_column.tolist(), np.asarray(y).tolist(), strict=True)
    ]
    corners = [(-FAR, -FAR), (FAR, -FAR), (FAR, FAR), (-FAR, FAR)]
    # Rows that the optimal lines go through first: they leave few corners.
    for i in np.argsort(np.abs(sides), kind="stable").tolist():
        for sign in (sides[i],) if sides[i] else (1, -1):
            corners = _cut(corners, sign, *points[i])
    return corners


def _cut(corners: list[Line], sign: int, x: Fraction, y: Fraction) -> list[Line]:
    """Keep the part of a convex polygon on which sign times the residual is at least 0."""
    values = [sign * (y - b - w * x) for b, w in corners]
    if min(values) >= 0:
        return corners
    kept: dict[Line, None] = {}  # a segment is passed twice, there and back
    for k, ((b, w), value) in enumerate(zip(corners, values, strict=True)):
        (b_0, w_0), value_0 = corners[k - 1], values[k - 1]
        if value * value_0 < 0:
            t = value_0 / (value_0 - value)
            kept[b_0 + t * (b - b_0), w_0 + t * (w - w_0)] = None
        if value >= 0:
            kept[b, w] = None
    return list(kept)
