from fractions import Fraction

import numpy as np
import pytest

from treadle.l1.proof.scaled_integers import ScaledIntegers, as_float, power_of_two, scaled, scaled_fractions


def numbers(rng, shape):
    """Doubles of all sizes, zeros and subnormal ones among them."""
    found = np.ldexp(rng.normal(size=shape), rng.integers(-1070, 1020, shape))
    return np.where(rng.random(shape) < 0.2, 0.0, found)


@pytest.mark.parametrize("seed", range(20))
def test_doubles_are_held_exactly(seed):
    a = numbers(np.random.default_rng(seed), (4, 3))
    found = scaled(a)
    assert found.fractions() == [Fraction(x) for x in a.ravel().tolist()]
    assert (found.floats() == a).all()
    assert scaled(np.zeros((2, 3), np.float32)).floats().tolist() == np.zeros((2, 3)).tolist()


@pytest.mark.parametrize("seed", range(20))
def test_differences_and_products_are_exact(seed):
    rng = np.random.default_rng(seed)
    a, b = numbers(rng, (4, 3)), numbers(rng, 3)
    exact_a = [[Fraction(x) for x in row] for row in a.tolist()]
    exact_b = [Fraction(x) for x in b.tolist()]
    minus = [x - y for row in exact_a for x, y in zip(row, exact_b, strict=True)]
    assert scaled(a).minus(scaled(b)).fractions() == minus
    times = [sum(x * y for x, y in zip(row, exact_b, strict=True)) for row in exact_a]
    assert scaled(a).times(scaled(b)).fractions() == times
    assert scaled_fractions(times).fractions() == times
    assert scaled_fractions([]).fractions() == []


def test_counts_stay_small_integers():
    found = scaled(np.array([0.0, 4096.0, 3 * 4096.0]))
    assert found.integers.tolist() == [0, 1, 3] and found.exponent == 12


def test_what_is_beyond_doubles_is_infinite_as_a_double():
    assert ScaledIntegers(np.array([1, -1], object), 1024).floats().tolist() == [np.inf, -np.inf]
    assert as_float((1 << 200) + 1, -200) == 1.0 and as_float(1, -1080) == 0.0
    assert power_of_two(-3) == Fraction(1, 8) and power_of_two(3) == 8


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_what_is_not_finite_has_no_exact_value(bad):
    with pytest.raises(ValueError, match="a number that is not finite has no exact value"):
        scaled(np.array([1.0, bad]))
