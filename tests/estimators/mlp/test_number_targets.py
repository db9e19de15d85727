import numpy as np
import pytest
from sklearn.exceptions import DataConversionWarning
from sklearn.metrics import r2_score

from treadle import InvalidInput
from treadle.estimators.mlp.number_targets import NumberTargets

Y = np.array([[1.0, 4.0], [2.0, 3.0], [5.0, 5.0]])


@pytest.mark.parametrize("y", [Y, Y[:, 0], Y.astype(np.float32), Y.astype(int)])
def test_labels_undo_encode(y):
    kind = NumberTargets(1 if y.ndim == 1 else 2, "squared_error")
    targets = kind.encode(y)
    assert targets.shape == (3, kind.n_outputs)
    assert targets.dtype == (np.float32 if y.dtype == np.float32 else np.float64)
    np.testing.assert_array_equal(kind.labels(targets), y)


def test_a_column_is_flattened_with_a_warning():
    with pytest.warns(DataConversionWarning, match="column-vector y was passed"):
        assert NumberTargets(1, "huber").encode(Y[:, :1]).shape == (3, 1)


def test_the_score_is_r_squared_of_what_is_predicted():
    logits, weights = np.log(Y) + 0.1, np.array([1.0, 2.0, 3.0])
    assert NumberTargets(2, "poisson").score(logits, Y, weights) == pytest.approx(
        r2_score(Y, np.exp(logits), sample_weight=weights)
    )
    assert NumberTargets(2, "squared_error").score(Y, Y, None) == 1
    assert np.isnan(NumberTargets(2, "squared_error").score(np.full_like(Y, np.inf), Y, None))


def test_the_output_goes_with_the_loss_and_nothing_is_split_in_proportion():
    assert (NumberTargets(2, "poisson").output, NumberTargets(2, "huber").output) == ("exp", "identity")
    assert NumberTargets(2, "huber").strata(Y) is None


def test_counts_are_not_negative():
    with pytest.raises(InvalidInput, match=r"loss='poisson' needs y of at least 0; got -1: take another"):
        NumberTargets(1, "poisson").encode(np.array([3.0, -1.0]))
