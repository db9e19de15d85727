"""scikit-learn's own checks of an estimator, on the estimators of tables."""

from sklearn.utils.estimator_checks import parametrize_with_checks

from treadle import TableClassifier, TableRegressor

RANDOM = "which rows are held out, and in which order rows are trained on, depends on their number"


def expected_failures(_estimator):
    return {"check_sample_weight_equivalence_on_dense_data": RANDOM}


@parametrize_with_checks(
    [
        # float64: NumPy's products of float32 depend in their last digits on how many rows there are
        TableClassifier((16,), n_epochs=10, batch_size=32, precision="float64"),
        TableRegressor(hidden_layer_sizes=(16,), n_epochs=10, batch_size=32, precision="float64"),
    ],
    expected_failed_checks=expected_failures,
)
def test_keeps_scikit_learns_contract(estimator, check):
    check(estimator)
