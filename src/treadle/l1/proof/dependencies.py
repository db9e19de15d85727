"""Proves that a feature left out is a combination of the others.

Then nothing is lost by it. The proof is exact.

On the basis z_j = Z_B a has one solution a, in rational numbers. If it holds on every row, feature j adds
nothing, and what is proved with its coefficient at 0 is proved for all coefficients. Over a common
denominator the equation is one of integers, for which doubles often are long enough (``whole_doubles``).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from treadle.l1.proof.scaled_integers import ScaledIntegers, scaled
from treadle.l1.proof.sparse_integers import SparseIntegers
from treadle.l1.proof.theorem import Prover
from treadle.l1.proof.whole_doubles import exact_combination
from treadle.l1.sources.rows import Chunk, Rows, dense_columns

# Numbers of rows that are looked at in integers, where doubles are too short.
MOST_NUMBERS = 1 << 22


@dataclass(frozen=True)
class _Relation:
    """Tests a linear relation of the columns on a chunk's rows that count.

    It is sum_k factors_k (x_k - m_k) + factors_0 = 0.

    ``columns`` are those of factors beyond the first, which is the constant's.
    """

    factors: list[int]
    columns: NDArray[np.int64]
    centre: NDArray[np.float64]

    def __call__(self, chunk: Chunk) -> tuple[bool, int]:
        """Say whether the relation holds, and how many numbers took integers."""
        with np.errstate(all="ignore"):  # what overflows is looked at in integers
            return self._holds(chunk)

    def _holds(self, chunk: Chunk) -> tuple[bool, int]:
        some = slice(None) if chunk.weight is None else np.flatnonzero(chunk.weight > 0)
        X: NDArray[np.float64] | sparse.csr_array
        if sparse.issparse(chunk.X):
            X = sparse.csr_array(chunk.X[:, self.columns][some].astype(np.float64))
        else:
            X = dense_columns(chunk, self.columns)[some]
        short = exact_combination(X, self.centre, self.factors[1:], self.factors[0])
        if short is not None:
            return not short[0].any(), 0
        integers = SparseIntegers.of(X) if sparse.issparse(X) else scaled(X).minus(scaled(self.centre))
        sums = ScaledIntegers(integers.product(np.array(self.factors[1:], object)), integers.exponent)
        constant = ScaledIntegers(np.array(self.factors[:1], object), 0)
        return not any(sums.plus(constant).integers), X.size


def proved_dependent(rows: Rows, prover: Prover, features: NDArray[np.int64]) -> set[int]:
    """Return the features that exactly combine a system's columns on all rows.

    None under a penalty: there a combination may cost less than what it is one of.
    """
    if not len(features) or prover.problem.alpha:
        return set()
    taken = rows.take(prover.basis.real)
    kept, centre, first = prover.claim.kept, prover.claim.centre, prover.basis.first
    proved = set()
    n_numbers = 0
    for j in features.tolist():
        x = dense_columns(taken, np.array([j]))[:, 0]
        column = scaled(x).minus(scaled(np.full(len(x), centre[j])))
        solution = prover.basis.system.solution(column)
        if solution is None:
            continue
        denominator, whole = solution.denominator, solution.numerators
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
