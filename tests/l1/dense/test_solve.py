import numpy as np
import pytest

from tests.l1.linear_programs import contaminated, highs_optimum, objective
from treadle.l1.dense.solve import solve


def certified(X, y, weight=None, **options):
    """The solution, with its certificate verified from data and dual alone and its objective recomputed."""
    solution = solve(X, y, sample_weight=weight, **options)
    report = solution.certificate.verify(X, y, weight)
    assert report, report
    options = {k: v for k, v in options.items() if k in ("quantile", "alpha")}
    own = objective(X, y, solution.coef, solution.intercept, weight=weight, **options)
    assert abs(solution.objective - own) <= 1e-11 * own + 1e-300
    return solution


@pytest.mark.parametrize("quantile", [0.05, 0.5, 0.75, 0.95])
@pytest.mark.parametrize("fit_intercept", [True, False])
@pytest.mark.parametrize("alpha", [0.0, 0.05])
def test_the_optimum_is_that_of_highs(quantile, fit_intercept, alpha):
    X, y = contaminated(150, 4)
    weight = np.random.default_rng(1).integers(0, 4, 150).astype(float)
    options = {"quantile": quantile, "fit_intercept": fit_intercept, "alpha": alpha}
    solution = certified(X, y, weight, **options)
    expected = highs_optimum(X, y, quantile, weight, alpha, fit_intercept)
    assert solution.objective <= expected * (1 + 1e-10)


@pytest.mark.parametrize(("n", "d"), [(5000, 3), (20_000, 10), (12_000, 40)])
def test_levels_and_the_screen_lead_to_a_certified_optimum(n, d):
    X, y = contaminated(n, d)
    assert certified(X, y).n_passes >= 1
