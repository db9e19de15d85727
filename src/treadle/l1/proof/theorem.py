r"""The proof that the vertex of a basis is optimal, for the data as exact rational numbers.

The problem is the least of sum_i c_i 2 rho(r_i) + lambda ||w||_1, r = y - X w - b, lambda = 2 alpha sum c. A
penalty is D more rows e_j with target 0 and the box [-lambda, lambda]; without one there are none. u_i has
the box [l_i, h_i] = [-2 (1 - tau) c_i, 2 tau c_i]: rational numbers, made from the doubles tau, c, alpha.

A basis B is p rows with X_B nonsingular. Its vertex w = X_B^-1 y_B is an exact rational vector. Off the basis
u_i is the bound on the side of the exact residual r_i(w), or where that is exactly zero (a tie) any number of
its box. With g the sum over these of u_i x_i, u_B = -X_B^-T g makes X'u = 0, and

    **w is optimal if u_B is in its box**: f(w') >= sum u_i r_i(w') = sum u_i y_i = sum u_i r_i(w) = f(w).
    (1)

No size of an objective enters, and no w' far off. In steps, numbered as in the code:

1. Enclose w, by (1) of ``basis_system``, or compute it.
2. One pass proves the sign of nearly every residual, and adds up g and u'y of those rows (``row_signs``).
3. The others are decided in integers, at the enclosure or, where that does not tell, at the exact vertex.
4. Enclose u_B; where it straddles a bound, compute it.
5. For other coefficients w', such as w rounded to doubles, f(w') - f(w) is the sum of loss(r_i(w')) -
   u_i r_i(w'): zero where the sign is proved, else at most (h_i - l_i) |x_i|'|w' - w|.
6. If u_B is not in its box, t u is for the largest t <= 1, as 0 is in every box: f(w') - t u'y bounds the
   gap.

With an intercept all is done in x - m, where m is the centre: sum u = 0 makes X'u the same there.
"""

from __future__ import annotations

import math
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import NDArray

from treadle.l1.proof.basis_system import UP, BasisSystem, Enclosed
from treadle.l1.proof.claim import UNBOUNDED, Claim, Proof, nearest, rounded_up
from treadle.l1.proof.open_rows import OpenRows, decided, penalty_tie
from treadle.l1.proof.rational_solve import Singular, has_flint, most_unknowns
from treadle.l1.proof.row_signs import UNDERFLOW, RowSigns, SignPass, Sums, refuse_not_finite
from treadle.l1.proof.scaled_integers import ScaledIntegers, power_of_two, scaled, scaled_fractions
from treadle.l1.sources.rows import Chunk, Rows, dense_columns

# Numbers of rows without a proved sign that are kept for integers; beyond, the basis alone is kept, and the
# signs of the others are guesses.
MOST_OPEN = 1 << 22
# A number is rounded from an enclosure whose radius is a smaller share of it than that.
ROUNDED = 2**60
# Unknowns up to which a system is solved exactly at once, since an enclosure takes as long; and with FLINT.
AT_ONCE, AT_ONCE_WITH_FLINT = 4, 12


