"""Standard errors and intervals beside R's quantreg, whose figures benchmarks/l1_quantreg.py recorded.

Where the two differ, the reason has to be one of those that docs/maths/l1.md gives, and to hold of the table.
"""

import json
import math
import warnings
from pathlib import Path

import numpy as np
import pytest
import statsmodels.api as sm

from tests.l1.inference.rank_ends import last_step
from treadle.errors import InferenceWarning, InvalidInput
from treadle.l1 import infer
from treadle.l1.dense.solve import solve
from treadle.l1.inference.bandwidths import bandwidth, bandwidth_within

RECORDED = json.loads((Path(__file__).parent / "quantreg.json").read_text(encoding="utf-8"))
FIGURES = RECORDED["figures"]
QUANTILES = ("0.05", "0.25", "0.5", "0.75", "0.95")


def tables():
    engel = sm.datasets.engel.load_pandas().data
    stackloss = sm.datasets.stackloss.load_pandas().data.to_numpy(float)
    X, y = engel[["income"]].to_numpy(float), engel["foodexp"].to_numpy(float)
    far, farther, between = y.copy(), y.copy(), y.copy()
    far[58], farther[58], between[57] = 1e12, 1e13, 1e12
    made_up = {name: (np.array(t["X"]), np.array(t["y"])) for name, t in RECORDED["tables"].items()}
    return made_up | {
        "engel": (X, y),
        "engel_between": (X, between),
        "engel_far": (X, far),
        "engel_farther": (X, farther),
        "engel_offset": (X, y + 1e12),
        "stackloss": (stackloss[:, 1:], stackloss[:, 0]),
    }


TABLES = tables()


def theirs(name, tau, method):
    recorded = FIGURES[name][tau][method]
    values = np.array([math.nan if value is None else value for value in recorded["values"]])
    return values, recorded.get("says", "")


def ours(name, tau, method):
    """Figures, or None; and what treadle says."""
    X, y = TABLES[name]
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", InferenceWarning)
        try:
            found = infer(X, y, quantile=float(tau), method=method, level=0.9)
        except InvalidInput as error:
            return None, str(error)
    said = "; ".join(str(warning.message) for warning in caught)
    return (found.intervals.T.ravel() if "rank" in method else found.standard_errors), said


def agree(found, recorded, tolerance=1e-6):
    return (
        found is not None
        and found.shape == recorded.shape
        and np.allclose(found, recorded, rtol=tolerance, atol=1e-9)
    )


def is_unique(name, quantile):
    X, y = TABLES[name]
    return solve(X, y, quantile=quantile).certificate.unique is not False


@pytest.mark.parametrize("tau", QUANTILES)
@pytest.mark.parametrize("name", TABLES)
def test_nid_is_that_of_r(name, tau):
    (recorded, r_says), (found, says) = theirs(name, tau, "nid"), ours(name, tau, "nid")
    if agree(found, recorded, 2e-5 if name == "engel_offset" else 1e-6):
        return
    quantile, n = float(tau), len(TABLES[name][1])
    h = bandwidth_within("hall_sheather", n, quantile)
    if found is None:  # neither has figures
        assert "singular" in r_says and "meet or cross in every row" in says
    elif "given the mean density" in says:
        assert "non-positive fis" in r_says
    else:
        assert not (is_unique(name, quantile - h) and is_unique(name, quantile + h))


@pytest.mark.parametrize("name", ["engel_far", "engel_farther"])
def test_a_row_moved_far_up_leaves_the_figures_of_r(name):
    """The row lies above all three fits of nid: R and treadle have the errors that they have without."""
    for figures in (theirs(name, "0.5", "nid")[0], ours(name, "0.5", "nid")[0]):
        np.testing.assert_allclose(figures, theirs("engel", "0.5", "nid")[0], rtol=1e-6)
        np.testing.assert_allclose(figures, [19.2507, 0.028277], rtol=2e-5)


