"""The data of a theorem: ends of boxes, the worst violation and roundings, against fractions by hand."""

import math
from fractions import Fraction

import numpy as np
import pytest

from treadle.l1.proof.basis_system import Enclosed
from treadle.l1.proof.claim import ONE, Problem, Proof, moved, nearest, rounded_up
from treadle.l1.sources.rows import Chunk


@pytest.mark.parametrize("quantile", [0.5, 0.1, 0.75, 1 / 3])
def test_the_ends_of_a_box_are_twice_the_losses_slopes(quantile):
    problem, tau, weight = Problem(quantile, 0.0, True), Fraction(quantile), Fraction(7, 4)
    for c in (ONE, weight):
        assert problem.bound(c, 1) == 2 * tau * c
        assert problem.bound(c, -1) == -2 * (1 - tau) * c
    assert problem.lean == (problem.bound(ONE, 1) + problem.bound(ONE, -1)) / 2


def test_the_penalty_is_exact_of_the_double_that_alpha_is():
    assert Problem(0.5, 0.1, True).penalty(Fraction(3)) == 6 * Fraction(0.1) != Fraction(6, 10)
    assert Problem(0.5, 0.0, True).penalty(Fraction(3)) == 0


def proof(center, low, high):
    return Proof(
        optimal=False,
        flaw="planted",
        vertex=Enclosed.exact([0], 1),
        dual=Enclosed.of([Fraction(v) for v in center], [Fraction(0)] * len(center)),
        names=np.arange(len(center)),
        boxes=([Fraction(v) for v in low], [Fraction(v) for v in high]),
        coef=np.zeros(1),
        intercept=0.0,
        distance=[0.0],
        least=(Fraction(0), Fraction(0)),
        excess=Fraction(0),
        open_rows=Chunk(np.arange(2), np.zeros((2, 1)), np.zeros(2), None),
        open_signs=np.zeros(2, np.int8),
        open_residuals=np.zeros(2),
        tie_values={},
        n_ties=0,
        is_strict=False,
    )


@pytest.mark.parametrize(
    ("center", "expected"),
    [
        (["0", "1/2", "-1"], (None, 0)),
        (["5/4", "0", "-3/2"], (2, -1)),
        (["7/4", "0", "-3/2"], (0, 1)),
        ([], (None, 0)),
    ],
)
def test_the_dual_value_furthest_outside_is_named_with_its_side(center, expected):
    found = proof(center, [-1] * len(center), [1] * len(center))
    assert found.violated() == expected
    assert found.n_open == 2


def test_a_violation_is_the_distance_to_the_nearer_end():
    found = proof(["5/4", "-4", "1/2"], [-1, -1, -1], [1, 1, 1])
    assert [found.violation(k) for k in range(3)] == [0.25, 3.0, -0.5]


def test_an_intercept_is_moved_from_the_centre_in_one_rounding():
    # 1e16 - 0.1 * 1e17 cancels: a sum in doubles would lose what 0.1 differs from a tenth by.
    coef, centre = np.array([0.1, 3.0]), [1e17, 0.0]
    exact = Fraction(10**16) - Fraction(0.1) * 10**17
    assert moved(1e16, coef, centre) == float(exact) != 0
    assert moved(2.5, coef, [0.0, 0.0]) == 2.5


def test_roundings_are_of_the_nearest_double_and_of_the_next_above():
    third = Fraction(1, 3)
    assert nearest(third) == 1 / 3
    assert Fraction(rounded_up(third)) >= third > Fraction(math.nextafter(rounded_up(third), 0))
    assert rounded_up(Fraction(1, 4)) == 0.25
    beyond = Fraction(1 << 2000)
    assert (nearest(beyond), nearest(-beyond)) == (np.finfo(float).max, -np.finfo(float).max)
    assert rounded_up(beyond) == math.inf
