"""Solves the equations of a claimed basis, whose rows are exact.

They are X_B w = y_B and X_B'u_B = -g, of (1) in ``theorem``. A penalty's row e_j pins w_j at 0. Its column is
left out of the equations, and gives the u of e_j once that of the other rows is known.
"""

from __future__ import annotations

from fractions import Fraction
from functools import cached_property

import numpy as np
from scipy import sparse

from treadle.l1.proof.basis_system import BasisSystem, Enclosed
from treadle.l1.proof.claim import ONE, Claim
from treadle.l1.proof.rational_solve import Singular, has_flint, most_unknowns
from treadle.l1.proof.row_signs import refuse_not_finite
from treadle.l1.proof.scaled_integers import ScaledIntegers, fraction_of, power_of_two, scaled
from treadle.l1.proof.sparse_integers import SparseIntegers
from treadle.l1.proof.sparse_system import SparseSystem
from treadle.l1.sources.rows import Chunk, Rows, dense_columns

# A number is rounded from an enclosure whose radius is a smaller share of it than that.
ROUNDED = 2**60
# Unknowns up to which a system is solved exactly at once, since an enclosure takes as long; and with FLINT.
AT_ONCE, AT_ONCE_WITH_FLINT = 4, 12
# Columns of a sparse X up to which its rows, and unknowns up to which its equations, are dense in the proof.
MOST_DENSE = 2000


