import numpy as np
import pytest
from sklearn.datasets import load_digits

from treadle import LearningRateFinder, MLPClassifier
from treadle.errors import InvalidInput
from treadle.report.figures import save_figure
from treadle.report.learning_rate_figure import draw_learning_rates


@pytest.fixture(scope="module")
def finder():
    X, y = load_digits(return_X_y=True)
    tried = LearningRateFinder(n_steps=60)
    MLPClassifier(random_state=0, callbacks=[tried, lambda training: True]).fit(X / 16, y)
    return tried


def test_it_shows_every_step_and_the_suggestion(finder, tmp_path):
    figure = draw_learning_rates(finder)
    (axes,) = figure.axes
    losses, mean, suggestion = axes.lines
    np.testing.assert_array_equal(losses.get_xdata(), finder.rates_)
    np.testing.assert_array_equal(losses.get_ydata(), finder.losses_)
    np.testing.assert_array_equal(mean.get_ydata(), finder.smoothed_)
    assert set(suggestion.get_xdata()) == {finder.suggestion_}
    assert axes.get_xscale() == "log"
    low, high = axes.get_ylim()
    assert low < finder.smoothed_.min() and high > finder.smoothed_[0]
    save_figure(figure, tmp_path / "rates.png")
    assert (tmp_path / "rates.png").stat().st_size > 10_000


def test_without_a_test_there_is_no_figure():
    with pytest.raises(InvalidInput, match="no learning rate has been tried yet"):
        draw_learning_rates(LearningRateFinder())
