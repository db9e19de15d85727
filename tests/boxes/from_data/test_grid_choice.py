"""The grid of least leave-one-out error: against fitting again for every number of cells, and its rules."""

import math

import numpy as np
import pytest

from treadle.boxes.from_data import grid_choice
from treadle.boxes.from_data.grid_choice import GridFitter, first_of_least
from treadle.errors import InvalidInput


def fitter(X, y, weights=None, partition="uniform", order=0):
    X = np.asarray(X, float)
    X = X[:, None] if X.ndim == 1 else X
    weights = np.ones(len(X)) if weights is None else weights
    return GridFitter(X, y - np.average(y, weights=weights), weights, partition, order)


def left_out(x, y, m):
    """Cell means of equal cells over all rows but one, predicting it; only for cells of two rows or more."""
    cells = np.minimum(((x - x.min()) / (x.max() - x.min()) * m).astype(int), m - 1)
    errors = []
    for i in range(len(x)):
        others = (cells == cells[i]) & (np.arange(len(x)) != i)
        assert others.any()
        errors.append((y[i] - y[others].mean()) ** 2)
    return np.mean(errors)


@pytest.mark.parametrize(
    ("errors", "scale", "expected"),
    [
        ([3.0, 1.0, 2.0], None, 1),
        ([1.0, 1.0 - 1e-12, 0.5], None, 2),
        ([1.0, 1.0 - 1e-12], None, 0),
        ([1e-12, 0.0], None, 1),
        ([1e-12, 0.0], 1.0, 0),
        ([math.inf, 2.0, 2.0], None, 1),
    ],
)
def test_of_errors_that_rounding_tells_apart_the_first_is_taken(errors, scale, expected):
    assert first_of_least(errors, scale) == expected


def test_on_a_line_the_errors_are_those_of_leaving_out_and_the_least_is_chosen():
    rng = np.random.default_rng(0)
    x = np.repeat(np.linspace(0, 1, 24), 3)
    y = np.where(x < 0.5, 0.0, 1.0) + np.where(x > 0.74, 2.0, 0.0) + 0.1 * rng.standard_normal(72)
    chosen = fitter(x, y).choose(None)
    for m, error in zip(chosen.n_boxes_tried[:12].tolist(), chosen.errors, strict=False):
        assert error == pytest.approx(left_out(x, y, m), rel=1e-9)
    best = int(chosen.n_boxes_tried[np.argmin(chosen.errors)])
    assert len(chosen.edges[0]) == best + 1
    cells = np.minimum((x * best).astype(int), best - 1)
    means = [y[cells == k].mean() - y.mean() for k in range(best)]
    np.testing.assert_allclose(chosen.heights.ravel(), means, rtol=1e-9)


def test_a_number_of_boxes_is_taken_as_given():
    x = np.arange(20.0)
    chosen = fitter(x, x, partition="quantile").choose(5)
    assert chosen.n_boxes_tried.tolist() == [5]
    np.testing.assert_allclose(chosen.edges[0], [0, 3.5, 7.5, 11.5, 15.5, 19])
    with pytest.raises(InvalidInput, match="1000000000000"):
        fitter(x, x).choose(10**12)


def test_weights_count_as_rows():
    rng = np.random.default_rng(1)
    x, y = np.repeat(rng.uniform(size=15), 2), rng.standard_normal(30)
    counts = rng.integers(1, 4, 30)
    weighted = fitter(x, y, counts.astype(float)).choose(3)
    repeated = fitter(np.repeat(x, counts), np.repeat(y, counts)).choose(3)
    np.testing.assert_allclose(weighted.heights, repeated.heights, rtol=1e-9)
    assert weighted.errors == pytest.approx(repeated.errors)


@pytest.mark.parametrize("order", [0, 1])
def test_a_feature_that_does_not_matter_is_not_divided(order):
    rng = np.random.default_rng(2)
    X = rng.uniform(size=(400, 3))
    y = (X[:, 1] > 0.5) + 0.05 * rng.standard_normal(400)
    chosen = fitter(X, y, order=order).choose(None)
    if order == 0:
        assert [len(edges) - 1 for edges in chosen.edges] == [1, 2, 1]
    else:
        assert chosen.features.tolist() == [1]
    assert (np.diff(chosen.errors) < 0).all()


def test_two_features_that_matter_together_alone_are_divided_as_a_pair(monkeypatch):
    rng = np.random.default_rng(3)
    X = rng.uniform(-1, 1, size=(300, 2))
    y = np.sign(X[:, 0] * X[:, 1])
    assert [len(edges) - 1 for edges in fitter(X, y).choose(None).edges] == [2, 2]
    monkeypatch.setattr(grid_choice, "MOST_IN_PAIRS", 1)
    assert math.prod(len(edges) - 1 for edges in fitter(X, y).choose(None).edges) != 4


def test_hats_without_a_feature_that_matters_are_the_mean():
    rng = np.random.default_rng(4)
    X, y = rng.uniform(size=(50, 2)), rng.standard_normal(50)
    chosen = fitter(X, y, order=1).choose(None)
    assert chosen.heights.tolist() == [0, 0] and chosen.features.tolist() == [0]
    others = [(y[i] - np.delete(y, i).mean()) ** 2 for i in range(50)]
    assert chosen.errors[0] == pytest.approx(np.mean(others))


@pytest.mark.parametrize("n_features", [1, 2])
@pytest.mark.parametrize("order", [0, 1])
def test_one_row_has_no_error_to_leave_it_out_with(n_features, order):
    chosen = fitter(np.zeros((1, n_features)), np.ones(1), order=order).choose(None)
    assert chosen.errors.tolist() == [math.inf]
    assert (chosen.heights == 0).all()


def test_several_features_take_no_more_cells_than_allowed():
    rng = np.random.default_rng(5)
    X = rng.uniform(size=(500, 2))
    y = np.sin(9 * X[:, 0]) + np.sin(9 * X[:, 1])
    free, most = fitter(X, y).choose(None), fitter(X, y).choose(12)
    assert most.heights.size <= 12 < free.heights.size
