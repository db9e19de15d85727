"""What the classifier and the regressor share: rows held out, weights, callbacks, seeds, errors."""

import pickle
import warnings

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.exceptions import NotFittedError

from tests.estimators.tables.table_cases import classifier, houses, regressor
from treadle import EngineUnavailable, InvalidInput

FRAME, PRICE = houses(120)
NEW, NEW_PRICE = houses(60, seed=1)


def small(**options):
    return regressor(**{"hidden_layer_sizes": (4,), "n_epochs": 3} | options)


def test_one_seed_gives_one_result():
    expected = small().fit(FRAME, PRICE).predict(NEW)
    np.testing.assert_array_equal(small().fit(FRAME, PRICE).predict(NEW), expected)
    assert not np.array_equal(small(random_state=1).fit(FRAME, PRICE).predict(NEW), expected)
    generator = np.random.RandomState(0)
    first, second = (small(random_state=generator).fit(FRAME, PRICE).predict(NEW) for _ in range(2))
    assert not np.array_equal(first, second)


def test_a_fifth_is_held_out_and_never_trained_on():
    seen = []

    def look(training):
        seen.append((training.problem.n_rows, training.held_out.X.shape[0]))

    fitted = small(callbacks=look).fit(FRAME, PRICE)
    assert seen == [(96, 24)] * 3 and fitted.n_iter_ == 3
    assert fitted.preparation_.training_counts.n_rows == 96


def test_the_best_epoch_is_kept():
    found = {}

    def look(training):
        found[training.record.epoch] = training.parameters()

    fitted = small(n_epochs=12, callbacks=look).fit(FRAME, PRICE)
    scores = fitted.history_["held_out_score"]
    assert fitted.best_epoch_ == max(range(1, 13), key=lambda epoch: (scores[epoch - 1], epoch))
    np.testing.assert_array_equal(fitted._fitted.parameters.flat, found[fitted.best_epoch_].flat)
    assert fitted.best_validation_score_ == scores[fitted.best_epoch_ - 1] == max(scores)


def test_without_rows_held_out_the_last_epoch_is_kept():
    fitted = small(validation_fraction=0).fit(FRAME, PRICE)
    assert fitted.best_epoch_ == 3 and fitted.best_validation_score_ is None
    assert "held_out_score" not in fitted.history_
    assert classifier(validation_fraction=0, n_epochs=2).fit(FRAME, PRICE > 900).temperature_ == 1
    one = small(validation_fraction=0).fit([[1.0, 2.0]], [5.0])
    assert one.predict([[3.0, 4.0]]).tolist() == [5.0]


def test_too_few_rows_to_hold_some_out_are_refused():
    with pytest.raises(InvalidInput, match="The validation set is too small"):
        small().fit(FRAME.head(5), PRICE.head(5))


def test_rows_to_judge_by_may_be_given():
    fitted = small().fit(FRAME, PRICE, X_val=NEW, y_val=NEW_PRICE)
    assert fitted.preparation_.training_counts.n_rows == 120
    predicted = fitted.predict(NEW)
    expected = 1 - ((predicted - NEW_PRICE) ** 2).mean() / PRICE.var(ddof=0)
    assert fitted.best_validation_score_ == pytest.approx(expected, abs=1e-5)
    with pytest.raises(InvalidInput, match="X_val and y_val go together"):
        small().fit(FRAME, PRICE, X_val=NEW)
    with pytest.raises(InvalidInput, match="X_val lacks columns of X: 'area'"):
        small().fit(FRAME, PRICE, X_val=NEW.drop(columns="area"), y_val=NEW_PRICE)
    with pytest.raises(InvalidInput, match="y_val must have a target for each of the 60 rows"):
        small().fit(FRAME, PRICE, X_val=NEW, y_val=NEW_PRICE[:3])


def test_rows_of_weight_zero_are_left_out():
    weights = np.ones(len(FRAME))
    weights[::3] = 0
    spoiled = PRICE.where(weights > 0, 1e9)
    fitted = small().fit(FRAME, spoiled, weights)
    assert fitted.predict(NEW).max() < 1e4
    with pytest.raises(InvalidInput, match="sample_weight must have a weight for each of the 120 rows"):
        small().fit(FRAME, PRICE, np.ones(3))


def test_weights_pull_predictions():
    y = np.where(np.arange(len(FRAME)) % 2, 1.0, 0.0)
    weights = np.where(y == 1, 9.0, 1.0)
    plain = small(n_epochs=20).fit(FRAME, y).predict(FRAME).mean()
    weighted = small(n_epochs=20).fit(FRAME, y, weights).predict(FRAME).mean()
    assert weighted - plain > 0.2


