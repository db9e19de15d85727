r"""Finds an exact optimum from an interior point, without pivots.

It goes by the optimal partition of the rows.

Where the interior point converges, each row is of one of two kinds (Goldman and Tucker 1956): its residual is
0 and its dual value inside the box, or its residual is not 0 and its dual value at that side's bound. Call
the first kind Z, the others N. Given the partition, all (w, u) with ::

    A_Z w = y_Z,        A_Z' u_Z = -A_N' u_N                                                              (1)

are optimal as long as the residuals of N keep their signs and u_Z stays in its box. The nearest to the
interior point's are its projections, both by the normal equations of A_Z::

    dw = (A_Z'A_Z)^-1 A_Z' (y_Z - A_Z w),        du_Z = -A_Z (A_Z'A_Z)^-1 (A_N'u_N + A_Z'u_Z)             (2)

repeated with right sides in extended precision until nothing is left. So neither rank-deficient columns, nor
fewer rows in Z than columns (an optimum that is not unique), nor more (ties) need special care (Mehrotra and
Ye 1993).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from treadle.l1.sparse.normal_equations import SparseNormalEquations

EXTENDED = np.longdouble
CORRECTIONS = 6


@dataclass(frozen=True)
class OptimalFace:
    """w (p,) and u (n,) of (1), and the rows of Z."""

    w: NDArray[np.float64]
    u: NDArray[np.float64]
    interpolated: NDArray[np.bool_]


def optimal_face(
    A: sparse.csr_array,
    y: NDArray[np.float64],
    low: NDArray[np.float64],
    high: NDArray[np.float64],
    w: NDArray[np.float64],
    u: NDArray[np.float64],
    interpolated: NDArray[np.bool_],
) -> OptimalFace | None:
    """Solve (1) next to (w, u), for the rows ``interpolated``.

    None where (2) cannot be solved.

    A (n, p) is sparse; u of the other rows goes to its nearer bound. Whether the result is optimal, a
    certificate tells.
    """
    at = np.flatnonzero(interpolated)
    bound = np.where(u - low < high - u, low, high)
    bound[at] = 0
    if not len(at):
        return OptimalFace(w, bound, interpolated)
    A_Z = sparse.csr_array(A[at])
    solve = SparseNormalEquations(A_Z)(np.ones(len(at)))
    if solve is None:
        return None
    transposed = A_Z.T.tocsr()
    extended, extended_transposed = A_Z.astype(EXTENDED), transposed.astype(EXTENDED)
    g = sparse.csr_array(A.T).astype(EXTENDED) @ bound.astype(EXTENDED)
    u_Z, w_Z, y_Z = u[at].astype(EXTENDED), w.astype(EXTENDED), y[at].astype(EXTENDED)
    for _ in range(CORRECTIONS):
        w_Z += solve(transposed @ (y_Z - extended @ w_Z).astype(np.float64))
        u_Z -= A_Z @ solve((g + extended_transposed @ u_Z).astype(np.float64))
    bound[at] = u_Z.astype(np.float64)
    return OptimalFace(w_Z.astype(np.float64), bound, interpolated)
