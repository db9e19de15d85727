import numpy as np
import pytest

from tests.l1.linear_programs import highs_optimum
from treadle.l1.dense.reduced_problem import Reduced
from treadle.l1.dense.solve import solve
from treadle.l1.dense.weighted_median import weighted_median
from treadle.l1.interior.interior_point import Unbounded


@pytest.mark.parametrize("n", [1, 2, 7, 200, 9000])
@pytest.mark.parametrize("quantile", [0.05, 0.5, 0.8])
@pytest.mark.parametrize("intercept_alone", [True, False])
def test_one_coefficient_is_exact_and_certified(n, quantile, intercept_alone):
    rng = np.random.default_rng(n)
    y = rng.integers(-5, 9, n).astype(float) if n == 200 else rng.standard_t(1.5, n)
    weight = rng.integers(0, 3, n) + (np.arange(n) == 0)
    X = np.empty((n, 0)) if intercept_alone else rng.normal(size=(n, 1))
    solution = solve(X, y, quantile=quantile, sample_weight=weight, fit_intercept=intercept_alone)
    report = solution.certificate.verify(X, y, weight)
    assert report, report
    if n <= 200:
        best = highs_optimum(X, y, quantile, weight, fit_intercept=intercept_alone)
        assert solution.objective <= best * (1 + 1e-10) + 1e-12


def test_an_intercept_alone_is_the_median():
    y = np.random.default_rng(0).normal(size=5001)
    assert solve(np.empty((5001, 0)), y).intercept == np.median(y)


def test_a_slope_of_one_sign_is_told():
    ones = np.ones(2)
    with pytest.raises(Unbounded):
        weighted_median(Reduced(ones[:, None], ones, -ones, ones, np.array([3.0]), 0, 0.0))
    with pytest.raises(Unbounded):
        weighted_median(Reduced(ones[:, None], ones, -ones, ones, np.array([-3.0]), 0, 0.0))
