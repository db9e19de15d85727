"""What a user says of f: how each way of saying it is read, and how it is refused."""

import math

import numpy as np
import pytest

from treadle.boxes.proof.assumptions import is_lipschitz, sampled_modulus, target_of
from treadle.boxes.proof.bounds import Modulus
from treadle.boxes.proof.known_function import Target
from treadle.errors import InvalidInput
from treadle.formulas.expressions import read_expression

LINE, SQUARE = np.array([[0.0, 2.0]]), np.array([[0.0, 2.0], [-1.0, 1.0]])
NOTHING = {"lipschitz": None, "modulus": None, "enclosure": None, "second_derivative": None}


def known(f=np.sin, domain=LINE, *, needs_curvature=False, **said):
    return target_of(f, domain, **(NOTHING | said), needs_curvature=needs_curvature)


def test_a_lipschitz_constant_is_one_along_each_axis_or_one_for_the_distance():
    offsets = np.array([[3.0, 4.0]])
    line = known(lipschitz=5).modulus
    assert line.kind == "lipschitz" and line.across(np.array([[2.0]])) == pytest.approx(10)
    along = known(domain=SQUARE, lipschitz=(1, 2)).modulus
    assert along.across(offsets) == pytest.approx(11)  # 1 x 3 + 2 x 4
    straight = known(domain=SQUARE, lipschitz=2).modulus
    assert straight.across(offsets) == pytest.approx(10)  # 2 x 5


def test_a_modulus_is_a_pair_or_a_function_of_distances():
    offsets = np.array([[3.0, 4.0]])
    assert known(domain=SQUARE, modulus=(2, 0.5)).modulus.across(offsets) == pytest.approx(2 * math.sqrt(5))
    assert known(domain=SQUARE, modulus=np.sqrt).modulus.across(offsets) == pytest.approx(math.sqrt(5))
    assert known(modulus=(2, 0.5)).kind == "modulus"


def test_second_derivatives_are_symmetric_and_one_number_is_of_the_spectral_norm():
    assert known(domain=SQUARE, second_derivative=3).curvature.tolist() == [[3, 0], [0, 3]]
    matrix = known(domain=SQUARE, second_derivative=[[1, 2], [4, 5]]).curvature
    assert matrix.tolist() == [[1, 4], [4, 5]]
    assert known(second_derivative=3).kind_of_hats == "second_derivative"


def test_of_a_typed_function_all_is_found():
    target = known("sin(3*x)", needs_curvature=True)
    assert target.kind == "enclosure" and target.modulus.kind == "enclosure"
    assert 3 <= target.modulus.across(np.array([[1.0]])) <= 3.001
    assert 9 <= target.curvature[0, 0] <= 9.1
    assert 0 < target.value_rounding < 1e-14 and 1 <= target.largest_sampled <= 1.01
    assert known("sin(3*x)").curvature is None  # not needed
    assert known("abs(x - 1)", needs_curvature=True).curvature is None  # a kink has none
    assert known("floor(x)").modulus is None  # a jump has no Lipschitz constant


def test_what_a_user_says_counts_before_what_is_found():
    assert known("sin(3*x)", lipschitz=4).modulus.kind == "lipschitz"
    assert known("sin(3*x)", second_derivative=10, needs_curvature=True).curvature.tolist() == [[10]]


def test_an_enclosure_of_a_plain_function_gives_what_it_has():
    inside = read_expression("sin(3*x)")

    class Enclosed:
        range, gradient_range = inside.range, inside.gradient_range
        second_derivative_bound = inside.second_derivative_bound

    target = known(lambda x: np.sin(3 * x), enclosure=Enclosed(), needs_curvature=True)
    assert 3 <= target.modulus.across(np.array([[1.0]])) <= 3.001 and 9 <= target.curvature[0, 0] <= 9.1
    assert target.value_rounding is None
    bare = known(enclosure=lambda lower, upper: (lower[:, 0], upper[:, 0]), needs_curvature=True)
    assert bare.modulus is None and bare.curvature is None and bare.kind == "enclosure"


@pytest.mark.parametrize(
    ("f", "said", "message"),
    [
        (5, {}, "f must be a function of arrays, or the text of a formula; got 5"),
        (read_expression("x*y"), {}, "f has 2 variables, and bounds are those of 1 dimensions"),
        ("log(x - 3)", {}, "f must be defined and finite over the bounds. .*the argument must be positive"),
        (np.sin, {"lipschitz": 1, "modulus": (1, 1)}, "not both: a Lipschitz constant L is the modulus"),
        (np.sin, {"lipschitz": (1, 2)}, r"one for each of the 1 dimensions; got \(1, 2\)"),
        (np.sin, {"lipschitz": "x"}, "lipschitz must be finite numbers of at least 0; got 'x'"),
        (np.sin, {"lipschitz": math.inf}, "lipschitz must be finite numbers of at least 0; got inf"),
        (np.sin, {"lipschitz": -1}, "lipschitz must be finite numbers of at least 0; got -1"),
        (np.sin, {"modulus": (1, 0)}, r"modulus must be \(M, alpha\), .* got \(1, 0\)"),
        (np.sin, {"modulus": (1, 2, 3)}, r"modulus must be \(M, alpha\)"),
        (np.sin, {"second_derivative": np.ones((2, 2))}, r"a matrix of shape \(1, 1\) .* shape \(2, 2\)"),
    ],
    ids=range(11),
)
def test_what_cannot_be_so_is_refused(f, said, message):
    with pytest.raises(InvalidInput, match=f"(?s){message}"):
        known(f, **said)


@pytest.mark.parametrize(
    ("modulus", "message"),
    [
        (lambda t: -t, "modulus must return a number of at least 0 for each distance"),
        (lambda t: t[:0], r"got shape \(0,\) for distances of shape \(1,\)"),
        (lambda t: "a", "modulus must be a function of an array of distances"),
    ],
    ids=range(3),
)
def test_a_modulus_is_checked_when_it_is_asked(modulus, message):
    with pytest.raises(InvalidInput, match=message):
        known(modulus=modulus).modulus.across(np.array([[1.0]]))


def test_constants_that_values_show():
    line = Target(lambda x: np.abs(3 * x - 1), LINE, None, None, None)
    assert sampled_modulus(line).per_axis == pytest.approx([3.0])
    plane = Target(lambda X: 2 * X[:, 0] - 5 * X[:, 1], SQUARE, None, None, None)
    np.testing.assert_allclose(sampled_modulus(plane).per_axis, [2, 5], rtol=1e-9)
    curved = Target(lambda X: X[:, 0] ** 2, SQUARE, None, None, None)
    assert 3.9 <= sampled_modulus(curved).per_axis[0] <= 4 and sampled_modulus(curved).per_axis[1] == 0


def test_whether_there_is_a_constant():
    assert is_lipschitz(Modulus(np.array([3.0]), None, "lipschitz"))
    assert not is_lipschitz(None)
    assert not is_lipschitz(Modulus(np.array([np.inf]), None, "lipschitz"))
