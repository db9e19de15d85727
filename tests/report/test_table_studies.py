"""Studies of models whose answer is known."""

import numpy as np
import pandas as pd
import pytest
from scipy.stats import ks_2samp

from tests.estimators.tables.table_cases import classifier, regressor
from treadle.estimators.tables.given_tables import LabelledTable
from treadle.report.table_studies import (
    partial_dependence,
    permutation_importance,
    shifts,
    telling_columns,
)
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


@pytest.fixture(scope="module")
def model():
    return regressor(n_epochs=60, random_state=1).fit(FRAME, Y)


def test_the_columns_that_matter_come_first(model):
    found = permutation_importance(model, ROWS)
    assert [one.name for one in found][:2] == ["x", "kind"]
    assert {one.name for one in found} == set(FRAME.columns)
    by_name = {one.name: one for one in found}
    assert by_name["x"].mean > 10 * by_name["noise"].mean
    # Two independent draws of a term of variance v differ by 2 v on the average.
    expected = np.sqrt(2 * 9 * FRAME["x"].var())
    assert by_name["x"].mean == pytest.approx(expected, rel=0.25)
    assert 0 < by_name["x"].deviation < by_name["x"].mean


def test_dependence_of_a_number_is_its_term(model):
    found = partial_dependence(model, ROWS, "x")
    slope = np.polyfit(found.numbers, found.means, 1)[0]
    assert slope == pytest.approx(3, rel=0.15) and found.numbers == sorted(found.numbers)
    assert len(found.values) == len(found.means) == 15


def test_dependence_of_a_category_is_its_term(model):
    found = partial_dependence(model, ROWS, "kind")
    means = dict(zip(found.values, found.means, strict=True))
    assert found.numbers is None and set(means) == {"a", "b", "c"}
    assert means["b"] - means["a"] == pytest.approx(2, rel=0.25)
    assert len(partial_dependence(model, ROWS, "city").values) == 12


def test_dependence_of_classes_is_the_last_ones_probability():
    y = np.where(FRAME["x"] > 0, "up", "down")
    fitted = classifier(n_epochs=10).fit(FRAME, y)
    found = partial_dependence(fitted, LabelledTable(ROWS.table, y), "x")
    assert found.means[0] < 0.2 and found.means[-1] > 0.8


def test_a_shift_is_the_distance_of_kolmogorov_and_smirnov(model):
    moved = FRAME.assign(x=FRAME["x"] + 0.5, kind=np.where(FRAME["kind"] == "a", "b", FRAME["kind"]))
    found = {one.name: one for one in shifts(model.preparation_, ROWS.table, read_table(moved))}
    assert found["x"].distance == pytest.approx(ks_2samp(FRAME["x"], moved["x"]).statistic)
    assert found["kind"].distance == pytest.approx((FRAME["kind"] == "a").mean())
    assert found["noise"].distance == 0
    assert found["x"].usual == pytest.approx(1.358 * np.sqrt(2 / N))


@pytest.mark.parametrize("make", [regressor, classifier])
def test_a_column_that_gives_the_target_away_is_found(make):
    y = Y if make is regressor else np.where(Y > 0, "up", "down")
    known = FRAME.assign(told=Y + 1e-3 * RNG.normal(size=N))
    fitted = make(n_epochs=1).fit(known, y)
    rows = LabelledTable(read_table(known), y)
    assert telling_columns(fitted, rows, rows) == ["told"]
    fitted = make(n_epochs=1).fit(FRAME, y)
    assert telling_columns(fitted, LabelledTable(ROWS.table, y), LabelledTable(ROWS.table, y)) == []
