"""Closed forms of leave-one-out errors against leaving out one row after the other and fitting again."""

import numpy as np
import pytest

from tests.boxes.from_data.leaving_out import leaving_out
from treadle.boxes.from_data import leave_one_out
from treadle.boxes.from_data.grid_choice import GridFitter, first_of_least
from treadle.boxes.from_data.leave_one_out import SortedSums, cell_sums, heights_of, leave_one_out_error

RNG = np.random.default_rng(0)


@pytest.mark.parametrize("shape", [(7,), (40,), (5, 4), (9, 3)])
def test_the_error_of_boxes_is_that_of_fitting_again(shape):
    n_cells = int(np.prod(shape))
    cells = RNG.integers(0, n_cells, 30)
    y = RNG.normal(size=30)
    weights = RNG.integers(1, 3, 30).astype(float)

    def fit(counts):
        return heights_of(cell_sums(cells, shape, y, counts)).ravel()[cells]

    expected = leaving_out(fit, weights, y)
    assert leave_one_out_error(cell_sums(cells, shape, y, weights)) == pytest.approx(expected, rel=1e-10)


def test_cells_of_one_row_are_left_to_the_block_around_them():
    y = np.array([1.0, 2.0, 4.0, 8.0])
    sums = cell_sums(np.array([0, 1, 2, 3]), (4,), y, np.ones(4))
    assert leave_one_out_error(sums) == pytest.approx((1 + 1 + 16 + 16) / 4)


def test_the_residual_itself_would_be_noticed(monkeypatch):
    cells, y = RNG.integers(0, 4, 30), RNG.normal(size=30)
    sums = cell_sums(cells, (4,), y, np.ones(30))
    optimistic = float(((y - heights_of(sums)[cells]) ** 2).mean())
    assert leave_one_out_error(sums) > 1.05 * optimistic


def test_sorted_sums_are_the_sums():
    x = np.sort(RNG.uniform(0, 1, 200))
    y, weights, edges = RNG.normal(size=200), RNG.uniform(0, 2, 200), np.linspace(0, 1, 18)
    cells = np.searchsorted(edges[1:-1], x, side="right")
    expected = cell_sums(cells, (17,), y, weights)
    for one, other in zip(SortedSums(x, y, weights).cells(edges), expected, strict=True):
        np.testing.assert_allclose(one, other, atol=1e-12)


def test_empty_cells_take_the_mean_of_the_smallest_block_with_rows():
    sums = cell_sums(np.array([0, 0, 5]), (8,), np.array([1.0, 3.0, 10.0]), np.ones(3))
    np.testing.assert_array_equal(heights_of(sums), [2, 2, 2, 2, 10, 10, 10, 10])


def test_a_single_row_has_no_leave_one_out_error():
    assert leave_one_out_error(cell_sums(np.array([0]), (1,), np.ones(1), np.ones(1))) == np.inf


def test_an_offset_of_1e8_changes_nothing_once_y_is_centred():
    x, y = np.sort(RNG.uniform(0, 1, 500)), RNG.normal(size=500)
    errors = []
    for offset in (0.0, 1e8):
        shifted = (y + offset) - (y + offset).mean()
        sums = SortedSums(x, shifted, np.ones(500)).cells(np.linspace(0, 1, 21))
        errors.append(leave_one_out_error(sums))
    assert errors[0] == pytest.approx(errors[1], rel=1e-6)


def test_the_grid_divides_the_feature_that_matters():
    X = RNG.uniform(0, 1, (2000, 3))
    y = np.sin(9 * X[:, 1]) + 0.1 * RNG.normal(size=2000)
    for order in (0, 1):
        chosen = GridFitter(X, y - y.mean(), np.ones(2000), "uniform", order).choose(None)
        sizes = dict(zip(chosen.features.tolist(), [axis.size - 1 for axis in chosen.edges], strict=True))
        assert sizes[1] >= 5
        assert sizes.get(0, 1) * sizes.get(2, 1) <= 2
        assert (np.diff(chosen.errors) < 0).all()


def test_of_equal_errors_the_first_is_taken():
    assert first_of_least([3.0, 1.0 + 1e-13, 1.0]) == 1
    assert first_of_least([np.inf, np.inf]) == 0


def test_blocks_are_cut_at_the_end_of_an_axis():
    values = np.arange(5.0)
    np.testing.assert_array_equal(leave_one_out._block_sums(values, 1), [1, 1, 5, 5, 4])
