"""The range test: rates, losses and means against their definitions, on steps whose losses are planted."""

import numpy as np
import pytest

from tests.training.training_cases import make_loop
from treadle.engines.engine import Trainer
from treadle.engines.numpy_engine import NumpyEngine
from treadle.errors import InvalidInput, TrainingDiverged
from treadle.training.learning_rate_finder import LearningRateFinder


class Planted(NumpyEngine):
    """Steps with these losses; inf: it diverges."""

    def __init__(self, losses):
        self.losses, self.batches = losses, []

    def trainer(self, problem, parameters):
        losses, batches = iter(self.losses), self.batches

        class Steps(Trainer):
            def run_epoch(self, order, learning_rates):
                batches.append((order.tolist(), learning_rates.tolist()))
                loss = next(losses)
                if np.isinf(loss):
                    raise TrainingDiverged("planted")
                return np.array([loss])

            def parameters(self): ...
            def state(self): ...
            def load_state(self, state): ...

        return Steps()


class Fit:
    """What the callback asks of a training: six steps an epoch of 22 rows by 8."""

    def __init__(self, losses):
        loop = make_loop()
        self.problem, self.engine = loop.problem, Planted(losses)
        self.parameters = loop.parameters

    def order(self, epoch):
        return np.random.default_rng(epoch).permutation(22)


def tried(losses, **options):
    finder, fit = LearningRateFinder(**options), Fit(losses)
    finder.on_fit_begin(fit)
    return finder, fit.engine.batches


def test_rates_rise_by_one_factor_over_the_batches_of_the_first_epochs():
    finder, batches = tried(np.linspace(2, 1, 12), low=1e-4, high=10.0, n_steps=12)
    np.testing.assert_allclose(finder.rates_, 10.0 ** np.linspace(-4, 1, 12))
    assert [rates[0] for _, rates in batches] == finder.rates_.tolist()
    rows = [row for order, _ in batches for row in order]
    expected = np.concatenate([np.random.default_rng(epoch).permutation(22) for epoch in (1, 2, 3, 4)])
    assert rows == expected.tolist()


def test_the_suggestion_is_a_tenth_of_the_rate_at_the_least_centred_mean():
    losses = np.abs(np.arange(60) - 33.0) / 20 + 1
    finder, _ = tried(losses, n_steps=60)
    padded = [losses[max(0, i - 4) : i + 5].mean() for i in range(60)]
    np.testing.assert_allclose(finder.smoothed_, padded)
    assert finder.suggestion_ == finder.rates_[33] / 10


def test_it_ends_where_the_mean_has_risen_fourfold_above_the_first():
    losses = [2.0] * 20 + [1e3] * 20
    finder, _ = tried(losses, n_steps=40)
    # One of nine at 1000 makes a mean of 113.
    assert len(finder.losses_) == 21
    falling_from_high, _ = tried([100.0] * 10 + [1.0] * 20 + [50.0] * 10, n_steps=40)
    assert len(falling_from_high.losses_) == 40


def test_a_loss_that_is_no_number_ends_it_and_the_first_one_is_an_error():
    finder, _ = tried([3.0, 2.0, np.inf], n_steps=10)
    assert finder.losses_.tolist() == [3.0, 2.0] and len(finder.rates_) == 2
    with pytest.raises(TrainingDiverged, match="with the rate 1e-06, has a loss that is no number: look for"):
        tried([np.inf])


def test_the_table_has_a_row_for_each_step():
    finder, _ = tried([3.0] * 10, n_steps=10)
    table = finder.table()
    assert list(table) == ["learning_rate", "loss", "smoothed_loss"]
    assert table["loss"] == [3.0] * 10 and table["learning_rate"] == finder.rates_.tolist()
    with pytest.raises(InvalidInput, match="no learning rate has been tried yet: fit an estimator with this"):
        LearningRateFinder().table()


@pytest.mark.parametrize(("low", "high"), [(0, 1), (1, 1), (2, 1), (1e-3, np.inf), (np.nan, 1)])
def test_rates_that_do_not_rise_are_refused(low, high):
    with pytest.raises(InvalidInput, match="low and high must be finite, 0 < low < high; got"):
        LearningRateFinder(low, high)


@pytest.mark.parametrize("n_steps", [9, 10.5, "ten", True])
def test_fewer_than_ten_steps_are_refused(n_steps):
    with pytest.raises(InvalidInput, match="n_steps must be an integer, at least 10; got"):
        LearningRateFinder(n_steps=n_steps)