@pytest.mark.parametrize("tau", QUANTILES)
@pytest.mark.parametrize("name", TABLES)
def test_iid_is_that_of_r(name, tau):
    if name == "engel_offset":
        # R takes what rounding leaves of the rows fitted for residuals: ours are those without the offset.
        np.testing.assert_allclose(ours(name, tau, "iid")[0], theirs("engel", tau, "iid")[0], rtol=1e-5)
        return
    (recorded, r_says), (found, _) = theirs(name, tau, "iid"), ours(name, tau, "iid")
    if agree(found, recorded) or not is_unique(name, float(tau)) or "variable lengths differ" in r_says:
        return
    # Its slope is as good as ours: the same sum of absolute deviations, each with the best constant.
    X, y = TABLES[name]
    fit = solve(X, y, quantile=float(tau))
    r = y - X @ fit.coef - fit.intercept
    n, p = len(y), X.shape[1] + 1
    first = int(np.sum(np.abs(r) < 1e-8))
    ranks = np.arange(first, first + max(p + 1, math.ceil(n * bandwidth("hall_sheather", n, float(tau)))) + 1)
    near, at = np.sort(r[np.argsort(np.abs(r), kind="stable")[ranks]]), (ranks + 1) / (n - p)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", InferenceWarning)
        sparsity = infer(X, y, quantile=float(tau), method="iid").sparsity
    losses = []
    for slope in (sparsity, sparsity * recorded[0] / found[0]):
        rest = near - slope * at
        losses.append(np.abs(rest - np.median(rest)).sum())
    assert losses[0] == pytest.approx(losses[1], rel=1e-9)


@pytest.mark.parametrize("tau", QUANTILES)
@pytest.mark.parametrize("name", TABLES)
def test_ranks_are_those_of_r_or_of_linear_programs(name, tau):
    recorded, _ = theirs(name, tau, "rank")
    if name == "engel_offset":
        recorded, _ = theirs("engel", tau, "rank")
        recorded += np.array([1e12, 0, 1e12, 0])
    found, _ = ours(name, tau, "rank")
    if agree(found, recorded):
        return
    if name.startswith("engel_"):
        assert agree(found - [1e12 * (name == "engel_offset"), 0] * 2, ours("engel", tau, "rank")[0], 1e-4)
        return
    X, y = TABLES[name]
    y = np.minimum(y, 1e3)  # HiGHS would lose the other rows beside 1e12
    Z = np.column_stack([np.ones(len(y)), X])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", InferenceWarning)
        judged = infer(X, y, quantile=float(tau), method="rank", level=0.9).intervals.T.ravel()
    for place, (end, value) in enumerate(zip(judged, recorded, strict=True)):
        if end == value or abs(end - value) <= 1e-6 * max(1, abs(value)):
            continue
        j, sign = place % Z.shape[1], -1 if place < Z.shape[1] else 1
        step = last_step(Z, y, j, sign, float(tau), 0.9)
        expected = math.inf if step is None else step.interpolated
        assert sign * end == pytest.approx(expected, rel=1e-6, abs=1e-6)


@pytest.mark.parametrize("tau", QUANTILES)
@pytest.mark.parametrize("name", TABLES)
def test_rank_nid_is_that_of_r_where_its_ranks_and_densities_are(name, tau):
    (recorded, r_says), (found, _) = theirs(name, tau, "rank_nid"), ours(name, tau, "rank_nid")
    if agree(found, recorded):
        return
    # R leaves tau - h or tau + h beyond (0, 1) here; and 1e-10 for the density where they cross, for our 0.
    beyond = "non-conformable" in r_says or "fis <=0" in r_says
    ranks_differ = not agree(ours(name, tau, "rank")[0], theirs(name, tau, "rank")[0])
    h = bandwidth_within("hall_sheather", len(TABLES[name][1]), float(tau))
    several = not (is_unique(name, float(tau) - h) and is_unique(name, float(tau) + h))
    assert beyond or ranks_differ or several
