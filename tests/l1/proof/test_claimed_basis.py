"""The equations of a claimed basis, against Gauss and Jordan in fractions."""

from fractions import Fraction

import numpy as np
import pytest

from treadle.errors import InvalidInput
from treadle.l1.proof.claim import Claim, Problem
from treadle.l1.proof.claimed_basis import ClaimedBasis
from treadle.l1.proof.rational_solve import Singular
from treadle.l1.proof.scaled_integers import scaled_fractions
from treadle.l1.sources.rows import ArrayRows

N, D = 12, 3


def solved(matrix, right):
    """x with matrix x = right."""
    rows = [[*map(Fraction, row), Fraction(b)] for row, b in zip(matrix, right, strict=True)]
    for k in range(len(rows)):
        pivot = next(i for i in range(k, len(rows)) if rows[i][k])
        rows[k], rows[pivot] = rows[pivot], rows[k]
        rows[k] = [x / rows[k][k] for x in rows[k]]
        rows = [
            row if i == k else [x - row[k] * y for x, y in zip(row, rows[k], strict=True)]
            for i, row in enumerate(rows)
        ]
    return [row[-1] for row in rows]


def claimed(rows, names, alpha=0.0, fit_intercept=True, centre=None, exact=False):
    problem = Problem(0.25, alpha, fit_intercept)
    centre = np.zeros(D) if centre is None else centre
    claim = Claim(problem, centre, np.arange(D), np.array(names), {})
    return ClaimedBasis(rows, claim, exact, None)


@pytest.fixture(params=range(4))
def rows(request):
    rng = np.random.default_rng(request.param)
    scales = 10.0 ** rng.integers(-6, 6, D)
    return ArrayRows(rng.normal(size=(N, D)) * scales, rng.normal(size=N), rng.uniform(0.5, 2, N))


def exact_rows(rows, names, centre):
    """(1, x - m)."""
    return [
        [1, *(Fraction(x) - Fraction(m) for x, m in zip(rows.X[i].tolist(), centre.tolist(), strict=True))]
        for i in names
    ]


def holds(enclosed, exact):
    """Whether each number is within its radius."""
    pairs = zip(enclosed.center, enclosed.radius, exact, strict=True)
    return all(abs(c - x) <= r for c, r, x in pairs)


@pytest.mark.parametrize("exact", [False, True])
def test_vertex_and_dual_solve_the_equations(rows, exact):
    names, centre = [1, 4, 6, 9], rows.X[0].copy()
    basis = claimed(rows, names, centre=centre, exact=exact)
    X = exact_rows(rows, names, centre)
    w = solved(X, [Fraction(y) for y in rows.y[names].tolist()])
    assert holds(basis.vertex(), w)
    assert basis.exact_vertex().center == w
    g = [Fraction(3, 8), Fraction(-5), Fraction(7, 2), Fraction(1)]
    u = solved(list(zip(*X, strict=True)), [-x for x in g])
    assert holds(basis.dual(scaled_fractions(g), exactly=exact), u)
    least = sum(a * Fraction(y) for a, y in zip(u, rows.y[names].tolist(), strict=True))
    low, high = basis.dual_objective(basis.dual(scaled_fractions(g)), Fraction(1))
    assert low <= least + 1 <= high


def test_a_row_of_the_penalty_pins_its_coefficient(rows):
    names = [2, 5, 8, N + 1]
    basis = claimed(rows, names, alpha=0.1)
    X = [*exact_rows(rows, names[:3], np.zeros(D)), [0, 0, 1, 0]]
    w = solved(X, [*map(Fraction, rows.y[names[:3]].tolist()), Fraction(0)])
    vertex = basis.vertex()
    assert holds(vertex, w)
    assert vertex.center[2] == vertex.radius[2] == 0
    g = [Fraction(1), Fraction(2), Fraction(-3), Fraction(1, 4)]
    assert holds(basis.dual(scaled_fractions(g)), solved(list(zip(*X, strict=True)), [-x for x in g]))
    low, high = basis.boxes(Fraction(5))
    weights = [Fraction(c) for c in rows.weight[names[:3]].tolist()]
    assert low == [*(Fraction(-3, 2) * c for c in weights), -5]
    assert high == [*(Fraction(1, 2) * c for c in weights), 5]


@pytest.mark.parametrize("names", [[0, 1, 2], [0, 1, 2, 3, 4], [0, 1, 2, N + 7]])
def test_rows_that_do_not_determine_the_coefficients_are_singular(rows, names):
    with pytest.raises(Singular, match=f"{len(names)} rows of the basis do not determine 4 coefficients"):
        claimed(rows, names, alpha=0.1)


def test_rows_that_are_not_finite_are_named(rows):
    rows.X[4, 1] = np.nan
    with pytest.raises(InvalidInput, match="row 4"):
        claimed(rows, [1, 4, 6, 9])