def test_callbacks_stop_the_training():
    fitted = small(n_epochs=50, callbacks=lambda training: training.record.epoch == 4).fit(FRAME, PRICE)
    assert fitted.n_iter_ == 4


def test_an_interrupted_fit_keeps_the_best_epoch():
    def interrupt(training):
        if training.record.epoch == 2:
            raise KeyboardInterrupt

    with pytest.warns(UserWarning, match="Training interrupted by user"):
        fitted = small(callbacks=interrupt).fit(FRAME, PRICE)
    assert fitted.n_iter_ == 2 and np.isfinite(fitted.predict(NEW)).all()


def test_engines_and_threads_are_chosen():
    fitted = small(engine="numpy").fit(FRAME, PRICE)
    assert fitted.engine_ == "numpy"
    other = small(engine="torch").fit(FRAME, PRICE)
    assert other.engine_ == "torch"
    np.testing.assert_allclose(other.predict(NEW), fitted.predict(NEW), rtol=1e-3)
    with pytest.raises(InvalidInput, match="'n_threads' parameter of TableRegressor"):
        small(n_threads=0).fit(FRAME, PRICE)
    with pytest.raises(EngineUnavailable, match="bfloat16"):
        small(engine="numpy", precision="bfloat16").fit(FRAME, PRICE)
    assert small(precision="float64").fit(FRAME, PRICE)._fitted.parameters.dtype == np.float64


def test_clones_and_pickles():
    fitted = small(columns={"sold": "out"}).fit(FRAME, PRICE)
    assert clone(fitted).get_params() == fitted.get_params()
    loaded = pickle.loads(pickle.dumps(fitted))
    np.testing.assert_array_equal(loaded.predict(NEW), fitted.predict(NEW))


def test_says_that_it_is_not_fitted():
    with pytest.raises(NotFittedError):
        small().predict(FRAME)


@pytest.mark.parametrize("seed", range(12))
def test_frames_of_any_kind_give_a_result_or_an_error_by_column(seed):
    """Fuzzed frames: every dtype, nulls everywhere, few rows, one value, many categories."""
    import pandas as pd

    rng = np.random.default_rng(seed)
    n = int(rng.choice([1, 2, 6, 30, 80]))

    def column():
        match int(rng.integers(9)):
            case 0:
                values = rng.normal(size=n) * 10.0 ** rng.integers(-300, 300)
            case 1:
                values = rng.integers(-(2**62), 2**62, n)
            case 2:
                values = rng.choice(["", "a", "ä", "1", "1,5", "nan"], n)
            case 3:
                values = pd.Categorical(rng.choice(["u", "v"], n), categories=["u", "v", "w"])
            case 4:
                values = rng.choice([True, False, None], n)
            case 5:
                values = np.array(rng.integers(-(2**40), 2**40, n), "datetime64[s]")
            case 6:
                values = [f"id{i}" for i in rng.permutation(n)]
            case 7:
                values = np.full(n, np.inf)
            case _:
                values = [None] * n
        found = pd.Series(values)
        return found.where(rng.random(n) > rng.choice([0, 0.5, 1.0]), None)

    frame = pd.DataFrame({f"c{j}": column() for j in range(rng.integers(1, 6))})
    make, y = (small, rng.normal(size=n)) if seed % 2 else (classifier, rng.integers(0, 3, n))
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of pandas, and of scikit-learn about classes of one row
            fitted = make(n_epochs=2, validation_fraction=0.2 if n > 10 else 0).fit(frame, y)
            predicted = fitted.predict(frame)
    except InvalidInput as error:
        assert "X" in str(error) or "column" in str(error)
        return
    assert len(predicted) == n and np.isfinite(predicted).all()


def test_predicts_in_chunks_what_it_predicts_at_once(monkeypatch):
    from treadle.tables import read_table

    fitted = small().fit(FRAME, PRICE)
    expected = fitted.predict(NEW)
    monkeypatch.setattr("treadle.estimators.tables.fitted_table.ROWS_AT_A_TIME", 7)
    table = read_table(NEW, like=fitted.preparation_.reading)
    found = list(fitted.predict_in_chunks(table))
    assert len(found) == 9 and sum(counts.n_rows for _, counts in found) == len(NEW)
    np.testing.assert_allclose(np.concatenate([one["numbers"] for one, _ in found]), expected, rtol=1e-6)
    X = fitted.preparation_.transform(table).X
    np.testing.assert_allclose(fitted.predict_prepared(X)["numbers"], expected, rtol=1e-6)
