"""Networks of order 1 by partition: errors of np.interp at many points under their bounds, and refusals."""

import math
from itertools import pairwise

import numpy as np
import pytest

from treadle.boxes.construct import hats
from treadle.boxes.construct.construction import Built, Request
from treadle.boxes.construct.hats import fewest_hats, refined_hats, uniform_hats
from treadle.boxes.proof.bounds import ErrorBound, Modulus
from treadle.boxes.proof.known_function import Target
from treadle.errors import InvalidInput
from treadle.formulas.expressions import read_expression

WAVE = "sin(7*x)"
X = np.linspace(0, 1, 50_001)


def enclosed(text=WAVE, bounds=((0, 1),)):
    f = read_expression(text)
    return Target(f, np.array(bounds, float), None, f, None)


def known(f=lambda x: np.sin(7 * x), curvature=49.0, slope=None, bounds=((0.0, 1.0),)):
    modulus = None if slope is None else Modulus(np.array([slope]), None, "lipschitz")
    bending = None if curvature is None else np.array([[curvature]])
    return Target(f, np.array(bounds), modulus, None, bending)


def error(built, norm="sup"):
    off = np.sin(7 * X) - np.interp(X, built.partition.edges[0], built.heights)
    return np.abs(off).max() if norm == "sup" else math.sqrt((off**2).mean())


def bent_by_hand(eps):
    """The cells of M h^2 / 8 <= eps."""
    return math.ceil(math.sqrt(49 / 8 / eps))


def test_uniform_hats_are_as_many_as_the_second_derivative_asks_for():
    built = uniform_hats(known(), Request(1e-3, None, "sup"))
    assert built.partition.n_cells == bent_by_hand(1e-3)
    assert 0.9e-3 <= error(built) <= built.bound.value <= 1e-3
    assert built.bound.kind == "second_derivative"


def test_of_a_lipschitz_constant_they_are_half_a_width_off():
    built = uniform_hats(known(curvature=None, slope=7.0), Request(0.01, None, "sup"))
    assert built.partition.n_cells == pytest.approx(7 / 2 / 0.01, rel=0.01)
    assert error(built) <= built.bound.value <= 0.01
    assert built.bound.theorem == "linear interpolation is off by (1/2) sum_i L_i h_i"


@pytest.mark.parametrize("norm", ["sup", "l2"])
@pytest.mark.parametrize("build", [uniform_hats, refined_hats, fewest_hats])
@pytest.mark.parametrize("make", [enclosed, known])
def test_the_error_is_within_eps_by_proof(build, make, norm):
    built = build(make(), Request(2e-3, None, norm))
    assert error(built, norm) <= built.bound.value <= 2e-3
    assert error(built, norm) >= 2e-4 or built.partition.n_cells > 1000  # no bend known, as many as boxes
    np.testing.assert_array_equal(built.heights, np.sin(7 * built.partition.edges[0]))


def test_longest_chords_are_fewer_than_equal_cells_and_about_the_best_there_are():
    """Chords of |f''|^(1/2) density: integral / (4 sqrt eps), less a little as they need not interpolate."""
    built = fewest_hats(enclosed(), Request(1e-3, None, "sup"))
    density = np.sqrt(np.abs(49 * np.sin(7 * X))).mean()
    best = density / math.sqrt(8 * 1e-3)
    assert built.partition.n_cells <= math.ceil(best) + 2 < bent_by_hand(1e-3)
    assert error(built) <= 1e-3 == built.bound.value


def test_a_number_of_kinks_is_placed_by_density():
    built = fewest_hats(enclosed("exp(-50*x)"), Request(None, (12,), "sup"))
    widths = np.diff(built.partition.edges[0])
    assert built.partition.n_cells == 12
    assert widths[-1] > 10 * widths[0]
    assert (np.diff(widths) > -1e-3).all()


def test_where_nothing_is_known_nothing_is_proved_but_the_sampled_bend_is_followed():
    unknown = known(curvature=None)
    for build in (uniform_hats, refined_hats, fewest_hats):
        built = build(unknown, Request(1e-3, None, "sup"))
        assert built.bound.kind == "none" and math.isnan(built.bound.value)
        assert error(built) <= 1.1e-3


