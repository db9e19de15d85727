"""Rank inversion: ends against linear programs alone, in any order of rows, by both ways to look for them."""

import math
import os

import numpy as np
import pytest
import statsmodels.api as sm

from tests.l1.inference.rank_ends import last_step, tied_table
from treadle.errors import InferenceWarning, InvalidInput
from treadle.l1 import infer
from treadle.l1.inference import parametric_path, rank_inversion
from treadle.l1.inference.rank_inversion import rank_intervals

ENGEL = sm.datasets.engel.load_pandas().data
STACKLOSS = sm.datasets.stackloss.load_pandas().data
# The whole of it: TREADLE_RANK_TABLES=1000.
N_TABLES = int(os.environ.get("TREADLE_RANK_TABLES", "32"))
X1 = [3, 0, 2, 0, 1, 1, 0, 1, 1, 2, 1, 1]
X2 = [1, 1, 2, 3, 3, 3, 0, 3, 2, 2, 3, 0]
TIED = np.column_stack([np.ones(12), X1, X2]), np.array([3.0, 1, 2, 0, 0, 3, 2, 0, 1, 1, 0, 4])


@pytest.fixture(params=["from the estimate", "from the critical value"])
def _either_way(request, monkeypatch):
    if request.param == "from the critical value":
        monkeypatch.setattr(rank_inversion, "MANY", 0)


def judged(ends, Z, y, quantile, level):
    """How many ends are in the last step that the test accepts, and at the point that interpolation says."""
    for j, pair in enumerate(ends):
        for sign, end in zip((-1, 1), pair, strict=True):
            step = last_step(Z, y, j, sign, quantile, level)
            if step is None:
                assert end == sign * math.inf
                continue
            assert step.start - 1e-6 <= sign * end <= step.end + 1e-6
            assert abs(sign * end - step.interpolated) <= 1e-6 * max(1, abs(end))


@pytest.mark.parametrize("seeds", np.array_split(np.arange(N_TABLES), 8), ids=lambda seeds: f"{seeds[0]}-")
def test_ends_of_tied_tables_are_those_of_linear_programs(seeds, monkeypatch):
    n_judged = 0
    for seed in seeds:
        Z, y, quantile = tied_table(seed)
        monkeypatch.setattr(rank_inversion, "MANY", 300 if seed % 2 else 0)
        try:
            ends = rank_intervals(Z, y, quantile, 0.9)
        except InvalidInput as error:
            # Then no end is anywhere but at the estimate.
            j = int(str(error).partition("the coefficient ")[2].partition(" ")[0])
            steps = [last_step(Z, y, j, sign, quantile, 0.9) for sign in (-1, 1)]
            assert all(step.below == 0 and step.start == step.end for step in steps)
            continue
        judged(ends, Z, y, quantile, 0.9)
        order = np.random.default_rng(seed).permutation(len(y))
        shuffled = rank_intervals(Z[order], y[order], quantile, 0.9)
        np.testing.assert_allclose(shuffled, ends, rtol=1e-9, atol=1e-9)
        n_judged += 1
    assert n_judged > 0


@pytest.mark.usefixtures("_either_way")
def test_ends_of_rows_that_do_not_tie_are_those_of_linear_programs():
    rng = np.random.default_rng(0)
    Z = np.column_stack([np.ones(60), rng.standard_normal((60, 2))])
    y = Z.sum(axis=1) + rng.standard_t(3, 60)
    judged(rank_intervals(Z, y, 0.3, 0.9), Z, y, 0.3, 0.9)


@pytest.mark.usefixtures("_either_way")
def test_rows_that_tie_do_not_go_in_circles():
    """Pivots of length zero had no end here. R's quantreg has these ends, of 95 %."""
    ends = rank_intervals(*TIED, 0.75, 0.95)
    np.testing.assert_allclose(ends, [[1.7590, np.inf], [-2.0330, np.inf], [-np.inf, 0.1524]], atol=5e-5)


@pytest.mark.usefixtures("_either_way")
def test_a_step_begins_only_where_the_statistic_changes():
    x, y = np.array([1.0, 2, 0, 1, 2, 2, 4]), np.array([0.0, 0, 3, 5, 0, 4, 0])
    Z = np.column_stack([np.ones(7), x])
    with np.errstate(all="ignore"):
        judged(rank_intervals(Z, y, 0.75, 0.9), Z, y, 0.75, 0.9)
    ends = np.array([rank_intervals(Z[order], y[order], 0.75, 0.9) for order in orders(7)])
    np.testing.assert_allclose(ends, np.broadcast_to(ends[0], ends.shape), rtol=1e-9)


def orders(n):
    return [np.random.default_rng(seed).permutation(n) for seed in range(5)]


def test_a_median_of_an_even_number_of_rows_has_one_interval():
    """It is any of a segment: T is 0 over all of it, wherever the estimate lies."""
    rng = np.random.default_rng(1)
    Z = np.column_stack([np.ones(40), rng.integers(0, 2, 40)]).astype(float)
    y = rng.standard_normal(40)
    ends = [rank_intervals(Z[order], y[order], 0.5, 0.9) for order in orders(40)]
    judged(ends[0], Z, y, 0.5, 0.9)
    for other in ends[1:]:
        np.testing.assert_allclose(other, ends[0], rtol=1e-9)


