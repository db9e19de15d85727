r"""Turns a solver's candidate into a certificate: proves it, or mends it first.

1. The solver runs on prepared rows (``preparation``). A candidate whose margins are all far larger than
   rounding is certified as it is.
2. Else the theorem is applied (``proof``), with the data as exact numbers.
3. Where the vertex is not optimal, y less its fit, computed in twice the precision and scaled, is fitted by
   the same X: what is left to move is seen with all digits (iterative refinement of linear programs:
   Gleixner, Steffy and Wolter 2016). At most ``ROUNDS`` times.
4. Then pivots, exact or proved one by one, within a budget (``mending``); where the solver found no vertex at
   all, from any one.
5. Past the budget the best vertex stands, and its certificate's ``verify`` says how far from the least it is.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from treadle.errors import CertificateFailed, InvalidInput
from treadle.l1.dense.double_double import Pair, minus_products, two_sum
from treadle.l1.dense.preparation import NearlyDependent, Prepared, disentangled, prepared
from treadle.l1.dense.refinement import Candidate
from treadle.l1.dense.screening import FoldedSides
from treadle.l1.pivots.mending import mended, proved
from treadle.l1.proof.certificate import Certificate
from treadle.l1.proof.claim import Claim, Problem, Proof, moved, nearest
from treadle.l1.proof.rational_solve import Singular
from treadle.l1.proof.solution import Solution
from treadle.l1.proof.theorem import Prover
from treadle.l1.sources.rows import ArrayRows, Rows

ROUNDS = 3


@dataclass(frozen=True)
class Found:
    """A candidate, and its interior-point steps, pivots and passes over the rows.

    ``folded`` is set where rows that were left out of the last, reduced problem may be ties: their side then.
    """

    candidate: Candidate | None
    n_iter: int
    n_pivots: int
    n_passes: int
    folded: FoldedSides | None = None


Search = Callable[[Rows, bool, "NDArray[np.float64] | None"], Found]


@dataclass(frozen=True)
class _Vertex:
    """A basis of the user's rows, its ties, and its proof, if any."""

    basis: NDArray[np.int64]
    ties: dict[int, float]
    proof: Proof | None = None

    @property
    def is_optimal(self) -> bool:
        """Whether the vertex is proved optimal."""
        return self.proof is not None and self.proof.optimal


def settled(
    rows: Rows, problem: Problem, search: Search, start: NDArray[np.float64] | None = None
) -> Solution:
    """Solve a problem by a search for a candidate on prepared rows.

    Parameters
    ----------
    rows : Rows
    problem : Problem
    search : callable
        Takes rows, whether columns that are nearly dependent are to be put up with, and a start or None;
        returns Found, or raises NearlyDependent, CertificateFailed.
    start : ndarray of shape (D + 1,), or None
        A guess of the coefficients, the intercept last.

    Raises
    ------
    CertificateFailed
        If no vertex was found at all.
    """
    ready = prepared(rows, problem.fit_intercept)
    try:
        try:
            found = search(ready.rows, False, ready.start(start))
        except NearlyDependent:
            ready = disentangled(ready, rows, problem.fit_intercept)
            found = search(ready.rows, True, None)
    except CertificateFailed:
        certificate = _Settler(rows, ready, ready.columns, problem, search).from_any_vertex()
        if certificate is None:
            raise
        return _solution(certificate, Found(None, 0, 0, 0))
    candidate = found.candidate
    assert candidate is not None
    if candidate.sure and candidate.faithful and ready.exact:
        return _solution(_as_found(candidate, ready, problem), found)
    settler = _Settler(rows, ready, ready.columns[candidate.kept], problem, search)
    certificate = settler.certificate(candidate, found.folded)
    return _solution(certificate, replace(found, n_passes=found.n_passes + settler.n_passes))


def _solution(certificate: Certificate, found: Found) -> Solution:
    return Solution(
        certificate.coef,
        certificate.intercept,
        certificate.primal,
        certificate,
        found.n_iter,
        found.n_pivots,
        found.n_passes,
    )


