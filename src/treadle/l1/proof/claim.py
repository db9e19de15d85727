"""The claims about an L1 regression, and the proofs: the data of ``theorem``."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from treadle.l1.proof.basis_system import Enclosed
from treadle.l1.proof.scaled_integers import quotient, quotient_above
from treadle.l1.sources.rows import Chunk

# More than any double: where an excess is not bounded.
UNBOUNDED = Fraction(1 << 2000)
# The weight of rows that have none.
ONE = Fraction(1)


@dataclass(frozen=True)
class Problem:
    """The problem: tau, alpha and whether there is an intercept."""

    quantile: float
    alpha: float
    fit_intercept: bool

    @cached_property
    def lean(self) -> Fraction:
        """2 tau - 1, the middle of a box of weight 1."""
        p, q = self.quantile.as_integer_ratio()
        return Fraction(2 * p - q, q)

    def bound(self, weight: Fraction, sign: int) -> Fraction:
        """Return the end of a row's box on a sign's side.

        It is 2 tau c or -2 (1 - tau) c.
        """
        end = self._ends[sign > 0]
        return end if weight is ONE else weight * end

    @cached_property
    def _ends(self) -> tuple[Fraction, Fraction]:
        return self.lean - 1, self.lean + 1

    def penalty(self, total_weight: Fraction) -> Fraction:
        """Compute lambda."""
        if not self.alpha:
            return Fraction(0)
        return 2 * Fraction(self.alpha) * total_weight


@dataclass(frozen=True)
class Claim:
    """A claim to prove: a basis, its ties' values, and nearby coefficients.

    They are near its vertex.

    Parameters
    ----------
    problem : Problem
    centre : ndarray of shape (D,)
        m; zeros without an intercept.
    kept : ndarray of int64
        The columns of the system, ascending; the coefficients of all others are 0.
    basis : ndarray of shape (p,), int64
        Numbers of rows; N + j stands for coefficient j being 0 under a penalty.
    ties : mapping of int to float
        u of rows off the basis whose residual is exactly zero; next to a bound, or infinite, it is that
        bound. Where there is none for such a row, the bound that ``side`` says, else the upper one.
    coef, intercept : ndarray of shape (D,) and float, or None
        The coefficients, and the intercept at the centre. None: the vertex itself, rounded.
    side : ndarray of shape (N,), int8, or None
        Claimed signs.
    """

    problem: Problem
    centre: NDArray[np.float64]
    kept: NDArray[np.int64]
    basis: NDArray[np.int64]
    ties: Mapping[int, float]
    coef: NDArray[np.float64] | None = None
    intercept: float = 0.0
    side: NDArray[np.int8] | None = None


@dataclass(frozen=True)
class Proof:
    """The result of proving a claim.

    ``vertex`` and ``dual`` enclose w = (b at the centre, w_kept), the former only with an intercept, and u of
    the basis, in the order of ``names``: real rows ascending, then the penalty's; ``boxes`` are the boxes of
    these u. ``least`` encloses the least objective where ``optimal``. ``excess`` bounds the objective of the
    coefficients less the least from above. ``flaw`` says what is not proved, None if nothing is left.
    ``is_strict``: all u of the basis are strictly inside, so that the optimum is the only one.

    ``open_rows`` are those without a sign proved in doubles, with their residuals at the vertex and the signs
    of u (0 for the basis, and for ties inside their box), ``tie_values`` has u of the ties, by name.
    """

    optimal: bool
    flaw: str | None
    vertex: Enclosed
    dual: Enclosed
    names: NDArray[np.int64]
    boxes: tuple[list[Fraction], list[Fraction]]
    coef: NDArray[np.float64]
    intercept: float
    distance: list[float]
    least: tuple[Fraction, Fraction]
    excess: Fraction
    open_rows: Chunk
    open_signs: NDArray[np.int8]
    open_residuals: NDArray[np.float64]
    tie_values: dict[int, float]
    n_ties: int
    is_strict: bool

    @property
    def n_open(self) -> int:
        """The number of rows without a sign proved in doubles."""
        return len(self.open_rows)

    def violated(self) -> tuple[int | None, int]:
        """The place of the worst dual value beyond its box, and the side.

        None where all u of the basis are in their boxes.
        """
        beyond = [self.violation(k) for k in range(len(self.names))]
        k = int(np.argmax(beyond)) if beyond else 0
        if not beyond or not beyond[k] > 0:
            return None, 0
        return k, 1 if self._dual_value(k) > self.boxes[1][k] else -1

    def violation(self, k: int) -> float:
        """Return how far one dual value is beyond its box."""
        low, high, u = self.boxes[0][k], self.boxes[1][k], self._dual_value(k)
        return nearest(max(u - high, low - u))

    def _dual_value(self, k: int) -> Fraction:
        return Fraction(self.dual.numerators[k], self.dual.denominator)


def moved(intercept: float, coef: NDArray[np.float64], centre: Iterable[float]) -> float:
    """Move an intercept from the centre to zero, rounded once.

    The centre holds exact numbers.
    """
    terms = [Fraction(m) * Fraction(w) for m, w in zip(centre, coef.tolist(), strict=True) if m]
    if not terms:
        return float(intercept)
    return nearest(Fraction(intercept) - sum(terms, Fraction(0)))


def nearest(value: Fraction) -> float:
    """Return the nearest double; the largest, beyond them all."""
    return quotient(value.numerator, value.denominator)


def rounded_up(value: Fraction) -> float:
    """Return a double at least as large; infinity, beyond them all."""
    return quotient_above(value.numerator, value.denominator)
