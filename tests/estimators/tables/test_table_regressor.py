import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import r2_score

from tests.estimators.tables.table_cases import houses, regressor
from treadle import InvalidInput

FRAME, PRICE = houses(400)
NEW, NEW_PRICE = houses(400, seed=1)


def test_learns_numbers_from_a_raw_frame():
    fitted = regressor(n_epochs=40).fit(FRAME, PRICE)
    predicted = fitted.predict(NEW)
    # A tenth of the areas and of the cities are missing in the new rows, too.
    known = NEW["area"].notna() & NEW["city"].notna()
    assert r2_score(NEW_PRICE[known], predicted[known]) > 0.9
    assert predicted.dtype == np.float64
    assert PRICE.min() <= predicted.min() and predicted.max() <= PRICE.max()


def test_several_numbers():
    y = np.column_stack([PRICE, FRAME["garden"] * 1e6])
    fitted = regressor(n_epochs=60).fit(FRAME, y)
    predicted = fitted.predict(NEW)
    assert predicted.shape == (len(NEW), 2) and fitted.n_outputs_ == 2
    assert r2_score(NEW["garden"] * 1e6, predicted[:, 1]) > 0.8


def test_the_absolute_error_is_of_the_median():
    rng = np.random.default_rng(0)
    frame = pd.DataFrame({"x": rng.normal(size=600)})
    y = rng.exponential(size=600)
    median = regressor("absolute_error", n_epochs=30).fit(frame, y).predict(frame).mean()
    mean = regressor(n_epochs=30).fit(frame, y).predict(frame).mean()
    assert median == pytest.approx(np.log(2), abs=0.15) and mean == pytest.approx(1, abs=0.15)


def test_counts_have_a_mean_above_zero():
    rng = np.random.default_rng(0)
    frame = pd.DataFrame({"x": rng.normal(size=800), "kind": rng.choice(["a", "b"], 800)})
    means = np.exp(0.5 * frame["x"] + (frame["kind"] == "b") * 1.0)
    fitted = regressor("poisson", n_epochs=20, learning_rate_init=0.04).fit(frame, rng.poisson(means))
    predicted = fitted.predict(frame)
    assert (predicted >= 0).all() and fitted.network_.output == "exp"
    assert np.corrcoef(np.log(predicted + 1e-3), np.log(means))[0, 1] > 0.9
    with pytest.raises(InvalidInput, match="loss='poisson' needs y of at least 0; got -1 in row"):
        regressor("poisson").fit(frame, np.full(800, -1))


def test_huber_is_less_moved_by_outliers():
    spoiled = PRICE.copy()
    spoiled[::20] += 20_000
    errors = {
        loss: np.abs(regressor(loss).fit(FRAME, spoiled).predict(NEW) - NEW_PRICE).mean()
        for loss in ("squared_error", "huber", "absolute_error")
    }
    assert max(errors["huber"], errors["absolute_error"]) < errors["squared_error"]


def test_targets_that_are_noise_are_predicted_by_their_mean():
    rng = np.random.default_rng(0)
    fitted = regressor(n_epochs=10).fit(FRAME, rng.normal(size=len(FRAME)))
    assert fitted.score(NEW, rng.normal(size=len(NEW))) < 0.05
    assert fitted.best_validation_score_ < 0.2


def test_units_of_the_target_change_nothing():
    expected = regressor(n_epochs=3).fit(FRAME, PRICE).predict(NEW)
    scaled = regressor(n_epochs=3).fit(FRAME, PRICE * 1024.0).predict(NEW)
    np.testing.assert_allclose(scaled, expected * 1024, rtol=1e-9)


def test_a_score_chooses_the_epoch():
    fitted = regressor(scoring="neg_mean_absolute_error", n_epochs=6).fit(FRAME, PRICE)
    scores = fitted.history_["held_out_score"]
    assert fitted.best_epoch_ == max(range(1, 7), key=lambda epoch: (scores[epoch - 1], epoch))
    assert -500 < max(scores) < 0  # in units of the price


@pytest.mark.parametrize("loss", ["absolute_error", "huber", "poisson"])
def test_other_losses_choose_the_epoch_by_themselves(loss):
    fitted = regressor(loss, n_epochs=6, learning_rate_init=0.04).fit(FRAME, PRICE)
    losses = fitted.history_["held_out_loss"]
    assert fitted.history_["held_out_score"] == [-one for one in losses]
    assert fitted.best_epoch_ == min(range(1, 7), key=lambda epoch: (losses[epoch - 1], -epoch))


def test_targets_that_are_no_numbers_are_refused():
    with pytest.raises(ValueError, match="could not convert string to float"):
        regressor().fit(FRAME, FRAME["state"].astype(object))
    with pytest.raises(ValueError, match="contains NaN"):
        regressor().fit(FRAME, PRICE.where(PRICE > 500))
