"""Samples of growing size, and what is learnt from one about the solution of all rows."""

import itertools

import numpy as np
import pytest

from treadle.l1.levels import level_sizes, shrunk


def distance(J, truth):
    return float(np.linalg.norm(np.linalg.solve(J, truth) - np.eye(len(J))))


@pytest.mark.parametrize("n_near", [300, 3000])
def test_the_curvature_of_few_rows_is_nearer_to_that_of_many_once_shrunk(n_near):
    rng = np.random.default_rng(0)
    p = 60
    Z = rng.normal(size=(n_near, p))
    J = Z.T @ Z / n_near
    assert distance(shrunk(J, n_near), np.eye(p)) <= 0.3 * distance(J, np.eye(p))


def test_directions_that_differ_by_more_than_few_rows_explain_stay_apart():
    rng = np.random.default_rng(1)
    truth = np.diag(np.linspace(1, 20, 10))
    Z = rng.normal(size=(2000, 10)) @ np.sqrt(truth)
    J = Z.T @ Z / 2000
    assert distance(shrunk(J, 2000), truth) <= 1.2 * distance(J, truth)
    np.testing.assert_array_equal(shrunk(np.eye(3), 100), np.eye(3))


def test_samples_grow_at_most_sixteenfold_and_end_with_all_rows():
    assert level_sizes(4000, 11) == [4000]
    sizes = level_sizes(10_000_000, 11)
    assert sizes[0] == 2000
    assert sizes[-1] == 10_000_000
    assert all(b <= 17 * a for a, b in itertools.pairwise(sizes))
