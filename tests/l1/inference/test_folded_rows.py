"""Folded rows: what is found of the rows kept is what is found of all, and a row that crosses is seen."""

import math

import numpy as np
import pytest

from treadle.l1.inference import folded_rows, rank_inversion
from treadle.l1.inference.folded_rows import Foldings
from treadle.l1.inference.parametric_path import Kink, Table, vertex_of
from treadle.l1.inference.rank_inversion import rank_intervals


def smooth(n, d, seed=0):
    rng = np.random.default_rng(seed)
    Z = np.column_stack([np.ones(n), rng.standard_normal((n, d))])
    return Z, Z.sum(axis=1) + rng.standard_t(3, n)


def tied(n, d, seed=0):
    rng = np.random.default_rng(seed)
    Z = np.column_stack([np.ones(n), rng.integers(0, 4, (n, d))]).astype(float)
    return Z, Z.sum(axis=1) + np.round(10 * rng.standard_normal(n))


def long(n, d, seed=0):
    Z, y = smooth(n, d, seed)
    Z[:10, 1:] *= 1e4
    return Z, y


def foldings_of(Z, y, quantile=0.5):
    table = Table.of(Z, y, quantile, np.zeros(len(y)))
    return Foldings(table, vertex_of(table, np.zeros(Z.shape[1])), 1.96)


@pytest.mark.parametrize("quantile", [0.05, 0.5, 0.8])
@pytest.mark.parametrize("draw", [smooth, tied, long])
def test_ends_are_those_of_all_rows(draw, quantile, monkeypatch):
    Z, y = draw(2500, 3)
    assert len(list(foldings_of(Z, y, quantile))) > 1
    found = rank_intervals(Z, y, quantile, 0.95)
    monkeypatch.setattr(folded_rows, "WORTH", math.inf)
    assert len(list(foldings_of(Z, y, quantile))) == 1
    np.testing.assert_allclose(found, rank_intervals(Z, y, quantile, 0.95), rtol=1e-9, atol=1e-12)


def test_ends_are_those_of_a_walk_over_all_rows(monkeypatch):
    Z, y = smooth(1500, 2)
    found = rank_intervals(Z, y, 0.4, 0.9)
    monkeypatch.setattr(rank_inversion, "MANY", len(y))
    np.testing.assert_allclose(found, rank_intervals(Z, y, 0.4, 0.9), rtol=1e-9)


def test_too_few_rows_kept_are_seen_and_more_are_taken(monkeypatch):
    """Of a few no end is found; of a few more there are ends, and some are wrong."""
    Z, y = smooth(4000, 3)
    right = rank_intervals(Z, y, 0.5, 0.95)
    for margin in (0.05, 0.6):
        monkeypatch.setattr(folded_rows, "MARGIN", margin)
        np.testing.assert_allclose(rank_intervals(Z, y, 0.5, 0.95), right, rtol=1e-9)
    monkeypatch.setattr(folded_rows.Folded, "holds", lambda self, *kinks: True)
    assert np.abs(rank_intervals(Z, y, 0.5, 0.95) - right).max() > 1e-6


def test_a_row_that_crosses_or_may_have_is_seen():
    Z, y = smooth(4000, 1)
    few, *_, all_rows = foldings_of(Z, y)
    here = vertex_of(few.whole, np.zeros(2))
    w = few.whole.residuals(here.basis).w
    none = np.zeros(2)
    assert few.holds(Kink(0.0, 0.0, w, none))
    assert all_rows.holds(Kink(0.0, 0.0, w + 100, none))
    away = np.where(few.side > 0, y - Z @ w, np.inf)
    nearest = int(np.argmin(away))
    up = np.array([away[nearest], 0.0])
    assert few.holds(Kink(0.0, 0.0, w + 0.999 * up, none))
    assert not few.holds(Kink(0.0, 0.0, w + 1.001 * up, none))
    assert not few.holds(Kink(0.0, 0.0, w, none), Kink(0.0, 0.0, w + 1.001 * up, none))
    # Known to a tenth only, it may have crossed.
    assert not few.holds(Kink(0.0, 0.0, w + 0.999 * up, 0.1 * up))


def test_the_pull_of_folded_rows_balances_those_kept():
    """At the optimum the scores of all rows sum to zero."""
    Z, y = smooth(4000, 2)
    few, *_ = foldings_of(Z, y, 0.3)
    vertex = vertex_of(few.table, few.pull)
    balance = few.pull + few.table.Z.T @ (vertex.scores - 0.7)
    assert np.abs(balance).max() <= 1e-8 * len(y)
    assert 0 < len(few.table.y) < len(y) / 4