def test_steps_that_are_short_are_steps():
    """Two kinks a millionth of the spread apart: the end lies between them, and is not that of one step."""
    y = np.arange(20.0) ** 2
    Z = np.ones((20, 1))
    (low, high), *_ = rank_intervals(Z, y, 0.5, 0.9)
    at = int(np.searchsorted(y, high))
    y[at] = y[at - 1] + 1e-7
    (_, moved), *_ = rank_intervals(Z, y, 0.5, 0.9)
    assert y[at - 1] < moved < y[at]
    assert low < moved < high


def test_many_tied_rows():
    """400 rows of small whole numbers, of which some went in circles."""
    for seed in range(6):
        rng = np.random.default_rng(seed)
        X = rng.integers(0, 5, (400, 3)).astype(float)
        y = X.sum(axis=1) + rng.integers(0, 30, 400)
        Z = np.column_stack([np.ones(400), X])
        ends = rank_intervals(Z, y, 0.25, 0.9)
        order = rng.permutation(400)
        np.testing.assert_allclose(rank_intervals(Z[order], y[order], 0.25, 0.9), ends, rtol=1e-8, atol=1e-8)
        assert (ends[:, 0] < ends[:, 1]).all() and np.isfinite(ends).all()


def test_both_ways_to_look_for_an_end_find_it(monkeypatch):
    rng = np.random.default_rng(0)
    Z = np.column_stack([np.ones(150), np.round(rng.standard_normal((150, 3)), 1)])
    y = np.round(Z.sum(axis=1) + rng.standard_normal(150), 1)
    y[7] = 1e13
    walked = rank_intervals(Z, y, 0.6, 0.95)
    monkeypatch.setattr(rank_inversion, "MANY", 0)
    np.testing.assert_allclose(rank_intervals(Z, y, 0.6, 0.95), walked, rtol=1e-9)


def test_rare_dummies_of_many_rows_have_no_end(monkeypatch):
    rng = np.random.default_rng(0)
    Z = np.column_stack([np.ones(400), np.arange(400) < 3]).astype(float)
    y = rng.standard_normal(400)
    ends = rank_intervals(Z, y, 0.5, 0.95)
    assert np.isinf(ends[1]).all() and np.isfinite(ends[0]).all()
    monkeypatch.setattr(rank_inversion, "MANY", 1000)
    np.testing.assert_allclose(rank_intervals(Z, y, 0.5, 0.95), ends, rtol=1e-9)
    # Of one column, nothing is left to fit at infinity.
    assert np.isinf(rank_intervals(np.ones((3, 1)), np.array([0.0, 1.0, 3.0]), 0.5, 0.9)).all()


def test_an_end_is_found_where_the_slope_at_infinity_is_not(monkeypatch):
    """A fit of one whole-numbered column on others, of which no vertex was proved."""
    Z, y, quantile = tied_table(430)
    walked = rank_intervals(Z, y, quantile, 0.9)
    monkeypatch.setattr(rank_inversion, "MANY", 0)
    np.testing.assert_allclose(rank_intervals(Z, y, quantile, 0.9), walked, rtol=1e-9)


def test_a_large_offset_of_y_changes_nothing():
    plain = infer(ENGEL[["income"]], ENGEL["foodexp"], method="rank").intervals
    moved = infer(ENGEL[["income"]], ENGEL["foodexp"] + 1e12, method="rank").intervals
    np.testing.assert_allclose(moved - [[1e12, 1e12], [0, 0]], plain, rtol=1e-4)


def test_stackloss_as_published():
    """Of whole numbers. R's quantreg prints all ends but one, where it is outside the last step."""
    X, y = STACKLOSS.iloc[:, 1:], STACKLOSS.iloc[:, 0]
    found = infer(X, y, method="rank", level=0.9)
    published = [[-41.61973, -29.67754], [None, 1.14117], [0.32182, 1.41090], [-0.21348, -0.02891]]
    for row, ends in zip(found.intervals, published, strict=True):
        for end, value in zip(row, ends, strict=True):
            assert value is None or abs(end - value) <= 5e-6
    judged(found.intervals, sm.add_constant(X.to_numpy(float)), y.to_numpy(float), 0.5, 0.9)


def test_a_fit_that_most_rows_lie_on_is_refused():
    rng = np.random.default_rng(0)
    X = rng.standard_normal((60, 2))
    zeros = np.where(np.arange(60) < 45, 0.0, rng.standard_normal(60))
    with (
        pytest.raises(InvalidInput, match=r"goes through 45 of 60 rows, and the ranks reject every value of"),
        pytest.warns(InferenceWarning, match="45 of 60 rows have y = 0"),
    ):
        infer(X, zeros, method="rank")


def test_rows_that_depend_on_each_other_are_refused():
    table = parametric_path.Table.of(np.ones((3, 2)), np.arange(3.0), 0.5, np.zeros(3))
    with pytest.raises(InvalidInput, match=r"the rows \[0, 2\] that a fit goes through depend on each other"):
        table.residuals(np.array([0, 2]))


def test_columns_that_depend_on_each_other_but_for_rounding_are_refused():
    Z = np.column_stack([np.ones(30), np.arange(30.0), 0.1 * np.arange(30)])
    with pytest.raises(InvalidInput, match="no 3 rows that the fit goes through are independent"):
        rank_intervals(Z, np.cos(np.arange(30.0)), 0.5, 0.9)


def test_a_path_without_end_is_told(monkeypatch):
    monkeypatch.setattr(parametric_path, "PIVOTS_PER_ROW", 0)
    with pytest.raises(InvalidInput, match="the ranks of these 12 rows go in circles"):
        rank_intervals(*TIED, 0.75, 0.9)
