import numpy as np
import pytest

from treadle import InvalidInput
from treadle.estimators.tables.table_targets import ScaledNumbers, TableClasses


def test_two_classes_have_two_outputs():
    kind = TableClasses(np.array(["no", "yes"]), multilabel=False)
    assert (kind.n_outputs, kind.output) == (2, "softmax")
    assert kind.encode(np.array(["yes", "no"])).tolist() == [1, 0]
    logits = np.array([[0.0, np.log(3)]], np.float32)
    np.testing.assert_allclose(kind.probabilities(logits), [[0.25, 0.75]], rtol=1e-6)
    np.testing.assert_allclose(kind.log_probabilities(logits), np.log([[0.25, 0.75]]), rtol=1e-6)
    assert kind.decode(logits).tolist() == ["yes"]


def test_several_labels_have_a_logistic_output_each():
    kind = TableClasses(np.arange(3), multilabel=True)
    assert (kind.n_outputs, kind.output) == (3, "logistic")
    np.testing.assert_allclose(kind.probabilities(np.zeros((1, 3), np.float32)), 0.5)


def test_numbers_are_standardised_by_their_weights_and_clipped_to_their_range():
    y, weights = np.array([1.0, 3.0, 11.0]), np.array([1.0, 2.0, 1.0])
    kind = ScaledNumbers.of(y, weights, "squared_error")
    repeated = np.array([1.0, 3.0, 3.0, 11.0])
    assert kind.mean[0] == pytest.approx(repeated.mean()) and kind.scale[0] == pytest.approx(repeated.std())
    encoded = kind.encode(repeated)
    assert encoded.dtype == np.float32 and encoded.shape == (4, 1)
    np.testing.assert_allclose([encoded.mean(), encoded.std()], [0, 1], atol=1e-6)
    np.testing.assert_allclose(kind.decode(encoded), repeated, rtol=1e-6)
    np.testing.assert_allclose(kind.labels(encoded), repeated, rtol=1e-6)
    assert kind.decode(np.array([[-1e30], [1e30], [np.inf]], np.float32)).tolist() == [1, 11, 11]


def test_the_largest_doubles_do_not_overflow():
    with np.errstate(all="raise"):
        kind = ScaledNumbers.of(np.array([-1.7e308, 1.7e308]), None, "squared_error")
        assert kind.scale[0] == pytest.approx(1.7e308) and kind.mean[0] == 0


def test_constant_targets_are_predicted():
    kind = ScaledNumbers.of(np.full((5, 2), 7.0), None, "squared_error")
    assert kind.decode(np.full((1, 2), 3.0, np.float32)).tolist() == [[7, 7]]


def test_counts_are_divided_by_their_mean():
    kind = ScaledNumbers.of(np.array([0, 1, 5]), None, "poisson")
    assert (kind.mean[0], kind.scale[0], kind.output) == (0, 2, "exp")
    np.testing.assert_allclose(
        kind.decode(np.array([[0.0], [-50.0], [9.0]], np.float32)), [2, 0, 5], atol=1e-9
    )
    with pytest.raises(InvalidInput, match="needs y of at least 0; got -2 in row 2: take another loss"):
        ScaledNumbers.of(np.array([0, -2]), None, "poisson")
    with pytest.raises(InvalidInput, match="got -1 in row 1"):
        kind.encode(np.array([-1.0]))


def test_the_score_is_r2_against_the_mean_of_training():
    y = np.array([1.0, 2.0, 4.0, 9.0])
    kind = ScaledNumbers.of(y, None, "squared_error")
    predicted = np.array([1.5, 2.5, 4.0, 8.0])
    logits = ((predicted - kind.mean) / kind.scale).astype(np.float32)[:, np.newaxis]
    expected = 1 - ((predicted - y) ** 2).sum() / ((y - y.mean()) ** 2).sum()
    assert kind.score(logits, kind.encode(y), None) == pytest.approx(expected, abs=1e-6)
    weights = np.array([1.0, 0.0, 0.0, 1.0])
    expected = 1 - ((predicted - y)[[0, 3]] ** 2).mean() / y.var()
    assert kind.score(logits, kind.encode(y), weights) == pytest.approx(expected, abs=1e-6)
    assert np.isnan(kind.score(np.full((4, 1), np.nan), kind.encode(y), None))


def test_other_columns_are_refused():
    kind = ScaledNumbers.of(np.ones((4, 2)), None, "squared_error")
    with pytest.raises(InvalidInput, match=r"y must have the 2 columns of the training; got shape \(3,\)"):
        kind.encode(np.ones(3))
