import numpy as np
import pytest
from sklearn.tree import DecisionTreeRegressor

from treadle.boxes.cells.split_tree import SplitTree
from treadle.boxes.from_data.cell_growth import Rows, grow, validated_growth, validation_errors

RNG = np.random.default_rng(0)


def rows_of(n=300, d=2):
    X = RNG.uniform(0, 1, (n, d))
    y = np.sin(6 * X[:, 0]) * (X[:, -1] + 0.5) + 0.05 * RNG.normal(size=n)
    return Rows(X, y - y.mean(), RNG.uniform(0.5, 2, n))


def unit_box(d):
    return np.tile([0.0, 1.0], (d, 1))


def predicted(growth, rows, bounds):
    tree = SplitTree(bounds, growth.axes, growth.edges, np.reshape(growth.children, (-1, 2)))
    return np.array(growth.heights)[tree.locate(rows.X)]


@pytest.mark.parametrize("d", [1, 2])
def test_best_cuts_are_those_of_a_regression_tree(d):
    rows = rows_of(d=d)
    growth = grow(rows, unit_box(d), "best", 25)
    tree = DecisionTreeRegressor(max_leaf_nodes=25, random_state=0).fit(rows.X, rows.y, rows.weights)
    np.testing.assert_allclose(predicted(growth, rows, unit_box(d)), tree.predict(rows.X), atol=1e-9)


def test_middle_cuts_are_dyadic_and_heights_are_means():
    rows = rows_of()
    growth = grow(rows, unit_box(2), "middle", 40)
    assert len(growth.heights) == 40
    assert all((edge * 2**20).is_integer() for edge in growth.edges)
    values = predicted(growth, rows, unit_box(2))
    for height in growth.heights:
        inside = values == height
        assert height == pytest.approx(np.average(rows.y[inside], weights=rows.weights[inside]))


def test_a_symmetric_bump_is_no_obstacle_to_middles():
    x = np.linspace(0.001, 0.999, 400)
    y = (np.abs(x - 0.5) < 0.25).astype(float)
    growth = grow(Rows(x[:, None], y - y.mean(), np.ones(400)), unit_box(1), "middle", 4)
    assert sorted(growth.edges) == [0.25, 0.5, 0.75]


def test_rows_in_a_corner_are_reached():
    x = 1e-9 * np.arange(1, 9)
    growth = grow(Rows(x[:, None], x - x.mean(), np.ones(8)), unit_box(1), "middle", 8)
    assert len(growth.heights) > 4


def test_growth_ends_where_nothing_is_left_to_win():
    flat = Rows(np.arange(9.0)[:, None], np.zeros(9), np.ones(9))
    for where in ("best", "middle"):
        assert grow(flat, np.array([[0.0, 8.0]]), where, 5).heights == [0.0]


def test_the_errors_of_validation_are_those_of_the_trees():
    rows, test = rows_of(), rows_of(100)
    growth = grow(rows, unit_box(2), "best", 30, test)
    for k in (1, 2, 17, 30):
        smaller = grow(rows, unit_box(2), "best", k)
        expected = (test.weights * (test.y - predicted(smaller, test, unit_box(2))) ** 2).sum()
        assert growth.errors[k - 1] == pytest.approx(expected, rel=1e-9)


def test_repeated_rows_are_left_out_together():
    rows = rows_of(40)
    twice = Rows(np.repeat(rows.X, 2, axis=0), np.repeat(rows.y, 2), np.repeat(rows.weights / 2, 2))
    _, once = validated_growth(rows, unit_box(2), "best", None)
    _, repeated = validated_growth(twice, unit_box(2), "best", None)
    np.testing.assert_allclose(once, repeated, rtol=1e-9)


def test_rows_of_one_kind_cannot_be_left_out():
    same = Rows(np.ones((5, 1)), np.arange(5.0) - 2, np.ones(5))
    assert validation_errors(same, None).tolist() == [0.0]
