r"""The proof that the vertex of a basis is optimal, for the data as exact rational numbers.

The problem is the least of sum_i c_i 2 rho(r_i) + lambda ||w||_1, r = y - X w - b, lambda = 2 alpha sum c. A
penalty is D more rows e_j with target 0 and the box [-lambda, lambda]; without one there are none. u_i has the
box [l_i, h_i] = [-2 (1 - tau) c_i, 2 tau c_i]: rational numbers, made from the doubles tau, c, alpha.

A basis B is p rows with X_B nonsingular. Its vertex w = X_B^-1 y_B is an exact rational vector. Off the basis
u_i is the bound on the side of the exact residual r_i(w), or where that is exactly zero (a tie) any number of
its box. With g the sum over these of u_i x_i, u_B = -X_B^-T g makes X'u = 0, and

    **w is optimal if u_B is in its box**: f(w') >= sum u_i r_i(w') = sum u_i y_i = sum u_i r_i(w) = f(w).   (1)

No size of an objective enters, and no w' far off. In steps, numbered as in the code:

1. Enclose w, by (1) of ``basis_system``, or compute it.
2. One pass proves the sign of nearly every residual, and adds up g and u'y of those rows (``row_signs``).
3. The others are decided in integers, at the enclosure or, where that does not tell, at the exact vertex.
4. Enclose u_B; where it straddles a bound, compute it.
5. For other coefficients w', such as w rounded to doubles, f(w') - f(w) is the sum of loss(r_i(w')) -
   u_i r_i(w'): zero where the sign is proved, else at most (h_i - l_i) |x_i|'|w' - w|.
6. If u_B is not in its box, t u is for the largest t <= 1, as 0 is in every box: f(w') - t u'y bounds the gap.

With an intercept all is done in x - m, where m is the centre: sum u = 0 makes X'u the same there.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from treadle.errors import InvalidInput
from treadle.l1.proof.basis_system import UP, BasisSystem, Enclosed
from treadle.l1.proof.rational_solve import Singular
from treadle.l1.proof.row_signs import UNDERFLOW, RowSigns, SignPass, Sums
from treadle.l1.proof.scaled_integers import ScaledIntegers, power_of_two, scaled, scaled_fractions
from treadle.l1.rows import Chunk, Rows

LARGEST = float(np.finfo(np.float64).max)
# More than any double: where an excess is not bounded.
UNBOUNDED = Fraction(1 << 2000)
# Numbers of rows without a proved sign that are kept for integers; of those beyond, the sign is a guess.
MOST_OPEN = 1 << 22
# How near to a bound, in widths of the box, a tie's value stands for the bound.
NEXT_TO = Fraction(1, 1 << 40)
# A number is rounded from an enclosure whose radius is a smaller share of it than that.
ROUNDED = 2**60
# Unknowns up to which a system is solved exactly at once, since an enclosure takes as long.
AT_ONCE = 4


@dataclass(frozen=True)
class Problem:
    """tau, alpha and whether there is an intercept."""

    quantile: float
    alpha: float
    fit_intercept: bool

    def bound(self, weight: Fraction, sign: int) -> Fraction:
        """The end of a row's box on the side of that sign: 2 tau c or -2 (1 - tau) c."""
        return weight * (2 * Fraction(self.quantile) - 1 + sign)

    def penalty(self, total_weight: Fraction) -> Fraction:
        """lambda."""
        return 2 * Fraction(self.alpha) * total_weight


