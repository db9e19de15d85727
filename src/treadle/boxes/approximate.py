"""``approximate``: a network of boxes for a function, built rather than trained, with a proved bound."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from treadle.boxes.bounds import UNIT, ErrorBound, outward, unproved
from treadle.boxes.box_network import BoxNetwork
from treadle.boxes.partition import check_n_cells
from treadle.boxes.points import as_bounds, check_count
from treadle.errors import InvalidInput


def approximate(
    f: Callable[..., Any],
    bounds: ArrayLike,
    *,
    eps: float | None = None,
    n_boxes: int | None = None,
    lipschitz: float | None = None,
) -> BoxNetwork:
    """Boxes of equal width for a function of one variable.

    Parameters
    ----------
    f : callable
        Takes an array (n,) and returns one (n,).
    bounds : (lower, upper)
    eps : float
        The greatest error allowed: it takes ``lipschitz``.
    n_boxes : int
    lipschitz : float
        |f(x) - f(y)| <= lipschitz |x - y|.
    """
    domain = as_bounds(bounds)
    a, b = domain[0].tolist()
    if (eps is None) == (n_boxes is None):
        raise InvalidInput(f"give eps or n_boxes, one of the two; got eps={eps!r}, n_boxes={n_boxes!r}")
    if eps is not None and lipschitz is None:
        raise InvalidInput("eps takes a Lipschitz constant: give lipschitz")
    n = check_count("n_boxes", n_boxes) if eps is None else math.ceil((lipschitz or 0) * (b - a) / (2 * eps))
    check_n_cells((n,))
    edges = np.linspace(a, b, n + 1)
    middles = edges[:-1] / 2 + edges[1:] / 2
    heights = np.asarray(f(middles), dtype=np.float64)
    error_bound = unproved()
    if lipschitz is not None:
        width = float(np.maximum(edges[1:] - middles, middles - edges[:-1]).max())
        rounding = 8 * UNIT * float(np.abs(heights).max())
        error_bound = ErrorBound(outward(lipschitz * width) + rounding, "lipschitz", "|f - F| <= L h / 2")
    return BoxNetwork([edges], heights, error_bound=error_bound)
