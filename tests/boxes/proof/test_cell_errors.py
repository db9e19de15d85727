"""The error of cells: above what is met at many points, and equal to closed forms where there are any."""

import math

import numpy as np
import pytest

from treadle.boxes.proof import cell_errors
from treadle.boxes.proof.bounds import Modulus
from treadle.boxes.proof.cell_errors import (
    box_judge,
    interpolation_rounding,
    linear_judge,
    linear_rounding,
    second_derivatives,
    sharp_ranges,
    slopes,
)
from treadle.boxes.proof.known_function import Target
from treadle.formulas.expressions import read_expression

BOUNDS = np.array([[0.0, 2.0]])
LOWER = np.array([[0.0], [0.25], [1.0], [1.5]])
UPPER = np.array([[0.25], [1.0], [1.5], [2.0]])
WAVE = lambda x: np.sin(5 * x)  # noqa: E731


def target(f=WAVE, slope=5.0, enclosure=None, curvature=None):
    modulus = None if slope is None else Modulus(np.array([slope]), None, "lipschitz")
    bending = None if curvature is None else np.array([[curvature]])
    return Target(f, BOUNDS, modulus, enclosure, bending)


def enclosed(slope=None):
    return target(slope=slope, enclosure=read_expression("sin(5*x)"))


def points(n=4001):
    """(n, 4): of each cell."""
    return np.linspace(LOWER[:, 0], np.nextafter(UPPER[:, 0], 0), n)


@pytest.mark.parametrize("make", [target, enclosed], ids=["lipschitz", "enclosure"])
@pytest.mark.parametrize("eps", [None, 0.3])
def test_boxes_are_off_by_no_more_than_is_proved_in_the_supremum_norm(make, eps):
    errors, heights = box_judge(make(), eps, "sup")(LOWER, UPPER)
    met = np.abs(WAVE(points()) - heights).max(axis=0)
    assert (met <= errors).all()
    half_range = np.ptp(WAVE(points()), axis=0) / 2
    limit = np.where(half_range <= 0.3, np.maximum(half_range * 1.11, 0.3), 2.0)
    assert (errors <= (half_range * 1.11 if eps is None else limit)).all()


@pytest.mark.parametrize("make", [target, enclosed], ids=["lipschitz", "enclosure"])
def test_boxes_are_off_by_no_more_than_is_proved_in_the_norm_of_l2(make):
    errors, heights = box_judge(make(), None, "l2")(LOWER, UPPER)
    np.testing.assert_array_equal(heights, WAVE((LOWER + UPPER)[:, 0] / 2))
    width = (UPPER - LOWER)[:, 0]
    met = np.sqrt(np.square(WAVE(points()) - heights).mean(axis=0) * width)
    assert (met <= errors * (1 + 1e-3)).all()
    # Of slope 5 everywhere: 5 h / sqrt(12) in the root mean square.
    assert (errors <= 5 * width**1.5 / math.sqrt(12) * (1 + 1e-9)).all()


def chord_errors():
    x, width = points(), (UPPER - LOWER)[:, 0]
    ends = WAVE(LOWER[:, 0]), WAVE(UPPER[:, 0])
    distance = np.abs(WAVE(x) - (ends[0] + (ends[1] - ends[0]) * (x - LOWER[:, 0]) / width))
    return distance.max(axis=0), np.sqrt(np.square(distance).mean(axis=0) * width)


KNOWN = {
    "lipschitz": lambda: target(),
    "curvature": lambda: target(slope=None, curvature=25.0),
    "both": lambda: target(curvature=25.0),
    "enclosure": enclosed,
    "nothing": lambda: target(slope=None),
}


@pytest.mark.parametrize("name", KNOWN)
def test_chords_are_off_by_no_more_than_is_said(name):
    supremum, l2 = chord_errors()
    assert (
        supremum <= linear_judge(KNOWN[name](), "sup")(LOWER, UPPER)[0] * (1.05 if name == "nothing" else 1)
    ).all()
    if name != "nothing":
        assert (l2 <= linear_judge(KNOWN[name](), "l2")(LOWER, UPPER)[0] * (1 + 1e-3)).all()


def test_of_a_parabola_the_error_of_a_chord_is_the_theorems():
    """f'' = 2: h^2 / 4 in the supremum norm, sqrt(h^5 / 30) in L2, of which both are attained."""
    parabola = target(np.square, None, None, 2.0)
    width = (UPPER - LOWER)[:, 0]
    np.testing.assert_allclose(linear_judge(parabola, "sup")(LOWER, UPPER)[0], width**2 / 4, rtol=1e-9)
    np.testing.assert_allclose(
        linear_judge(parabola, "l2")(LOWER, UPPER)[0], np.sqrt(width**5 / 30), rtol=1e-9
    )


def test_a_bound_with_a_smaller_constant_is_seen(monkeypatch):
    whole = cell_errors.second_derivatives
    monkeypatch.setattr(cell_errors, "second_derivatives", lambda *a: whole(*a) * 0.9)
    parabola = target(np.square, None, None, 2.0)
    errors = linear_judge(parabola, "sup")(LOWER, UPPER)[0]
    assert not (errors >= (UPPER - LOWER)[:, 0] ** 2 / 4).all()


def test_a_cell_of_one_number_is_interpolated_exactly():
    one = target(slope=1e9)
    one.values(LOWER)
    lower = np.array([[0.5]])
    errors, _ = linear_judge(one, "sup")(lower, np.nextafter(lower, 1))
    assert errors == interpolation_rounding(one) < 1e-13


@pytest.mark.parametrize(
    ("eps", "at_once"),
    [(10.0, True), (1e-9, True), (0.5, False), (None, False)],  # all fit; no cell can; neither is certain
)
def test_sharper_ranges_are_asked_for_only_while_they_decide(eps, at_once):
    asked = []
    known = target(lambda x: asked.append(len(x)) or WAVE(x))
    ranges = sharp_ranges(known, LOWER, UPPER, eps)
    assert (ranges.least <= WAVE(points()).min(axis=0)).all()
    assert (ranges.greatest >= WAVE(points()).max(axis=0)).all()
    assert (sum(asked) == 3 * len(LOWER)) == at_once  # the middle and both ends of each cell


def test_of_several_bounds_the_least_counts():
    both = enclosed(slope=3.0)
    exact = np.abs(5 * np.cos(5 * points())).max(axis=0)
    found = slopes(both, LOWER, UPPER)[:, 0]
    assert (found <= 3.0).all() and (found >= np.minimum(exact, 3.0)).all()
    assert slopes(target(slope=None), LOWER, UPPER) is None
    assert second_derivatives(target(), LOWER, UPPER) is None
    bent = enclosed()
    bent.curvature = np.array([[20.0]])
    curvature = second_derivatives(bent, LOWER, UPPER)[:, 0, 0]
    assert (curvature <= 20).all()
    assert (curvature >= np.minimum(np.abs(25 * WAVE(points())).max(axis=0), 20)).all()


def test_rounding_of_interpolation_is_of_the_greatest_value_and_of_every_axis():
    line = target()
    line.largest_sampled = 8.0
    unit = 2.0**-53
    assert interpolation_rounding(line) == 16 * unit * 8
    assert linear_rounding(line) == 16 * unit * 8 + 2 * line.rounding
    square = Target(WAVE, np.array([[0.0, 1.0]] * 2), None, None, None)
    square.largest_sampled = 8.0
    assert interpolation_rounding(square) == 2 * interpolation_rounding(line)
