"""Regressions by a formula, against matrices made by hand."""

import sys

import numpy as np
import pyarrow as pa
import pytest

from treadle.errors import InvalidInput, MissingDependency
from treadle.tables import build_formula_design, read_table

pytest.importorskip("formulaic")
PRICE, AREA = np.array([1.0, 2, 4, 8, 3]), np.array([5.0, 3, 4, 1, 2])
COLUMNS = {
    "price": PRICE,
    "area": AREA,
    "city": ["b", "a", "c", "a", "b"],
    "zip": [10, 20, 10, 30, 20],
    "floor area\n(m2)": [1, 2, 3, 4, 5],
    "mixed": ["1", "2", "3+", "1", "2"],
    "name": [f"n{i}" for i in range(5)],
    "gone": [None] * 5,
}
B, C = np.array([1.0, 0, 0, 0, 1]), np.array([0.0, 0, 1, 0, 0])


@pytest.fixture
def table():
    return read_table(pa.table(COLUMNS))


@pytest.mark.parametrize(
    ("formula", "names", "matrix"),
    [
        ("log(price) ~ area + C(city)", ["area", "C(city)[T.b]", "C(city)[T.c]"], [AREA, B, C]),
        ("price ~ area + city", ["area", "city[T.b]", "city[T.c]"], [AREA, B, C]),
        ("price ~ log(area)", ["log(area)"], [np.log(AREA)]),
        ("price ~ area + I(area**2)", ["area", "I(area ** 2)"], [AREA, AREA**2]),
        ("price ~ `floor area (m2)`", ["floor area (m2)"], [np.arange(1.0, 6)]),
        ("price ~ C(zip)", ["C(zip)[T.20]", "C(zip)[T.30]"], [[0, 1, 0, 0, 1], [0, 0, 0, 1, 0]]),
        ("price ~ C(mixed)", ["C(mixed)[T.2]", "C(mixed)[T.3+]"], [[0, 1, 0, 0, 1], [0, 0, 1, 0, 0]]),
        (
            "price ~ area:city",
            ["area:city[a]", "area:city[b]", "area:city[c]"],
            [AREA * (1 - B - C), AREA * B, AREA * C],
        ),
    ],
)
def test_a_formula_is_its_matrix(table, formula, names, matrix):
    design = build_formula_design(table, formula)
    assert design.names == names and design.fit_intercept
    np.testing.assert_allclose(design.X, np.column_stack(matrix), rtol=1e-15)
    expected = np.log(PRICE) if formula.startswith("log") else PRICE
    np.testing.assert_allclose(design.y, expected, rtol=1e-15)


def test_without_an_intercept_there_is_none(table):
    design = build_formula_design(table, "price ~ 0 + city")
    assert not design.fit_intercept and design.names == ["city[a]", "city[b]", "city[c]"]
    uses = {use.name: use for use in design.columns}
    assert uses["city"].note == "3 dummies" and uses["city"].reference is None


def test_what_became_of_each_column_is_said(table):
    design = build_formula_design(table, "log(price) ~ area + C(city)")
    uses = {use.name: use for use in design.columns}
    assert (uses["price"].role, uses["area"].role) == ("target", "feature")
    assert (uses["city"].levels, uses["city"].reference) == (("a", "b", "c"), "a")
    assert uses["city"].note == "2 dummies against 'a'"
    assert uses["zip"].role == "left out" and uses["zip"].reason == "the formula does not name it"
    assert design.target == "log(price)"


def test_the_dot_is_every_other_column_of_use():
    table = read_table(pa.table({"y": [1.0, 2, 3], "a": [3, 1, 2], "s": ["p", "q", "p"], "gone": [None] * 3}))
    assert build_formula_design(table, "y ~ .").names == ["a", "s[T.q]"]


@pytest.mark.parametrize(
    ("formula", "message"),
    [
        ("price", "a formula has a target and features, as 'log.price. ~ area"),
        ("~ area", "a formula has a target and features"),
        ("price ~ ", "a formula has a target and features"),
        ("price ~ area ~ zip", "a formula has a target and features"),
        ("price ~ 1", "has no feature"),
        ("price ~ rooms", "cannot be evaluated: .*`rooms` is not present.*the columns are 'price', 'area'"),
        ("p ~ q", "names no column of the Table, which has 'price'"),
        ("price ~ nolog(area)", "cannot be evaluated: .*'nolog' is not defined"),
        ("price ~ (area", "cannot be evaluated"),
        ("city ~ area", "one column of numbers on its left; 'city' has 3"),
        ("price + area ~ zip", "one column of numbers on its left; 'price . area' has 2"),
        ("log(price - 1) ~ area", r"row 1, the term 'log\(price - 1\)' is -inf"),
        (
            "price ~ log(area - 2)",
            r"row 4, the term 'log\(area - 2\)' is nan; a formula may not take logarithms",
        ),
        ("price ~ mixed", "row 3, column 'mixed' is '3.', which is no number"),
        ("price ~ gone", "column 'gone' cannot be used in a formula: every cell is missing"),
    ],
)
def test_a_formula_that_cannot_be_is_told(table, formula, message):
    with pytest.raises(InvalidInput, match=message) as told:
        build_formula_design(table, formula)
    assert "\x1b" not in str(told.value) and "\n" not in str(told.value)


def test_too_many_levels_are_refused_by_column():
    numbers = list(range(60))
    table = read_table(pa.table({"y": numbers, "s": [f"s{i}" for i in numbers], "z": numbers}))
    with pytest.raises(InvalidInput, match="column 's' holds 60 different texts"):
        build_formula_design(table, "y ~ s")
    with pytest.raises(
        InvalidInput, match=r"column 'z' holds 60 different values, and at most 50 become dummies by C"
    ):
        build_formula_design(table, "y ~ C(z)")


def test_without_formulaic_it_says_what_to_install(table, monkeypatch):
    monkeypatch.setitem(sys.modules, "formulaic", None)
    with pytest.raises(MissingDependency, match=r"pip install 'treadle\[formula\]'"):
        build_formula_design(table, "price ~ area")
