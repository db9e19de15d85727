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

from treadle.l1.proof.basis_system import UP, BasisSystem, Enclosed
from treadle.l1.proof.claim import ONE, UNBOUNDED, Claim, Proof, nearest
from treadle.l1.proof.open_rows import OpenRows, decided, penalty_tie
from treadle.l1.proof.rational_solve import Singular, has_flint, most_unknowns
from treadle.l1.proof.row_signs import UNDERFLOW, SignPass, Sums, refuse_not_finite
from treadle.l1.proof.scaled_integers import (
    ScaledIntegers,
    joined,
    power_of_two,
    quotient,
    scaled,
    scaled_fractions,
)
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
        # The rows of the basis: first those of the data, then the penalty's e_j, called N + j.
        n = rows.n_rows
        self.names = np.sort(claim.basis)
        self.n_real = int(np.count_nonzero(claim.basis < n))
        real = self.names[: self.n_real]
        self.first = int(self.problem.fit_intercept)
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
        try:
            self.basis_rows = self.exact_rows(taken)
            self.basis_targets = scaled(taken.y)
        except ValueError:
            refuse_not_finite(taken, np.arange(len(taken)))
            raise
        self.basis_weights = weights_of(taken)
        self.system = BasisSystem(self._columns(self.basis_rows, self.free))

    def exact_rows(self, chunk: Chunk) -> ScaledIntegers:
        """Return the exact (1, x - m) of some rows, the system's columns."""
        kept = self.claim.kept
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

    @staticmethod
    def _columns(exact: ScaledIntegers, some: NDArray[np.int64]) -> ScaledIntegers:
        if len(some) == exact.integers.shape[1]:
            return exact
        return ScaledIntegers(exact.integers[:, some], exact.exponent)

    def prove(self) -> Proof:
        """Take all steps."""
        with np.errstate(all="ignore"):  # what is not finite is not decided, and no bound
            return self._proof()

    def _proof(self) -> Proof:
        claim = self.claim
        # 1. The vertex w, and doubles w' with how far each may be from it.
        vertex = self._vertex()
        coef, intercept, distance = self._reported(vertex)
        # 2. A pass proves the sign of nearly every residual, and sums these rows exactly.
        sign_pass = self._sign_pass(coef, intercept, distance)
        sums, loss, open_rows, total_weight, wrong = self._over_rows(sign_pass)
        penalty = self.problem.penalty(total_weight)
        if wrong:
            self._note(f"{wrong} rows are not on the side of zero that was said")
        # 3. The other rows in integers; then g and u'y of all rows off the basis, the penalty's included.
        rows = decided(
            claim, open_rows, self.names[: self.n_real], vertex, self.exact_vertex, self.exact_rows
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
        low, high = self._boxes(penalty)
        dual, outside, straddles, strict = self._inside(g, self._dual(g), low, high)
        self._note(outside)
        if straddles:
            self._note(f"{straddles} dual values are at a bound, to within what enclosures can tell")
        # 5. By how much the objective at w' exceeds that at w, at most.
        excess = self._excess(
            rows.chunk, sign_pass.distance, sign_pass.intercept_distance, penalty, vertex, distance
        )
        # 6. Bounds of the least objective: y'u if (1) holds; else t u'y from below, and f(w') from above.
        least = self._dual_objective(dual, y_u + y_inside if rows.inside else y_u)
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
            names=self.names,
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
        spread[self.claim.kept] = distance[self.first :]
        return SignPass(
            coef,
            intercept,
            self.centre,
            spread,
            distance[0] if self.first else 0.0,
            self.problem.quantile,
            None if self.every else self.claim.kept,
            self.names[: self.n_real],
            self.claim.side,
        )

    def _dual_objective(self, dual: Enclosed, of_others: Fraction) -> tuple[Fraction, Fraction]:
        """6. Bound y'u; ``of_others`` is the part of rows off the basis."""
        # y_B'u_B, and what it may be off by where u_B is enclosed. A target of the penalty's rows is 0.
        targets = self.basis_targets.integers.tolist()
        y_B = sum(c * y for c, y in zip(dual.numerators, targets, strict=False))
        middle = of_others + _fraction(y_B, dual.denominator, self.basis_targets.exponent)
        if dual.is_exact:
            return middle, middle
        off = sum(r * abs(y) for r, y in zip(dual.radii, targets, strict=False))
        width = _fraction(off, dual.denominator, self.basis_targets.exponent)
        return middle - width, middle + width

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
        exact = self.exact_rows(some)
        g = g.plus(ScaledIntegers(exact.integers.T, exact.exponent).times(scaled_fractions(u)))
        return g, sum((a * Fraction(float(y)) for a, y in zip(u, some.y.tolist(), strict=True)), Fraction(0))

    def _vertex(self) -> Enclosed:
        """1. Solve for w of the free columns; the pinned are 0.

        It is exact where rounding would take more digits.
        """
        vertex = self._with_pinned(self._solved(self.basis_targets, False, self.exact))
        # Rounded to doubles, a coefficient needs more digits than so wide an enclosure has.
        if self.claim.coef is None and any(
            r * ROUNDED > abs(c) for c, r in zip(vertex.numerators, vertex.radii, strict=True) if r
        ):
            vertex = self.exact_vertex() or vertex
        return vertex

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

    @property
    def is_rational(self) -> bool:
        """Say whether systems of this size are solved in rational numbers."""
        return self.system.size <= most_unknowns()

    def rounded_vertex(self) -> tuple[NDArray[np.float64], float]:
        """1. Return coefficients and the intercept at the centre as nearest doubles."""
        coef, intercept, _ = self._reported(self._vertex())
        return coef, intercept

    def exact_vertex(self) -> Enclosed | None:
        """Compute w in rational numbers; None where there are too many."""
        exact = self.system.solution(self.basis_targets)
        return None if exact is None else self._with_pinned(exact)

    def _with_pinned(self, free: Enclosed) -> Enclosed:
        if not len(self.pinned):
            return free
        # A coefficient that a row of the penalty pins is 0, exactly.
        size = self.first + len(self.claim.kept)
        numerators, radii = [0] * size, [0] * size
        for k, c, r in zip(self.free.tolist(), free.numerators, free.radii, strict=True):
            numerators[k], radii[k] = c, r
        return Enclosed(numerators, radii, free.denominator)

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
            coef[claim.kept] = rounded[self.first :]
            intercept = rounded[0] if self.first else 0.0
        else:
            coef, intercept = claim.coef, claim.intercept
        reported = [intercept] * self.first + coef[claim.kept].tolist()
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
            n_numbers += len(part.open_rows) * self.rows.n_features
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
        y_u = _fraction(of_columns.integers[-1], 1, of_columns.exponent)
        columns = ScaledIntegers(of_columns.integers[:-1], of_columns.exponent)
        if not self.first:
            return columns, y_u
        if self.centre is not None:
            # The sum of u_i (x_i - m) is that of u_i x_i less m times that of u_i.
            columns = columns.minus(scaled(self.centre[self.claim.kept]).by(all_u))
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
        of_penalty = [Fraction(0)] * len(g.integers)
        for place, j in enumerate(self.claim.kept.tolist()):
            k = self.first + place
            if k in self.pinned:
                continue
            # Row e_j has the residual -w_j: its u is the bound of that sign, or where w_j is 0 what the claim
            # says.
            if abs(vertex.numerators[k]) <= vertex.radii[k] and not vertex.is_exact:
                vertex = self.exact_vertex() or vertex
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
            X = chunk.X if self.centre is None else chunk.X - self.centre
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
                            vertex.center[self.first :],
                            vertex.radius[self.first :],
                            distance[self.first :],
                            strict=True,
                        )
                        if abs(c) - r <= d
                    ),
                    Fraction(0),
                )
            )
        return moved

    def _dual(self, g: ScaledIntegers, exactly: bool = False) -> Enclosed:
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
        columns = self._columns(self.basis_rows, self.pinned)
        unit = power_of_two(columns.exponent)
        x_u = off = np.zeros(len(self.pinned), object)
        if self.n_real:
            x_u = columns.integers.T @ np.array(center, object)
            off = abs(columns.integers.T) @ np.array(radius, object)
        for k, c, r in zip(self.pinned.tolist(), x_u, off, strict=True):
            center.append(-(of_pinned[k] + unit * c))
            radius.append(unit * Fraction(r))
        return Enclosed.of(center, radius)

    def _boxes(self, penalty: Fraction) -> tuple[list[Fraction], list[Fraction]]:
        # Of all the same weight, mostly.
        weights = {id(w): w for w in self.basis_weights}
        bounds = {k: (self.problem.bound(w, -1), self.problem.bound(w, 1)) for k, w in weights.items()}
        low, high = ([bounds[id(w)][end] for w in self.basis_weights] for end in (0, 1))
        return low + [-penalty] * len(self.pinned), high + [penalty] * len(self.pinned)

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
                        f"the dual value of row {self.names[k]} is {quotient(c, dual.denominator):.9g}, "
                        f"outside [{nearest(a):.6g}, {nearest(b):.6g}]"
                    )
                else:
                    straddles += 1
            if outside or not straddles or attempt or dual.is_exact:
                break
            try:
                dual = self._dual(g, exactly=True)
            except Singular:
                break
        return dual, outside, straddles, strict


def weights_of(chunk: Chunk) -> list[Fraction]:
    """Return the weights of some rows."""
    return [ONE] * len(chunk) if chunk.weight is None else [Fraction(c) for c in chunk.weight.tolist()]


def _fraction(numerator: int, denominator: int, exponent: int) -> Fraction:
    """Return a quotient times a power of two."""
    if exponent < 0:
        return Fraction(numerator, denominator << -exponent)
    return Fraction(numerator << exponent, denominator)


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
