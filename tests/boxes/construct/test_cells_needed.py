"""How many cells the theorems ask for: enough by the theorem, and no fewer would be."""

import itertools
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from treadle.boxes.construct import cells_needed
from treadle.boxes.construct.cells_needed import cells_for_boxes, cells_for_hats, share_boxes
from treadle.boxes.proof.bounds import Modulus
from treadle.boxes.proof.known_function import Target
from treadle.errors import InvalidInput

few = settings(max_examples=60, deadline=None, derandomize=True)


def domain(*widths):
    bounds = np.array([[1.0, 1.0 + width] for width in widths])
    return Target(lambda x: x, bounds, None, None, None)


def lipschitz(*constants):
    return Modulus(np.array(constants), None, "lipschitz")


@few
@given(
    st.lists(st.tuples(st.floats(0.1, 9), st.floats(0.1, 9)), min_size=1, max_size=3),
    st.floats(1, 9),  # of three axes at most 1.5e7 cells
    st.sampled_from([0.5, 1.0]),
)
def test_cells_are_within_eps_by_the_theorem_and_one_fewer_along_all_axes_is_not(axes, eps, reach):
    widths, constants = np.array(axes).T
    counts = np.array(cells_for_boxes(domain(*widths), lipschitz(*constants), eps, "sup", reach))
    parts = constants * widths
    assert (reach * parts / counts).sum() <= eps * (1 + 1e-12)
    if (counts > 1).all():
        assert (reach * parts / (counts - 1)).sum() >= eps * (1 - 1e-12)


def test_in_one_dimension_it_is_the_known_number():
    assert cells_for_boxes(domain(4.0), lipschitz(6.5), 0.01, "sup", 0.5) == [1300]
    assert cells_for_boxes(domain(4.0), lipschitz(0.0), 0.01, "sup", 0.5) == [1]


@pytest.mark.parametrize("widths", [(2.0,), (2.0, 2.0), (1.0, 1.0, 1.0)])
def test_the_norm_of_l2_is_within_eps_by_quadrature(widths):
    """The integral of (sum_i L_i |x_i - m_i|)^2 over a cell, by a sum over its points."""
    d, eps, constants = len(widths), 0.03, np.arange(1.0, 1.0 + len(widths))
    counts = cells_for_boxes(domain(*widths), lipschitz(*constants), eps, "l2", 0.5)
    sides = np.array(widths) / counts
    places = (np.arange(20) + 0.5) / 20 - 0.5
    offsets = np.stack(np.meshgrid(*(side * places for side in sides), indexing="ij")).reshape(d, -1)
    mean_square = ((constants @ np.abs(offsets)) ** 2).mean()
    error = math.sqrt(mean_square * np.prod(widths))
    assert error <= eps * 1.001
    assert d > 1 or error >= 0.9 * eps


def test_a_hoelder_modulus_asks_for_cubes_of_its_own_size():
    M, alpha, eps, d = 1.5, 0.5, 0.4, 2
    modulus = Modulus(None, lambda t: M * np.power(t, alpha), "modulus")
    side = (eps / M) ** (1 / alpha) / (0.5 * math.sqrt(d))
    counts = cells_for_boxes(domain(1.0, 3.0), modulus, eps, "sup", 0.5)
    assert counts == [math.ceil(1.0 / side), math.ceil(3.0 / side)]
    assert cells_for_boxes(domain(1e-3), modulus, eps, "sup", 0.5) == [1]


@pytest.mark.parametrize(("norm", "parts"), [("sup", 8.0), ("l2", math.sqrt(120))])
def test_hats_are_within_eps_by_the_theorem(norm, parts):
    curvature = np.array([[50.0]])
    (n,) = cells_for_hats(domain(4.0), curvature, 0.01, norm)
    error = [50.0 * (4.0 / m) ** 2 / parts * (math.sqrt(4.0) if norm == "l2" else 1) for m in (n, n - 1)]
    assert error[0] <= 0.01 < error[1]
    matrix = np.array([[5.0, 2.0], [2.0, 1.0]])
    sides = np.array([2.0, 3.0]) / cells_for_hats(domain(2.0, 3.0), matrix, 0.01, "sup")
    assert 0.006 <= sides @ matrix @ sides / 8 <= 0.01


def test_a_share_that_is_too_large_is_seen(monkeypatch):
    monkeypatch.setattr(cells_needed, "_counts", lambda exact: [max(1, math.floor(m)) for m in exact])
    with pytest.raises(AssertionError):
        test_hats_are_within_eps_by_the_theorem("sup", 8.0)


def test_more_cells_than_there_may_be_are_refused():
    with pytest.raises(InvalidInput, match="is 4e12 cells"):
        cells_for_boxes(domain(4.0), lipschitz(2.0), 1e-12, "sup", 0.5)


@few
@given(st.integers(1, 5000), st.lists(st.floats(0, 50), min_size=1, max_size=3))
def test_shares_are_no_more_than_there_are_boxes(n_boxes, weights):
    counts = share_boxes(n_boxes, np.array(weights))
    assert math.prod(counts) <= n_boxes and min(counts) >= 1
    for (i, a), (j, b) in itertools.permutations(enumerate(weights), 2):
        if a >= 2 * b:  # who varies more has no fewer cells
            assert counts[i] >= counts[j]


@pytest.mark.parametrize(
    ("n_boxes", "weights", "expected"),
    [
        (17, [3.0], [17]),
        (64, [1.0, 1.0, 1.0], [4, 4, 4]),
        (100, [4.0, 1.0], [20, 5]),
        (100, [1.0, 4.0], [5, 20]),
        (100, [0.0, 1.0], [1, 100]),
        (4, [100.0, 1.0, 1.0], [4, 1, 1]),
    ],
)
def test_boxes_are_shared_by_how_much_f_varies(n_boxes, weights, expected):
    assert share_boxes(n_boxes, np.array(weights)) == expected
