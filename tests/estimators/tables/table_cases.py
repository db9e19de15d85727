"""Small tables with every kind of column, and estimators that are fitted in no time."""

import numpy as np
import pandas as pd

from treadle import TableClassifier, TableRegressor

CITIES = np.array([f"city {letter}" for letter in "abcdefghijkl"])


def houses(n_rows=240, seed=0):
    """A frame, and a price that is nearly a function of it."""
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame(
        {
            "area": rng.uniform(30, 150, n_rows).round(1),
            "city": rng.choice(CITIES, n_rows),
            "garden": rng.choice([True, False], n_rows),
            "state": pd.Categorical(rng.choice(["old", "new", "restored"], n_rows)),
            "sold": pd.Timestamp("2020-01-01") + pd.to_timedelta(rng.integers(0, 900, n_rows), "D"),
        }
    )
    price = (
        frame["area"] * 10
        + (frame["city"] < "city f") * 300
        + frame["garden"] * 100
        + rng.normal(0, 10, n_rows)
    )
    frame.loc[rng.random(n_rows) < 0.1, "area"] = np.nan
    frame.loc[rng.random(n_rows) < 0.1, "city"] = None
    return frame, price.rename("price")


def classifier(**options):
    defaults = {"hidden_layer_sizes": (16, 16), "n_epochs": 20, "batch_size": 32, "random_state": 0}
    return TableClassifier(**defaults | options)


def regressor(loss="squared_error", **options):
    defaults = {"hidden_layer_sizes": (16, 16), "n_epochs": 20, "batch_size": 32, "random_state": 0}
    return TableRegressor(loss, **defaults | options)
