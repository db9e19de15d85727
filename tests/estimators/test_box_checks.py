"""scikit-learn's own checks of an estimator, all of them."""

from sklearn.utils.estimator_checks import parametrize_with_checks

from treadle import BoxRegressor


@parametrize_with_checks(
    [
        BoxRegressor(),
        BoxRegressor(order=1),
        BoxRegressor(20, partition="quantile", order=1),
        BoxRegressor(partition="adaptive"),
        BoxRegressor(partition="tree"),
    ]
)
def test_scikit_learn_s_checks(estimator, check):
    check(estimator)
