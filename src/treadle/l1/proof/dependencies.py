"""Whether a feature that was left out is a combination of the others, exactly: then nothing is lost by it.

On the basis z_j = Z_B a has one solution a, in rational numbers. If it holds on every row, feature j adds
nothing, and what is proved with its coefficient at 0 is proved for all coefficients. Over a common denominator
the equation is one of integers. Where all of its terms add up to less than 2^53 of their common unit, products
and sums of doubles are exact, whatever their order, and NumPy's serve.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from treadle.l1.proof.scaled_integers import ScaledIntegers, scaled
from treadle.l1.proof.theorem import Prover
from treadle.l1.rows import Chunk, Rows

# Numbers of rows that are looked at in integers, where doubles are too short.
MOST_NUMBERS = 1 << 22


@dataclass(frozen=True)
class _Relation:
    """Of a chunk, whether sum_k factors_k (x_k - m_k) + factors_0 = 0 on rows of a weight; None: not looked at.

    ``columns`` are those of factors beyond the first, which is the constant's.
    """

    factors: list[int]
    columns: NDArray[np.int64]
    centre: NDArray[np.float64]

    def __call__(self, chunk: Chunk) -> tuple[bool, int]:
        """Whether it holds, and how many numbers took integers."""
        with np.errstate(all="ignore"):  # what overflows is looked at in integers
            return self._holds(chunk)

    def _holds(self, chunk: Chunk) -> tuple[bool, int]:
        some = slice(None) if chunk.weight is None else np.flatnonzero(chunk.weight > 0)
        X = chunk.X[:, self.columns][some]
        X = X.toarray() if sparse.issparse(X) else np.asarray(X, np.float64)
        exact = _integers_as_doubles(X, self.centre)
        if exact is not None:
            values, exponent = exact
            factors = np.array([float(f) if abs(f) < 2**53 else math.inf for f in self.factors])
            constant = factors[0] * 2.0**-exponent
            sizes = np.abs(values) @ np.abs(factors[1:]) + abs(constant)
            if (sizes < 2.0**52).all() and constant == np.rint(constant):
                return bool((values @ factors[1:] + constant == 0).all()), 0
        integers = scaled(X).minus(scaled(self.centre))
        constant_at = ScaledIntegers(np.array([self.factors[0]], object), 0)
        common = min(integers.exponent, 0)
        sums = integers.at(common) @ np.array(self.factors[1:], object) + constant_at.at(common)[0]
        return not any(sums), X.size


def _integers_as_doubles(X: NDArray[Any], centre: NDArray[Any]) -> tuple[NDArray[Any], int] | None:
    """x - m in units of 2^exponent, as doubles that are whole numbers; None where there are none so small."""
    largest = float(np.abs(X).max(initial=0) + np.abs(centre).max(initial=0))
    if not 0 < largest < np.inf:
        return (X - centre, 0) if largest == 0 else None
    exponent = max(int(np.frexp(largest)[1]) - 52, -1000)
    values, middle = np.ldexp(X, -exponent), np.ldexp(centre, -exponent)
    for step in (44, 30, 16, 0):  # the coarser the unit, the more room for sums
        coarse, coarse_middle = np.ldexp(values, -step), np.ldexp(middle, -step)
        if (coarse == np.rint(coarse)).all() and (coarse_middle == np.rint(coarse_middle)).all():
            return coarse - coarse_middle, exponent + step
    return None


def proved_dependent(rows: Rows, prover: Prover, features: NDArray[np.int64]) -> set[int]:
    """Those of some features that are exact combinations of the columns of a system, on all rows."""
    if not len(features) or len(prover.pinned):
        return set()
    X = rows.take(prover.names[: prover.n_real]).X[:, features]
    X = X.toarray() if sparse.issparse(X) else X
    kept, centre, first = prover.claim.kept, prover.claim.centre, prover.first
    proved = set()
    n_numbers = 0
    for place, j in enumerate(features.tolist()):
        column = scaled(X[:, place]).minus(scaled(np.full(len(X), centre[j])))
        solution = prover.system.solution(column)
        if solution is None:
            continue
        denominator = math.lcm(*(a.denominator for a in solution))
        whole = [int(a * denominator) for a in solution]
        some = [k for k in range(first, len(whole)) if whole[k]]
        relation = _Relation(
            [whole[0] if first else 0, *(whole[k] for k in some), -denominator],
            np.array([*(kept[k - first] for k in some), j]),
            centre[[*(kept[k - first] for k in some), j]],
        )
        holds = True
        for here, numbers in rows.map(relation):
            n_numbers += numbers
            holds = holds and here and n_numbers <= MOST_NUMBERS
            if not holds:
                break
        if holds:
            proved.add(j)
    return proved
