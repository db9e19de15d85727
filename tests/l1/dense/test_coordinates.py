"""Coordinates: orthonormal columns, the way there and back, and what is left out."""

import numpy as np
import pytest

from treadle.l1.dense.coordinates import (
    column_scales,
    coordinates_of,
    coordinates_of_all,
    row_lengths,
    triangle_of,
)
from treadle.l1.sources.rows import ArrayRows


def table(n=300, d=5, seed=0):
    """Columns of very different sizes, some nearly parallel."""
    rng = np.random.default_rng(seed)
    return (rng.normal(size=(n, d)) @ rng.normal(size=(d, d)) + 3) * 10.0 ** rng.integers(-6, 7, d)


@pytest.mark.parametrize("fit_intercept", [True, False])
def test_columns_are_orthonormal_but_for_the_root_of_the_rows(fit_intercept):
    X = table()
    Z = coordinates_of(X, fit_intercept, False).of(X)
    assert Z.shape == (300, 5 + fit_intercept)
    np.testing.assert_allclose(Z.T @ Z / 300, np.eye(5 + fit_intercept), atol=1e-9)


def test_columns_are_orthonormal_in_the_weights_given():
    X, weight = table(), np.random.default_rng(1).uniform(0.1, 1, 300)
    Z = coordinates_of(X, True, False, weight).of(X)
    np.testing.assert_allclose((Z * weight[:, None]).T @ Z / weight.sum(), np.eye(6), atol=1e-9)


@pytest.mark.parametrize("fit_intercept", [True, False])
def test_theta_and_coefficients_are_one_another(fit_intercept):
    X, rng = table(), np.random.default_rng(2)
    coordinates = coordinates_of(X, fit_intercept, False)
    theta = rng.normal(size=coordinates.size)
    coef, intercept = coordinates.coefficients(theta)
    assert fit_intercept or intercept == 0
    np.testing.assert_allclose(X @ coef + intercept, coordinates.of(X) @ theta, rtol=1e-8, atol=1e-8)
    np.testing.assert_allclose(coordinates.theta(coef, intercept), theta, rtol=1e-7)
    y = rng.normal(size=300)
    np.testing.assert_allclose(
        coordinates.residuals(X, y, theta), y - coordinates.of(X) @ theta, rtol=1e-6, atol=1e-8
    )


def test_a_gradient_is_the_sum_over_rows():
    X, u = table(), np.random.default_rng(3).normal(size=300)
    coordinates = coordinates_of(X, True, False)
    fold = np.concatenate([[u.sum()], u @ X])
    np.testing.assert_allclose(coordinates.gradient(fold), u @ coordinates.of(X), rtol=1e-8, atol=1e-8)


def test_the_rows_of_a_penalty_have_the_coefficients_as_residuals():
    coordinates = coordinates_of(table(), True, False)
    theta = np.random.default_rng(4).normal(size=6)
    np.testing.assert_allclose(coordinates.penalty_rows() @ theta, coordinates.coefficients(theta)[0])


def test_scaling_columns_by_powers_of_two_changes_no_bit_of_the_rows():
    X, powers = table(), 2.0 ** np.array([40, -3, 0, 17, -60])
    one, other = coordinates_of(X, True, False), coordinates_of(X * powers, True, False)
    assert one.of(X).tobytes() == other.of(X * powers).tobytes()


def test_columns_that_depend_on_those_before_are_left_out():
    X = table()
    X = np.column_stack(
        [X[:, 0], 3 * X[:, 0], X[:, 1], X[:, 2], X[:, 1] - X[:, 2], np.full(300, 7.0), X[:, 3]]
    )
    coordinates = coordinates_of(X, True, False)
    np.testing.assert_array_equal(coordinates.columns, [0, 2, 3, 6])
    assert coordinates.size == np.linalg.matrix_rank(
        np.column_stack([np.ones(300), X / np.abs(X).max(axis=0)])
    )
    coef, _ = coordinates.coefficients(np.ones(5))
    assert not coef[[1, 4, 5]].any()


def test_without_an_intercept_a_constant_column_stays():
    X = np.column_stack([table(d=2), np.full(300, 7.0)])
    np.testing.assert_array_equal(coordinates_of(X, False, False).columns, [0, 1, 2])


def test_with_a_penalty_columns_that_depend_on_others_stay():
    X = np.column_stack([table(d=2), table(d=2)[:, 0]])
    coordinates = coordinates_of(X, True, True)
    assert coordinates.size == 4
    assert np.isfinite(coordinates.A).all()


@pytest.mark.parametrize(("left", "doubtful"), [(1e-4, False), (1e-9, True)])
def test_a_column_of_which_little_is_left_is_doubtful(left, doubtful):
    rng = np.random.default_rng(5)
    X = rng.normal(size=(300, 3))
    X[:, 2] = X[:, 0] + X[:, 1] + left * rng.normal(size=300)
    coordinates = coordinates_of(X, True, False)
    assert coordinates.is_doubtful == doubtful
    assert left / 5 < coordinates.least_share < 5 * left


@pytest.mark.parametrize("weighted", [True, False])
def test_those_of_all_rows_are_those_of_one_array(weighted):
    X = table(9000, 4)
    weight = np.random.default_rng(6).integers(0, 2, 9000).astype(float) if weighted else None
    rows = ArrayRows(X, np.zeros(9000), weight)
    counted = X if weight is None else X[weight > 0]
    found = coordinates_of_all(rows, X[:50], True, False)
    Z = found.of(counted)
    np.testing.assert_allclose(Z.T @ Z / 9000, np.eye(5), atol=1e-8)


def test_a_triangle_is_that_of_the_normal_equations():
    X = np.asfortranarray(np.random.default_rng(7).normal(size=(40, 6)))
    R = triangle_of(X.copy(order="F"))
    np.testing.assert_allclose(R.T @ R, X.T @ X, rtol=1e-10, atol=1e-10)
    few = triangle_of(X[:4].copy(order="F"))
    np.testing.assert_allclose(few.T @ few, X[:4].T @ X[:4], rtol=1e-10, atol=1e-10)
    assert not triangle_of(np.empty((0, 3))).any()


@pytest.mark.parametrize("d", [3, 40])
def test_scales_bring_the_largest_entry_to_between_one_and_two(d):
    X = table(50, d)
    X[:, 1] = 0
    largest = np.abs(X * column_scales(X)).max(axis=0)
    assert largest[1] == 0
    others = np.delete(largest, 1)
    assert ((others >= 1) & (others < 2)).all()
    assert column_scales(X)[1] == 1


def test_lengths_are_those_of_each_row():
    Z = np.array([[3.0, 4.0], [0.0, 0.0]])
    np.testing.assert_array_equal(row_lengths(Z), [5.0, 0.0])
