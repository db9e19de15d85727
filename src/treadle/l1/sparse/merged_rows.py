"""Rows of a sparse X that are alike, target included, as one: counts on dummies hold each many times over."""

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
    """``first`` (m,) has one row of each kind, in an order that contents set; ``group`` (n,) each's kind."""

    first: NDArray[np.int64]
    group: NDArray[np.int64]


def merged_rows(X: sparse.csr_array, y: Floats) -> MergedRows:
    """The kinds of rows of a CSR array X (n, D) in canonical form with targets y (n,).

    Rows are sorted by y and a random projection of x, whose sum runs in the same order for rows that are
    alike; neighbours with one key are then compared entry by entry.
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