def _as_found(candidate: Candidate, ready: Prepared, problem: Problem) -> Certificate:
    """Return the certificate of a candidate that is believed without proof.

    It is for now; ``verify`` proves it.
    """
    coef = np.zeros(ready.n_features)
    coef[ready.columns] = candidate.coef
    kept = ready.columns[candidate.kept]
    return Certificate(
        coef=coef,
        intercept=moved(candidate.intercept, coef, ready.centre.tolist()),
        quantile=problem.quantile,
        alpha=problem.alpha,
        fit_intercept=problem.fit_intercept,
        primal=max(candidate.primal, 0.0),
        dual=candidate.dual,
        basis=_names(candidate.basis, ready),
        rows=_names(candidate.ties, ready),
        values=candidate.tie_values,
        side=candidate.side,
        unique=candidate.unique and len(kept) == ready.n_features,
        centre=ready.centre,
        centre_intercept=candidate.intercept,
        origin=np.zeros(ready.n_features, np.int64),
        left_out=_others(ready.n_features, kept),
    )


def _others(n_features: int, kept: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the features that are not kept."""
    left = np.ones(n_features, bool)
    left[kept] = False
    return np.flatnonzero(left)


def _names(names: NDArray[np.int64], ready: Prepared) -> NDArray[np.int64]:
    """Return names of rows; the penalty's are by all features."""
    n = ready.rows.n_rows
    renamed = names.copy()
    renamed[names >= n] = n + ready.columns[names[names >= n] - n]
    return renamed


@dataclass
class _Settler:
    """Steps 2. to 5., for one problem.

    ``kept`` are the columns whose coefficients a basis determines.

    ``n_passes`` counts those over rows that are read anew.
    """

    rows: Rows
    ready: Prepared
    kept: NDArray[np.int64]
    problem: Problem
    search: Search
    n_passes: int = 0

    def certificate(self, candidate: Candidate, folded: FoldedSides | None) -> Certificate:
        """Return the certificate of a candidate, mended where that is needed.

        ``folded`` is as in ``Found``.
        """
        ties = dict(
            zip(_names(candidate.ties, self.ready).tolist(), candidate.tie_values.tolist(), strict=True)
        )
        vertex = _Vertex(_names(candidate.basis, self.ready), ties)
        if candidate.sure and self.ready.exact:
            return self._rounded(candidate, vertex)
        best = self._with_folded_ties(self._proved(vertex), folded, self.ready.rows)
        for _ in range(ROUNDS):
            if best.proof is None or best.is_optimal:
                break
            again = self._refined(best.proof)
            if again is None or again.proof is None or again.proof.excess >= best.proof.excess:
                break
            best = again
        if not best.is_optimal:
            best = self._pivoted(best)
        if best.proof is None:
            return _as_found(candidate, self.ready, self.problem)
        return self._of(best, best.proof, candidate.unique)

    def from_any_vertex(self) -> Certificate | None:
        """4. Pivot from the first independent rows, where the solver found nothing."""
        found = mended(self.rows, self._claim(_Vertex(np.empty(0, np.int64), {})), None)
        if found is None:
            return None
        claim, proof = found
        self.kept = claim.kept
        return self._of(_Vertex(claim.basis, dict(claim.ties)), proof, None)

    def _claim(self, vertex: _Vertex) -> Claim:
        return Claim(self.problem, self.ready.centre, self.kept, vertex.basis, vertex.ties)

    def _proved(self, vertex: _Vertex) -> _Vertex:
        """Add its proof to the vertex; none, if the basis is singular."""
        self.n_passes += 0 if self.rows.in_memory else self.rows.passes_per_sample + 1
        return _Vertex(vertex.basis, vertex.ties, proved(self.rows, self._claim(vertex)))

    def _with_folded_ties(self, vertex: _Vertex, folded: FoldedSides | None, rows: Rows) -> _Vertex:
        """Add the ties that a screen of ``rows`` folded to the vertex.

        Their u is the bound of their side then.
        """
        if vertex.proof is None or vertex.is_optimal or folded is None:
            return vertex
        names = [i for i in vertex.proof.tie_values if i < rows.n_rows and i not in vertex.ties]
        if not names:
            return vertex
        bounds = folded(rows.take(np.array(names))) * np.inf
        self.n_passes += 0 if rows.in_memory else rows.passes_per_sample
        ties = vertex.ties | dict(zip(names, bounds.tolist(), strict=True))
        return self._proved(_Vertex(vertex.basis, ties))

    def _rounded(self, candidate: Candidate, vertex: _Vertex) -> Certificate:
        """Return the certificate of a sure basis, its coefficients solved once more, exactly."""
        plain = _as_found(candidate, self.ready, self.problem)
        taken = candidate.basis_rows if self.ready.rows is self.rows else None
        self.n_passes += 0 if self.rows.in_memory or taken is not None else self.rows.passes_per_sample
        try:
            coef, intercept = Prover(self.rows, self._claim(vertex), taken=taken).rounded_vertex()
        except Singular:
            return plain
        raw = moved(intercept, coef, self.ready.centre.tolist())
        return replace(plain, coef=coef, intercept=raw, centre_intercept=intercept)

    def _refined(self, proof: Proof) -> _Vertex | None:
        """3. Return the vertex of the fit's residuals; None without one."""
        rows = self.ready.rows
        if not isinstance(rows, ArrayRows) or self.problem.alpha:
            return None
        r = self._residuals(proof)
        sizes = np.abs(r if rows.weight is None else r[rows.weight > 0])
        typical = float(np.median(sizes)) or float(sizes.max(initial=0))
        if not 0 < typical < np.inf:
            return None
        r = np.ldexp(r, -int(np.frexp(typical)[1]))
        try:
            rest = ArrayRows(rows.X, r, rows.weight)
            found = self.search(rest, True, None)
        except (CertificateFailed, InvalidInput):
            return None
        candidate = found.candidate
        assert candidate is not None
        if not np.array_equal(self.ready.columns[candidate.kept], self.kept):
            return None
        ties = dict(zip(candidate.ties.tolist(), candidate.tie_values.tolist(), strict=True))
        return self._with_folded_ties(self._proved(_Vertex(candidate.basis, ties)), found.folded, rest)

    def _residuals(self, proof: Proof) -> NDArray[np.float64]:
        """Compute y less its fit at the exact vertex, rounded once."""
        assert isinstance(self.rows, ArrayRows)
        first = int(self.problem.fit_intercept)
        high = np.array([nearest(c) for c in proof.vertex.center])
        low = np.array(
            [nearest(c - Fraction(h)) for c, h in zip(proof.vertex.center, high.tolist(), strict=True)]
        )
        X = np.asarray(self.rows.X[:, self.kept], np.float64)
        D, errors = two_sum(X, -self.ready.centre[self.kept])
        rest: Pair = (self.rows.y.astype(np.float64), np.zeros(self.rows.n_rows))
        if first:
            constant, lost = two_sum(rest[0], -high[0])
            rest = (constant, lost - low[0])
        above, below = minus_products(rest, D, high[first:])
        return np.asarray(above + (below - D @ low[first:] - errors @ high[first:]))

    def _pivoted(self, vertex: _Vertex) -> _Vertex:
        """4. Pivot to the optimal vertex within the budget; else return the vertex."""
        found = mended(self.rows, self._claim(vertex), vertex.proof)
        if found is None or (vertex.proof is not None and found[1].excess > vertex.proof.excess):
            return vertex
        claim, proof = found
        return _Vertex(claim.basis, dict(claim.ties), proof)

    def _of(self, vertex: _Vertex, proof: Proof, unique: bool | None) -> Certificate:
        names = sorted(proof.tie_values)
        if len(self.kept) < self.ready.n_features:
            unique = False
        elif proof.is_strict:
            unique = True
        return Certificate(
            coef=proof.coef,
            intercept=moved(proof.intercept, proof.coef, self.ready.centre.tolist()),
            quantile=self.problem.quantile,
            alpha=self.problem.alpha,
            fit_intercept=self.problem.fit_intercept,
            primal=nearest(proof.least[1]),
            dual=nearest(proof.least[0]),
            basis=vertex.basis,
            rows=np.array(names, np.int64),
            values=np.array([proof.tie_values[i] for i in names], np.float64),
            side=None,
            unique=unique,
            centre=self.ready.centre,
            centre_intercept=proof.intercept,
            origin=np.zeros(self.ready.n_features, np.int64),
            left_out=_others(self.ready.n_features, self.kept),
        )
