from fractions import Fraction

import numpy as np
import pytest

from treadle.l1.dense.double_double import difference_is_exact, minus_products, two_product, two_sum


def exact(pair):
    return [Fraction(a) + Fraction(b) for a, b in zip(*(x.tolist() for x in pair), strict=True)]


def numbers(seed, n=200):
    rng = np.random.default_rng(seed)
    return rng.normal(size=n) * 10.0 ** rng.integers(-50, 50, n)


@pytest.mark.parametrize("seed", range(5))
def test_a_sum_and_a_product_with_their_errors_are_exact(seed):
    a, b = numbers(seed), numbers(seed + 100)
    assert exact(two_sum(a, b)) == [Fraction(x) + Fraction(y) for x, y in zip(a, b, strict=True)]
    product, error = two_product(a, 1 / 3)
    assert exact((product, error)) == [Fraction(x) * Fraction(1 / 3) for x in a.tolist()]
    assert (product == a * (1 / 3)).all() and error.any()


def test_what_nearly_cancels_keeps_thirty_digits():
    rng = np.random.default_rng(0)
    columns, factors = rng.normal(size=(50, 3)), np.array([1 / 3, -0.1, 0.0])
    start = columns @ factors
    rest = minus_products((start, np.zeros(50)), columns, factors)
    for k in range(50):
        sums = Fraction(start[k]) - sum(
            Fraction(x) * Fraction(w) for x, w in zip(columns[k], factors, strict=True)
        )
        assert abs(sums - exact(rest)[k]) <= abs(Fraction(start[k])) * Fraction(2) ** -100
    assert (rest[0] + rest[1]).any()


def test_differences_of_near_numbers_are_exact():
    a = 1e15 + np.arange(5.0)
    assert difference_is_exact(a, 1e15) and difference_is_exact(a, np.full(5, 1e15 + 2))
    assert not difference_is_exact(np.array([0.1, 1e15]), 1e15)