def test_a_number_of_cells_is_shared_by_how_f_bends():
    curvature = np.array([[100.0, 0.0], [0.0, 1.0]])
    target = Target(
        lambda p: 50 * p[:, 0] ** 2 + p[:, 1] ** 2 / 2, np.array([[0.0, 1.0]] * 2), None, None, curvature
    )
    shared = uniform_hats(target, Request(None, (40,), "sup")).partition.shape
    assert shared == (20, 2)
    built = uniform_hats(target, Request(None, (5, 4), "sup"))
    assert built.partition.shape == (5, 4) and built.heights.shape == (6, 5)
    # (1/8) (100 / 25 + 1 / 16) by hand.
    assert built.bound.value == pytest.approx((4 + 1 / 16) / 8, rel=1e-9)


def test_a_modulus_of_distances_is_taken_of_the_whole_diagonal():
    modulus = Modulus(None, np.sqrt, "modulus")
    target = Target(lambda p: np.sqrt(np.abs(p[:, 0])), np.array([[0.0, 1.0]] * 2), modulus, None, None)
    built = uniform_hats(target, Request(None, (4, 4), "sup"))
    assert built.bound.value == pytest.approx((math.sqrt(2) / 4) ** 0.5, rel=1e-9)
    assert built.bound.theorem == "linear interpolation is off by f's modulus over the diagonal of a cell"


@pytest.mark.parametrize("build", [uniform_hats, refined_hats])
@pytest.mark.parametrize(
    ("target", "formula"),
    [
        (known(), "M h^2 / 8"),
        (enclosed(), "M h^2 / 8"),
        (known(curvature=None, slope=7.0), "(1/2) sum_i L_i h_i"),
        (
            Target(np.sqrt, np.array([[0.0, 1.0]]), Modulus(None, np.sqrt, "modulus"), None, None),
            "f's modulus",
        ),
    ],
    ids=["curvature", "enclosure", "lipschitz", "modulus"],
)
def test_the_theorem_is_about_what_is_known_of_f(build, target, formula):
    assert formula in build(target, Request(None, (8,), "sup")).bound.theorem


def test_kinks_are_halved_where_f_bends():
    built = refined_hats(enclosed("exp(-50*x)"), Request(1e-3, None, "sup"))
    edges = built.partition.edges[0]
    widths = np.diff(edges)
    assert widths.min() < widths.max() / 8
    assert all(math.log2(b - a).is_integer() for a, b in pairwise(edges))


def test_an_eps_between_the_nodes_of_the_mesh_is_refused():
    target = known(lambda x: 0 * x, curvature=1e12)
    with pytest.raises(
        InvalidInput, match=r"eps=0\.5 is too small for longest chords: between the mesh's nod"
    ):
        fewest_hats(target, Request(0.5, None, "sup", given=0.5))


def test_equal_cells_whose_bound_stays_above_eps_are_refused():
    """A rough value rounding is in every bound: no number of cells removes it."""
    f = read_expression(WAVE)
    target = Target(f, np.array([[0.0, 1.0]]), None, None, np.array([[49.0]]), value_rounding=1.0)
    with pytest.raises(
        InvalidInput, match=r"eps=0\.1 is not proved with \d+ equal cells, where the bound is"
    ):
        uniform_hats(target, Request(0.1, None, "sup", given=0.1))


def test_kinks_by_density_whose_bound_stays_above_eps_are_refused(monkeypatch):
    off = ErrorBound(0.1001, "enclosure", "planted", "l2")
    monkeypatch.setattr(hats, "_interpolated", lambda target, norm, grid: Built(grid, grid.edges[0], off))
    target = enclosed()
    with pytest.raises(
        InvalidInput, match=r"eps=0\.1 is not proved with \d+ pieces of optimal density: give"
    ):
        fewest_hats(target, Request(0.1, None, "l2", given=0.1))
