"""Categories as signs, indicators and codes, against scikit-learn's encoder."""

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from sklearn.preprocessing import OneHotEncoder

from treadle.errors import InvalidInput
from treadle.tables import read_table
from treadle.tables.preparation import categories
from treadle.tables.preparation.categories import CategoryFeature, count_levels, least_rows

RNG = np.random.default_rng(0)


def column(cells):
    return read_table(pa.table({"c": pa.array(cells)})).columns["c"]


def encoded(feature, cells):
    codes, counts = feature.cells(column(cells), "it", 1, None)
    plain = np.empty((len(codes), len(feature.plain_names)))
    feature.write(codes, np.empty((len(codes), 0)), plain)
    return codes, plain, counts


@pytest.mark.parametrize("n_levels", [1, 3, 8])
def test_up_to_eight_levels_are_one_hot_as_scikit_learn_has_them(n_levels):
    levels = [f"level {i}" for i in range(n_levels)]
    cells = RNG.choice([*levels, "unseen", "missing"], 300)
    feature = CategoryFeature("c", tuple(levels))
    encoder = OneHotEncoder(handle_unknown="ignore", sparse_output=False).fit(np.array(levels)[:, None])
    _, plain, counts = encoded(feature, [None if cell == "missing" else cell for cell in cells])
    np.testing.assert_array_equal(plain, encoder.transform(cells[:, None]))
    assert counts.unknown == (cells == "unseen").sum() and counts.missing == (cells == "missing").sum()
    assert counts.example == "unseen" and feature.category_count == 0
    assert feature.plain_names == tuple(f"c is {level}" for level in levels)


def test_two_levels_are_signs():
    feature = CategoryFeature("c", ("no", "yes"))
    _, plain, _ = encoded(feature, ["yes", None, "no", "maybe"])
    assert plain.tolist() == [[1], [0], [-1], [0]] and feature.plain_names == ("c is yes, not no",)


def test_more_levels_are_codes():
    levels = tuple(f"k{i}" for i in range(9))
    feature = CategoryFeature("c", levels)
    codes, plain, counts = encoded(feature, ["k0", "k8", None, "k9", "k9"])
    assert codes.tolist() == [1, 9, 0, 0, 0] and codes.dtype == np.int32 and plain.shape == (5, 0)
    assert feature.category_count == 10 and (counts.missing, counts.unknown, counts.example) == (1, 2, "k9")


def test_numbers_of_any_type_are_the_same_words():
    feature = CategoryFeature("c", ("1067", "80331"))
    for cells in ([80331, 1067], [80331.0, 1067.0], ["80331", "1067"], np.array([80331, 1067], np.uint32)):
        assert encoded(feature, cells)[1].tolist() == [[1], [-1]]


@pytest.mark.parametrize(("n", "least"), [(1, 1), (39, 1), (40, 2), (99, 4), (100, 5), (10**6, 5)])
def test_a_value_is_rare_below_five_rows_or_a_twentieth(n, least):
    assert least_rows(n) == least


def test_rare_levels_are_dropped_and_counted():
    cells = ["a"] * 50 + ["b"] * 45 + ["c"] * 5 + ["d"] * 4 + [None] * 3
    found = count_levels(column(cells), "it")
    assert found.known == ("a", "b", "c") and found.n_values == 4
    assert (found.n_rows, found.n_known_rows, found.n_missing) == (107, 100, 3)
    assert count_levels(column(cells), "it", keep_rare=True).known == ("a", "b", "c", "d")
    counted = pd.Series(cells).value_counts()
    assert list(found.known) == sorted(counted[counted >= 5].index)


def test_of_too_many_levels_the_most_frequent_are_known(monkeypatch):
    monkeypatch.setattr(categories, "MOST_LEVELS", 2)
    found = count_levels(column(["a"] * 5 + ["b"] * 7 + ["c"] * 6), "it")
    assert found.known == ("b", "c") and found.n_known_rows == 13


@pytest.mark.parametrize("levels", [["a", "a"], [], "a", [1], None])
def test_a_description_that_is_none_is_refused(levels):
    described = CategoryFeature("c", ("a", "b")).to_dict()
    assert CategoryFeature.from_dict(described) == CategoryFeature("c", ("a", "b"))
    with pytest.raises(InvalidInput, match="levels"):
        CategoryFeature.from_dict(described | {"levels": levels})
