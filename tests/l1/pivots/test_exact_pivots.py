from fractions import Fraction

import numpy as np
import pytest

from tests.l1 import exact_oracle
from treadle.l1.pivots.exact_pivots import ExactTable, pivoted
from treadle.l1.proof.claim import Problem
from treadle.l1.proof.rational_solve import Singular
from treadle.l1.sources.rows import Chunk


def table_of(X, y, problem, weight=None, centre=None):
    D = X.shape[1]
    centre = np.zeros(D) if centre is None else centre
    return ExactTable(Chunk(np.arange(len(y)), X, y, weight), centre, np.arange(D), problem)


def objective_at(table, basis, X, y, problem, weight=None):
    """Of the vertex of a basis, by the oracle's arithmetic."""
    Z = [[Fraction(v) for v in row] for row in table.Z[basis].tolist()]
    w = exact_oracle.solution(Z, table.y[basis].tolist())
    first = int(problem.fit_intercept)
    b = w[0] if first else Fraction(0)
    return exact_oracle.objective(X, y, w[first:], b, weight, problem.quantile, problem.alpha)


@pytest.mark.parametrize("seed", range(12))
@pytest.mark.parametrize("kind", ["offset", "ties", "weights", "penalty", "linear to rounding"])
def test_pivots_end_at_the_least_objective(kind, seed):
    X, y, options = exact_oracle.table(kind, np.random.default_rng([seed, 7]))
    weight = options.get("sample_weight")
    problem = Problem(options["quantile"], options.get("alpha", 0.0), options["fit_intercept"])
    best = exact_oracle.least(X.tolist(), y, weight, problem.quantile, problem.alpha, problem.fit_intercept)
    table = table_of(X, y, problem, weight)
    basis, columns = table.independent([])
    if best is None:
        assert len(columns) < table.Z.shape[1]
        return
    assert columns == list(range(table.Z.shape[1]))
    found, sides = pivoted(table, basis, {}, 1000)
    assert objective_at(table, found, X, y, problem, weight) == best
    assert set(sides.values()) <= {1, -1} and not set(sides) & set(found)


def test_named_rows_come_first_in_a_basis():
    X, y = np.array([[1.0], [1.0], [2.0], [3.0]]), np.arange(4.0)
    table = table_of(X, y, Problem(0.5, 0.0, True))
    assert table.independent([3])[0] == [3, 0]
    assert table.independent([0, 1])[0] == [0, 2]
    assert table_of(np.ones((3, 1)), np.arange(3.0), Problem(0.5, 0.0, True)).independent([]) == ([0], [0])


def test_columns_are_measured_from_the_centre_and_rows_without_weight_dropped():
    X, y = 1e15 + np.arange(4.0)[:, None], np.arange(4.0)
    table = table_of(X, y, Problem(0.5, 0.0, True), np.array([1.0, 0.0, 1.0, 1.0]), np.array([1e15]))
    assert table.names == [0, 2, 3] and table.Z.tolist() == [[1, 0], [1, 2], [1, 3]]


def test_a_penalty_has_rows_of_its_own():
    table = table_of(np.ones((2, 2)), np.array([0.5, 1.0]), Problem(0.5, 0.25, True))
    assert table.names == [0, 1, 2, 3] and table.exponent == -1
    assert table.Z[2:].tolist() == [[0, 2, 0], [0, 0, 2]]
    assert table.high[2:] == [1, 1] and table.low[2:] == [-1, -1]


def test_no_time_gives_no_basis_and_a_singular_one_is_told():
    X, y = np.array([[1.0], [1.0], [2.0]]), np.arange(3.0)
    table = table_of(X, y, Problem(0.5, 0.0, True))
    assert pivoted(table, [0, 2], {}, 0) is None
    with pytest.raises(Singular, match="the equations are dependent"):
        pivoted(table, [0, 1], {}, 1000)