class Prover:
    """The steps of the theorem over some rows."""

    def __init__(self, rows: Rows, claim: Claim, exact: bool = False, taken: Chunk | None = None) -> None:
        self.rows, self.claim, self.exact = rows, claim, exact
        self.problem = claim.problem
        self.flaw: str | None = None
        n = rows.n_rows
        real = np.sort(claim.basis[claim.basis < n])
        self.names = np.concatenate([real, np.sort(claim.basis[claim.basis >= n])])
        self.n_real = len(real)
        self.first = int(self.problem.fit_intercept)
        size = self.first + len(claim.kept)
        pinned = np.zeros(len(claim.kept), bool)
        if self.n_real < len(self.names):
            pinned = np.isin(claim.kept, self.names[self.n_real :] - n)
        if len(self.names) != size or pinned.sum() != size - self.n_real or (real[1:] == real[:-1]).any():
            raise Singular(f"{len(self.names)} rows of the basis do not determine {size} coefficients")
        # Columns of the system without those that a penalty's row pins at 0.
        self.free = np.concatenate([np.arange(self.first), self.first + np.flatnonzero(~pinned)]).astype(int)
        self.pinned = self.first + np.flatnonzero(pinned)
        taken = rows.take(real) if taken is None else taken
        refuse_not_finite(taken, np.arange(len(taken)))
        self.basis_rows = self.exact_rows(taken)
        self.basis_weights = weights_of(taken)
        self.basis_targets = scaled(taken.y)
        self.system = BasisSystem(self._columns(self.basis_rows, self.free))

    def exact_rows(self, chunk: Chunk) -> ScaledIntegers:
        """(1, x - m) of some rows, the columns of the system, exact."""
        exact = scaled(dense_columns(chunk, self.claim.kept))
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
        sign_pass = SignPass(
            coef,
            intercept,
            claim.centre if claim.centre.any() else None,
            spread,
            rounded_up(distance[0]) if self.first else 0.0,
            self.problem.quantile,
            None if len(claim.kept) == D else claim.kept,
            self.names[: self.n_real],
            claim.side,
        )
        parts = self._over_rows(sign_pass)
        penalty = self.problem.penalty(parts.total_weight)
        if parts.wrong_side:
            self._note(f"{parts.wrong_side} rows are not on the side of zero that was said")
        # 3.
        rows = decided(
            claim, parts.open_rows, self.names[: self.n_real], vertex, self.exact_vertex, self.exact_rows
        )
        vertex = rows.vertex
        if rows.undecided:
            self._note(f"the sign of {rows.undecided} residuals is not decided")
        self._note(rows.flaw)
        g, y_u = self._from_sums(
            parts.sums.plus(sign_pass.sums_of(rows.chunk, rows.signs.astype(np.float64)))
        )
        y_u += self._add_inside(g, rows)
        vertex, penalty_loss = self._add_penalty(g, penalty, vertex, coef, rows.tie_values)
        # 4.
        low, high = self._boxes(penalty)
        dual, outside, straddles = self._inside(g, self._dual(g), low, high)
        self._note(outside)
        if straddles:
            self._note(f"{straddles} dual values are at a bound, to within what enclosures can tell")
        # 5.
        excess = self._excess(rows.chunk, spread, sign_pass.intercept_distance, penalty, vertex, distance)
        # 6.
        targets = self.basis_targets.fractions()
        y_B = sum((c * y for c, y in zip(dual.center, targets, strict=False)), Fraction(0))
        off = sum((r * abs(y) for r, y in zip(dual.radius, targets, strict=False)), Fraction(0))
        f = Fraction(parts.loss) + penalty_loss if math.isfinite(parts.loss) else None
        least = (y_u + y_B - off, y_u + y_B + off)
        if self.flaw is not None:
            lower = max(Fraction(0), _largest_share(dual, low, high) * least[0])
            least = (lower, UNBOUNDED if f is None else f)
            excess = UNBOUNDED if f is None else f - lower
        strict = all(
            a < c - r and c + r < b for c, r, a, b in zip(dual.center, dual.radius, low, high, strict=True)
        )
        return Proof(
            optimal=self.flaw is None,
            flaw=self.flaw,
            vertex=vertex,
            dual=dual,
            names=self.names,
            boxes=(low, high),
            coef=coef,
            intercept=intercept,
            distance=distance,
            least=least,
            excess=excess,
            loss=f,
            open_rows=rows.chunk,
            open_signs=rows.signs,
            open_residuals=rows.residuals,
            tie_values=rows.tie_values,
            n_ties=len(rows.tie_values),
            is_strict=strict,
        )

    def _note(self, flaw: str | None) -> None:
        """Keep the first flaw."""
        self.flaw = self.flaw or flaw

    def _add_inside(self, g: list[Fraction], rows: OpenRows) -> Fraction:
        """3. of ties inside their box, whose u is no bound: adds to g, and gives their part of u'y."""
        if not rows.inside:
            return Fraction(0)
        places = np.array(list(rows.inside))
        some, u = rows.chunk.take(places), list(rows.inside.values())
        exact = self.exact_rows(some)
        for k, x in enumerate(
            ScaledIntegers(exact.integers.T, exact.exponent).times(scaled_fractions(u)).fractions()
        ):
            g[k] += x
        return sum((a * Fraction(float(y)) for a, y in zip(u, some.y.tolist(), strict=True)), Fraction(0))

    def _vertex(self) -> Enclosed:
        """1. w of the free columns, and 0 for the pinned; exactly, where rounding would take more digits."""
        vertex = self._with_pinned(self._solved(self.basis_targets, False, self.exact))
        if self.claim.coef is None and any(
            r * ROUNDED > abs(c) for c, r in zip(vertex.center, vertex.radius, strict=True) if r
        ):
            vertex = self.exact_vertex() or vertex
        return vertex

    def _solved(self, b: ScaledIntegers, transposed: bool, exactly: bool) -> Enclosed:
        at_once = AT_ONCE_WITH_FLINT if has_flint() else AT_ONCE
        if not exactly and self.system.size > at_once:
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

    @property
    def is_rational(self) -> bool:
        """Whether systems of this size are solved in rational numbers."""
        return self.system.size <= most_unknowns()

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
        distance = [abs(a - c) + r for a, c, r in zip(reported, vertex.center, vertex.radius, strict=True)]
        return coef, intercept, distance

    def _over_rows(self, sign_pass: SignPass) -> RowSigns:
        """2. The pass, its parts added up."""
        sums: Sums | None = None
        total, loss, wrong, kept, n_numbers, n_guessed = Fraction(0), 0.0, 0, [], 0, 0
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
                n_guessed += int(np.count_nonzero(part.guesses))
                kept.append(part.open_rows.take(np.flatnonzero(part.guesses == 0)))
            sums = new if sums is None else sums.plus(new)
        assert sums is not None  # there is at least one row
        if n_guessed:
            self._note(f"the sign of {n_guessed} residuals is not decided")
        return RowSigns(sums, loss, Chunk.joined(kept), total, wrong)

    def _from_sums(self, sums: Sums) -> tuple[list[Fraction], Fraction]:
        """g over the columns of the system, at the centre, and u'y, of the rows with a proved sign."""
        lean = self.problem.lean
        all_u = sums.signed_weight + lean * sums.weight
        of_columns = list(sums.signed)
        if sums.plain is not None:
            of_columns = [s + lean * c for s, c in zip(of_columns, sums.plain, strict=True)]
        *columns, y_u = of_columns
        if not self.first:
            return columns, y_u
        centre = self.claim.centre[self.claim.kept].tolist()
        return [
            all_u,
            *(x - Fraction(m) * all_u if m else x for x, m in zip(columns, centre, strict=True)),
        ], y_u

    def _add_penalty(
        self,
        g: list[Fraction],
        penalty: Fraction,
        vertex: Enclosed,
        coef: NDArray[Any],
        tie_values: dict[int, float],
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
            u = penalty_tie(self.claim, self.rows.n_rows + j, penalty)
            g[k] += u
            tie_values[self.rows.n_rows + j] = nearest(u)
            if radius:
                self._note(f"whether coefficient {j} is zero is not decided")
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
        if first or spread.any():
            lengths += UNDERFLOW  # of products, before a weight makes it large
        weight = np.ones(len(chunk)) if chunk.weight is None else chunk.weight
        terms = 2 * weight * lengths * UP
        if not np.isfinite(terms).all():
            return UNBOUNDED
        try:
            moved = Fraction(math.fsum(terms.tolist())) * Fraction(UP)
        except OverflowError:
            return UNBOUNDED
        if first or spread.any():
            moved += Fraction(UNDERFLOW) * len(chunk)
        if penalty:
            # Where both are on one side of 0 the penalty is linear between them.
            moved += (
                2
                * penalty
                * sum(
                    d
                    for c, r, d in zip(
                        vertex.center[self.first :],
                        vertex.radius[self.first :],
                        distance[self.first :],
                        strict=True,
                    )
                    if abs(c) - r <= d
                )
            )
        return moved

    def _dual(self, g: list[Fraction], exactly: bool = False) -> Enclosed:
        """4. u of the basis: real rows by the free columns, then the penalty's by the pinned ones."""
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
            unit = power_of_two(columns.exponent)
            x_u = (
                columns.integers.T @ np.array(real.center, object) if self.n_real else [0] * len(self.pinned)
            )
            off = (
                abs(columns.integers.T) @ np.array(real.radius, object)
                if self.n_real
                else [0] * len(self.pinned)
            )
            for k, c, r in zip(self.pinned.tolist(), x_u, off, strict=True):
                center.append(-(g[k] + unit * c))
                radius.append(unit * Fraction(r))
        return Enclosed(center, radius)

    def _boxes(self, penalty: Fraction) -> tuple[list[Fraction], list[Fraction]]:
        bounds = {w: (self.problem.bound(w, -1), self.problem.bound(w, 1)) for w in set(self.basis_weights)}
        low, high = ([bounds[w][end] for w in self.basis_weights] for end in (0, 1))
        return low + [-penalty] * len(self.pinned), high + [penalty] * len(self.pinned)

    def _inside(
        self, g: list[Fraction], dual: Enclosed, low: list[Fraction], high: list[Fraction]
    ) -> tuple[Enclosed, str | None, int]:
        """Whether u_B is in its box: computed exactly where an enclosure straddles a bound."""
        for attempt in range(2):
            outside, straddles = None, 0
            for name, c, r, a, b in zip(
                self.names.tolist(), dual.center, dual.radius, low, high, strict=True
            ):
                if a <= c - r and c + r <= b:
                    continue
                if c - r > b or c + r < a:
                    outside = (
                        f"the dual value of row {name} is {nearest(c):.9g}, outside "
                        f"[{nearest(a):.6g}, {nearest(b):.6g}]"
                    )
                else:
                    straddles += 1
            if outside or not straddles or attempt or dual.is_exact:
                break
            try:
                dual = self._dual(g, exactly=True)
            except Singular:
                break
        return dual, outside, straddles


def weights_of(chunk: Chunk) -> list[Fraction]:
    """The weights of some rows."""
    return (
        [Fraction(1)] * len(chunk) if chunk.weight is None else [Fraction(c) for c in chunk.weight.tolist()]
    )


def _largest_share(dual: Enclosed, low: list[Fraction], high: list[Fraction]) -> Fraction:
    """The largest t <= 1 for which t u of the basis is in its box, wherever in its enclosure u is."""
    t = Fraction(1)
    for c, r, a, b in zip(dual.center, dual.radius, low, high, strict=True):
        if c + r > b:
            t = min(t, b / (c + r))
        if c - r < a:
            t = min(t, a / (c - r))
    return max(t, Fraction(0))
