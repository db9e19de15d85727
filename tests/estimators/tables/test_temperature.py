import numpy as np
import pytest

from treadle.estimators.tables.table_targets import TableClasses
from treadle.estimators.tables.temperature import fitted_temperature
from treadle.maths.temperature import best_temperature

RNG = np.random.default_rng(0)


def drawn(n, n_classes, temperature):
    """Logits, and classes that have the probabilities of the logits at that temperature."""
    logits = 3 * RNG.standard_normal((n, n_classes))
    gumbel = RNG.gumbel(size=logits.shape)
    return logits.astype(np.float32), (logits / temperature + gumbel).argmax(axis=1)


@pytest.mark.parametrize("temperature", [0.5, 1.0, 2.0])
def test_finds_the_temperature_that_classes_were_drawn_at(temperature):
    logits, y = drawn(20_000, 3, temperature)
    kind = TableClasses(np.arange(3), multilabel=False)
    found = fitted_temperature(kind, logits, y, None)
    assert found == pytest.approx(temperature, rel=0.05)
    assert found == pytest.approx(best_temperature(logits, y), rel=0.01)


def test_is_bounded_where_every_row_is_right():
    kind = TableClasses(np.arange(2), multilabel=False)
    y = np.arange(40) % 2
    logits = np.where(y[:, np.newaxis] == np.arange(2), 1.0, -1.0).astype(np.float32)
    expected = 2 / np.log(41)  # at which the true class has 41 / 42
    assert fitted_temperature(kind, logits, y, None) == pytest.approx(expected, rel=1e-5)


def test_several_labels_have_one_temperature():
    kind = TableClasses(np.arange(2), multilabel=True)
    logits = 3 * RNG.standard_normal((20_000, 2))
    y = (RNG.logistic(size=logits.shape) < logits / 2).astype(np.float32)
    assert fitted_temperature(kind, logits, y, None) == pytest.approx(2, rel=0.05)


def test_is_one_where_nothing_can_be_learnt():
    one = TableClasses(np.array(["only"]), multilabel=False)
    assert fitted_temperature(one, np.zeros((4, 1)), np.zeros(4, np.int64), None) == 1
    two = TableClasses(np.arange(2), multilabel=False)
    assert fitted_temperature(two, np.zeros((4, 2)), np.array([0, 1, 0, 1]), None) == 1
    assert fitted_temperature(two, np.full((4, 2), np.nan), np.array([0, 1, 0, 1]), None) == 1
