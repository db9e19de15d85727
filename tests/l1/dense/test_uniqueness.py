"""Whether an optimum is the only one: against the optimal vertices of every basis, in rational numbers."""

from fractions import Fraction
from itertools import combinations

import numpy as np

from tests.l1 import exact_oracle
from treadle.l1.dense import uniqueness
from treadle.l1.dense.crossover import crossover, independent_rows
from treadle.l1.dense.reduced_problem import Reduced
from treadle.l1.dense.uniqueness import is_unique


def tables():
    """Tables of whole numbers with many ties, an optimal vertex of each, and how many there are."""
    for seed in range(200):
        rng = np.random.default_rng(seed)
        n, p = int(rng.integers(3, 9)), int(rng.integers(1, 3))
        Z, y = rng.integers(-2, 3, size=(n, p)).astype(float), rng.integers(-2, 3, n).astype(float)
        basis = independent_rows(Z, np.ones(n))
        if basis is None:
            continue
        ones, g = np.ones(n), np.zeros(p)
        vertex = crossover(Z, y, -ones, ones, g, basis, rng, 1e-10, np.full(n, 1e-12))
        yield Reduced(Z, y, -ones, ones, g, 0, 1e-14), vertex, len(optimal_vertices(Z, y))


def optimal_vertices(Z, y):
    losses = {}
    for some in combinations(range(len(y)), Z.shape[1]):
        w = exact_oracle.solution(Z[list(some)].astype(int).tolist(), y[list(some)].astype(int).tolist())
        if w is not None:
            losses[tuple(w)] = exact_oracle.objective(Z.tolist(), y, w, Fraction(0))
    least = min(losses.values())
    return [w for w, loss in losses.items() if loss == least]


def test_it_tells_one_optimum_from_several():
    seen = {True: 0, False: 0}
    for reduced, vertex, n_optimal in tables():
        tied = np.abs(reduced.y - reduced.Z @ vertex.w) < 1e-9
        u = vertex.u[vertex.basis]
        if np.abs(u).max() < 1 - 1e-9:
            assert n_optimal == 1  # what nobody asks is_unique about
            continue
        u = vertex.u.copy()
        u[vertex.basis] = np.clip(u[vertex.basis], -1, 1)
        assert is_unique(reduced, u, tied) == (n_optimal == 1)
        seen[n_optimal == 1] += 1
    assert min(seen.values()) >= 5, seen


def test_with_very_many_ties_the_question_is_left_open(monkeypatch):
    monkeypatch.setattr(uniqueness, "MOST_TIES", 1)
    reduced, vertex, _ = next(tables())
    p = reduced.Z.shape[1]
    tied = np.zeros(len(reduced), bool)
    tied[: p + 1] = True
    assert is_unique(reduced, vertex.u, tied) is None