@dataclass(frozen=True)
class Claim:
    """What is to be proved of some rows: a basis, what ties are at, and coefficients that are near its vertex.

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
        u of rows off the basis whose residual is exactly zero; next to a bound, or infinite, it is that bound.
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
    """What was found of a claim.

    ``vertex`` and ``dual`` enclose w = (b at the centre, w_kept), the former only with an intercept, and u of
    the basis, in the order of ``names``: real rows ascending, then the penalty's. ``least`` encloses the least
    objective where ``optimal``. ``excess`` bounds the objective of the coefficients less the least from above,
    ``loss`` the objective itself. ``flaw`` says what is not proved, None if nothing is left.
    """

    optimal: bool
    flaw: str | None
    vertex: Enclosed
    dual: Enclosed
    names: NDArray[np.int64]
    coef: NDArray[np.float64]
    intercept: float
    distance: list[Fraction]
    least: tuple[Fraction, Fraction]
    excess: Fraction
    loss: Fraction | None
    open_rows: Chunk
    open_dual: list[Fraction]
    open_residuals: NDArray[np.float64]
    boxes: tuple[list[Fraction], list[Fraction]]
    tie_values: dict[int, float]
    is_strict: bool
    n_ties: int
    n_open: int

    def violated(self) -> tuple[int | None, int]:
        """The place of the u of the basis that is furthest beyond its box, and on which side."""
        beyond = [self.violation(k) for k in range(len(self.names))]
        k = int(np.argmax(beyond)) if beyond else 0
        if not beyond or not beyond[k] > 0:
            return None, 0
        return k, 1 if self.dual.center[k] > self.boxes[1][k] else -1

    def violation(self, k: int) -> float:
        """By how much one of them is beyond."""
        low, high = self.boxes[0][k], self.boxes[1][k]
        return nearest(max(self.dual.center[k] - high, low - self.dual.center[k]))


class Prover:
    """The steps of the theorem over some rows."""

    def __init__(
        self, rows: Rows, claim: Claim, exact: bool = False, taken: Chunk | None = None
    ) -> None:
        self.rows, self.claim, self.exact = rows, claim, exact
        self.problem = claim.problem
        self.flaw: str | None = None
        self.tie_values: dict[int, float] = {}
        self.open_residuals = np.zeros(0)
        n = rows.n_rows
        real = np.sort(claim.basis[claim.basis < n])
        self.names = np.concatenate([real, np.sort(claim.basis[claim.basis >= n])])
        self.n_real = len(real)
        self.first = int(self.problem.fit_intercept)
        size = self.first + len(claim.kept)
        pinned = np.isin(claim.kept, self.names[self.n_real :] - n)
        if len(self.names) != size or pinned.sum() != size - self.n_real or len(set(real.tolist())) < len(real):
            raise Singular(f"{len(self.names)} rows of the basis do not determine {size} coefficients")
        # Columns of the system without those that a penalty's row pins at 0.
        self.free = np.concatenate([np.arange(self.first), self.first + np.flatnonzero(~pinned)]).astype(int)
        self.pinned = self.first + np.flatnonzero(pinned)
        taken = rows.take(real) if taken is None else taken
        self.basis_rows = self.exact_rows(taken)
        self.basis_weights = weights_of(taken)
        self.basis_targets = scaled(taken.y)
        self.system = BasisSystem(self._columns(self.basis_rows, self.free))

    def exact_rows(self, chunk: Chunk) -> ScaledIntegers:
        """(1, x - m) of some rows, the columns of the system, exact."""
        X = chunk.X[:, self.claim.kept]
        X = X.toarray() if sparse.issparse(X) else X
        try:
            exact = scaled(X)
        except ValueError:
            i = int(np.argmin(np.isfinite(X).all(axis=1)))
            raise InvalidInput(f"row {chunk.indices[i]} of X holds a value that is not a finite number") from None
        centre = self.claim.centre[self.claim.kept]
        if centre.any():
            exact = exact.minus(scaled(centre))
        if not self.first:
            return exact
        one = ScaledIntegers(np.array([[1]] * len(chunk), object).reshape(len(chunk), 1), 0)
        exponent = min(exact.exponent, 0)
        return ScaledIntegers(np.hstack([one.at(exponent), exact.at(exponent)]), exponent)

    @staticmethod
    def _columns(exact: ScaledIntegers, some: NDArray[Any]) -> ScaledIntegers:
        return ScaledIntegers(exact.integers[:, some], exact.exponent)

    def prove(self) -> Proof:
        """All steps."""
        with np.errstate(all="ignore"):  # what is not finite is not decided, and no bound
            return self._proof()

    def _proof(self) -> Proof:
        claim = self.claim
        vertex = self._vertex()
        coef, intercept, distance = self._reported(vertex)
        # 2.
        D = len(claim.centre)
        spread = np.zeros(D)
        spread[claim.kept] = [rounded_up(x) for x in distance[self.first :]]
        everything = len(claim.kept) == D
        sign_pass = SignPass(
            coef,
            intercept,
            claim.centre if claim.centre.any() else None,
            spread,
            rounded_up(distance[0]) if self.first else 0.0,
            self.problem.quantile,
            None if everything else claim.kept,
            self.names[: self.n_real],
            claim.side,
        )
        parts = self._over_rows(sign_pass)
        sums, loss, open_rows, wrong = parts.sums, parts.loss, parts.open_rows, parts.wrong_side
        penalty = self.problem.penalty(parts.total_weight)
        if wrong:
            self.flaw = f"{wrong} rows are not on the side of zero that was said"
        # 3.
        g, y_u = self._from_sums(sums)
        exact_rows, weights = self.exact_rows(open_rows), weights_of(open_rows)
        u_open, n_ties, vertex, undecided = self._decide(open_rows, exact_rows, weights, vertex)
        if undecided:
            self.flaw = self.flaw or f"the sign of {undecided} residuals is not decided"
        targets = [Fraction(y) for y in open_rows.y.tolist()]
        some = [k for k, u in enumerate(u_open) if u]
        if some:
            u = scaled_fractions([u_open[k] for k in some])
            x_u = ScaledIntegers(exact_rows.integers[some].T, exact_rows.exponent).times(u).fractions()
            g = [a + b for a, b in zip(g, x_u, strict=True)]
            y_u += sum((u_open[k] * targets[k] for k in some), Fraction(0))
        vertex, penalty_loss = self._add_penalty(g, penalty, vertex, coef)
        # 4.
        dual = self._dual(g)
        low, high = self._boxes(penalty)
        dual, outside, straddles = self._inside(g, dual, low, high)
        if outside is not None:
            self.flaw = self.flaw or outside
        elif straddles:
            self.flaw = self.flaw or f"{straddles} dual values are at a bound to within what {self.arithmetic} can tell"
        # 5.
        excess = self._excess(open_rows, spread, sign_pass.intercept_distance, penalty, vertex, distance)
        # 6.
        targets_B = self.basis_targets.fractions()
        y_B = sum((c * y for c, y in zip(dual.center, targets_B, strict=False)), Fraction(0))
        off = sum((r * abs(y) for r, y in zip(dual.radius, targets_B, strict=False)), Fraction(0))
        f = Fraction(loss) + penalty_loss if math.isfinite(loss) else None
        if self.flaw is None:
            least = (y_u + y_B - off, y_u + y_B + off)
        else:
            t = _largest_share(dual, low, high)
            lower = max(Fraction(0), t * (y_u + y_B - off))
            least = (lower, lower if f is None else f)
            excess = Fraction(0) if f is None else f - lower
        return Proof(
            self.flaw is None,
            self.flaw,
            vertex,
            dual,
            self.names,
            coef,
            intercept,
            distance,
            least,
            excess,
            f,
            open_rows,
            u_open,
            self.open_residuals,
            (low, high),
            self.tie_values,
            all(l < c - r and c + r < h for c, r, l, h in zip(dual.center, dual.radius, low, high, strict=True)),
            n_ties,
            len(open_rows),
        )

    @property
    def arithmetic(self) -> str:
        """What decided, in words."""
        return "rational arithmetic" if self.exact else "enclosures"

    def _vertex(self) -> Enclosed:
        """1. w of the free columns, and 0 for the pinned; exactly, where rounding would take more digits."""
        vertex = self._with_pinned(self._solved(self.basis_targets, False, self.exact))
        if self.claim.coef is None and any(
            r * ROUNDED > abs(c) for c, r in zip(vertex.center, vertex.radius, strict=True) if r
        ):
            vertex = self.exact_vertex() or vertex
        return vertex

    def _solved(self, b: ScaledIntegers, transposed: bool, exactly: bool) -> Enclosed:
        if not exactly and self.system.size > AT_ONCE:
            found = self.system.enclosure(b, transposed)
            if found is not None:
                return found
        values = self.system.solution(b, transposed)
        if values is not None:
            return Enclosed.exact(values)
        found = self.system.enclosure(b, transposed)
        if found is None:
            raise Singular(f"{self.system.size} equations are too near to dependent to be solved in doubles")
        return found

    def _exact(self, b: ScaledIntegers, transposed: bool) -> Enclosed | None:
        values = self.system.solution(b, transposed)
        return None if values is None else Enclosed.exact(values)

    def rounded_vertex(self) -> tuple[NDArray[np.float64], float]:
        """1. The coefficients, and the intercept at the centre, as the nearest doubles."""
        coef, intercept, _ = self._reported(self._vertex())
        return coef, intercept

    def exact_vertex(self) -> Enclosed | None:
        """w in rational numbers; None where there are too many."""
        exact = self._exact(self.basis_targets, False)
        return None if exact is None else self._with_pinned(exact)

    def _with_pinned(self, free: Enclosed) -> Enclosed:
        size = self.first + len(self.claim.kept)
        center, radius = [Fraction(0)] * size, [Fraction(0)] * size
        for k, c, r in zip(self.free.tolist(), free.center, free.radius, strict=True):
            center[k], radius[k] = c, r
        return Enclosed(center, radius)

    def _reported(self, vertex: Enclosed) -> tuple[NDArray[np.float64], float, list[Fraction]]:
        """The coefficients as doubles, and how far from the vertex each may be."""
        claim = self.claim
        if claim.coef is None:
            coef = np.zeros(len(claim.centre))
            rounded = [
                nearest(c) if abs(c) > r else 0.0 for c, r in zip(vertex.center, vertex.radius, strict=True)
            ]
            coef[claim.kept] = rounded[self.first :]
            intercept = rounded[0] if self.first else 0.0
        else:
            coef, intercept = claim.coef, claim.intercept
        reported = [Fraction(intercept)] * self.first + [Fraction(w) for w in coef[claim.kept].tolist()]
        distance = [
            abs(a - c) + r for a, c, r in zip(reported, vertex.center, vertex.radius, strict=True)
        ]
        return coef, intercept, distance

    def _over_rows(self, sign_pass: SignPass) -> RowSigns:
        """2. The pass, its parts added up."""
        sums: Sums | None = None
        total, loss, wrong, kept, n_numbers = Fraction(0), 0.0, 0, [], 0
        for part in self.rows.map(sign_pass):
            total += part.total_weight
            loss = (loss + part.loss) * (1 + 2.0**-50)
            wrong += part.wrong_side
            new = part.sums
            n_numbers += len(part.open_rows) * self.rows.n_features
            if n_numbers <= MOST_OPEN:
                kept.append(part.open_rows)
            else:
                new = new.plus(sign_pass.sums_of(part.open_rows, part.guesses.astype(np.float64)))
                wrong += len(part.open_rows)
            sums = new if sums is None else sums.plus(new)
        assert sums is not None  # there is at least one row
        return RowSigns(sums, loss, Chunk.joined(kept), total, wrong)

    def _from_sums(self, sums: Sums) -> tuple[list[Fraction], Fraction]:
        """g over the columns of the system, at the centre, and u'y, of the rows with a proved sign."""
        lean = 2 * Fraction(self.problem.quantile) - 1
        all_u = sums.signed_weight + lean * sums.weight
        of_columns = list(sums.signed)
        if sums.plain is not None:
            of_columns = [s + lean * c for s, c in zip(of_columns, sums.plain, strict=True)]
        *columns, y_u = of_columns
        if not self.first:
            return columns, y_u
        centre = self.claim.centre[self.claim.kept].tolist()
        return [all_u, *(x - Fraction(m) * all_u if m else x for x, m in zip(columns, centre, strict=True))], y_u

    def _decide(
        self, chunk: Chunk, exact_rows: ScaledIntegers, weights: list[Fraction], vertex: Enclosed
    ) -> tuple[list[Fraction], int, Enclosed, int]:
        """3. u of the rows without a proved sign, 0 for the basis; the number of ties, and of undecided rows."""
        u = [Fraction(0)] * len(chunk)
        basis = set(self.names[: self.n_real].tolist())
        left = [k for k, i in enumerate(chunk.indices.tolist()) if i not in basis]
        n_ties = 0
        targets = scaled(chunk.y)
        self.open_residuals = np.zeros(len(chunk))
        while left:
            some = ScaledIntegers(exact_rows.integers[left], exact_rows.exponent)
            r, sizes, factor = _residuals(some, ScaledIntegers(targets.integers[left], targets.exponent), vertex)
            rest = []
            for k, value, size in zip(left, r, sizes, strict=True):
                self.open_residuals[k] = nearest(factor * value)
                if size:
                    u[k] = self.problem.bound(weights[k], 1 if value > 0 else -1)
                elif vertex.is_exact:
                    n_ties += 1
                    u[k] = self._tie_value(int(chunk.indices[k]), weights[k])
                else:
                    rest.append(k)
            left = rest
            if left:
                exact = self.exact_vertex()
                if exact is None:
                    for k in left:  # any number of the box will do for a bound on the gap
                        u[k] = self._tie_value(int(chunk.indices[k]), weights[k])
                    break
                vertex = exact
        return u, n_ties, vertex, len(left)

    def _tie_value(self, name: int, weight: Fraction) -> Fraction:
        low, high = self.problem.bound(weight, -1), self.problem.bound(weight, 1)
        return self._in_box(name, low, high, 1.0)

    def _in_box(self, name: int, low: Fraction, high: Fraction, default: float) -> Fraction:
        """The value of a tie; what is next to a bound, or beyond it by as little, is the bound."""
        value = self.claim.ties.get(name, default * math.inf)
        if math.isinf(value):
            exact = high if value > 0 else low
            self.tie_values[name] = nearest(exact)
            return exact
        exact, near = Fraction(value), (high - low) * NEXT_TO
        if exact > high + near or exact < low - near:
            self.flaw = self.flaw or f"u of row {name} is {value:.9g}, outside [{float(low):.6g}, {float(high):.6g}]"
        exact = low if exact <= low + near else high if exact >= high - near else exact
        self.tie_values[name] = nearest(exact)
        return exact

    def _add_penalty(
        self, g: list[Fraction], penalty: Fraction, vertex: Enclosed, coef: NDArray[Any]
    ) -> tuple[Enclosed, Fraction]:
        """3. of the penalty's rows, whose residual is -w_j; the penalty of the coefficients."""
        if not penalty:
            return vertex, Fraction(0)
        for place, j in enumerate(self.claim.kept.tolist()):
            k = self.first + place
            if k in self.pinned:
                continue
            if abs(vertex.center[k]) <= vertex.radius[k] and not vertex.is_exact:
                vertex = self.exact_vertex() or vertex
            w, radius = vertex.center[k], vertex.radius[k]
            if abs(w) > radius:
                g[k] += -penalty if w > 0 else penalty
                continue
            g[k] += self._in_box(self.rows.n_rows + j, -penalty, penalty, 1.0)
            if radius:
                self.flaw = self.flaw or f"whether coefficient {j} is zero is not decided"
        loss = penalty * sum((abs(Fraction(w)) for w in coef.tolist()), Fraction(0))
        return vertex, loss

    def _excess(
        self,
        chunk: Chunk,
        spread: NDArray[Any],
        first: float,
        penalty: Fraction,
        vertex: Enclosed,
        distance: list[Fraction],
    ) -> Fraction:
        """5. What the objective of the coefficients is above that of the vertex, at most."""
        X = chunk.X - self.claim.centre if self.claim.centre.any() else chunk.X
        lengths = np.asarray(abs(X) @ spread) * UP * UP + first
        weight = np.ones(len(chunk)) if chunk.weight is None else chunk.weight
        terms = 2 * weight * lengths * UP
        if not np.isfinite(terms).all():
            return UNBOUNDED
        moved = sum(map(Fraction, terms[terms > 0].tolist()), Fraction(0))
        if moved:
            moved += Fraction(UNDERFLOW) * len(chunk)
        if penalty:
            # Where both are on one side of 0 the penalty is linear between them.
            moved += 2 * penalty * sum(
                d
                for c, r, d in zip(vertex.center[self.first :], vertex.radius[self.first :], distance[self.first :], strict=True)
                if abs(c) - r <= d
            )
        return moved

    def _dual(self, g: list[Fraction], exactly: bool = False) -> Enclosed:
        """4. u of the basis: of its real rows by the free columns, then of the penalty's by the pinned ones."""
        target = scaled_fractions([-g[k] for k in self.free.tolist()])
        if exactly:
            values = self.system.solution(target, True)
            if values is None:
                raise Singular("too many unknowns")
            real = Enclosed.exact(values)
        else:
            real = self._solved(target, True, self.exact)
        center, radius = list(real.center), list(real.radius)
        if len(self.pinned):
            columns = self._columns(self.basis_rows, self.pinned)
            unit = _unit(columns)
            x_u = columns.integers.T @ np.array(real.center, object) if self.n_real else [0] * len(self.pinned)
            off = abs(columns.integers.T) @ np.array(real.radius, object) if self.n_real else [0] * len(self.pinned)
            for k, c, r in zip(self.pinned.tolist(), x_u, off, strict=True):
                center.append(-(g[k] + unit * c))
                radius.append(unit * Fraction(r))
        return Enclosed(center, radius)

    def _boxes(self, penalty: Fraction) -> tuple[list[Fraction], list[Fraction]]:
        low = [self.problem.bound(w, -1) for w in self.basis_weights] + [-penalty] * len(self.pinned)
        high = [self.problem.bound(w, 1) for w in self.basis_weights] + [penalty] * len(self.pinned)
        return low, high

    def _inside(
        self, g: list[Fraction], dual: Enclosed, low: list[Fraction], high: list[Fraction]
    ) -> tuple[Enclosed, str | None, int]:
        """Whether u_B is in its box: computed exactly where an enclosure straddles a bound."""
        for attempt in range(2):
            outside, straddles = None, 0
            for name, c, r, l, h in zip(self.names.tolist(), dual.center, dual.radius, low, high, strict=True):
                if l <= c - r and c + r <= h:
                    continue
                if c - r > h or c + r < l:
                    outside = f"the dual value of row {name} is {float(c):.9g}, outside [{float(l):.6g}, {float(h):.6g}]"
                else:
                    straddles += 1
            if outside or not straddles or attempt or dual.is_exact:
                break
            try:
                dual = self._dual(g, exactly=True)
            except Singular:
                break
        return dual, outside, straddles


