"""Closed forms of leave-one-out errors against leaving out one row after the other and fitting again."""

import numpy as np
import pytest

from treadle.boxes.cells.partition import Grid
from treadle.boxes.from_data import leave_one_out
from treadle.boxes.from_data.data_edges import Feature
from treadle.boxes.from_data.grid_choice import GridFitter, first_of_least
from treadle.boxes.from_data.hat_fit import fit_hats, simplex_weights, tridiagonal_inverse
from treadle.boxes.from_data.leave_one_out import SortedSums, cell_sums, heights_of, leave_one_out_error
from treadle.boxes.network.interpolation import interpolate

RNG = np.random.default_rng(0)


def leaving_out(fit, weights, y):
    """The mean squared error of fit(weights less 1 at row i) at row i: the definition, weights as counts."""
    errors = []
    for i in range(len(y)):
        fewer = weights.copy()
        fewer[i] -= 1
        errors.append(weights[i] * (fit(fewer)[i] - y[i]) ** 2)
    return sum(errors) / weights.sum()


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


@pytest.mark.parametrize(("n_dims", "m"), [(1, 1), (1, 8), (2, 3), (3, 1)])
def test_the_error_of_hats_is_that_of_fitting_again(n_dims, m):
    X = RNG.uniform(0, 1, (40, n_dims))
    y = RNG.normal(size=40)
    weights = RNG.integers(1, 3, 40).astype(float)
    edges = [np.linspace(0, 1, m + 1)] * n_dims
    grid = Grid(edges)
    total = weights.sum()

    def fit(counts):
        A, right = normal_equations(edges, X, y, counts, total)
        return interpolate(grid, np.linalg.solve(A, right).reshape([m + 1] * n_dims), X)

    fitted = fit_hats(edges, X, y, weights)
    np.testing.assert_allclose(interpolate(grid, fitted.values, X), fit(weights), atol=1e-7)
    assert fitted.leave_one_out == pytest.approx(leaving_out(fit, weights, y), rel=1e-6)


def test_rows_that_alone_determine_their_fit_count_as_the_mean_s_error():
    x = np.array([0.1, 0.4, 0.6, 0.9])
    y = np.array([1.0, -1.0, 1.0, -1.0])
    fitted = fit_hats([np.linspace(0, 1, 9)], x[:, None], y, np.ones(4))
    assert fitted.leave_one_out == 1.0
    np.testing.assert_allclose(
        interpolate(Grid([np.linspace(0, 1, 9)]), fitted.values, x[:, None]), y, atol=1e-4
    )


def normal_equations(edges, X, y, weights, total):
    """Dense and slow, from the definition of the penalty."""
    nodes, shares = simplex_weights(edges, X)
    shape = tuple(axis.size for axis in edges)
    n_nodes = int(np.prod(shape))
    B = np.zeros((len(X), n_nodes))
    np.put_along_axis(B, nodes, shares, axis=1)
    A = B.T @ (weights[:, None] * B)
    for j in range(n_nodes):
        for k in range(j):
            steps = np.abs(np.subtract(np.unravel_index(j, shape), np.unravel_index(k, shape)))
            if steps.sum() == 1:
                e = np.zeros(n_nodes)
                e[j], e[k] = 1, -1
                A += 1e-6 * total / n_nodes * np.outer(e, e)
    return A, B.T @ (weights * y)


@pytest.mark.parametrize("n_dims", [1, 2, 4])
def test_simplex_weights_interpolate_as_networks_do(n_dims):
    edges = [np.sort(RNG.uniform(0, 1, 5)) for _ in range(n_dims)]
    values = RNG.normal(size=[5] * n_dims)
    X = np.stack([RNG.uniform(axis[0], axis[-1], 50) for axis in edges], axis=1)
    nodes, shares = simplex_weights(edges, X)
    expected = interpolate(Grid(edges), values, X)
    np.testing.assert_allclose((values.ravel()[nodes] * shares).sum(axis=1), expected, atol=1e-13)
    assert shares.min() >= 0
    np.testing.assert_allclose(shares.sum(axis=1), 1)


def test_the_inverse_of_a_tridiagonal_matrix():
    diagonal, off = RNG.uniform(2, 3, 9), RNG.uniform(-1, 1, 8)
    inverse = np.linalg.inv(np.diag(diagonal) + np.diag(off, 1) + np.diag(off, -1))
    main, side = tridiagonal_inverse(diagonal, off)
    np.testing.assert_allclose(main, np.diag(inverse), rtol=1e-12)
    np.testing.assert_allclose(side, np.diag(inverse, 1), rtol=1e-12)


def test_an_offset_of_1e8_changes_nothing_once_y_is_centred():
    x, y = np.sort(RNG.uniform(0, 1, 500)), RNG.normal(size=500)
    errors = []
    for offset in (0.0, 1e8):
        shifted = (y + offset) - (y + offset).mean()
        sums = SortedSums(x, shifted, np.ones(500)).cells(np.linspace(0, 1, 21))
        errors.append(leave_one_out_error(sums))
    assert errors[0] == pytest.approx(errors[1], rel=1e-6)


def test_quantile_edges_share_the_weight():
    x = RNG.normal(size=1000)
    feature = Feature(x, np.ones(1000))
    counts = np.histogram(x, feature.quantile(20))[0]
    assert counts.min() >= 49 and counts.max() <= 51
    tied = Feature(np.repeat([1.0, 2.0], 50), np.ones(100))
    np.testing.assert_array_equal(tied.quantile(20), [1, 1.5, 2])


def test_features_of_one_value_and_of_all_of_float64():
    np.testing.assert_array_equal(Feature(np.zeros(3), np.ones(3)).uniform(1), [-0.5, 0.5])
    with pytest.raises(ValueError, match=r"a feature goes from -1.5e\+308 to 1.5e\+308.*scale it down"):
        Feature(np.array([-1.5e308, 1.5e308]), np.ones(2))
    near = Feature(np.array([1.0, np.nextafter(1.0, 2)]), np.ones(2))
    assert near.uniform(10).size == 2 and near.quantile(10).size == 2


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
