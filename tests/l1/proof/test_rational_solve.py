from fractions import Fraction

import numpy as np
import pytest

from tests.l1.exact_oracle import solution
from treadle.l1.proof import rational_solve
from treadle.l1.proof.rational_solve import Singular, has_flint, most_unknowns, rational_solution


@pytest.fixture(params=["FLINT", "Bareiss"])
def way(request, monkeypatch):
    """Both ways to solve; the second as if python-flint were not installed."""
    if request.param == "FLINT":
        pytest.importorskip("flint")
    else:
        monkeypatch.setattr(rational_solve, "find_spec", lambda name: None)
    has_flint.cache_clear()
    yield request.param
    has_flint.cache_clear()


def integers(rng, shape, bits):
    return np.array(
        [
            int(x) << int(s)
            for x, s in zip(
                rng.integers(-9, 10, np.prod(shape)), rng.integers(0, bits, np.prod(shape)), strict=True
            )
        ],
        object,
    ).reshape(shape)


@pytest.mark.parametrize("seed", range(30))
def test_the_solution_is_that_of_gauss_in_fractions(way, seed):
    rng = np.random.default_rng(seed)
    p = int(rng.integers(1, 7))
    matrix, right = integers(rng, (p, p), 1 + 300 * (seed % 2)), integers(rng, p, 200)
    expected = solution(matrix.tolist(), right.tolist())
    if expected is None:
        with pytest.raises(Singular, match="the equations are dependent"):
            rational_solution(matrix, right)
    else:
        numerators, denominator = rational_solution(matrix, right)
        assert denominator > 0 and [Fraction(x, denominator) for x in numerators] == expected


def test_dependent_equations_are_told(way):
    matrix = np.array([[1, 2, 3], [4, 5, 6], [5, 7, 9]], object)
    with pytest.raises(Singular, match="the equations are dependent"):
        rational_solution(matrix, np.array([1, 1, 2], object))
    with pytest.raises(Singular, match="the equations are dependent"):
        rational_solution(np.array([[0]], object), np.array([0], object))


def test_no_unknowns_have_no_solution_to_look_for(way):
    assert rational_solution(np.empty((0, 0), object), np.empty(0, object)) == ([], 1)


def test_flint_takes_more_unknowns(way):
    assert most_unknowns() == (600 if way == "FLINT" else 50)
