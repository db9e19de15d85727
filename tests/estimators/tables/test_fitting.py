"""A training that is killed and resumed, and one that diverges."""

from contextlib import suppress

import numpy as np
import pytest

from tests.estimators.tables.table_cases import classifier, houses, regressor
from treadle import Checkpointing, TrainingDiverged

FRAME, PRICE = houses(120)


@pytest.mark.parametrize("make", [classifier, regressor])
def test_a_fit_that_was_killed_resumes_to_the_same_bits(make, tmp_path):
    y = PRICE > 900 if make is classifier else PRICE
    expected = make(n_epochs=6).fit(FRAME, y)
    killed = []

    def power_fails_once(training):
        killed.append(training.record.epoch)
        if killed == [1, 2, 3]:
            raise InterruptedError

    for _ in range(2):
        with suppress(InterruptedError):
            saving = Checkpointing(tmp_path / "fit.safetensors")
            resumed = make(n_epochs=6, callbacks=[power_fails_once, saving]).fit(FRAME, y)
    assert killed == [1, 2, 3, 4, 5, 6]
    np.testing.assert_array_equal(resumed._fitted.parameters.flat, expected._fitted.parameters.flat)
    assert resumed.best_epoch_ == expected.best_epoch_
    assert resumed.history_["held_out_score"] == expected.history_["held_out_score"]


def test_dropout_and_decay_fade_over_all_steps():
    seen = []
    regressor(n_epochs=4, callbacks=lambda training: seen.append(training.problem.fading)).fit(FRAME, PRICE)
    assert seen[0].n_steps == 4 * 3  # 96 rows in batches of 32


def test_a_rate_that_is_too_large_diverges():
    with np.errstate(all="ignore"), pytest.raises(TrainingDiverged, match="epoch"):
        regressor("poisson", learning_rate_init=1e30).fit(FRAME, PRICE)
