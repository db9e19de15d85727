"""beta^t by whole numbers, against fractions."""

from fractions import Fraction

import pytest

from treadle.optimizers.decay import decayed

STEPS = (*range(1, 40), 354, 1000)


@pytest.mark.parametrize("beta", [0.0, 1e-300, 2.0**-75, 0.1, 0.5, 0.9, 0.999, 1 - 2.0**-20, 1 - 2.0**-53])
def test_it_is_the_power_of_the_double_rounded_once(beta):
    # Fractions of 53 bits each: exact, and their length is what bounds the steps here.
    for steps in STEPS:
        exact = Fraction(beta) ** steps
        assert abs(Fraction(decayed(beta, steps)) - exact) <= exact / 2**53 + Fraction(1, 2**100)


def test_one_minus_it_is_exact_to_rounding_after_many_steps():
    for beta, steps in ((0.999, 18_760), (0.9, 18_760), (0.9999999, 10**6), (0.999, 70_000)):
        # Truncated at 400 bits: a relative error of 2^-380 at most.
        power, square, left = 1 << 400, int(Fraction(beta) * (1 << 400)), steps
        while left:
            if left & 1:
                power = power * square >> 400
            square = square * square >> 400
            left >>= 1
        exact = 1 - Fraction(power, 1 << 400)
        assert abs(Fraction(1 - decayed(beta, steps)) - exact) <= exact / 2**52


def test_an_error_of_one_part_in_ten_to_the_thirteen_would_be_seen():
    exact = Fraction(0.999) ** 20
    assert abs(Fraction(decayed(0.999, 20) * (1 + 1e-13)) - exact) > exact / 2**53 + Fraction(1, 2**100)
