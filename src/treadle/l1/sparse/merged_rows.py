"""Merges equal rows of a sparse X into one, with their targets.

Counts on dummies hold each many times over.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from treadle.maths.dtypes import Floats

if TYPE_CHECKING:
    from scipy import sparse


@dataclass(frozen=True)
class MergedRows:
    """The kinds of equal rows, and each row's kind.

    ``first`` (m,) has one row of each kind, in an order that contents set; ``group`` (n,) each row's kind.
    """

    first: NDArray[np.int64]
    group: NDArray[np.int64]


def merged_rows(X: sparse.csr_array, y: Floats) -> MergedRows:
    """Group equal rows of a CSR array X (n, D) with targets.

    X is in canonical form, y of shape (n,). Rows are sorted by y and a random projection of x, whose sum runs
    in the same order for rows that are alike; neighbours with one key are then compared entry by entry.
    """
    key = X @ np.random.default_rng(0).uniform(0.5, 1, X.shape[1])
    order = np.lexsort((y, key))
    before, after = order[:-1], order[1:]
    alike = (key[before] == key[after]) & (y[before] == y[after])
    pairs = np.flatnonzero(alike)
    difference = (X[before[pairs]] != X[after[pairs]]).tocsr()
    alike[pairs[np.diff(difference.indptr) > 0]] = False
    kind = np.concatenate(([0], np.cumsum(~alike)))
    group = np.empty(len(order), np.int64)
    group[order] = kind
    return MergedRows(order[np.concatenate(([True], ~alike))], group)
