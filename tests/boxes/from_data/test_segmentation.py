"""The best runs of groups against all of them, one by one."""

import itertools

import numpy as np
import pytest

from treadle.boxes.from_data import segmentation
from treadle.boxes.from_data.segmentation import least_squares_edges

RNG = np.random.default_rng(0)


def test_least_squares_edges_are_the_best_of_all():
    x = np.arange(12.0)
    y = RNG.normal(size=12)
    weights = RNG.uniform(0.5, 2, 12)
    edges = np.concatenate([[0.0], np.arange(12) + 0.5])[:12]
    edges = np.append(edges, 11.0)
    edges = np.unique(edges)

    def squares(inner):
        groups = np.searchsorted(np.sort(inner), x, side="right")
        means = np.bincount(groups, weights * y) / np.bincount(groups, weights)
        return (weights * (y - means[groups]) ** 2).sum()

    for k, found in enumerate(least_squares_edges(edges, x, y, weights, 6), start=1):
        assert found.size == k + 1 and found[0] == edges[0] and found[-1] == edges[-1]
        least = min(squares(inner) for inner in itertools.combinations(edges[1:-1], k - 1))
        assert squares(found[1:-1]) == pytest.approx(least, rel=1e-9, abs=1e-12)


def test_groups_without_rows_do_no_harm():
    edges = np.arange(6.0)
    best = least_squares_edges(edges, np.array([0.5, 4.5]), np.array([-1.0, 1.0]), np.ones(2), 3)
    assert best[1][1] in edges[1:5]


def test_a_row_on_an_edge_belongs_to_the_group_on_its_right():
    x, y = np.array([0.0, 1.0, 1.0, 2.0]), np.array([-5.0, 2.0, 2.0, 1.0])
    best = least_squares_edges(np.array([0.0, 0.5, 1.0, 1.5, 2.0]), x, y - y.mean(), np.ones(4), 3)
    assert best[2].tolist() in ([0, 0.5, 1.5, 2], [0, 1, 1.5, 2])


def test_no_more_boxes_than_groups_and_the_costs_never_rise():
    x, y = np.arange(6.0), RNG.normal(size=6)
    edges = np.array([0.0, 1.5, 3.5, 5.0])
    best = least_squares_edges(edges, x, y, np.ones(6), 100)
    assert [one.size - 1 for one in best] == [1, 2, 3]
    assert best[-1].tolist() == edges.tolist()


def test_an_argument_of_the_wrong_end_is_seen(monkeypatch):
    """The greatest instead of the least sum, planted in the module's own NumPy."""

    class Wrong:
        def __getattr__(self, name):
            return getattr(np, name)

        def argmin(self, totals, axis):
            return np.argmax(np.where(np.isfinite(totals), totals, -np.inf), axis=axis)

    monkeypatch.setattr(segmentation, "np", Wrong())
    with pytest.raises(AssertionError):
        test_least_squares_edges_are_the_best_of_all()
