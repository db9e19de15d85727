import numpy as np
import pandas as pd
import pytest

from treadle import InvalidInput
from treadle.runs.table_split import split_at_random, split_by_group, split_by_time
from treadle.tables import read_table


def column(values):
    return read_table(pd.DataFrame({"c": values})).columns["c"]


def check_parts(parts, n_rows):
    np.testing.assert_array_equal(np.sort(np.concatenate(parts)), np.arange(n_rows))


def test_classes_are_split_in_proportion():
    y = np.arange(100) % 4
    parts = split_at_random(100, y, 0.2, seed=0)
    check_parts(parts, 100)
    assert np.bincount(y[parts.off]).tolist() == [5, 5, 5, 5]
    assert not np.array_equal(parts.off, split_at_random(100, y, 0.2, seed=1).off)
    with pytest.raises(InvalidInput, match="the table has 5 rows with a target; a split needs at least 6"):
        split_at_random(5, None, 0.2, seed=0)


@pytest.mark.parametrize("fraction", [0.1, 0.2, 0.5])
def test_the_last_rows_are_split_off(fraction):
    times = np.random.default_rng(0).permutation(100).astype(float)
    parts = split_by_time(column(times), "t", fraction)
    check_parts(parts, 100)
    assert times[parts.kept].max() < times[parts.off].min()
    assert len(parts.off) == pytest.approx(100 * fraction, abs=1)


def test_rows_of_one_moment_stay_together():
    days = pd.to_datetime(["2020-01-01"] * 3 + ["2020-01-02"] * 5 + ["2020-01-03"] * 2)
    parts = split_by_time(column(days), "t", 0.4)
    assert parts.off.tolist() == [3, 4, 5, 6, 7, 8, 9]
    first = split_by_time(column([1.0] * 8 + [2.0] * 2), "t", 0.5)
    assert first.off.tolist() == [8, 9]  # not all rows


def test_a_time_that_is_missing_or_the_same_is_refused():
    with pytest.raises(InvalidInput, match="'c' has one value in all 3 rows"):
        split_by_time(column([1.0, 1.0, 1.0]), "t", 0.2)
    with pytest.raises(InvalidInput, match="row 2"):
        split_by_time(column([1.0, None, 3.0]), "t", 0.2)


def test_groups_stay_together():
    groups = np.array(["a", "b", "c", "d", None], dtype=object)[np.arange(100) % 5]
    parts = split_by_group(column(groups), "t", 0.35, seed=0)
    check_parts(parts, 100)
    kept, off = set(groups[parts.kept].tolist()), set(groups[parts.off].tolist())
    assert not kept & off and len(off) == 2
    found = {tuple(split_by_group(column(groups), "t", 0.2, seed).off[:3]) for seed in range(20)}
    assert len(found) > 2
    with pytest.raises(InvalidInput, match="'c' has one group alone"):
        split_by_group(column(["a", "a"]), "t", 0.2, seed=0)


def test_a_group_is_kept_however_large_the_others():
    parts = split_by_group(column(["a"] * 99 + ["b"]), "t", 0.99, seed=0)
    assert len(parts.kept) and len(parts.off)
