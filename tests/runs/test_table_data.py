import re

import numpy as np
import pandas as pd
import pytest

from tests.estimators.tables.table_cases import houses
from treadle import InvalidInput
from treadle.runs.table_config import TableConfig
from treadle.runs.table_data import checksum_of, read_table_data


@pytest.fixture
def path(tmp_path):
    frame, price = houses(60)
    frame.assign(price=price.round(2), w=np.arange(60) % 3).to_csv(tmp_path / "t.csv", index=False)
    return str(tmp_path / "t.csv")


def read(path, **options):
    return read_table_data(TableConfig(path, **{"target": ("price",)} | options))


def test_rows_are_in_one_part_each(path):
    data = read(path)
    prices = pd.read_csv(path)["price"].to_numpy()
    parts = (data.train.y, data.held_out.y, data.test.y)
    assert [len(part) for part in parts] == [38, 10, 12]
    np.testing.assert_array_equal(np.sort(np.concatenate(parts)), np.sort(prices))
    np.testing.assert_array_equal(prices[data.test_rows - 1], data.test.y)
    assert "price" not in data.train.table.columns and data.target.task == "numbers"


def test_rows_without_a_target_are_left_out_and_counted(path):
    frame = pd.read_csv(path)
    frame.loc[[3, 7], "price"] = None
    frame.to_csv(path, index=False)
    data = read(path)
    assert data.n_without_target == 2
    assert len(data.train.y) + len(data.held_out.y) + len(data.test.y) == 58
    np.testing.assert_array_equal(frame["price"].to_numpy()[data.test_rows - 1], data.test.y)
    frame.assign(price=None).to_csv(path, index=False)
    with pytest.raises(InvalidInput, match="the target 'price' is missing in all 60 rows"):
        read(path)


def test_weights_and_groups_are_no_features(path):
    data = read(path, weights="w", split="group:city")
    assert data.aside == {"w": "the weights of the rows", "city": "the groups by which rows are split"}
    assert set(data.train.weights) <= {1.0, 2.0}  # rows of weight 0 are left out
    with pytest.raises(InvalidInput, match=re.escape("the target 'price' cannot be the weights")):
        read(path, weights="price")


def test_rows_of_another_file_are_the_test(path, tmp_path):
    other = tmp_path / "other.csv"
    pd.read_csv(path).head(7).to_csv(other, index=False)
    data = read(path, test=str(other))
    assert len(data.test.y) == 7 and data.test_rows.tolist() == list(range(1, 8))
    assert len(data.train.y) + len(data.held_out.y) == 60
    assert data.checksum == checksum_of(path, str(other)) != checksum_of(path)


def test_classes_keep_their_type_and_may_be_rare(path):
    frame = pd.read_csv(path)
    for values, expected in (
        (np.where(frame["price"] > 900, "dear", "cheap"), str),
        (np.where(frame["price"] > 900, 3, 1), int),
        (frame["price"] > 900, bool),
    ):
        frame.assign(price=values).to_csv(path, index=False)
        data = read(path)
        assert data.target.task == "classes" and {type(one) for one in data.test.y.tolist()} == {expected}
    rare = np.array(["a", "b"], dtype=object)[np.arange(60) % 2]
    rare[11] = "once"
    frame.assign(price=rare).to_csv(path, index=False)
    assert read(path).target.classes == (("a", "b", "once"),)


def test_targets_that_no_network_can_have_are_refused(path):
    with pytest.raises(InvalidInput, match="several targets must be numbers; got classes, 'state', 'city'"):
        read(path, target=("state", "city"))
    frame = pd.read_csv(path).assign(price="always")
    frame.to_csv(path, index=False)
    with pytest.raises(InvalidInput, match="the target 'price' has the one value 'always' in all rows"):
        read(path)
