"""Rows without a sign in doubles: signs against fractions, ties placed in their boxes, wrong claims seen."""

import math
from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest

from treadle.l1.proof import open_rows
from treadle.l1.proof.basis_system import Enclosed
from treadle.l1.proof.claim import Claim, Problem
from treadle.l1.proof.open_rows import decided, penalty_tie
from treadle.l1.proof.scaled_integers import ScaledIntegers, joined, scaled
from treadle.l1.sources.rows import Chunk

CLAIM = Claim(Problem(0.5, 0.0, True), np.zeros(1), np.array([0]), np.array([0, 1]), {})
VERTEX = [Fraction(1, 3), Fraction(1, 7)]


def rows_of(x, y, weight=None):
    return Chunk(np.arange(len(y)), np.array(x, float)[:, None], np.array(y, float), weight)


def exact_rows(chunk):
    """(1, x), by columns of fractions over one power of two."""
    both = joined([scaled(np.ones(len(chunk))), scaled(chunk.X[:, 0])])
    return ScaledIntegers(both.integers.reshape(2, -1).T, both.exponent)


def residuals(chunk, vertex=VERTEX):
    b, w = vertex
    return [
        Fraction(float(y)) - b - w * Fraction(float(x)) for x, y in zip(chunk.X[:, 0], chunk.y, strict=True)
    ]


def around(vertex, radius):
    return Enclosed.of(vertex, [radius] * len(vertex))


def never():
    raise AssertionError("the exact vertex was not needed")


def test_signs_within_an_enclosure_are_those_of_exact_residuals():
    rng = np.random.default_rng(0)
    chunk = rows_of(rng.normal(size=20), rng.normal(size=20))
    found = decided(CLAIM, chunk, np.array([0, 1]), around(VERTEX, Fraction(1, 10**6)), never, exact_rows)
    expected = residuals(chunk)
    assert found.signs[2:].tolist() == [1 if r > 0 else -1 for r in expected[2:]]
    assert found.signs[:2].tolist() == [0, 0]
    assert found.residuals[2:] == pytest.approx([float(r) for r in expected[2:]], abs=3e-6)
    assert found.undecided == 0 and found.flaw is None


def test_rows_nearer_than_the_enclosure_take_the_exact_vertex():
    off = 2.0**-40
    chunk = rows_of([0, 1, 7], [0, 0, 4 / 3 + off])
    calls = []

    def exact_vertex():
        calls.append(1)
        return Enclosed.exact([7, 3], 21)

    wide = around(VERTEX, Fraction(1, 100))
    found = decided(CLAIM, chunk, np.array([0, 1]), wide, exact_vertex, exact_rows)
    assert len(calls) == 1 and found.vertex.is_exact
    assert found.signs.tolist() == [0, 0, 1]
    assert found.residuals[2] == float(residuals(chunk)[2])


def test_many_open_rows_take_the_exact_vertex_at_once(monkeypatch):
    monkeypatch.setattr(open_rows, "MANY", 1)
    chunk = rows_of([0, 1, 5, 6], [0, 0, 9, -9])
    exact = Enclosed.exact([7, 3], 21)
    narrow = around(VERTEX, Fraction(1, 10**9))
    found = decided(CLAIM, chunk, np.array([0, 1]), narrow, lambda: exact, exact_rows)
    assert found.vertex is exact
    assert found.signs.tolist() == [0, 0, 1, -1]


def test_numbers_too_long_for_doubles_have_the_signs_of_integers():
    # The residuals are 2^-60 and -2^-60 beside targets of 1.
    vertex = [Fraction(1) - Fraction(1, 2**60), Fraction(1, 2**59)]
    chunk = rows_of([0, 1], [1, 1])
    nobody = replace(CLAIM, basis=np.array([], int))
    exact = Enclosed.exact([2**60 - 1, 2], 2**60)
    found = decided(nobody, chunk, np.array([], int), exact, never, exact_rows)
    assert residuals(chunk, vertex) == [Fraction(1, 2**60), -Fraction(1, 2**60)]
    assert found.signs.tolist() == [1, -1]
    assert found.residuals.tolist() == [2.0**-60, -(2.0**-60)]


def test_without_an_exact_vertex_rows_are_counted_as_undecided():
    chunk = rows_of([0, 1, 7], [0, 0, 4 / 3])
    found = decided(CLAIM, chunk, np.array([0, 1]), around(VERTEX, Fraction(1)), lambda: None, exact_rows)
    assert found.undecided == 1
    assert found.tie_values == {2: 1.0} and found.signs[2] == 1


def tied(ties, quantile=0.5, weight=None, side=None):
    """Rows 2 to 4 lie on the line y = x, rows 0 and 1 are the basis."""
    claim = replace(CLAIM, problem=Problem(quantile, 0.0, True), ties=ties, side=side)
    chunk = rows_of(range(5), range(5), weight)
    return decided(claim, chunk, np.array([0, 1]), Enclosed.exact([0, 1], 1), never, exact_rows)


def test_ties_are_at_the_bound_that_is_claimed_or_inside():
    found = tied({2: math.inf, 3: -math.inf, 4: 0.25}, quantile=0.25)
    assert found.signs.tolist() == [0, 0, 1, -1, 0]
    assert found.tie_values == {2: 0.5, 3: -1.5, 4: 0.25}
    assert found.inside == {4: Fraction(1, 4)}
    assert found.flaw is None


def test_a_tie_next_to_its_bound_is_at_it_and_weights_widen_the_box():
    weight = np.array([1.0, 1, 4, 4, 4])
    found = tied({2: 4 * (1 - 2.0**-45), 3: -4.0, 4: 3.0}, weight=weight)
    assert found.signs.tolist() == [0, 0, 1, -1, 0]
    assert found.tie_values == {2: 4.0, 3: -4.0, 4: 3.0}


def test_ties_that_nothing_is_claimed_of_take_the_claimed_side():
    found = tied({4: 0.0}, side=np.array([0, 0, -1, 1, -1], np.int8))
    assert found.signs.tolist() == [0, 0, -1, 1, 0]
    assert found.tie_values == {2: -1.0, 3: 1.0, 4: 0.0}


def test_a_tie_outside_its_box_is_a_flaw():
    found = tied({3: 0.75}, quantile=0.25)
    assert found.flaw == "u of row 3 is 0.75, outside [-1.5, 0.5]"


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (math.inf, Fraction(2)),
        (-math.inf, Fraction(-2)),
        (0.5, Fraction(1, 2)),
        (2 - 2.0**-42, Fraction(2)),
        (-2 + 2.0**-42, Fraction(-2)),
        (3.0, Fraction(2)),
    ],
)
def test_a_tie_of_the_penalty_stays_within_its_box(value, expected):
    claim = replace(CLAIM, ties={9: value})
    assert penalty_tie(claim, 9, Fraction(2)) == expected


def test_a_tie_of_the_penalty_that_nothing_is_claimed_of_is_at_the_upper_end():
    assert penalty_tie(CLAIM, 9, Fraction(2)) == 2
