from sklearn.utils.estimator_checks import parametrize_with_checks

from treadle import LADRegressor


@parametrize_with_checks(
    [
        LADRegressor(),
        LADRegressor(0.3, alpha=0.01),
        LADRegressor(0.8, fit_intercept=False),
    ]
)
def test_keeps_scikit_learns_contract(estimator, check):
    check(estimator)