class ClaimedBasis:
    """A basis of p rows, and the p coefficients that it determines.

    Parameters
    ----------
    rows : Rows
    claim : Claim
    exact : bool
        Solve every system in rational numbers.
    taken : Chunk, or None
        The basis' rows of the data, ascending, where they are at hand.

    Raises
    ------
    Singular
        If the rows do not determine as many coefficients as there are.
    """

    def __init__(self, rows: Rows, claim: Claim, exact: bool, taken: Chunk | None) -> None:
        self.claim, self.exact = claim, exact
        # The rows of the basis: first those of the data, then the penalty's e_j, called N + j.
        n = rows.n_rows
        self.names = np.sort(claim.basis)
        self.n_real = int(np.count_nonzero(claim.basis < n))
        self.real = real = self.names[: self.n_real]
        self.first = int(claim.problem.fit_intercept)
        self.centre = claim.centre if claim.centre.any() else None
        self.every = len(claim.kept) == len(claim.centre)
        size = self.first + len(claim.kept)
        n_pinned = 0
        # Columns of the system, and of these the ones that a penalty's row pins at 0.
        self.free, self.pinned = np.arange(size), np.empty(0, np.int64)
        if self.n_real < len(self.names):
            pinned = np.isin(claim.kept, self.names[self.n_real :] - n)
            n_pinned = int(pinned.sum())
            self.free = np.concatenate([self.free[: self.first], self.first + np.flatnonzero(~pinned)])
            self.pinned = self.first + np.flatnonzero(pinned)
        # X_B is square: a row of the data for each free column, one of the penalty for each that is pinned.
        if len(self.names) != size or n_pinned != size - self.n_real or len(set(real.tolist())) < len(real):
            raise Singular(f"{len(self.names)} rows of the basis do not determine {size} coefficients")
        taken = rows.take(real) if taken is None else taken
        self.is_sparse = sparse.issparse(taken.X) and size > MOST_DENSE
        try:
            self.rows = self.exact_rows(taken)
            self.targets = scaled(taken.y)
        except ValueError:
            refuse_not_finite(taken, np.arange(len(taken)))
            raise
        self.weights = _weights_of(taken)
        Z = self.rows.columns(self.free)
        self.system: BasisSystem | SparseSystem
        if isinstance(Z, SparseIntegers) and len(Z) > MOST_DENSE:
            self.system = SparseSystem(Z)
        else:
            self.system = BasisSystem(Z.dense() if isinstance(Z, SparseIntegers) else Z)

    def exact_rows(self, chunk: Chunk) -> ScaledIntegers | SparseIntegers:
        """Return the exact (1, x - m) of some rows, the system's columns."""
        kept = self.claim.kept
        if self.is_sparse:  # with no centre
            entries = chunk.X if self.every else chunk.X[:, kept]
            ones = sparse.csr_array(np.ones((len(chunk), self.first)))
            return SparseIntegers.of(sparse.csr_array(sparse.hstack([ones, entries])))
        X = chunk.X if self.every and isinstance(chunk.X, np.ndarray) else dense_columns(chunk, kept)
        exact = scaled(X)
        if self.centre is not None:
            exact = exact.minus(scaled(self.centre[kept]))
        if not self.first:
            return exact
        # Over the power of two of X, the ones of the intercept are 2^-exponent.
        exponent = min(exact.exponent, 0)
        both = np.empty((len(chunk), 1 + len(kept)), object)
        both[:, 0] = 1 << -exponent
        both[:, 1:] = exact.at(exponent)
        return ScaledIntegers(both, exponent)

    def vertex(self) -> Enclosed:
        """1. Solve for w of the free columns; the pinned are 0.

        It is exact where rounding would take more digits.
        """
        vertex = self._with_pinned(self._solved(self.targets, False, self.exact))
        # Rounded to doubles, a coefficient needs more digits than so wide an enclosure has.
        if self.claim.coef is None and any(
            r * ROUNDED > abs(c) for c, r in zip(vertex.numerators, vertex.radii, strict=True) if r
        ):
            vertex = self.exact_vertex() or vertex
        return vertex

    def exact_vertex(self) -> Enclosed | None:
        """Compute w in rational numbers; None where there are too many."""
        return self._exact_vertex

    @cached_property
    def _exact_vertex(self) -> Enclosed | None:
        exact = self.system.solution(self.targets)
        return None if exact is None else self._with_pinned(exact)

    def dual(self, g: ScaledIntegers, exactly: bool = False) -> Enclosed:
        """4. Solve for u of the basis: real rows, then the penalty's.

        Real rows are by the free columns, the penalty's by the pinned ones.
        """
        free = g.integers if not len(self.pinned) else g.integers[self.free]
        # X'u = 0 in the free columns gives u of the data's rows.
        target = ScaledIntegers(-free, g.exponent)
        if exactly:
            found = self.system.solution(target, True)
            if found is None:
                raise Singular("too many unknowns")
            real = found
        else:
            real = self._solved(target, True, self.exact)
        if not len(self.pinned):
            return real
        center, radius, of_pinned = real.center, real.radius, g.fractions()
        # In the column pinned by e_j it then gives the u of e_j itself, with the radius of what is put in.
        columns = self.rows.columns(self.pinned)
        unit = power_of_two(columns.exponent)
        x_u = off = np.zeros(len(self.pinned), object)
        if self.n_real:
            x_u = columns.transposed_product(np.array(center, object))
            off = columns.sizes().transposed_product(np.array(radius, object))
        for k, c, r in zip(self.pinned.tolist(), x_u, off, strict=True):
            center.append(-(of_pinned[k] + unit * c))
            radius.append(unit * Fraction(r))
        return Enclosed.of(center, radius)

    def boxes(self, penalty: Fraction) -> tuple[list[Fraction], list[Fraction]]:
        """Return the bounds of u_B."""
        # Of all the same weight, mostly.
        weights = {id(w): w for w in self.weights}
        bounds = {
            k: (self.claim.problem.bound(w, -1), self.claim.problem.bound(w, 1)) for k, w in weights.items()
        }
        low, high = ([bounds[id(w)][end] for w in self.weights] for end in (0, 1))
        return low + [-penalty] * len(self.pinned), high + [penalty] * len(self.pinned)

    def dual_objective(self, dual: Enclosed, of_others: Fraction) -> tuple[Fraction, Fraction]:
        """6. Bound y'u; ``of_others`` is the part of rows off the basis."""
        # y_B'u_B, and what it may be off by where u_B is enclosed. A target of the penalty's rows is 0.
        targets = self.targets.integers.tolist()
        y_B = sum(c * y for c, y in zip(dual.numerators, targets, strict=False))
        middle = of_others + fraction_of(y_B, dual.denominator, self.targets.exponent)
        if dual.is_exact:
            return middle, middle
        off = sum(r * abs(y) for r, y in zip(dual.radii, targets, strict=False))
        width = fraction_of(off, dual.denominator, self.targets.exponent)
        return middle - width, middle + width

    @property
    def is_rational(self) -> bool:
        """Say whether systems of this size are solved in rational numbers."""
        if isinstance(self.system, SparseSystem):
            return self.system.is_rational
        return self.system.size <= most_unknowns()

    def _solved(self, b: ScaledIntegers, transposed: bool, exactly: bool) -> Enclosed:
        # A small system is solved exactly; a larger one is enclosed, and solved exactly only if that fails.
        at_once = AT_ONCE_WITH_FLINT if has_flint() else AT_ONCE
        if not exactly and self.system.size > at_once:
            found = self.system.enclosure(b, transposed)
            if found is not None:
                return found
        found = self.system.solution(b, transposed) or self.system.enclosure(b, transposed)
        if found is None:
            raise Singular(f"{self.system.size} equations are too near to dependent to be solved in doubles")
        return found

    def _with_pinned(self, free: Enclosed) -> Enclosed:
        if not len(self.pinned):
            return free
        # A coefficient that a row of the penalty pins is 0, exactly.
        size = self.first + len(self.claim.kept)
        numerators, radii = [0] * size, [0] * size
        for k, c, r in zip(self.free.tolist(), free.numerators, free.radii, strict=True):
            numerators[k], radii[k] = c, r
        return Enclosed(numerators, radii, free.denominator)


def _weights_of(chunk: Chunk) -> list[Fraction]:
    """Return the weights of some rows."""
    return [ONE] * len(chunk) if chunk.weight is None else [Fraction(c) for c in chunk.weight.tolist()]
