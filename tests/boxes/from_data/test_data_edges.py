"""Edges from the values of a feature, against plain loops over them."""

import itertools
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from treadle.boxes.from_data import data_edges
from treadle.boxes.from_data.data_edges import Feature, between

RNG = np.random.default_rng(0)
few = settings(max_examples=60, deadline=None, derandomize=True)


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


@few
@given(st.floats(-1e300, 1e300), st.integers(1, 5), st.floats(0, 1e300))
def test_between_two_numbers_is_above_the_one_and_not_above_the_other(lower, n_floats, far):
    upper = lower
    for _ in range(n_floats):
        upper = math.nextafter(upper, math.inf)
    for greater in (upper, max(upper, far)):
        edge = between(np.array([lower]), np.array([greater]))[0]
        assert lower < edge <= greater


def plain_quantiles(x, weights, m):
    """After each value with which the weight so far reaches another m-th part, an edge."""
    values = sorted(set(x.tolist()))
    total, so_far, edges = sum(weights.tolist()), 0.0, []
    for value, following in itertools.pairwise(values):
        before = so_far
        so_far += sum(w for v, w in zip(x.tolist(), weights.tolist(), strict=True) if v == value)
        if any(before < part * total / m <= so_far for part in range(1, m)):
            edges.append((value + following) / 2)
    return [values[0], *edges, values[-1]]


@few
@given(
    st.lists(st.tuples(st.integers(-20, 20), st.integers(1, 3)), min_size=2, max_size=30), st.integers(1, 12)
)
def test_quantiles_are_those_of_a_plain_loop(rows, m):
    x, weights = np.array(rows, dtype=float).T
    if len(set(x)) > 1:
        assert Feature(x, weights).quantile(m).tolist() == plain_quantiles(x, weights, m)


def test_an_edge_at_the_lesser_value_is_seen(monkeypatch):
    monkeypatch.setattr(data_edges, "between", lambda lower, upper: lower)
    x = np.arange(9.0)
    assert Feature(x, np.ones(9)).quantile(3).tolist() != plain_quantiles(x, np.ones(9), 3)


def test_uniform_edges_are_equal_steps():
    feature = Feature(np.array([3.0, 7.0, 5.0, 5.0]), np.ones(4))
    assert feature.uniform(4).tolist() == [3, 4, 5, 6, 7] and feature.most_cells == 3
