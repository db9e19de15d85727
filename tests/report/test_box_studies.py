"""How errors fall with boxes and steepness, and parameters grow with dimensions."""

import numpy as np

from treadle.formulas.expressions import read_expression
from treadle.report.box_studies import (
    error_against_boxes,
    error_against_steepness,
    parameters_against_dimension,
    parameters_that_fit,
)

WAVES = "sin(3*x) + 0.5*cos(7*x)"


def test_errors_fall_with_the_theorems_slopes_and_stay_below_the_proved_line():
    f = read_expression(WAVES)
    for order, slope in ((0, -1), (1, -2)):
        study = error_against_boxes(f, [(-2, 2)], (32, 64, 128, 256, 512, 1024), order=order)
        assert abs(study.slope() - slope) <= 0.03
        assert np.all(study.sampled <= study.proved)


def test_a_slope_of_no_errors_is_unknown():
    study = error_against_boxes(read_expression("3"), [(0, 1)], (2, 4), order=0)
    assert np.isnan(study.slope())


def test_steeper_is_not_better():
    study = error_against_steepness(read_expression(WAVES), (-2, 2), n_boxes=128)
    best = int(np.argmin(study.sampled))
    assert 2 <= study.products[best] <= 6
    assert study.sampled[best] <= 0.008 < 0.08 <= study.sampled[-1] < study.steps
    assert np.all(study.sampled <= study.proved)


def test_parameters_grow_by_a_factor_a_dimension():
    parameters = parameters_against_dimension(10, range(1, 11))
    np.testing.assert_allclose(parameters, 3 * 10.0 ** np.arange(1, 11))
    assert parameters[7] < parameters_that_fit() < parameters[9]
