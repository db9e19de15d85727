"""Two classes, several labels a row, weights of classes, and what is not a label."""

import numpy as np
import pytest
import scipy.sparse
import sklearn.neural_network

from tests.estimators.mlp.mlp_cases import bits, blobs, labels
from treadle import InvalidInput, MLPClassifier
from treadle.estimators.mlp.class_targets import ClassTargets

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


def classifier(**options):
    return MLPClassifier(**{"hidden_layer_sizes": 8, "random_state": 0, "max_iter": 5, "tol": 0} | options)


@pytest.mark.parametrize("names", [("no", "yes"), (-1, 1), (False, True), (0.0, 2.0)])
def test_two_classes_are_predicted_by_one_output(names):
    X, y = blobs(n_classes=2)
    y = np.array(names)[y]
    fitted = classifier(learning_rate_init=0.1, max_iter=20).fit(X, y)
    assert fitted.predict(X).dtype == y.dtype
    assert fitted.score(X, y) > 0.9
    np.testing.assert_array_equal(fitted.predict(X), np.array(names)[fitted.predict_proba(X).argmax(axis=1)])
    np.testing.assert_allclose(fitted.predict_proba(X).sum(axis=1), 1)
    np.testing.assert_allclose(fitted.predict_log_proba(X), np.log(fitted.predict_proba(X)), rtol=1e-6)


@pytest.mark.parametrize("solver", ["adam", "lbfgs"])
def test_several_labels_a_row_have_an_output_each(solver):
    X, Y = labels()
    fitted = classifier(solver=solver, max_iter=300, learning_rate_init=0.03).fit(X, Y)
    np.testing.assert_array_equal(fitted.classes_, [0, 1, 2])
    assert (fitted.n_outputs_, fitted.out_activation_) == (3, "logistic")
    assert fitted.score(X, Y) > 0.9
    probabilities = fitted.predict_proba(X)
    np.testing.assert_array_equal(fitted.predict(X), probabilities > 0.5)
    assert np.ptp(probabilities.sum(axis=1)) > 1
    sparse = classifier(solver=solver, max_iter=300, learning_rate_init=0.03).fit(
        X, scipy.sparse.csr_array(Y)
    )
    assert bits(sparse) == bits(fitted)


def test_several_labels_can_be_held_out_and_continued_and_start_warm():
    X, Y = labels()
    held_out = classifier(early_stopping=True, validation_fraction=0.3, max_iter=50).fit(X, Y)
    assert 0 <= held_out.best_validation_score_ <= 1
    partly = classifier().partial_fit(X, Y, classes=[0, 1, 2]).partial_fit(X, Y)
    assert partly.predict(X).shape == Y.shape
    warm = classifier(warm_start=True).fit(X, Y).fit(X, Y)
    assert len(warm.loss_curve_) == 10
    with pytest.raises(
        InvalidInput, match=r"y must be an indicator matrix of 3 columns, as before; got shape"
    ):
        partly.partial_fit(X, Y[:, :2])
    with pytest.raises(InvalidInput, match=r"y must be an indicator matrix of 3 columns"):
        partly.partial_fit(X, Y[:, 0])


def test_three_engines_agree_on_two_classes_and_on_several_labels():
    X, Y = labels()
    for y in (Y, Y[:, 0]):
        curves = [
            classifier(engine=engine, precision="float32", label_smoothing=0.1, dropout=0.2, batch_size=7)
            .fit(X, y)
            .loss_curve_
            for engine in ("numpy", "native", "torch")
        ]
        np.testing.assert_allclose(curves[1], curves[0], rtol=1e-5)
        np.testing.assert_allclose(curves[2], curves[0], rtol=1e-5)


@pytest.mark.parametrize("X_dtype", [np.float32, np.float64])
def test_probabilities_of_two_classes_are_scikit_learns_for_the_same_parameters(X_dtype):
    X, y = blobs(n_classes=2, dtype=X_dtype)
    ours = classifier().fit(X, y)
    theirs = sklearn.neural_network.MLPClassifier(8, max_iter=1).fit(X, y)
    theirs.coefs_, theirs.intercepts_ = ours.coefs_, ours.intercepts_
    for method in ("predict_proba", "predict_log_proba", "predict"):
        found, expected = getattr(ours, method)(X), getattr(theirs, method)(X)
        assert found.dtype == expected.dtype and found.shape == expected.shape
        np.testing.assert_allclose(found, expected, rtol=1e-4 if X_dtype == np.float32 else 1e-10)


def test_labels_that_are_no_classes_are_refused_in_scikit_learns_words():
    X, y = blobs()
    for several in (np.stack([y, y + 1], 1), np.array([["a", "b"]] * 60)):
        with pytest.raises(InvalidInput, match=r"Multioutput target data is not supported with label binar"):
            classifier().fit(X, several)
        with pytest.raises(InvalidInput, match=r"y must be one label a row, .* got shape \(60, 2\)"):
            classifier().fit(X, y).partial_fit(X, several)
    with pytest.raises(ValueError, match="Unknown label type: continuous"):
        classifier().fit(X, y + 0.5)
    with pytest.raises(InvalidInput, match=r"`y` has classes not in `self.classes_`"):
        classifier().partial_fit(X, y, classes=[0, 1])
    with pytest.raises(InvalidInput, match=r"`y` has classes not in `self.classes_`"):
        classifier(early_stopping=True).fit(X, y, X_val=X, y_val=y + 1)


@pytest.mark.parametrize(
    "y", [np.arange(40) % 3 - 1, np.arange(40) % 2 == 0, (np.arange(40) % 5).astype(np.uint8)]
)
def test_plain_labels_have_the_classes_that_scikit_learns_checks_find(y):
    found = ClassTargets.of(y)
    wanted = ClassTargets.of(y.astype(np.float64))
    assert found.classes.tolist() == wanted.classes.tolist() and found.classes.dtype == y.dtype
    assert not found.multilabel and not wanted.multilabel


def test_labels_that_may_be_no_classes_are_still_warned_of():
    X, _ = blobs()
    with pytest.warns(UserWarning, match="number of unique classes is greater than 50%"):
        classifier().fit(X, np.arange(60) // 1)
