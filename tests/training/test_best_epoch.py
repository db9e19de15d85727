"""The last best epoch is what training ends with, after an interruption too."""

import numpy as np
import pytest

from tests.training.training_cases import make_loop
from treadle import BestEpoch, MLPClassifier
from treadle.errors import InvalidInput
from treadle.training.callbacks import Training

FIGURES = "held_out_score"


def run_with(figures, n_before=None, less_is_better=False):
    """Train with these figures in place of the scores; return callback, training and the epochs' ends."""
    best, ends = BestEpoch(FIGURES, less_is_better=less_is_better), []

    def training():
        return Training(make_loop(), [spoil, best])

    def spoil(now):
        object.__setattr__(now.record, FIGURES, figures[now.record.epoch - 1])
        ends.append(now.parameters().flat)
        return n_before is not None and now.record.epoch == n_before

    first = training()
    first.run()
    return best, first, ends


@pytest.mark.parametrize(
    ("figures", "less_is_better", "epoch"),
    [
        ([0.5, 0.9, 0.8, 0.9, 0.7], False, 4),
        ([0.5, 0.9, 0.8, 0.9, 0.7], True, 1),
        ([0.5, 0.5, 0.5, 0.5, 0.5], False, 5),
        ([np.nan, 0.1, np.nan, -0.3, np.nan], False, 2),
        ([0.5, 0.4, 0.3, 0.3, np.nan], True, 4),
    ],
)
def test_the_last_of_the_best_is_kept(figures, less_is_better, epoch):
    best, training, ends = run_with(figures, less_is_better=less_is_better)
    assert best.best_epoch_ == epoch and len(training.history) == 5
    np.testing.assert_array_equal(training.parameters().flat, ends[epoch - 1])


def test_without_a_number_the_last_epoch_is_what_is_left():
    best, training, ends = run_with([np.nan] * 5)
    assert best.best_epoch_ is None
    np.testing.assert_array_equal(training.parameters().flat, ends[-1])


def test_its_state_goes_on_where_it_was():
    best, training, _ = run_with([0.5, 0.9, 0.8, 0.9, 0.7])
    other = BestEpoch(FIGURES)
    other.on_fit_begin(training)
    other.load_state(best.state())
    assert other.best_epoch_ == 4
    other.on_fit_end(training)
    for name, array in best.state().items():
        np.testing.assert_array_equal(other.state()[name], array)
    assert BestEpoch().state() == {}
    other.load_state({})
    assert other.best_epoch_ is None


def test_a_state_of_something_else_is_refused():
    best, _, _ = run_with([0.5] * 5)
    whole = best.state()
    for name in ("epoch", "figure", "best"):
        state = {**whole, name: np.zeros(2)}
        with pytest.raises(
            InvalidInput, match=r"the state of the best epoch holds no|flat must be float32 or"
        ):
            best.load_state(state)
    with pytest.raises(InvalidInput, match="the state of the best epoch holds no"):
        best.load_state({name: array for name, array in whole.items() if name != "best"})


def test_a_monitor_that_is_no_column_is_refused():
    with pytest.raises(InvalidInput, match="monitor must be the name of a column of the history; got 3"):
        BestEpoch(3)
    with pytest.raises(
        InvalidInput, match="the history has no column of numbers 'x' to monitor; it has epoch"
    ):
        MLPClassifier((2,), callbacks=BestEpoch("x")).fit([[0.0], [1.0]], [0, 1])
