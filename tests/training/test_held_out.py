import math

import numpy as np
import pytest
import scipy.sparse

from treadle import Network, Objective, Parameters
from treadle.engines.gradient_check import random_batch
from treadle.engines.numpy_engine import NumpyEngine
from treadle.training import held_out
from treadle.training.held_out import HeldOut

NETWORK = Network((4, 3))
OBJECTIVE = Objective(label_smoothing=0.3, l2=9.0)
ENGINE = NumpyEngine()


def start(network=NETWORK):
    return Parameters.initialise(network, "glorot", 2, np.float64)


def test_rows_among_others_are_judged_as_if_they_were_alone(monkeypatch):
    monkeypatch.setattr(held_out, "ROWS_AT_A_TIME", 3)
    X, y, weights = random_batch(NETWORK, 30, 1)
    rows = np.array([2, 5, 6, 11, 12, 20, 29])
    alone = HeldOut(X[rows], y[rows], sample_weight=weights[rows]).evaluate(ENGINE, start(), OBJECTIVE)
    for among in (X, scipy.sparse.csr_array(X)):
        found = HeldOut(among, y, rows, weights).evaluate(ENGINE, start(), OBJECTIVE)
        assert found == pytest.approx(alone, rel=1e-14)
    assert alone[0] == pytest.approx(
        Objective().data_loss(ENGINE.logits(start(), X[rows]), y[rows], weights[rows])
    )


@pytest.mark.parametrize("rows", [None, np.arange(10)])
def test_one_predictor_serves_all_blocks(monkeypatch, rows):
    class Counting(NumpyEngine):
        made = 0

        def predictor(self, parameters):
            self.made += 1
            return super().predictor(parameters)

    monkeypatch.setattr(held_out, "ROWS_AT_A_TIME", 3)
    X, y, _ = random_batch(NETWORK, 30, 1)
    engine = Counting()
    HeldOut(X, y, rows).evaluate(engine, start(), OBJECTIVE)
    assert engine.made == 1


def test_a_score_of_ones_own_sees_parameters_and_logits():
    X, y, _ = random_batch(NETWORK, 30, 1)
    seen = []
    score = HeldOut(X, y, np.array([4, 1]), score=lambda *given: seen.append(given) or 0.25)
    assert score.evaluate(ENGINE, start(), OBJECTIVE)[1] == 0.25
    ((parameters, logits),) = seen
    np.testing.assert_array_equal(parameters.flat, start().flat)
    np.testing.assert_array_equal(logits, ENGINE.logits(start(), X[[4, 1]]))


def test_without_labels_there_is_no_accuracy():
    network = Network((4, 3), output="logistic")
    X, y, _ = random_batch(network, 30, 1)
    loss, score = HeldOut(X, y).evaluate(ENGINE, start(network), Objective("binary_cross_entropy"))
    assert loss > 0 and math.isnan(score)
