"""Points, bounds and counts as users give them: what is taken, and every refusal."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from treadle.boxes.cells.points import as_bounds, as_points, check_count
from treadle.errors import InvalidInput

few = settings(max_examples=30, deadline=None, derandomize=True)


@few
@given(
    arrays(np.float32, st.tuples(st.integers(0, 4), st.integers(1, 3)), elements=st.floats(-9, 9, width=32))
)
def test_points_keep_their_values_as_float64(X):
    points = as_points(X, X.shape[1])
    assert points.dtype == np.float64 and points.tolist() == X.astype(float).tolist()


@pytest.mark.parametrize(
    ("X", "expected"),
    [([1, 2], [[1], [2]]), ([[1], [2]], [[1], [2]]), ([2**53], [[2.0**53]]), ([True, False], [[1], [0]])],
)
def test_of_one_dimension_a_list_will_do(X, expected):
    assert as_points(X, 1).tolist() == expected


@pytest.mark.parametrize(
    ("X", "n_dims", "message"),
    [
        ([[1.0, 2.0]], 1, r"X must be of shape \(n,\) or \(n, 1\), a point a row; got \(1, 2\)"),
        ([1.0, 2.0], 2, r"X must be of shape \(n, 2\), a point a row; got \(2,\)"),
        (5.0, 1, r"a point a row; got \(\)"),
        ([0.0, math.nan], 1, r"X must be finite; row 1 is \[nan\]: leave such rows out"),
        ([[0.0, 1.0], [math.inf, 2.0]], 2, r"X must be finite; row 1 is \[inf, 2\.0\]"),
        (["a"], 1, "X"),
        ([1j], 1, "X"),
    ],
    ids=range(7),
)
def test_what_is_no_points_is_refused(X, n_dims, message):
    with pytest.raises(InvalidInput, match=message):
        as_points(X, n_dims)


def test_bounds_are_a_pair_or_one_for_each_dimension():
    assert as_bounds((-2, 2)).tolist() == [[-2, 2]]
    assert as_bounds([(0, 1), (2, 3.5)]).tolist() == [[0, 1], [2, 3.5]]


@pytest.mark.parametrize(
    ("bounds", "message"),
    [
        ((0, 1, 2), r"bounds must be \(lower, upper\), .* got shape \(3,\)"),
        (np.empty((0, 2)), r"got shape \(0, 2\)"),
        ((1, 1), "the lower below the upper .*; got 1.0 and 1.0 in dimension 1 of 1"),
        ([(0, 1), (3, 2)], "got 3.0 and 2.0 in dimension 2 of 2"),
        ((0, math.inf), "bounds must be finite"),
        ((math.nan, 1), "bounds must be finite"),
        ((-1e308, 1e308), "their difference finite; got -1e.308 and 1e.308"),
    ],
    ids=range(7),
)
def test_what_is_no_bounds_is_refused(bounds, message):
    with pytest.raises(InvalidInput, match=message):
        as_bounds(bounds)


@pytest.mark.parametrize("value", [1, 7, np.int64(3)])
def test_a_count_is_a_whole_number(value):
    count = check_count("n_boxes", value)
    assert count == value and type(count) is int


@pytest.mark.parametrize("value", [0, -1, 2.0, True, "3", None])
def test_what_is_no_count_is_refused(value):
    with pytest.raises(InvalidInput, match=f"n_boxes must be a whole number of at least 1; got {value!r}"):
        check_count("n_boxes", value)
