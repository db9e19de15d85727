"""The certificate that coefficients are optimal: a basis and its ties' values.

``verify`` does the proof.

The certificate of an L1 regression is small: the rows that its vertex interpolates, and u of further rows
whose residual is exactly zero. Everything else follows from the data (``theorem``). Nothing that a solver
measured is believed, and nothing here imports one.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import sparse

from treadle.errors import InvalidInput
from treadle.l1.proof.basis_system import Enclosed
from treadle.l1.proof.claim import Claim, Problem, Proof, moved, nearest, rounded_up
from treadle.l1.proof.dependencies import proved_dependent
from treadle.l1.proof.pinball import dual_bounds
from treadle.l1.proof.rational_solve import Singular
from treadle.l1.proof.row_signs import refuse_not_finite
from treadle.l1.proof.scaled_integers import LARGEST, quotient
from treadle.l1.proof.theorem import Prover
from treadle.l1.proof.verification import Verification
from treadle.l1.sources.integer_columns import Matrix, Origin, doubles_of, is_rounded
from treadle.l1.sources.rows import ArrayRows, Chunk, Rows
from treadle.l1.sources.sparse_rows import SparseRows
from treadle.maths.dtypes import Numbers

NO_BASIS = "there is no basis: of a sparse X of more than 2000 columns one is not always found"


@dataclass(frozen=True, repr=False, kw_only=True)
class Certificate:
    """The basis of an optimal vertex, and its coefficients.

    Dimensions: N rows, D features.

    Parameters
    ----------
    coef : ndarray of shape (D,)
    intercept : float
        Rounded; at offsets of 1e15 it cannot hold the fit, which ``centre_intercept`` does.
    quantile, alpha : float
    fit_intercept : bool
        The problem: the least of sum_i c_i 2 rho(r_i) + 2 alpha (sum_i c_i) ||w||_1.
    primal, dual : float
        Its objective there, and y'u, as the solver summed them.
    basis : ndarray of int64
        The rows interpolated; N + j stands for the coefficient j being 0 under a penalty.
    rows, values : ndarrays
        Ties, ascending: rows off the basis whose residual is exactly zero (N + j: coefficients), and their u;
        every other u is at the bound on the side of its residual. Rows of the basis may be among them.
    side : ndarray of shape (N,), int8, or None
        The sign of each u_i that is at a bound, claimed; None where the data were larger than memory.
    unique : bool or None
        Whether no other coefficients are as good; None: not decided.
    centre : ndarray of shape (D,)
        A point from which X is measured: predictions are (X - origin - centre) w + ``centre_intercept``.
    centre_intercept : float
    origin : ndarray of shape (D,), int64
        Taken from columns of integers and of time stamps before they become doubles; 0 elsewhere.
    left_out : ndarray of int64, or None
        Features whose coefficient is 0 because they depend on others. None: to be found from the basis.

    Raises
    ------
    InvalidInput
        If a number is not finite, or the parts do not fit together.
    """

    coef: NDArray[np.float64]
    intercept: float
    quantile: float
    alpha: float
    fit_intercept: bool
    primal: float
    dual: float
    basis: NDArray[np.int64]
    rows: NDArray[np.int64]
    values: NDArray[np.float64]
    side: NDArray[np.int8] | None
    unique: bool | None
    centre: NDArray[np.float64]
    centre_intercept: float
    origin: Origin
    left_out: NDArray[np.int64] | None

    def __post_init__(self) -> None:
        numbers = (self.intercept, self.centre_intercept, self.quantile, self.alpha, self.primal, self.dual)
        arrays = (self.coef, self.centre, self.values)
        if not (all(map(math.isfinite, numbers)) and all(np.isfinite(array).all() for array in arrays)):
            raise InvalidInput(
                "a certificate holds finite numbers only; this one has NaN or infinity in its "
                "coefficients, its intercept, its objective or its dual values: fit again"
            )
        if not (0 < self.quantile < 1 and self.alpha >= 0 and self.primal >= 0):
            raise InvalidInput(
                "a certificate's quantile is between 0 and 1, its alpha and its objective at least 0; got "
                f"{self.quantile}, {self.alpha} and {self.primal}"
            )
        # Any: of whatever type a caller gave.
        named: dict[str, Any] = {"basis": self.basis, "rows": self.rows, "origin": self.origin}
        named |= {"left_out": self.left_out, "side": self.side}
        for name, array in named.items():
            if array is None and name in ("left_out", "side"):
                continue
            if not isinstance(array, np.ndarray) or array.ndim != 1 or array.dtype.kind not in "iu":
                raise InvalidInput(
                    f"a certificate's {name} is a vector of integers; got "
                    f"{getattr(array, 'dtype', type(array).__name__)} of shape {np.shape(array)}"
                )
        if any(np.ndim(array) != 1 for array in arrays):
            raise InvalidInput(
                "a certificate's coef, centre and values are vectors; got the shapes "
                + ", ".join(str(np.shape(array)) for array in arrays)
            )
        D = len(self.coef)
        if self.centre.shape != (D,) or self.origin.shape != (D,) or len(self.rows) != len(self.values):
            raise InvalidInput(
                f"a certificate of {D} coefficients has as many numbers in its centre and origin, and "
                f"a value for each tie; got {self.centre.shape}, {self.origin.shape}, {len(self.rows)} "
                f"ties and {len(self.values)} values"
            )
        if not self.fit_intercept and any(
            np.any(number) for number in (self.centre, self.origin, self.centre_intercept, self.intercept)
        ):
            raise InvalidInput(
                "without an intercept a certificate measures X from 0: its centre, its origin and its "
                f"intercepts are 0; got {self.centre}, {self.origin}, {self.centre_intercept} and "
                f"{self.intercept}"
            )
        basis = self.basis.tolist()
        if min(basis, default=0) < 0 or len(set(basis)) < len(basis) or (self.rows < 0).any():
            raise InvalidInput("the rows of a certificate's basis are different numbers, none below 0")
        left_out = [] if self.left_out is None else self.left_out.tolist()
        if not set(left_out) <= set(np.flatnonzero(self.coef == 0).tolist()):
            raise InvalidInput(
                f"features that a certificate leaves out are from 0 to {D - 1}, with a coefficient of 0; got "
                f"{self.left_out}"
            )

    def __str__(self) -> str:
        unique = {True: "the only optimum", False: "other coefficients are as good", None: "not decided"}
        return f"""certificate of {len(self.coef)} coefficients
  quantile, alpha        {self.quantile:g}, {self.alpha:g}
  primal objective       {self.primal:.12g}
  dual objective         {self.dual:.12g}
  rows interpolated      {len(self.basis)}
  uniqueness             {unique[self.unique]}
  verify(X, y) proves it from the data"""

    __repr__ = __str__

    @property
    def gap(self) -> float:
        """Primal less dual objective, as the solver summed them.

        ``verify`` bounds the true one.
        """
        return self.primal - self.dual

    def with_origin(self, origin: Origin) -> Certificate:
        """Return the certificate of X, if this is that of X - origin."""
        found = replace(self, origin=origin)
        return replace(found, intercept=found._intercept_at_zero())

    def _intercept_at_zero(self) -> float:
        """Move the intercept from the centre to zero, rounded once."""
        if not self.centre.any() and not self.origin.any():
            return float(self.centre_intercept)
        shifts = [Fraction(m) + o for m, o in zip(self.centre.tolist(), self.origin.tolist(), strict=True)]
        return moved(self.centre_intercept, self.coef, shifts)

    def dual_vector(
        self, X: Matrix | sparse.sparray | Rows, y: ArrayLike | None, sample_weight: Numbers | None = None
    ) -> NDArray[np.float64]:
        """Compute u (N,) from the fitted data, which are in memory."""
        rows = self._rows(X, y, sample_weight)
        proof, sides = self._proof_and_sides(rows)
        u = np.zeros(rows.n_rows)
        for chunk in rows.chunks():
            u[chunk.indices] = self._bounds(chunk, sides[chunk.indices])
        ties = [name for name in proof.tie_values if name < rows.n_rows]
        u[ties] = [proof.tie_values[name] for name in ties]
        n_real = int((proof.names < rows.n_rows).sum())
        u[proof.names[:n_real]] = [nearest(c) for c in proof.dual.center[:n_real]]
        return u

    def dual_sides(
        self, X: Matrix | sparse.sparray | Rows, y: ArrayLike | None, sample_weight: Numbers | None = None
    ) -> NDArray[np.int8]:
        """Say exactly where in its box each u_i (N,) is.

        1: it is the upper bound; -1: the lower; 0: it is strictly inside, or that was not decided.

        Raises
        ------
        InvalidInput
            If these are not the data that were fitted, or u is not proved to be in its box.
        """
        proof, sides = self._proof_and_sides(self._rows(X, y, sample_weight))
        if not proof.optimal:
            raise InvalidInput(f"the vertex is not proved optimal, {proof.flaw}: pass what was fitted")
        for k, name in enumerate(proof.names[proof.names < len(sides)].tolist()):
            low, high = proof.boxes[0][k], proof.boxes[1][k]
            u, radius = Fraction(proof.dual.numerators[k], proof.dual.denominator), proof.dual.radii[k]
            sides[name] = 0 if radius else int(u == high) - int(u == low)
        return sides

    def _proof_and_sides(self, rows: Rows) -> tuple[Proof, NDArray[np.int8]]:
        """Prove, and return the side of zero of each residual at the vertex.

        It is that of u where u is a bound; 0 for ties inside their box. Of the basis it says nothing.
        """
        self._refuse_others(rows)
        claim = self._claim(rows)
        try:
            proof = Prover(rows, claim).prove()
        except Singular as error:
            raise InvalidInput(f"there are no dual values of this basis for these data: {error}") from None
        sides = np.zeros(rows.n_rows, np.int8)
        for chunk in rows.chunks():
            X_c = chunk.X - claim.centre if claim.centre.any() else chunk.X
            sides[chunk.indices] = np.sign(chunk.y - np.asarray(X_c @ self.coef) - self.centre_intercept)
        sides[proof.open_rows.indices] = proof.open_signs
        return proof, sides

    def _bounds(self, chunk: Chunk, sign: NDArray[np.int8]) -> NDArray[np.float64]:
        """Return the bounds of some rows' boxes on the side of a sign."""
        low, high = dual_bounds(np.ones(len(chunk)) if chunk.weight is None else chunk.weight, self.quantile)
        return np.where(sign > 0, high, low)

    def verify(
        self,
        X: Matrix | sparse.sparray | Rows,
        y: ArrayLike | None = None,
        sample_weight: Numbers | None = None,
        *,
        exact: bool = False,
    ) -> Verification:
        """Prove from the data that the coefficients are the optimum.

        Parameters
        ----------
        X : array_like or scipy.sparse array of shape (N, D), or Rows
            What was fitted, of the type that was fitted: integers and time stamps are taken exactly.
        y, sample_weight : ndarrays of shape (N,)
            What was fitted; Rows have these with them.
        exact : bool, default=False
            Solve every system in rational arithmetic, with no enclosure. Beyond 50 coefficients that takes
            python-flint (``pip install 'treadle[exact]'``).

        Returns
        -------
        Verification
            Its truth value says whether the optimum is proved; ``gap_bound`` holds either way.

        Raises
        ------
        InvalidInput
            If the data are not of the shape that was fitted, or hold NaN or infinity.
        """
        rows = self._rows(X, y, sample_weight)
        found = self.verify_rows(rows, exact=exact)
        return replace(found, rounded=True) if self._rounds(rows, X, y) else found

    def _rounds(self, rows: Rows, X: Matrix | sparse.sparray | Rows, y: ArrayLike | None) -> bool:
        """Say whether the rows' doubles differ from the numbers given."""
        if rows is X or not isinstance(rows, ArrayRows | SparseRows):
            return rows.is_rounded
        if rows.y is not y and is_rounded(np.asarray(y)[:, None], np.zeros(1, np.int64), rows.y[:, None]):
            return True
        if sparse.issparse(X):
            given: sparse.sparray = X
            data = given.tocoo().data
            return is_rounded(data[:, None], np.zeros(1, np.int64), data[:, None].astype(np.float64))
        return rows.X is not X and is_rounded(X, self.origin, rows.X)

    def _rows(
        self, X: Matrix | sparse.sparray | Rows, y: ArrayLike | None, sample_weight: Numbers | None
    ) -> Rows:
        if (isinstance(X, Rows) or sparse.issparse(X)) and self.origin.any():
            raise InvalidInput(
                "the certificate is of columns of integers or time stamps, less an origin; got "
                f"{type(X).__name__}: pass the array or the frame that was fitted"
            )
        if isinstance(X, Rows):
            return X
        if sparse.issparse(X):
            return SparseRows(X, np.asarray(y), sample_weight)
        y = np.asarray(y)
        try:
            y = y if y.dtype in (np.float32, np.float64) else y.astype(np.float64)
            weight = None if sample_weight is None else np.asarray(sample_weight, np.float64)
            doubles = doubles_of(X, self.origin)
        except (TypeError, ValueError) as error:
            if isinstance(error, InvalidInput):
                raise
            raise InvalidInput(f"X, y and sample_weight are numbers, as they were fitted; {error}") from None
        return ArrayRows(doubles, y, weight)

    def verify_rows(self, rows: Rows, *, exact: bool = False) -> Verification:
        """Verify as ``verify`` does, in one pass over rows of any source."""
        self._refuse_others(rows)
        if (self.basis >= rows.n_rows + (rows.n_features if self.alpha else 0)).any():
            return self._unproved(rows, "the basis names rows that there are not")
        try:
            prover = Prover(rows, self._claim(rows), exact)
            proof = prover.prove()
        except Singular as error:
            return self._unproved(rows, str(error) if len(self.basis) else NO_BASIS)
        return self._verification(rows, prover, proof, exact)

    def _refuse_others(self, rows: Rows) -> None:
        """Raise InvalidInput for rows of another shape or kind than the fit's."""
        if rows.n_features != len(self.coef) or (self.side is not None and len(self.side) != rows.n_rows):
            n = "" if self.side is None else f"{len(self.side)} rows of "
            raise InvalidInput(
                f"the certificate is of {n}{len(self.coef)} features; got {rows.n_rows} rows of "
                f"{rows.n_features}: pass what was fitted"
            )
        if self.centre.any() and isinstance(rows, SparseRows):
            raise InvalidInput(
                "the certificate measures X from a centre, which sparse rows are not; pass X.toarray()"
            )

    def _claim(self, rows: Rows) -> Claim:
        left_out = self.left_out
        if left_out is None:
            left_out = self._found_left_out(rows)
        kept = np.arange(len(self.coef))
        kept = np.delete(kept, left_out) if len(left_out) else kept
        ties = dict(zip(self.rows.tolist(), np.asarray(self.values, np.float64).tolist(), strict=True))
        return Claim(
            Problem(float(self.quantile), float(self.alpha), bool(self.fit_intercept)),
            self.centre,
            kept,
            self.basis,
            ties,
            np.asarray(self.coef, np.float64),
            float(self.centre_intercept),
            self.side,
        )

    def _found_left_out(self, rows: Rows) -> NDArray[np.int64]:
        """Find the features left out, where the certificate does not say.

        They are those beyond what the basis determines.
        """
        n_kept = len(self.basis) - self.fit_intercept
        zero = np.flatnonzero(self.coef == 0)
        n_surplus = len(self.coef) - n_kept
        real = np.sort(self.basis[self.basis < rows.n_rows])
        X = rows.take(real).X if n_surplus > 0 else None
        if X is None or sparse.issparse(X) or n_surplus > len(zero):
            return np.empty(0, np.int64)
        refuse_not_finite(rows.take(real), np.arange(len(real)))
        kept = np.flatnonzero(self.coef != 0).tolist()
        ones = [np.ones(len(real))] if self.fit_intercept else []
        for j in zero.tolist():
            columns = np.array([*ones, *(X[:, k] for k in [*kept, j])], np.float64)
            scale = np.abs(columns).max(axis=1, initial=0)
            if scale.all() and np.linalg.matrix_rank(columns / scale[:, None]) == len(columns):
                kept.append(j)
            if len(kept) == n_kept:
                break
        return np.setdiff1d(np.arange(len(self.coef)), kept)

    def _verification(self, rows: Rows, prover: Prover, proof: Proof, exact: bool) -> Verification:
        first = int(self.fit_intercept)
        reported = [self.centre_intercept] * first + self.coef[prover.claim.kept].tolist()
        flaw, optimal = proof.flaw, proof.optimal
        vertex = proof.vertex
        if optimal:
            off = _first_unfaithful(reported, vertex)
            if off is not None and not vertex.is_exact and (found := prover.basis.exact_vertex()) is not None:
                vertex = found
                off = _first_unfaithful(reported, vertex)
            if off is not None:
                what = "the intercept" if off < first else f"coefficient {prover.claim.kept[off - first]}"
                exactly = quotient(vertex.numerators[off], vertex.denominator)
                best = "beyond all doubles" if abs(exactly) == LARGEST else repr(exactly)
                flaw = f"{what} is {reported[off]!r}, and {best} at the optimum"
                optimal = False
            elif self.intercept != (there := self._intercept_at_zero()):
                flaw = f"the intercept at zero is {self.intercept!r}, and {there!r} by the one at the centre"
                optimal = False
        low, high = proof.least
        objective = Fraction(float(self.primal))
        gap = max(rounded_up(x) for x in (proof.excess, objective - low, high - objective))
        errors = np.zeros(len(self.coef))
        errors[prover.claim.kept] = proof.distance[first:]
        others = np.empty(0, np.int64)
        if not prover.basis.every:
            others = np.delete(np.arange(len(self.coef)), prover.claim.kept)
        dependent = proved_dependent(rows, prover, others)
        return Verification(
            optimal=optimal,
            flaw=flaw,
            objective=self.primal,
            least_bounds=(_rounded_down(low), rounded_up(high)),
            gap_bound=gap,
            coef_error=errors,
            intercept_error=proof.distance[0] if first else 0.0,
            exact=exact and prover.basis.is_rational,
            least=low if proof.optimal and low == high else None,
            n_rows=rows.n_rows,
            n_ties=proof.n_ties,
            n_open=proof.n_open,
            quantile=self.quantile,
            alpha=self.alpha,
            fit_intercept=self.fit_intercept,
            dependent=tuple(j for j in others.tolist() if j in dependent),
            left_out=tuple(j for j in others.tolist() if j not in dependent),
        )

    def _unproved(self, rows: Rows, flaw: str) -> Verification:
        """Verify without a basis: no objective is below 0."""
        return Verification(
            optimal=False,
            flaw=flaw,
            objective=self.primal,
            least_bounds=(0.0, math.inf),
            gap_bound=math.inf,
            coef_error=np.full(len(self.coef), np.inf),
            intercept_error=math.inf,
            exact=False,
            least=None,
            n_rows=rows.n_rows,
            n_ties=0,
            n_open=rows.n_rows,
            quantile=self.quantile,
            alpha=self.alpha,
            fit_intercept=self.fit_intercept,
        )


def _first_unfaithful(reported: list[float], vertex: Enclosed) -> int | None:
    """Return the first number that is not next to the vertex's.

    It is neither of the two doubles about that; None if all are.
    """
    d = vertex.denominator
    for k, (a, c, r) in enumerate(zip(reported, vertex.numerators, vertex.radii, strict=True)):
        # What is rounded to a, and is not beyond the largest, lies within half of a last place of it.
        if abs(a) < LARGEST and quotient(c - r, d) == a == quotient(c + r, d):
            continue
        below, above = (_next(a, end) for end in (-math.inf, math.inf))
        if not (below < Fraction(c - r, d) and Fraction(c + r, d) < above):
            return k
    return None


def _next(a: float, end: float) -> Fraction:
    """Return the next double in a direction; after the last, +-2^1024."""
    found = math.nextafter(a, end)
    return Fraction(found) if math.isfinite(found) else Fraction(math.copysign(1, found)) * 2**1024


def _rounded_down(value: Fraction) -> float:
    return -rounded_up(-value) + 0.0
