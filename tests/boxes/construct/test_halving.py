"""Refinement that would not end in reasonable time is refused early, in the user's own terms."""

import pytest

import treadle
from treadle.boxes.cells.points import as_bounds
from treadle.boxes.construct import halving as refinement
from treadle.boxes.proof.assumptions import target_of
from treadle.boxes.proof.cell_errors import box_judge
from treadle.errors import InvalidInput

F = "sin(3*x) + 0.5*cos(7*x)"
RUNGE = "1/(1 + 25*x**2)"
STEP_AND_SPIKE = "where(x < 0.3333, 0, 1) + exp(-1e6*(x - 0.7)**2)"
UNIT_SQUARE = [(0, 1), (0, 1)]


def test_refinement_that_does_not_end_is_refused(monkeypatch):
    monkeypatch.setattr(refinement, "MAX_REFINED", 1000)
    with pytest.raises(InvalidInput, match=r"eps=1e-06 takes .* boxes or more, where at most 1000 are"):
        treadle.approximate(F, (-2, 2), eps=1e-6, partition="adaptive")
    with pytest.raises(InvalidInput, match="n_boxes=251 is more than the 250 boxes that are refined"):
        treadle.approximate("x*y", UNIT_SQUARE, n_boxes=251, partition="adaptive")


TOWERS = "sin(3*x)*cos(2*y)*z"


@pytest.mark.parametrize(
    ("text", "d", "options", "message"),
    [
        (TOWERS, 3, {}, "boxes .* at most 444444 .* order=1 with partition='uniform', or n_boxes instead"),
        (F, 1, {}, "boxes or more, where at most 4000000 .* a larger eps, order=1, or n_boxes instead"),
        (F, 1, {"order": 1}, "linear pieces or more, where at most 4000000 .* a larger eps, or n_boxes"),
        (F, 1, {"partition": "optimal"}, "cells of the mesh that the fewest boxes are made of or more"),
        (F, 1, {"activation": "sigmoid"}, "boxes or more, where"),
    ],
    ids=range(5),
)
def test_an_eps_that_takes_too_many_boxes_is_refused_before_they_are_built(
    monkeypatch, text, d, options, message
):
    halved = []
    monkeypatch.setattr(
        refinement, "_halves", lambda *a, halves=refinement._halves: halved.append(len(a[1])) or halves(*a)
    )
    eps = 1e-3 if d == 3 else 1e-13
    options = {"partition": "adaptive"} | options
    with pytest.raises(InvalidInput, match=f"(?s)^eps={eps!r} takes .*{message}") as refusal:
        treadle.approximate(text, [(-1, 1)] * d, eps=eps, **options)
    assert "; 4096 were reached" in str(refusal.value)
    assert sum(halved) <= 50_000


def test_what_the_refusal_of_many_boxes_advises_helps():
    linear = treadle.approximate(TOWERS, [(-1, 1)] * 3, eps=1e-3, order=1)
    assert linear.error_bound_ <= 1e-3
    assert treadle.approximate(TOWERS, [(-1, 1)] * 3, n_boxes=500, partition="adaptive").n_boxes_ == 500


def known_of(text, bounds):
    return target_of(
        text, as_bounds(bounds),
        lipschitz=None, modulus=None, enclosure=None, second_derivative=None, needs_curvature=False,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("text", "bounds", "eps", "least_part"),
    [
        (F, (-2, 2), 1e-3, 0.8),
        (RUNGE, (-1, 1), 1e-4, 0.8),
        ("x*y", UNIT_SQUARE, 0.02, 0.8),
        (STEP_AND_SPIKE, (-1, 1), 1e-3, 0.0),  # deep at two places alone, which few descents meet
    ],
)
def test_random_descents_tell_how_many_boxes_there_will_be(text, bounds, eps, least_part):
    target = known_of(text, bounds)
    judge, (low, high) = box_judge(target, eps, "sup"), target.bounds.T[:, None, :]
    expected = refinement.n_cells_to_come(target, judge, eps, low, high, 1e9)
    n_boxes = treadle.approximate(text, bounds, eps=eps, partition="adaptive").n_boxes_
    assert least_part * n_boxes <= expected <= refinement.CERTAINLY_TOO_MANY * n_boxes
