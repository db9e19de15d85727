"""What a verification says: the sentence that is proved, and numbers that are never rounded down."""

import math
from fractions import Fraction

import numpy as np
import pytest

from treadle.l1.proof.verification import Verification, at_most


def verification(**changes):
    found = {
        "optimal": True,
        "flaw": None,
        "objective": 12.5,
        "least_bounds": (12.5, 12.5),
        "gap_bound": 1.2341e-9,
        "coef_error": np.array([1e-17, 3e-16]),
        "intercept_error": 2e-16,
        "exact": False,
        "least": Fraction(25, 2),
        "n_rows": 10,
        "n_ties": 0,
        "n_open": 3,
        "quantile": 0.5,
        "alpha": 0.0,
        "fit_intercept": True,
    }
    return Verification(**(found | changes))


def test_it_is_true_where_the_optimum_is_proved_alone():
    assert verification()
    assert not verification(optimal=False, flaw="u of row 3 is 2")


def test_the_sentence_of_an_optimum_names_rows_loss_and_gap():
    assert verification().theorem == (
        "On these 10 rows, every number taken as exactly what it is, no coefficients have a smaller sum of "
        "absolute residuals than the optimum, and the ones reported are it, rounded: their sum of absolute "
        "residuals is at most 1.24e-09 above the least."
    )


def test_the_sentence_of_a_gap_says_no_more_than_the_gap():
    found = verification(optimal=False, quantile=0.9, alpha=0.1, rounded=True, left_out=(2, 5))
    assert found.theorem == (
        "On these 10 rows, every number taken as the double next to it, no coefficients whose coefficients "
        "of features 2, 5 are 0 have a sum of losses at 0.9 with the penalty smaller by more than 1.24e-09."
    )


def test_the_text_has_a_line_for_each_thing_that_was_found():
    plain = str(verification())
    assert plain.startswith("optimal: 10 rows, enclosures and exact sums")
    assert "7 by their size, 3 in integers\n" in plain and "ties" not in plain
    assert "within 3e-16 of the exact vertex" in plain
    assert "what is missing" not in plain and "left out" not in plain
    full = str(
        verification(
            optimal=False,
            flaw="row 4 has no sign",
            exact=True,
            n_ties=2,
            dependent=tuple(range(10)),
            left_out=(11,),
        )
    )
    assert full.startswith("NOT PROVED OPTIMAL: 10 rows, rational arithmetic")
    assert "3 in integers (2 ties)" in full
    assert "dependent features     0, 1, 2, 3, 4, 5, 6, 7 and 2 more, proved" in full
    assert "left out               features 11, dependent to rounding" in full
    assert "what is missing        row 4 has no sign" in full


@pytest.mark.parametrize(
    "ends", [(12.5, 12.6), (1 / 3, math.nextafter(1 / 3, 1) * (1 + 1e-11)), (0.0, 1e-20)]
)
def test_the_bounds_that_are_printed_enclose_those_that_are_proved(ends):
    text = str(verification(least_bounds=ends))
    line = next(line for line in text.splitlines() if "least objective" in line)
    low, _, high = line.split("least objective")[1].partition(" to ")
    assert Fraction(float(low)) <= Fraction(ends[0]) and Fraction(ends[1]) <= Fraction(float(high))


def test_bounds_that_print_alike_are_one_number():
    ends = (12.5, math.nextafter(12.5, 13))
    assert "least objective        12.5\n" in str(verification(least_bounds=ends))


def test_what_is_printed_is_proved_as_well():
    for value in (1.2341e-5, 5.921189464670637e-16, 1234567.0, 0.1, 0.0, np.inf):
        assert float(at_most(value)) >= value
        assert float(at_most(value)) <= value * 1.01
    assert at_most(0.5) == "0.5" and at_most(1.2301e-9) == "1.24e-09"
