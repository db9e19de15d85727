"""Validation sets: one of the user's own, and one that early stopping takes."""

import numpy as np
import pytest
from sklearn.metrics import make_scorer, mean_absolute_error

from tests.estimators.mlp.mlp_cases import bits, blobs, plane
from treadle import InvalidInput, MLPClassifier, MLPRegressor

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


def classifier(**options):
    return MLPClassifier(
        **{"hidden_layer_sizes": 8, "random_state": 0, "max_iter": 6, "tol": 0, "batch_size": 7} | options
    )


def regressor(**options):
    return MLPRegressor(**{"hidden_layer_sizes": 8, "random_state": 0, "max_iter": 6, "tol": 0} | options)


def halves(X, y):
    return X[::2], y[::2], X[1::2], y[1::2]


def test_a_validation_set_of_ones_own_is_judged_and_changes_nothing():
    X, y, X_val, y_val = halves(*blobs())
    plain, judged = classifier().fit(X, y), classifier().fit(X, y, X_val=X_val, y_val=y_val)
    assert bits(judged) == bits(plain)
    assert plain.validation_loss_curve_ is None and plain.validation_scores_ is None
    assert judged.validation_scores_[-1] == judged.score(X_val, y_val)
    from sklearn.metrics import log_loss

    assert judged.validation_loss_curve_[-1] == pytest.approx(log_loss(y_val, judged.predict_proba(X_val)))
    assert len(judged.validation_loss_curve_) == len(judged.validation_scores_) == 6
    assert judged.best_validation_score_ == max(judged.validation_scores_)
    assert judged.best_loss_ == min(judged.loss_curve_)


@pytest.mark.parametrize("solver", ["adam", "lbfgs"])
def test_a_regressor_is_judged_by_r_squared_after_each_epoch_or_iteration(solver):
    X, y, X_val, y_val = halves(*plane(n_outputs=2))
    fitted = regressor(solver=solver).fit(X, y, X_val=X_val, y_val=y_val)
    assert fitted.validation_scores_[-1] == pytest.approx(fitted.score(X_val, y_val), rel=1e-12)
    residual = fitted.predict(X_val) - y_val
    assert fitted.validation_loss_curve_[-1] == pytest.approx((residual**2).sum(axis=1).mean() / 2, rel=1e-12)
    assert len(fitted.validation_scores_) == fitted.n_iter_


def test_the_loss_judged_is_without_penalty_and_smoothing():
    X, y, X_val, y_val = halves(*blobs())
    fitted = classifier(alpha=50.0, label_smoothing=0.3).fit(X, y, X_val=X_val, y_val=y_val)
    p = fitted.predict_proba(X_val)[np.arange(len(y_val)), y_val]
    assert fitted.validation_loss_curve_[-1] == pytest.approx(-np.log(p).mean(), rel=1e-12)


def test_early_stopping_by_a_validation_set_keeps_the_best_epoch():
    X, y, X_val, y_val = halves(*blobs(120))
    stopped = classifier(
        early_stopping=True, learning_rate_init=0.1, max_iter=100, n_iter_no_change=5, scoring="loss"
    ).fit(X, y, X_val=X_val, y_val=y_val)
    assert stopped.stopped_early_ and stopped.n_iter_ < 100
    best = int(np.argmax(stopped.validation_scores_))
    assert best + 1 < stopped.n_iter_
    assert stopped.validation_scores_ == [-loss for loss in stopped.validation_loss_curve_]
    p = stopped.predict_proba(X_val)[np.arange(len(y_val)), y_val]
    assert -np.log(p).mean() == pytest.approx(min(stopped.validation_loss_curve_), rel=1e-9)
    assert stopped.t_ == stopped.n_iter_ * len(y)  # no row of X was held out


@pytest.mark.parametrize(
    "scoring",
    ["balanced_accuracy", "neg_log_loss", "roc_auc_ovr", lambda e, X, y: -np.abs(e.predict(X) - y).mean()],
    ids=["balanced_accuracy", "neg_log_loss", "roc_auc_ovr", "function"],
)
@pytest.mark.parametrize("own_set", [False, True])
def test_any_scorer_of_scikit_learn_judges(scoring, own_set):
    X, y, X_val, y_val = halves(*blobs(120))
    y, y_val = y * 2 + 1, y_val * 2 + 1
    fitted = classifier(scoring=scoring, early_stopping=True, validation_fraction=0.3)
    fitted.fit(X, y, **{"X_val": X_val, "y_val": y_val} if own_set else {})
    assert len(set(fitted.validation_scores_)) > 1
    if own_set:
        from sklearn.metrics import get_scorer

        scorer = get_scorer(scoring) if isinstance(scoring, str) else scoring
        assert fitted.best_validation_score_ == pytest.approx(scorer(fitted, X_val, y_val), rel=1e-12)


def test_scorers_get_the_weights_of_the_rows_held_out_and_no_names():
    pandas = pytest.importorskip("pandas")
    X, y = plane()
    weights = np.random.default_rng(0).uniform(0.1, 2, len(y))
    frame = pandas.DataFrame(X, columns=list("abcd"))
    scorer = make_scorer(mean_absolute_error, greater_is_better=False)
    options = {"early_stopping": True, "validation_fraction": 0.5}
    by_name = regressor(scoring="neg_mean_absolute_error", **options).fit(frame, y, weights)
    assert by_name.validation_scores_ != regressor(scoring=scorer, **options).fit(X, y).validation_scores_
    assert list(by_name.feature_names_in_) == list("abcd")


def test_a_validation_set_of_other_columns_is_refused():
    X, y = plane()
    with pytest.raises(
        InvalidInput, match=r"y_val must have the columns of y: it has targets of shape \(80, 2\)"
    ):
        regressor().fit(X, y, X_val=X, y_val=np.stack([y, y], 1))


def test_an_unknown_scorer_and_half_a_validation_set_are_refused():
    X, y = blobs()
    with pytest.raises(ValueError, match="'best' is not a valid scoring value"):
        classifier(scoring="best", early_stopping=True).fit(X, y)
    with pytest.raises(InvalidInput, match="X_val and y_val go together: give both, or neither"):
        classifier().fit(X, y, X_val=X)
    with pytest.raises(ValueError, match="X has 2 features, but MLPClassifier is expecting 4"):
        classifier().fit(X, y, X_val=X[:, :2], y_val=y)
    with pytest.raises(
        InvalidInput, match=r"The validation set is too small\. Increase 'validation_fraction' or"
    ):
        classifier(early_stopping=True, validation_fraction=0.0).fit(X, y)
    with pytest.raises(
        InvalidInput, match=r"validation_fraction=0\.99 leaves none of the 60 rows to train on"
    ):
        classifier(early_stopping=True, validation_fraction=0.99).fit(X, y)
