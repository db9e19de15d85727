"""The fewest boxes of functions whose number is known, and whether each is as good as is said."""

import math

import numpy as np
import pytest

from treadle.boxes.construct import fewest_boxes as module
from treadle.boxes.construct.construction import Request
from treadle.boxes.construct.fewest_boxes import fewest_boxes
from treadle.boxes.proof.bounds import Modulus
from treadle.boxes.proof.known_function import Target
from treadle.errors import InvalidInput


def target(f, slope, bounds=(0.0, 1.0), *, known=True):
    modulus = Modulus(np.array([slope]), None, "lipschitz") if known else None
    return Target(f, np.array([bounds]), modulus, None, None)


CASES = {
    "line": (lambda x: x, 1.0, 1.0),  # the variation is the last
    "parabola": (lambda x: (2 * x - 1) ** 2, 4.0, 2.0),
    "zigzag": (lambda x: np.abs((6 * x) % 2 - 1), 6.0, 6.0),
}


def errors_of(built, f):
    edges, heights = built.partition.edges[0], built.heights
    x = np.concatenate([np.linspace(0, 1, 20001), edges[:-1], np.nextafter(edges[1:], 0)])
    cells = np.clip(np.searchsorted(edges, x, side="right") - 1, 0, heights.size - 1)
    return np.abs(f(x) - heights[cells])


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("eps", [0.11, 0.013])
def test_each_box_is_within_eps_and_they_are_no_more_than_kahanes(name, eps):
    f, slope, variation = CASES[name]
    built = fewest_boxes(target(f, slope), Request(eps, None, "sup"))
    assert errors_of(built, f).max() <= built.bound.value <= eps
    n, kahane = built.heights.size, math.ceil(variation / (2 * eps))
    assert built.fewest <= n <= kahane + 1
    if name == "line":
        assert n in (kahane, kahane + 1)


def test_of_a_number_of_boxes_the_error_is_about_the_least():
    f, slope, _ = CASES["line"]
    for n_boxes in (1, 7, 50):
        built = fewest_boxes(target(f, slope), Request(None, (n_boxes,), "sup"))
        assert built.heights.size <= n_boxes and built.fewest is None
        assert 1 / (2 * n_boxes) - 1e-12 <= built.bound.value <= 1.05 / (2 * n_boxes)
        assert errors_of(built, f).max() <= built.bound.value


@pytest.mark.parametrize("name", CASES)
def test_the_norm_of_l2_is_under_its_bound_by_quadrature(name):
    f, slope, _ = CASES[name]
    for request in (Request(None, (20,), "l2"), Request(0.02, None, "l2")):
        built = fewest_boxes(target(f, slope), request)
        edges, heights = built.partition.edges[0], built.heights
        x = (np.arange(200_000) + 0.5) / 200_000
        cells = np.clip(np.searchsorted(edges, x, side="right") - 1, 0, heights.size - 1)
        error = math.sqrt(np.square(f(x) - heights[cells]).mean())
        assert error <= built.bound.value * (1 + 1e-6)
        assert request.eps is None or built.bound.value <= request.eps


def test_where_nothing_is_known_nothing_is_proved():
    f, _, _ = CASES["line"]
    built = fewest_boxes(target(f, 0, known=False), Request(0.05, None, "sup"))
    assert math.isnan(built.bound.value) and built.bound.kind == "none"
    assert 10 <= built.heights.size <= 11 and errors_of(built, f).max() <= 0.0505


def test_a_span_that_is_too_long_is_seen(monkeypatch):
    f, slope, _ = CASES["line"]
    monkeypatch.setattr(module, "_span", lambda eps: 2.2 * eps)
    built = fewest_boxes(target(f, slope), Request(0.05, None, "sup"))
    assert errors_of(built, f).max() > 0.05 and built.bound.value > 0.05


def test_more_boxes_than_are_placed_are_refused():
    with pytest.raises(InvalidInput, match="n_boxes=131073 is more than the 131072 boxes that are placed"):
        fewest_boxes(target(lambda x: x, 1.0), Request(None, (131073,), "sup"))


def test_a_norm_of_l2_that_boxes_by_density_do_not_reach_is_refused():
    """An enclosure that stays a hundredth too wide, however many boxes there are."""

    class Loose:
        def range(self, lower, upper):
            return np.full(len(lower), -0.505), np.full(len(lower), 0.505)

        def gradient_range(self, lower, upper):
            return None

        def second_derivative_bound(self, lower, upper):
            return None

    loose = Target(lambda x: 0 * x, np.array([[0.0, 1.0]]), None, Loose(), None)
    with pytest.raises(InvalidInput, match=r"eps=0\.5 is not proved with .* boxes of optimal density"):
        fewest_boxes(loose, Request(0.5, None, "l2", given=0.5))
