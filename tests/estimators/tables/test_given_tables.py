import re

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from tests.estimators.tables.table_cases import classifier, houses, regressor
from treadle import InvalidInput
from treadle.estimators.tables.given_tables import target_names, with_targets
from treadle.tables import read_table


def small(**options):
    return regressor(**{"hidden_layer_sizes": (4,), "n_epochs": 2} | options)


def test_the_same_table_from_every_package_gives_the_same_bits():
    frame, price = houses(60)
    table = pa.Table.from_pandas(frame, preserve_index=False)
    expected = small().fit(frame, price).predict(frame)
    for other in (pl.from_arrow(table), table, read_table(frame)):
        fitted = small().fit(other, price)
        np.testing.assert_array_equal(fitted.predict(other), expected)
        assert fitted.n_features_in_ == 5 and list(fitted.feature_names_in_) == list(frame.columns)


def test_the_index_of_pandas_is_no_column():
    frame, price = houses(60)
    shuffled = frame.sample(frac=1, random_state=1)
    fitted = small().fit(shuffled, price[shuffled.index])
    assert list(fitted.feature_names_in_) == list(frame.columns)
    assert [use.name for use in fitted.columns_] == [*frame.columns, "price"]
    named = shuffled.set_index("sold", drop=False)
    np.testing.assert_array_equal(fitted.predict(named), fitted.predict(shuffled))


def test_columns_are_found_by_name():
    frame, price = houses(60)
    fitted = small().fit(frame, price)
    np.testing.assert_array_equal(fitted.predict(frame[frame.columns[::-1]]), fitted.predict(frame))
    np.testing.assert_array_equal(fitted.predict(frame.assign(price=price)), fitted.predict(frame))
    with pytest.raises(InvalidInput, match=re.escape("X lacks a column of the training: 'area'")):
        fitted.predict(frame.drop(columns="area"))
    with pytest.raises(InvalidInput, match="X has a column that the training had not: 'rooms'"):
        fitted.predict(frame.assign(rooms=1))


@pytest.mark.parametrize("row", [0, 41, 59])
def test_a_cell_that_cannot_be_used_is_named_by_row_and_column(row):
    frame, price = houses(60)
    fitted = small().fit(frame, price)
    spoiled = frame.astype({"area": object})
    spoiled.loc[row, "area"] = "large"
    spoiled["area"] = spoiled["area"].map(lambda cell: None if cell is None or cell != cell else str(cell))
    # In training it may be among the rows that are trained on, or among those held out.
    for use in (lambda: fitted.predict(spoiled), lambda: small().fit(spoiled, price)):
        with pytest.raises(InvalidInput, match=rf"X: row {row + 1}, column 'area' is 'large'"):
            use()


def test_an_array_of_numbers_holds_numbers_all():
    rng = np.random.default_rng(0)
    X = np.column_stack([np.arange(60), rng.integers(0, 2, 60), np.ones(60), rng.normal(size=60)])
    fitted = small().fit(X, X[:, 3])
    assert [use.kind for use in fitted.columns_ if use.role == "feature"] == ["number"] * 4
    assert fitted.preparation_.feature_names == ("x0", "x1", "x2", "x3")
    chosen = small(columns={"x1": "category"}).fit(X, X[:, 3])
    assert {use.name: use.kind for use in chosen.columns_}["x1"] == "category"
    with pytest.raises(InvalidInput, match="X has no column 'x9'"):
        small(columns={"x9": "category"}).fit(X, X[:, 3])


def test_an_array_of_objects_is_read_as_a_frame_is():
    frame, price = houses(60)
    X = np.column_stack([frame["area"].to_numpy(object), frame["city"].to_numpy(object)])
    fitted = small().fit(X, price)
    kinds = {use.name: use.kind for use in fitted.columns_ if use.role == "feature"}
    assert kinds == {"x0": "number", "x1": "category"}
    assert np.isfinite(fitted.predict(X)).all()
    with pytest.raises(InvalidInput, match="X: column 'x0' has values of several types"):
        small().fit(np.array([["a", 1], [3, 2]] * 30, dtype=object), price)


def test_a_frame_goes_by_position_where_training_had_an_array():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(60, 2))
    fitted = small().fit(X, X[:, 0])
    frame = pd.DataFrame(X, columns=["p", "q"])
    with pytest.warns(UserWarning, match="X has feature names, but"):
        np.testing.assert_array_equal(fitted.predict(frame), fitted.predict(X))


def test_a_frame_needs_y():
    frame, _ = houses(60)
    with pytest.raises(ValueError, match="requires y to be passed, but the target y is None"):
        small().fit(frame, None)
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        small().fit(frame, [1.0, 2.0])


def test_a_copy_of_the_target_is_found_in_a_frame():
    frame, price = houses(60)
    fitted = small().fit(frame.assign(copied=price), price)
    assert "a copy of the target 'price'" in {use.name: use.reason for use in fitted.columns_}["copied"]


def test_targets_have_names_of_their_own():
    table = read_table(pd.DataFrame({"y": [1.0, 2.0], "y0": [1.0, 2.0]}))
    flat, two = np.array([1, 2]), np.array([[1, 2], [3, 4]])
    assert target_names(flat, flat, table) == ["y_"]
    assert target_names(two, two, table) == ["y0_", "y1"]
    assert target_names(pd.Series(flat, name="price"), flat, table) == ["price"]
    assert target_names(pd.DataFrame(two, columns=["p", "p"]), two, table) == ["p", "p_"]
    assert target_names(pd.Series(flat, name=3), flat, table) == ["y_"]
    assert list(with_targets(table, two, ["p", "q"]).columns) == ["y", "y0", "p", "q"]


@pytest.mark.parametrize(
    "cells",
    [
        ["01", "02", "10"],
        [1, 2, 3],
        [True, False, True],
        np.array(["2020-01-01", "2021-01-01", "2022-01-01"], "datetime64[D]"),
    ],
)
def test_labels_stay_what_they_are(cells):
    frame, _ = houses(60)
    y = np.asarray(cells)[np.arange(60) % len(cells)]
    fitted = classifier(hidden_layer_sizes=(4,), n_epochs=2).fit(frame, y)
    assert fitted.classes_.dtype == y.dtype and set(fitted.predict(frame)) <= set(y)


def test_unseen_categories_and_new_gaps_are_no_errors():
    frame, price = houses(60)
    fitted = small().fit(frame, price)
    new = frame.assign(city="Atlantis", garden=None, sold=pd.NaT, area=np.inf)
    assert np.isfinite(fitted.predict(new)).all()
