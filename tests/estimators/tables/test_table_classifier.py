import numpy as np
import pytest
from sklearn.datasets import make_classification
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import log_loss
from sklearn.model_selection import cross_val_score
from sklearn.preprocessing import StandardScaler

from tests.estimators.tables.table_cases import classifier, houses
from treadle import InvalidInput

FRAME, PRICE = houses(400)
DEAR = np.where(PRICE.median() < PRICE, "dear", "cheap")
NEW, NEW_PRICE = houses(400, seed=1)
NEW_DEAR = np.where(PRICE.median() < NEW_PRICE, "dear", "cheap")


def test_learns_classes_from_a_raw_frame():
    fitted = classifier().fit(FRAME, DEAR)
    assert fitted.score(NEW, NEW_DEAR) > 0.85
    assert fitted.classes_.tolist() == ["cheap", "dear"]
    probabilities = fitted.predict_proba(NEW)
    np.testing.assert_allclose(probabilities.sum(axis=1), 1)
    np.testing.assert_allclose(np.log(probabilities), fitted.predict_log_proba(NEW), rtol=1e-9)
    assert (fitted.classes_[probabilities.argmax(axis=1)] == fitted.predict(NEW)).all()
    assert {use.name: use.kind for use in fitted.columns_ if use.role == "feature"} == {
        "area": "number",
        "city": "category",
        "garden": "true/false",
        "state": "category",
        "sold": "date",
    }


def test_on_linear_data_comes_near_to_the_linear_model():
    X, y = make_classification(600, 6, n_informative=4, n_clusters_per_class=1, class_sep=0.7, random_state=0)
    linear = LogisticRegression().fit(StandardScaler().fit_transform(X), y)
    expected = log_loss(y, linear.predict_proba(StandardScaler().fit_transform(X)))
    found = log_loss(y, classifier().fit(X, y).predict_proba(X))
    assert found < 1.15 * expected


@pytest.mark.parametrize("n_classes", [2, 3])
def test_labels_that_are_noise_are_predicted_at_chance(n_classes):
    rng = np.random.default_rng(n_classes)
    y = rng.integers(0, n_classes, len(FRAME))
    fitted = classifier(n_epochs=10).fit(FRAME, y)
    new = rng.integers(0, n_classes, len(NEW))
    # Three standard errors of the accuracy of coin flips; and no certainty where there is none.
    error = 3 * np.sqrt((n_classes - 1) / n_classes**2 / len(new))
    assert abs(fitted.score(NEW, new) - 1 / n_classes) < error
    assert log_loss(new, fitted.predict_proba(NEW)) < np.log(n_classes) + 0.05
    assert fitted.best_validation_score_ < 1 / n_classes + 0.2


def test_the_temperature_undoes_label_smoothing():
    smooth = classifier(label_smoothing=0.3).fit(FRAME, DEAR)
    plain = classifier(label_smoothing=0.0).fit(FRAME, DEAR)
    assert smooth.temperature_ < 1 and plain.temperature_ == 1
    losses = [log_loss(NEW_DEAR, one.predict_proba(NEW)) for one in (smooth, plain)]
    smooth.temperature_ = 1.0
    assert losses[0] < log_loss(NEW_DEAR, smooth.predict_proba(NEW))


def test_class_weights_move_predictions_to_the_class_that_weighs():
    y = np.where(PRICE.quantile(0.9) < PRICE, "dear", "cheap")
    shares = [
        (classifier(class_weight=weight, n_epochs=10).fit(FRAME, y).predict(NEW) == "dear").mean()
        for weight in ({"cheap": 20.0}, None, "balanced", {"dear": 500.0})
    ]
    assert shares == sorted(shares) and shares[0] < shares[2] < shares[3]
    with pytest.raises(InvalidInput, match="class_weight has the label 'blue'"):
        classifier(class_weight={"blue": 1.0}).fit(FRAME, y)


def test_several_labels_a_row():
    y = np.column_stack([PRICE.median() < PRICE, FRAME["state"] == "old"]).astype(int)
    fitted = classifier(n_epochs=20).fit(FRAME, y)
    new = np.column_stack([PRICE.median() < NEW_PRICE, NEW["state"] == "old"]).astype(int)
    assert fitted.predict(NEW).shape == new.shape and fitted.score(NEW, new) > 0.75
    assert fitted.predict_proba(NEW).shape == new.shape
    np.testing.assert_allclose(np.exp(fitted.predict_log_proba(NEW)), fitted.predict_proba(NEW), rtol=1e-9)
    assert (fitted.n_outputs_, fitted.network_.output) == (2, "logistic")


@pytest.mark.parametrize("scoring", ["loss", "neg_log_loss", "balanced_accuracy", "roc_auc", "accuracy"])
def test_a_score_chooses_the_epoch(scoring):
    fitted = classifier(scoring=scoring, n_epochs=8).fit(FRAME, DEAR)
    scores = fitted.history_["held_out_score"]
    assert fitted.best_epoch_ == max(range(1, 9), key=lambda epoch: (scores[epoch - 1], epoch))
    assert fitted.best_validation_score_ == max(scores)
    if scoring == "accuracy":
        assert scores == classifier(n_epochs=8).fit(FRAME, DEAR).history_["held_out_score"]
    if scoring == "loss":
        assert scores == [-loss for loss in fitted.history_["held_out_loss"]]
    if scoring == "neg_log_loss":
        np.testing.assert_allclose(scores, [-loss for loss in fitted.history_["held_out_loss"]], rtol=1e-6)


def test_a_function_sees_an_estimator_of_prepared_rows():
    seen = []

    def few_dear(estimator, X, y):
        seen.append((X.dtype, len(X), set(y), estimator.predict_proba(X).shape))
        return -float((estimator.predict(X) == "dear").mean())

    classifier(scoring=few_dear, n_epochs=2).fit(FRAME, DEAR)
    assert seen == [(np.float32, 80, {"dear", "cheap"}, (80, 2))] * 2


def test_one_class_is_predicted():
    fitted = classifier(n_epochs=2).fit(FRAME, ["only"] * len(FRAME))
    assert set(fitted.predict(NEW)) == {"only"} and (fitted.predict_proba(NEW) == 1).all()


def test_works_in_scikit_learns_searches():
    assert cross_val_score(classifier(n_epochs=15), FRAME, DEAR, cv=2).min() > 0.75


def test_labels_that_are_missing_are_refused_by_row():
    y = DEAR.astype(object)
    y[7] = None
    with pytest.raises(InvalidInput, match="y has no label in row 7"):
        classifier().fit(FRAME, y)