def _unit(exact: ScaledIntegers) -> Fraction:
    return Fraction(2) ** exact.exponent


def _residuals(
    rows: ScaledIntegers, targets: ScaledIntegers, vertex: Enclosed
) -> tuple[NDArray[Any], NDArray[np.bool_], Fraction]:
    """y - z'w of some rows, as integers times a factor, and which have that sign all over w's enclosure."""
    common = math.lcm(*(c.denominator for c in vertex.center))
    w = np.array([c.numerator * (common // c.denominator) for c in vertex.center], object)
    exponent = min(rows.exponent, targets.exponent)
    r = targets.at(exponent) * common - ScaledIntegers(rows.integers @ w, rows.exponent).at(exponent)
    scale = power_of_two(exponent) / common
    if vertex.is_exact:
        return r, np.asarray(r != 0, bool), scale
    # The enclosure's part, in the same unit, rounded up.
    unit = common * (Fraction(1) / (Fraction(2) ** exponent))
    radius = np.array([math.ceil(x * unit * 2**64) for x in vertex.radius], object)
    errors = abs(rows.integers) @ radius
    factor = Fraction(2) ** (rows.exponent - 64)
    return r, np.array([abs(a) > factor * e for a, e in zip(r, errors, strict=True)], bool), scale


def weights_of(chunk: Chunk) -> list[Fraction]:
    """The weights of some rows."""
    return [Fraction(1)] * len(chunk) if chunk.weight is None else [Fraction(c) for c in chunk.weight.tolist()]


def _largest_share(dual: Enclosed, low: list[Fraction], high: list[Fraction]) -> Fraction:
    """The largest t <= 1 for which t u of the basis is in its box, wherever in its enclosure u is."""
    t = Fraction(1)
    for c, r, l, h in zip(dual.center, dual.radius, low, high, strict=True):
        if c + r > h:
            t = min(t, h / (c + r))
        if c - r < l:
            t = min(t, l / (c - r))
    return max(t, Fraction(0))


def nearest(value: Fraction) -> float:
    """The double nearest to it; the largest, beyond them all."""
    try:
        return float(value)
    except OverflowError:
        return -LARGEST if value < 0 else LARGEST


def rounded_up(value: Fraction) -> float:
    """A double at least as large."""
    found = nearest(value)
    if Fraction(found) >= value:
        return found
    return math.nextafter(found, math.inf)
