"""Models whose scores are known on data that are nearly linear."""

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import log_loss

from tests.estimators.tables.table_cases import classifier, regressor
from treadle.estimators.tables.given_tables import LabelledTable
from treadle.report.table_baselines import baselines
from treadle.tables import read_table

RNG = np.random.default_rng(0)
N = 400
FRAME = pd.DataFrame(
    {
        "noise": RNG.normal(size=N),
        "x": RNG.uniform(-1, 1, N),
        "kind": RNG.choice(["a", "b", "c"], N),
        "city": RNG.choice([f"city {i}" for i in range(12)], N),
    }
)
Y = 3 * FRAME["x"].to_numpy() + 2 * (FRAME["kind"] == "b").to_numpy()
ROWS = LabelledTable(read_table(FRAME), Y)


def test_baselines_are_fitted_to_the_same_rows():
    model = regressor(n_epochs=1).fit(FRAME, Y)
    constant, linear, trees = baselines(model, ROWS, ROWS)
    assert constant.first == pytest.approx(Y.std()) and constant.second == pytest.approx(0, abs=1e-9)
    assert linear.second > 0.97 and trees.second > 0.97


def test_baselines_of_classes():
    y = np.where(Y > 0, "up", "down")
    rows = LabelledTable(ROWS.table, y)
    fitted = classifier(n_epochs=1).fit(FRAME, y)
    constant, linear, trees = baselines(fitted, rows, rows)
    share = (y == "up").mean()
    assert constant.first == pytest.approx(max(share, 1 - share))
    assert constant.second == pytest.approx(log_loss(y, np.tile([1 - share, share], (N, 1))))
    assert linear.first > 0.9 and trees.first > 0.95 and trees.second < constant.second
