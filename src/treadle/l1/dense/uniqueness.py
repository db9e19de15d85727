r"""Decides whether an optimum is unique, where dual values are at bounds.

w is the only optimum exactly if some dual solution has every u_i of the rows T with r_i = 0 strictly inside
its box, these rows having full rank: a direction d from w that costs nothing needs u_i at the bound on the
side to which z_i'd moves, for all of T. So: the largest s such that

    Z_T'u_T = -(g + the others' u_i z_i),   l_i + s (h_i - l_i) <= u_i <= h_i - s (h_i - l_i),

is above 0 or not, a small linear program.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from treadle.l1.dense.reduced_problem import Reduced

# With more rows at zero than that the question is left open.
MOST_TIES = 500
# An s above that is above 0 in exact numbers.
POSITIVE_ABOVE = 1e-8


def is_unique(reduced: Reduced, u: NDArray[np.float64], tied: NDArray[np.bool_]) -> bool | None:
    """Say whether the vertex is the only optimum.

    None with too many ties to decide.
    """
    import scipy.optimize
    import scipy.sparse

    some = np.flatnonzero(tied)
    n, p = len(some), reduced.Z.shape[1]
    if n == p:
        return False  # no other dual solution, and one of its values is at a bound
    if n > MOST_TIES:
        return None
    outside = u.copy()
    outside[some] = 0
    # What Z_T'u_T has to be, and the program's rows: -u_T + s width <= -l, u_T + s width <= h.
    sum_of_tied = -(reduced.g + outside @ reduced.Z)
    low, high = reduced.low[some], reduced.high[some]
    width = (high - low)[:, None]
    A_ub = scipy.sparse.block_array(
        [[-scipy.sparse.eye_array(n), width], [scipy.sparse.eye_array(n), width]], format="csr"
    )
    A_eq = np.hstack([reduced.Z[some].T, np.zeros((p, 1))])
    found = scipy.optimize.linprog(
        np.append(np.zeros(n), -1.0),
        A_ub=A_ub,
        b_ub=np.concatenate([-low, high]),
        A_eq=A_eq,
        b_eq=sum_of_tied,
        bounds=[(None, None)] * n + [(0, 0.5)],
        method="highs",
    )
    return bool(found.x[-1] > POSITIVE_ABOVE) if found.status == 0 else None
