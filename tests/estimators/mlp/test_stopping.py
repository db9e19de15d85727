"""When a fit ends: scikit-learn's count of epochs over planted figures, what it prints, and what is kept."""

from types import SimpleNamespace

import numpy as np
import pytest

from treadle.estimators.mlp.stopping import StoppingRule, print_epoch
from treadle.network import Network, Parameters
from treadle.training.history import EpochRecord

NETWORK = Network((2, 1), output="identity")


def parameters(value):
    return Parameters(NETWORK, np.full(3, float(value)))


def rule(**changes):
    given = {
        "by_score": False,
        "ends": True,
        "adaptive": False,
        "tol": 0.1,
        "n_iter_no_change": 2,
        "verbose": False,
        "start": parameters(0),
    }
    return StoppingRule(**(given | changes))


def record(epoch, figure, by_score, rate=0.01):
    nan = float("nan")
    return EpochRecord(epoch, nan if by_score else figure, nan, figure if by_score else nan, rate, 1.0)


class Fit:
    """What the rule asks of a training: after epoch e all parameters are e."""

    def __init__(self):
        self.problem = SimpleNamespace(network=NETWORK)
        self.kept = None

    def parameters(self):
        return parameters(self.record.epoch)

    def keep(self, kept):
        self.kept = kept


def ended(stopping, figures, by_score=False, rate=0.01):
    """The epoch that was the last, None if none was; and the value of the parameters kept."""
    fit = Fit()
    stopping.on_fit_begin(fit)
    last = None
    for epoch, figure in enumerate(figures, 1):
        fit.record = record(epoch, figure, by_score, rate)
        if stopping.on_epoch_end(fit):
            last = epoch
            break
    stopping.on_fit_end(fit)
    return last, None if fit.kept is None else fit.kept.flat[0]


def scikit_learns(figures, tol=0.1, n_iter_no_change=2):
    """The rule of scikit-learn's ``_update_no_improvement_count``: less is better."""
    best, count = np.inf, 0
    for epoch, figure in enumerate(figures, 1):
        count = count + 1 if figure > best - tol else 0
        best = min(best, figure)
        if count > n_iter_no_change:
            return epoch
    return None


LOSSES = [
    [5, 4, 3, 2, 1],
    [5, 4, 3.95, 3.92, 3.91, 1],
    [1, 1, 1, 1],
    [3, 2.95, 2.85, 2.8, 2.7, 2.69],
    [2, 3, 4, 1, 5, 6, 7],
]


@pytest.mark.parametrize("losses", LOSSES)
def test_the_count_is_scikit_learns(losses):
    assert ended(rule(), losses) == (scikit_learns(losses), None)
    last, _ = ended(rule(by_score=True), [-v for v in losses], by_score=True)
    assert last == scikit_learns(losses)


def test_by_a_score_the_best_epoch_is_kept_and_without_any_score_the_start():
    assert ended(rule(by_score=True), [0.5, 0.9, 0.85, 0.8, 0.7], by_score=True) == (5, 2)
    assert ended(rule(by_score=True), [float("nan")] * 4, by_score=True)[1] == 0


def test_a_stall_that_does_not_end_is_no_end():
    assert ended(rule(ends=False), [1] * 9)[0] is None


def test_an_adaptive_rate_is_divided_until_it_is_least():
    assert ended(rule(adaptive=True), [1] * 9, rate=0.01)[0] is None
    assert ended(rule(adaptive=True), [1] * 9, rate=1e-6)[0] == 4


def test_of_a_part_the_best_epoch_is_kept_only_at_the_end_of_all():
    first = rule(by_score=True, is_part=True)
    assert ended(first, [0.9], by_score=True) == (None, None)
    memory = first.memory()
    assert memory.by_score and memory.best[0][0] == 1
    second = rule(by_score=True, is_part=True, earlier=memory, start=parameters(7))
    assert ended(second, [0.8, 0.8, 0.8], by_score=True) == (3, 1)


def test_the_count_of_another_figure_is_not_gone_on_from():
    first = rule(is_part=True)
    ended(first, [1, 1, 1])
    assert ended(rule(is_part=True, earlier=first.memory()), [1])[0] == 1
    assert ended(rule(is_part=True, by_score=True, earlier=first.memory()), [-1], by_score=True)[0] is None


def test_schedules_watch_figures_of_which_less_is_better():
    stopping = rule(by_score=True)
    ended(stopping, [0.5, float("nan"), 0.75], by_score=True)
    assert stopping.watched() == [-0.5, np.inf, -0.75]


def test_what_is_printed_is_what_scikit_learn_prints(capsys):
    print_epoch(EpochRecord(3, 0.125, float("nan"), 0.9, 0.01, 1.0))
    print_epoch(EpochRecord(3, 0.125, 0.5, 0.9, 0.01, 1.0))
    expected = "Iteration 3, loss = 0.12500000\n"
    assert capsys.readouterr().out == expected + expected + "Validation score: 0.900000\n"
    ended(rule(verbose=True), [1] * 4)
    told = "Training loss did not improve more than tol=0.100000 for 2 consecutive epochs. Stopping.\n"
    assert capsys.readouterr().out.endswith(told)
    ended(rule(verbose=True, adaptive=True), [1] * 4)
    assert capsys.readouterr().out.endswith("epochs. Setting learning rate to 0.002000\n")
