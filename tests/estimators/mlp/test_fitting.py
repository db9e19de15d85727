"""How a training ends, what it prints, and what its options change."""

import numpy as np
import pytest
import sklearn.neural_network
from sklearn.exceptions import ConvergenceWarning

from tests.estimators.mlp.mlp_cases import bits, blobs, plane
from treadle import InvalidInput, MLPClassifier, MLPRegressor
from treadle.engines.numpy_engine import NumpyEngine
from treadle.training.callbacks import Callback

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


def classifier(**options):
    return MLPClassifier(
        **{"hidden_layer_sizes": 8, "random_state": 0, "max_iter": 6, "tol": 0, "batch_size": 7} | options
    )


def regressor(**options):
    return MLPRegressor(**{"hidden_layer_sizes": 8, "random_state": 0, "max_iter": 6, "tol": 0} | options)


def halves(X, y):
    return X[::2], y[::2], X[1::2], y[1::2]


def test_early_stopping_goes_with_partial_fit_and_rows_to_judge_by():
    X, y, X_val, y_val = halves(*blobs(120))
    options = {"early_stopping": True, "learning_rate_init": 0.1, "n_iter_no_change": 4, "scoring": "loss"}
    whole = classifier(**options, max_iter=200).fit(X, y, X_val=X_val, y_val=y_val)
    parts = classifier(**options)
    calls = 0
    while not calls or not parts.stopped_early_:
        parts.partial_fit(X, y, classes=[0, 1, 2], X_val=X_val, y_val=y_val)
        calls += 1
        assert calls <= 200
    assert calls == whole.n_iter_ > np.argmax(whole.validation_scores_) + 1
    assert bits(parts) == bits(whole)
    assert parts.validation_scores_ == whole.validation_scores_
    with pytest.raises(
        InvalidInput, match="partial_fit does not support early_stopping=True without rows to ju"
    ):
        classifier(early_stopping=True).partial_fit(X, y, classes=[0, 1, 2])


def test_a_fit_under_early_stopping_that_diverges_keeps_its_best_epoch_and_says_so():
    X, y = plane()

    class Spoil(Callback):
        def on_epoch_end(self, training):
            if len(training.history) == 3:
                spoiled = training.problem.X
                spoiled.flags.writeable = True
                spoiled *= 1e200

    options = {"early_stopping": True, "solver": "sgd", "engine": "numpy", "max_iter": 20}
    good = regressor(**options | {"max_iter": 3}).fit(X, y)
    with pytest.warns(
        ConvergenceWarning, match="training ended before max_iter, and the best epoch so far is"
    ):
        fitted = regressor(**options, callbacks=Spoil()).fit(X.copy(), y)
    assert bits(fitted) == bits(good)
    assert np.isnan(fitted.validation_scores_[-1]) and fitted.n_iter_ == 4


def test_the_history_becomes_a_data_frame():
    pandas = pytest.importorskip("pandas")
    X, y, X_val, y_val = halves(*blobs())
    table = pandas.DataFrame(classifier().fit(X, y, X_val=X_val, y_val=y_val).history_)
    assert list(table) == [
        "epoch",
        "train_loss",
        "held_out_loss",
        "held_out_score",
        "learning_rate",
        "seconds",
    ]
    assert len(table) == 6 and table["learning_rate"].eq(0.001).all() and (table["seconds"] >= 0).all()


def test_ctrl_c_keeps_what_was_trained(monkeypatch):
    X, y = blobs()

    def interrupt(training):
        if len(training.history) == 3:
            raise KeyboardInterrupt

    with pytest.warns(UserWarning, match=r"Training interrupted by user\."):
        fitted = classifier(callbacks=interrupt).fit(X, y)
    assert fitted.n_iter_ == 3
    assert bits(fitted) == bits(classifier(max_iter=3).fit(X, y))

    def at_once(*_arguments):
        raise KeyboardInterrupt

    monkeypatch.setattr(NumpyEngine, "trainer", at_once)
    with pytest.raises(KeyboardInterrupt):
        classifier(engine="numpy").fit(X, y)


def test_verbose_prints_what_scikit_learn_prints(capsys):
    X, y = blobs()
    options = {"max_iter": 4, "random_state": 0, "tol": 10.0, "n_iter_no_change": 1, "solver": "sgd"}
    for more in ({}, {"early_stopping": True}, {"learning_rate": "adaptive", "learning_rate_init": 1e-5}):
        texts = []
        for make in (MLPClassifier, sklearn.neural_network.MLPClassifier):
            make(4, **options, **more, verbose=True).fit(X, y)
            text = capsys.readouterr().out
            texts.append(
                [line for line in text.splitlines() if not line.startswith(("Iter", "Validation score:"))]
            )
            assert "Iteration 1, loss = " in text and ("Validation score: " in text) == (
                "early_stopping" in more
            )
        assert texts[0] == texts[1]


def test_threads_are_bounded_and_change_no_bit():
    X, y = blobs(dtype=np.float32)
    one = classifier(n_threads=1, batch_size=30).fit(X, y)
    assert bits(one) == bits(classifier(n_threads=2, batch_size=30).fit(X, y))


def test_precision_is_that_of_the_parameters_whatever_x_is():
    X, y = blobs()
    for precision, dtype in (("float32", np.float32), ("float64", np.float64), ("auto", np.float64)):
        fitted = classifier(precision=precision).fit(X, y)
        assert {array.dtype for array in fitted.coefs_} == {np.dtype(dtype)}
        assert fitted.predict_proba(X).dtype == dtype


def test_layers_may_differ_in_activation_dropout_and_normalisation():
    X, y = blobs()
    fitted = classifier(
        hidden_layer_sizes=(6, 5), activation=("gelu", "silu"), dropout=(0.0, 0.2), batch_norm=(True, False)
    ).fit(X, y)
    first, second, _ = fitted.network_.layers
    assert (first.activation, second.activation) == ("gelu", "silu")
    assert (first.dropout, second.dropout) == (0.0, 0.2)
    assert (first.batch_norm, second.batch_norm) == (True, False)
    assert [array.shape for array in fitted.batch_norm_["scales"]] == [(6,)]
    plain = fitted.set_params(batch_norm=False).fit(X, y)
    assert not hasattr(plain, "batch_norm_")
