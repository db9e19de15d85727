r"""Pivots from a vertex that the theorem refused to one that it proves.

Small tables go through pivots in rational arithmetic (``exact_pivots``). In larger ones the theorem itself
says which u is beyond its box, exactly; the row that enters is found in doubles, with the exact residuals of
the rows whose sign took integers, and the theorem runs again. As the solver's vertex is all but optimal,
few pivots are needed: at tau = .05, which is no double, of 200 rows the median of 11th and 10th may be the
other one.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.sparse.linalg import splu

from treadle.l1.pivots.exact_pivots import ExactTable, pivoted
from treadle.l1.proof.claim import Claim, Proof
from treadle.l1.proof.claimed_basis import MOST_DENSE
from treadle.l1.proof.rational_solve import Singular, most_unknowns
from treadle.l1.proof.theorem import Prover
from treadle.l1.sources.rows import ArrayRows, Chunk, Rows, dense_columns
from treadle.l1.sources.sparse_rows import SparseRows

# Budgets are counted, never timed: the same table gives the same bits on a busy machine. Of pivots in
# rational arithmetic: the numbers of a table, each of which a pivot looks at, and all these looks.
MOST_NUMBERS, MOST_LOOKS = 200_000, 4_000_000
# Pivots with a proof each, and the numbers of the rows that these proofs look at together.
MOST_PIVOTS, MOST_PROVED = 60, 100_000_000
# Entries of a pivot's column that are rounding, relative to the largest of their row.
ROUNDING = 1e-11


def proved(rows: Rows, claim: Claim) -> Proof | None:
    """Apply the theorem to a claim; None if its basis is singular."""
    try:
        return Prover(rows, claim).prove()
    except Singular:
        return None


def mended(rows: Rows, claim: Claim, proof: Proof | None) -> tuple[Claim, Proof] | None:
    """Return an optimal or better vertex with its proof, or None.

    None where nothing better was found.

    Parameters
    ----------
    rows : Rows
    claim : Claim
        Of a basis, without coefficients; an empty one stands for any.
    proof : Proof or None
        What was said of it.
    """
    if not isinstance(rows, ArrayRows | SparseRows) or rows.n_rows == 0:
        return None
    numbers = rows.n_rows * (len(claim.kept) + 1)
    if numbers <= MOST_NUMBERS and len(claim.kept) + claim.problem.fit_intercept <= most_unknowns():
        exactly = _by_exact_pivots(rows, claim)
        if exactly is not None:
            return exactly
    return None if proof is None else _by_proved_pivots(rows, claim, proof)


def _by_exact_pivots(rows: ArrayRows | SparseRows, claim: Claim) -> tuple[Claim, Proof] | None:
    chunk = next(iter(rows.chunks())) if isinstance(rows, SparseRows) else rows.whole()
    if len(chunk) < rows.n_rows:
        return None
    chunk = Chunk(chunk.indices, dense_columns(chunk, np.arange(rows.n_features)), chunk.y, chunk.weight)
    try:
        table = ExactTable(chunk, claim.centre, claim.kept, claim.problem)
        basis, columns = table.independent([table.place[i] for i in claim.basis.tolist()])
        if len(columns) < table.Z.shape[1]:
            first = int(claim.problem.fit_intercept)
            if len(claim.basis) or not columns or (first and columns[0]):
                return None
            kept = claim.kept[np.array(columns[first:], np.int64) - first]
            return _by_exact_pivots(rows, replace(claim, kept=kept))
        sides = {table.place[i]: 1 if u > 0 else -1 for i, u in claim.ties.items() if i in table.place}
        found = pivoted(table, basis, sides, 1 + MOST_LOOKS // table.Z.size)
    except Singular:
        return None
    if found is None:
        return None
    names = np.array([table.names[k] for k in found[0]], np.int64)
    ties = {table.names[k]: side * np.inf for k, side in found[1].items()}
    again = replace(claim, basis=names, ties=ties)
    proof = proved(rows, again)
    return None if proof is None else (again, proof)


def _by_proved_pivots(rows: ArrayRows | SparseRows, claim: Claim, proof: Proof) -> tuple[Claim, Proof] | None:
    best: tuple[Claim, Proof] | None = None
    numbers = rows.n_rows + (rows.X.nnz if isinstance(rows, SparseRows) else rows.X.size)
    for _ in range(min(MOST_PIVOTS, 1 + MOST_PROVED // numbers)):
        following = _next_claim(rows, claim, proof)
        if following is None:
            break
        found = proved(rows, following)
        if found is None:
            break
        claim, proof = following, found
        if best is None or proof.optimal or proof.excess < best[1].excess:
            best = claim, proof
        if proof.optimal:
            break
    return best


def _next_claim(rows: ArrayRows | SparseRows, claim: Claim, proof: Proof) -> Claim | None:
    """The basis after one long-step pivot, as ``crossover`` takes it."""
    n, first = rows.n_rows, int(claim.problem.fit_intercept)
    leaving, sign = proof.violated()
    if leaving is None:
        return None
    unit = np.zeros(len(proof.names))
    unit[leaving] = sign
    try:
        direction = _solved(rows, claim, proof.names, unit)
    except (np.linalg.LinAlgError, RuntimeError):  # singular to LAPACK, or to SuperLU
        return None
    X = rows.X[:, claim.kept] if len(claim.kept) < rows.n_features else rows.X
    constant = direction[0] if first else 0.0
    shift = float(claim.centre[claim.kept] @ direction[first:])
    along = np.asarray(X @ direction[first:]) + (constant - shift)
    weight = np.ones(n) if rows.weight is None else np.asarray(rows.weight, float)
    w = np.array([float(c) for c in proof.vertex.center])
    offset = (w[0] if first else 0.0) - float(claim.centre[claim.kept] @ w[first:])
    r = rows.y - np.asarray(X @ w[first:]) - offset
    r[proof.open_rows.indices] = proof.open_residuals
    low, high = -2 * (1 - claim.problem.quantile) * weight, 2 * claim.problem.quantile * weight
    if claim.problem.alpha:
        penalty = 2 * claim.problem.alpha * float(weight.sum())
        along = np.append(along, direction[first:])
        r = np.append(r, -w[first:])
        low, high = np.append(low, [-penalty] * len(claim.kept)), np.append(high, [penalty] * len(claim.kept))
    names = np.append(np.arange(n), n + claim.kept)[: len(r)]
    side = np.sign(r)
    place = {int(name): k for k, name in enumerate(names[n:].tolist(), n)}
    for name, u in proof.tie_values.items():
        k = name if name < n else place[name]
        side[k] = 1 if u > 0 else -1
    inside = np.isin(names, proof.names)
    sizes = np.abs(along).max(initial=0)
    moving = (side * along < 0) & ~inside & (high > low) & (np.abs(along) > ROUNDING * sizes)
    candidates = np.flatnonzero(moving)
    t = np.maximum(-r[candidates] / along[candidates], 0)
    order = np.argsort(t, kind="stable")
    rises = np.cumsum(((high - low)[candidates] * np.abs(along[candidates]))[order])
    stop = int(np.searchsorted(rises, proof.violation(leaving)))
    if stop >= len(order):
        return None
    entering = int(candidates[order[stop]])
    flipped = candidates[order[:stop]]
    ties = {
        i: (np.inf if u > 0 else -np.inf) if _at_bound(u, i, low, high, place, n) else u
        for i, u in proof.tie_values.items()
    }
    for k in flipped.tolist():
        ties[int(names[k])] = -side[k] * np.inf
    ties[int(proof.names[leaving])] = sign * np.inf
    ties.pop(int(names[entering]), None)
    basis = proof.names.copy()
    basis[leaving] = names[entering]
    return replace(claim, basis=basis, ties=ties)


def _at_bound(
    u: float, name: int, low: NDArray[np.float64], high: NDArray[np.float64], place: Mapping[int, int], n: int
) -> bool:
    k = name if name < n else place[name]
    return not low[k] * (1 - 1e-9) < u < high[k] * (1 - 1e-9)


def _solved(
    rows: ArrayRows | SparseRows, claim: Claim, names: NDArray[np.int64], right: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Solve the equations of a basis in doubles, densely unless the proof is sparse."""
    n, first = rows.n_rows, int(claim.problem.fit_intercept)
    real = names[names < n]
    taken = rows.take(real)
    pinned = first + np.searchsorted(claim.kept, names[names >= n] - n)
    if isinstance(rows, SparseRows) and len(names) > MOST_DENSE:
        ones = sparse.csr_array(np.ones((len(real), first)))
        units = sparse.csr_array(
            (np.ones(len(pinned)), (np.arange(len(pinned)), pinned)), shape=(len(pinned), len(names))
        )
        entries = sparse.csr_array(taken.X[:, claim.kept].astype(np.float64))
        Z_B = sparse.vstack([sparse.hstack([ones, entries]), units])
        return np.asarray(splu(sparse.csc_array(Z_B)).solve(right))
    Z = np.zeros((len(names), first + len(claim.kept)))
    Z[: len(real), :first] = 1
    Z[: len(real), first:] = dense_columns(taken, claim.kept) - claim.centre[claim.kept]
    Z[np.arange(len(real), len(names)), pinned] = 1
    return np.asarray(np.linalg.solve(Z, right), np.float64)
