"""The cosine of the schedules, against its series in fractions."""

import math
from fractions import Fraction

import numpy as np

from treadle.optimizers.cosine import cosine


def exact_cosine(x):
    """To 2^-180 or so, for x from 0 to pi."""
    x = Fraction(x)
    square, term, total = x * x, Fraction(1), Fraction(0)
    for n in range(1, 60):
        total += term
        term = -term * square / ((2 * n - 1) * (2 * n))
        term = Fraction(round(term * 2**200), 2**200)
    return total


def numbers():
    rng = np.random.default_rng(0)
    middles = math.pi * np.arange(9) / 8
    near = [np.nextafter(x, toward) for x in middles for toward in (0, 4)]
    return np.array(
        [*(x for x in (*middles, *near) if 0 <= x <= math.pi), *(math.pi * rng.random(300)), 1e-300, 1e-9]
    )


def test_it_is_the_cosine_to_a_unit_in_the_last_place():
    x = numbers()
    for value, argument in zip(cosine(x), x, strict=True):
        exact = exact_cosine(argument)
        unit = Fraction(float(np.spacing(abs(float(exact)))))
        assert abs(Fraction(float(value)) - exact) <= unit, argument
    assert cosine(np.array([0.0, math.pi])).tolist() == [1.0, -1.0]


def test_two_units_would_be_seen():
    x = numbers()
    wrong = 0
    for value, argument in zip(cosine(x) * (1 + 2.0**-51), x, strict=True):
        exact = exact_cosine(argument)
        wrong += abs(Fraction(float(value)) - exact) > Fraction(float(np.spacing(abs(float(exact)))))
    assert wrong > len(x) / 2
