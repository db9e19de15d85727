r"""Proves that a basis's vertex is optimal, in exact rational numbers.

The data count as the exact numbers that the doubles are.

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

import numpy as np
from numpy.typing import NDArray

from treadle.l1.proof.basis_system import UP, Enclosed
from treadle.l1.proof.claim import UNBOUNDED, Claim, Proof, nearest
from treadle.l1.proof.claimed_basis import ClaimedBasis
from treadle.l1.proof.open_rows import OpenRows, decided, penalty_tie
from treadle.l1.proof.rational_solve import Singular
from treadle.l1.proof.row_signs import UNDERFLOW, SignPass, Sums
from treadle.l1.proof.scaled_integers import (
    ScaledIntegers,
    fraction_of,
    joined,
    quotient,
    scaled,
    scaled_fractions,
)
from treadle.l1.sources.rows import Chunk, Rows

# Numbers of rows without a proved sign that are kept for integers; beyond, the basis alone is kept, and the
# signs of the others are guesses.
MOST_OPEN = 1 << 22


class Prover:
    """The steps of the theorem over some rows."""

    def __init__(self, rows: Rows, claim: Claim, exact: bool = False, taken: Chunk | None = None) -> None:
        self.rows, self.claim = rows, claim
        self.problem = claim.problem
        self.flaw: str | None = None
        self.basis = ClaimedBasis(rows, claim, exact, taken)

    def prove(self) -> Proof:
        """Take all steps."""
        with np.errstate(all="ignore"):  # what is not finite is not decided, and no bound
            return self._proof()

    def _proof(self) -> Proof:
        claim = self.claim
        # 1. The vertex w, and doubles w' with how far each may be from it.
        vertex = self.basis.vertex()
        coef, intercept, distance = self._reported(vertex)
        # 2. A pass proves the sign of nearly every residual, and sums these rows exactly.
        sign_pass = self._sign_pass(coef, intercept, distance)
        sums, loss, open_rows, total_weight, wrong = self._over_rows(sign_pass)
        penalty = self.problem.penalty(total_weight)
        if wrong:
            self._note(f"{wrong} rows are not on the side of zero that was said")
        # 3. The other rows in integers; then g and u'y of all rows off the basis, the penalty's included.
        rows = decided(
            claim,
            open_rows,
            self.basis.real,
            vertex,
            self.basis.exact_vertex,
            self.basis.exact_rows,
        )
        vertex = rows.vertex
        if rows.undecided:
            self._note(f"the sign of {rows.undecided} residuals is not decided")
        self._note(rows.flaw)
        if rows.signs.any():
            sums = sums.plus(sign_pass.sums_of(rows.chunk, rows.signs.astype(np.float64)))
        g, y_u = self._from_sums(sums)
        g, y_inside = self._with_inside(g, rows)
        g, vertex, penalty_loss = self._with_penalty(g, penalty, vertex, coef, rows.tie_values)
        # 4. u_B of (1), and whether it is in its box.
        low, high = self.basis.boxes(penalty)
        dual, outside, straddles, strict = self._inside(g, self.basis.dual(g), low, high)
        self._note(outside)
        if straddles:
            self._note(f"{straddles} dual values are at a bound, to within what enclosures can tell")
        # 5. By how much the objective at w' exceeds that at w, at most.
        excess = self._excess(
            rows.chunk, sign_pass.distance, sign_pass.intercept_distance, penalty, vertex, distance
        )
        # 6. Bounds of the least objective: y'u if (1) holds; else t u'y from below, and f(w') from above.
        least = self.basis.dual_objective(dual, y_u + y_inside if rows.inside else y_u)
        if self.flaw is not None:
            f = Fraction(loss) + penalty_loss if math.isfinite(loss) else None
            lower = max(Fraction(0), _largest_share(dual, low, high) * least[0])
            least = (lower, UNBOUNDED if f is None else f)
            excess = UNBOUNDED if f is None else f - lower
        return Proof(
            optimal=self.flaw is None,
            flaw=self.flaw,
            vertex=vertex,
            dual=dual,
            names=self.basis.names,
            boxes=(low, high),
            coef=coef,
            intercept=intercept,
            distance=distance,
            least=least,
            excess=excess,
            open_rows=rows.chunk,
            open_signs=rows.signs,
            open_residuals=rows.residuals,
            tie_values=rows.tie_values,
            n_ties=len(rows.tie_values),
            is_strict=strict,
        )

    def _sign_pass(self, coef: NDArray[np.float64], intercept: float, distance: list[float]) -> SignPass:
        """2. Prepare the pass over the rows, from coefficients and their distances.

        A distance is how far from the vertex a coefficient may be.
        """
        spread = np.zeros(len(self.claim.centre))
        spread[self.claim.kept] = distance[self.basis.first :]
        return SignPass(
            coef,
            intercept,
            self.basis.centre,
            spread,
            distance[0] if self.basis.first else 0.0,
            self.problem.quantile,
            None if self.basis.every else self.claim.kept,
            self.basis.real,
            self.claim.side,
        )

    def _note(self, flaw: str | None) -> None:
        """Keep the first flaw."""
        self.flaw = self.flaw or flaw

    def _with_inside(self, g: ScaledIntegers, rows: OpenRows) -> tuple[ScaledIntegers, Fraction]:
        """3. Add the ties inside their box to g and to u'y.

        Their u is no bound.
        """
        if not rows.inside:
            return g, Fraction(0)
        places = np.array(list(rows.inside))
        some, u = rows.chunk.take(places), list(rows.inside.values())
        # Their part of g, the sum of u_i (1, x_i - m), in integers.
        exact, factors = self.basis.exact_rows(some), scaled_fractions(u)
        part = exact.transposed_product(factors.integers)
        g = g.plus(ScaledIntegers(part, exact.exponent + factors.exponent))
        return g, sum((a * Fraction(float(y)) for a, y in zip(u, some.y.tolist(), strict=True)), Fraction(0))

    def rounded_vertex(self) -> tuple[NDArray[np.float64], float]:
        """1. Return coefficients and the intercept at the centre as nearest doubles."""
        coef, intercept, _ = self._reported(self.basis.vertex())
        return coef, intercept

    def _reported(self, vertex: Enclosed) -> tuple[NDArray[np.float64], float, list[float]]:
        """Return the coefficients as doubles, and their distances from the vertex."""
        claim = self.claim
        if claim.coef is None:
            coef = np.zeros(len(claim.centre))
            # What an enclosure does not tell from 0 becomes 0.
            rounded = [
                quotient(c, vertex.denominator) if abs(c) > r else 0.0
                for c, r in zip(vertex.numerators, vertex.radii, strict=True)
            ]
            coef[claim.kept] = rounded[self.basis.first :]
            intercept = rounded[0] if self.basis.first else 0.0
        else:
            coef, intercept = claim.coef, claim.intercept
        reported = [intercept] * self.basis.first + coef[claim.kept].tolist()
        return coef, intercept, vertex.distances(reported)

    def _over_rows(self, sign_pass: SignPass) -> tuple[Sums, float, Chunk, Fraction, int]:
        """2. Pass over the rows, and add up the parts' results.

        They are sums, loss, open rows, weight, and rows on the wrong side.
        """
        sums: Sums | None = None
        total, loss, wrong, kept, n_numbers, n_guessed = Fraction(0), 0.0, 0, [], 0, 0
        for part in self.rows.map(sign_pass):
            total += part.total_weight
            # Rounded up, as the bounds of the parts are.
            loss = (loss + part.loss) * (1 + 2.0**-50)
            wrong += part.wrong_side
            new = part.sums
            some = part.open_rows
            # A sparse array's size is the number of what it stores.
            n_numbers += some.X.size if self.basis.is_sparse else len(some) * self.rows.n_features
            if n_numbers <= MOST_OPEN:
                kept.append(part.open_rows)
            else:
                # Too many to keep: their likely signs give a bound, and no proof.
                guesses = sign_pass.guesses(part)
                new = new.plus(sign_pass.sums_of(part.open_rows, guesses.astype(np.float64)))
                n_guessed += int(np.count_nonzero(guesses))
                kept.append(part.open_rows.take(np.flatnonzero(guesses == 0)))
            sums = new if sums is None else sums.plus(new)
        assert sums is not None  # there is at least one row
        if n_guessed:
            self._note(f"the sign of {n_guessed} residuals is not decided")
        return sums, loss, Chunk.joined(kept), total, wrong

    def _from_sums(self, sums: Sums) -> tuple[ScaledIntegers, Fraction]:
        """Compute g and u'y of the rows with a proved sign.

        g is over the columns of the system, at the centre.
        """
        # u_i = c_i (s_i + 2 tau - 1), s_i being the sign: the sums of c s, and 2 tau - 1 times those of c.
        of_columns = sums.signed
        all_u = ScaledIntegers(sums.weights.integers[1:], sums.weights.exponent)
        if sums.plain is not None:
            lean = scaled_fractions([self.problem.lean])
            weight = ScaledIntegers(sums.weights.integers[:1], sums.weights.exponent)
            of_columns = of_columns.plus(sums.plain.by(lean))
            all_u = all_u.plus(weight.by(lean))
        # The last column is that of y.
        y_u = fraction_of(of_columns.integers[-1], 1, of_columns.exponent)
        columns = ScaledIntegers(of_columns.integers[:-1], of_columns.exponent)
        if not self.basis.first:
            return columns, y_u
        if self.basis.centre is not None:
            # The sum of u_i (x_i - m) is that of u_i x_i less m times that of u_i.
            columns = columns.minus(scaled(self.basis.centre[self.claim.kept]).by(all_u))
        return joined([all_u, columns]), y_u

    def _with_penalty(
        self,
        g: ScaledIntegers,
        penalty: Fraction,
        vertex: Enclosed,
        coef: NDArray[np.float64],
        tie_values: dict[int, float],
    ) -> tuple[ScaledIntegers, Enclosed, Fraction]:
        """3. Add the penalty's rows to g; return the coefficients' penalty.

        Their residual is -w_j.
        """
        if not penalty:
            return g, vertex, Fraction(0)
        of_penalty, pinned = [Fraction(0)] * len(g.integers), set(self.basis.pinned.tolist())
        for place, j in enumerate(self.claim.kept.tolist()):
            k = self.basis.first + place
            if k in pinned:
                continue
            # Row e_j has the residual -w_j: its u is the bound of that sign, or where w_j is 0 what the claim
            # says.
            if abs(vertex.numerators[k]) <= vertex.radii[k] and not vertex.is_exact:
                vertex = self.basis.exact_vertex() or vertex
            w, radius = vertex.numerators[k], vertex.radii[k]
            if abs(w) > radius:
                of_penalty[k] = -penalty if w > 0 else penalty
                continue
            u = penalty_tie(self.claim, self.rows.n_rows + j, penalty)
            of_penalty[k] = u
            tie_values[self.rows.n_rows + j] = nearest(u)
            if radius:
                self._note(f"whether coefficient {j} is zero is not decided")
        loss = penalty * sum((abs(Fraction(w)) for w in coef.tolist()), Fraction(0))
        return g.plus(scaled_fractions(of_penalty)), vertex, loss

    def _excess(
        self,
        chunk: Chunk,
        spread: NDArray[np.float64],
        first: float,
        penalty: Fraction,
        vertex: Enclosed,
        distance: list[float],
    ) -> Fraction:
        """5. Bound the objective at the coefficients above that at the vertex."""
        moved = Fraction(0)
        if any(distance):
            # (h_i - l_i) |x_i|'|w' - w| of open rows, h_i - l_i being 2 c_i; every operation is rounded up.
            X = chunk.X if self.basis.centre is None else chunk.X - self.basis.centre
            # What underflows of products is added before a weight makes it large.
            lengths = np.asarray(abs(X) @ spread) * UP * UP + first + UNDERFLOW
            terms = 2 * lengths * UP if chunk.weight is None else 2 * chunk.weight * lengths * UP
            try:
                total = math.fsum(terms.tolist()) * UP
            except (OverflowError, ValueError):  # some are infinite
                return UNBOUNDED
            if not total < math.inf:
                return UNBOUNDED
            moved = Fraction(math.nextafter(total + UNDERFLOW * len(chunk), math.inf))
        if penalty:
            # Where both are on one side of 0 the penalty is linear between them.
            moved += (
                2
                * penalty
                * sum(
                    (
                        Fraction(d)
                        for c, r, d in zip(
                            vertex.center[self.basis.first :],
                            vertex.radius[self.basis.first :],
                            distance[self.basis.first :],
                            strict=True,
                        )
                        if abs(c) - r <= d
                    ),
                    Fraction(0),
                )
            )
        return moved

    def _inside(
        self, g: ScaledIntegers, dual: Enclosed, low: list[Fraction], high: list[Fraction]
    ) -> tuple[Enclosed, str | None, int, bool]:
        """Say whether u_B is in its box, and strictly inside.

        It is decided exactly where an enclosure straddles a bound.
        """
        for attempt in range(2):
            outside, straddles, strict = None, 0, True
            for k, (a, b) in enumerate(zip(low, high, strict=True)):
                c, r = dual.numerators[k], dual.radii[k]
                # The bounds as integers over the denominator of u, times that of their own.
                p, q = a.denominator, b.denominator
                least, most = a.numerator * dual.denominator, b.numerator * dual.denominator
                # All of the enclosure in the box; or all of it outside; or astride of a bound, which the
                # exact u decides.
                if least <= (c - r) * p and (c + r) * q <= most:
                    strict = strict and least < (c - r) * p and (c + r) * q < most
                    continue
                strict = False
                if (c - r) * q > most or (c + r) * p < least:
                    outside = (
                        f"the dual value of row {self.basis.names[k]} is "
                        f"{quotient(c, dual.denominator):.9g}, "
                        f"outside [{nearest(a):.6g}, {nearest(b):.6g}]"
                    )
                else:
                    straddles += 1
            if outside or not straddles or attempt or dual.is_exact:
                break
            try:
                dual = self.basis.dual(g, exactly=True)
            except Singular:
                break
        return dual, outside, straddles, strict


def _largest_share(dual: Enclosed, low: list[Fraction], high: list[Fraction]) -> Fraction:
    """Return the largest t <= 1 for which t u_B is in its box.

    That is wherever in its enclosure u_B is.
    """
    # t u_k reaches a bound first at the end of the enclosure that is farther out. 0 is in every box.
    t = Fraction(1)
    for c, r, a, b in zip(dual.center, dual.radius, low, high, strict=True):
        if c + r > b:
            t = min(t, b / (c + r))
        if c - r < a:
            t = min(t, a / (c - r))
    return max(t, Fraction(0))
