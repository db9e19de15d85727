"""Targets that tie too often: counted by hand, near the quantile alone."""

import numpy as np
import pytest

from treadle.l1.inference.bandwidths import bandwidth_within
from treadle.l1.inference.tied_targets import heavy_ties


def tied(n_equal, n=200, at=0.0):
    """Distinct targets over (-1, 1), of which those nearest to ``at`` are set to it."""
    y = np.linspace(-1, 1, n)
    y[np.argsort(np.abs(y - at), kind="stable")[:n_equal]] = at
    return y


def test_more_rows_than_the_bandwidth_and_one_are_too_many():
    allowed = 200 * bandwidth_within("hall_sheather", 200, 0.5)
    most = int(allowed + 1)
    y = tied(most)
    assert heavy_ties(y, y, 0.5) is None
    y = tied(most + 1)
    found = heavy_ties(y, y, 0.5)
    assert (found.value, found.n_rows) == (0.0, most + 1)
    assert found.n_allowed == allowed


def test_ties_far_from_the_quantile_are_of_no_matter():
    y = tied(60, at=-0.7)
    assert heavy_ties(y, y, 0.9) is None
    assert heavy_ties(y, y, 0.15).n_rows == 60


def test_rows_with_the_value_count_wherever_their_residual_is():
    """A target that many rows near the quantile share is counted over all rows."""
    y = tied(60)
    r = y.copy()
    r[np.flatnonzero(y == 0)[:30]] = 5.0
    assert heavy_ties(y, r, 0.5).n_rows == 60


@pytest.mark.parametrize("quantile", [0.1, 0.5, 0.9])
def test_distinct_targets_never_tie(quantile):
    y = np.random.default_rng(0).standard_normal(100)
    assert heavy_ties(y, y, quantile) is None
