import numpy as np
import pytest

from tests.estimators.tables.table_cases import classifier, houses, regressor
from treadle import AdamW, InvalidInput, LogCosine
from treadle.estimators.tables.recipe import batch_size_for, network_for, optimizer_for, plan_for
from treadle.estimators.tables.table_targets import ScaledNumbers, TableClasses
from treadle.tables import prepare, read_table

CLASSES = TableClasses(np.arange(3), multilabel=False)
NUMBERS = ScaledNumbers.of(np.arange(4.0), None, "squared_error")


def test_defaults_are_those_of_the_paper():
    from treadle import TableClassifier, TableRegressor

    preparation = prepare(read_table(houses()[0]))
    for recipe, kind, activation in (
        (TableClassifier(), CLASSES, "selu"),
        (TableRegressor(), NUMBERS, "mish"),
    ):
        network = network_for(recipe, preparation, kind)
        assert network.sizes == (preparation.n_outputs, 256, 256, 256, kind.n_outputs)
        assert (network.activation, network.dropout) == (activation, 0.15)
        assert network.parametric and network.scaled_rates
        plan = plan_for(recipe, 10_000, seed=3)
        assert (plan.n_epochs, plan.schedule, plan.seed) == (256, LogCosine(4), 3)
        assert plan.drops_remainder and batch_size_for(recipe, 10_000) == 256
    assert plan_for(TableClassifier(), 99, 0).learning_rate == 0.04
    assert plan.learning_rate == 0.2
    assert optimizer_for(TableClassifier(), CLASSES) == AdamW(0.9, 0.95, 1e-8, weight_decay=0.02)
    assert optimizer_for(TableRegressor(), NUMBERS).epsilon == 5e-9


@pytest.mark.parametrize(("n_rows", "n_epochs"), [(1000, 256), (40_000, 200), (400_000, 20), (10**7, 1)])
def test_no_more_rows_are_seen_than_allowed(n_rows, n_epochs):
    plan = plan_for(classifier(n_epochs=256, batch_size="auto"), n_rows, 0)
    assert plan.n_epochs == n_epochs
    assert n_epochs == 1 or n_epochs * plan.n_visited(n_rows, 256) <= 8_000_000


def test_a_table_of_few_rows_is_one_batch():
    assert batch_size_for(classifier(batch_size="auto"), 7) == 7
    assert plan_for(classifier(max_rows=100), 40, 0).n_epochs == 3  # batches of 32


def test_units_of_hidden_layers_are_whole():
    frame, price = houses(40)
    with pytest.raises(InvalidInput, match="sizes must be two or more positive integers"):
        regressor(hidden_layer_sizes=(4, 0)).fit(frame, price)
    fitted = regressor(hidden_layer_sizes=4, dropout=[0.5], n_epochs=1).fit(frame, price)
    assert fitted.network_.sizes[1:] == (4, 1) and fitted.network_.dropout == (0.5,)
