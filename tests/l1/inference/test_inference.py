"""Standard errors and intervals: against statsmodels, published tables and theory."""

import math
import pickle
import warnings

import numpy as np
import pytest
import statsmodels.api as sm

from treadle import LADRegressor
from treadle.errors import InferenceWarning, InvalidInput
from treadle.l1 import infer
from treadle.l1.inference import bootstrap, covariances, inference, rank_inversion
from treadle.l1.inference.bandwidths import BANDWIDTHS, bandwidth, bandwidth_within
from treadle.l1.inference.inference import METHODS

ENGEL = sm.datasets.engel.load_pandas().data


def engel(**options):
    return infer(ENGEL[["income"]], ENGEL["foodexp"], names=["income"], **options)


def data(n=150, seed=0):
    rng = np.random.default_rng(seed)
    X = rng.standard_normal((n, 3))
    return X, X @ [1.0, 2.0, 0.0] + 3 + (1 + 0.5 * np.abs(X[:, 0])) * rng.standard_t(3, n)


@pytest.mark.parametrize("quantile", [0.25, 0.5, 0.9])
@pytest.mark.parametrize("name", ["hall_sheather", "bofinger", "chamberlain"])
@pytest.mark.parametrize(("method", "vcov"), [("kernel", "iid"), ("robust", "robust")])
def test_kernels_give_what_statsmodels_gives(quantile, name, method, vcov):
    if name == "bofinger" and quantile != 0.5:
        pytest.skip("statsmodels has another formula away from the median; see bandwidths.py")
    X, y = data(1500)
    found = infer(X, y, quantile=quantile, method=method, bandwidth=name)
    theirs = sm.QuantReg(y, sm.add_constant(X)).fit(
        q=quantile,
        vcov=vcov,
        bandwidth="hsheather" if name == "hall_sheather" else name,
        p_tol=1e-12,
        max_iter=9999,
    )
    # Away from the median, robust takes the sign of each residual, which of four is theirs to round.
    tolerance = 0.05 if method == "robust" and quantile != 0.5 else 1e-3
    np.testing.assert_allclose(found.coef, theirs.params, rtol=1e-4, atol=1e-4)
    np.testing.assert_allclose(found.standard_errors, theirs.bse, rtol=tolerance)
    np.testing.assert_allclose(found.t_values, theirs.tvalues, rtol=tolerance, atol=1e-2)
    np.testing.assert_allclose(found.p_values, theirs.pvalues, rtol=1e-2, atol=1e-3)
    np.testing.assert_allclose(found.intervals, theirs.conf_int(), atol=2 * tolerance)
    np.testing.assert_allclose(
        [found.bandwidth, found.sparsity], [theirs.bandwidth, theirs.sparsity], rtol=1e-3
    )
    assert abs(found.pseudo_r1 - theirs.prsquared) <= 1e-4
    wrong = infer(X, y, quantile=quantile, method="nid", bandwidth=name)
    assert np.abs(wrong.standard_errors / theirs.bse - 1).max() > 0.02


def test_engel_as_published():
    """Koenker's vignette of R's quantreg: rank inversion at 90 %, and standard errors by nid."""
    found = engel(method="nid")
    np.testing.assert_allclose(found.coef, [81.48225, 0.56018], atol=5e-6)
    np.testing.assert_allclose(found.standard_errors, [19.25066, 0.02828], atol=5e-6)
    np.testing.assert_allclose(found.t_values, [4.23270, 19.81032], atol=5e-6)
    ranks = engel(method="rank", level=0.9)
    np.testing.assert_allclose(ranks.intervals, [[53.25915, 114.01156], [0.48702, 0.60199]], atol=5e-6)
    assert np.isnan(ranks.standard_errors).all()
    assert abs(found.pseudo_r1 - 0.6206) <= 5e-5  # Stata, and statsmodels' documentation


def test_an_interval_that_no_value_is_far_enough_for_is_infinite():
    X, y = data(6)
    found = infer(X[:, :2], y, method="rank", level=0.999)
    assert np.isinf(found.intervals).any()


def test_more_certainty_makes_wider_intervals():
    for method in METHODS:
        narrow, wide = (engel(method=method, level=level, n_bootstrap=50) for level in (0.8, 0.99))
        assert (wide.intervals[:, 0] < narrow.intervals[:, 0]).all()
        assert (narrow.intervals[:, 0] < narrow.coef).all() and (narrow.coef < narrow.intervals[:, 1]).all()
        assert (narrow.intervals[:, 1] < wide.intervals[:, 1]).all()


def test_bootstraps_repeat_by_their_seed():
    for method in ("pairs", "weighted"):
        first, again, other = (engel(method=method, n_bootstrap=20, random_state=seed) for seed in (1, 1, 2))
        assert first.standard_errors.tobytes() == again.standard_errors.tobytes()
        assert first.standard_errors.tobytes() != other.standard_errors.tobytes()


@pytest.mark.parametrize("method", [name for name in METHODS if "rank" not in name])
def test_normal_errors_have_the_standard_error_of_theory(method):
    """sqrt(pi / 2) sigma / sqrt(N) at the median, for columns of variance 1."""
    rng = np.random.default_rng(3)
    X = rng.standard_normal((2000, 2))
    found = infer(X, X @ [1.0, -1.0] + rng.standard_normal(2000), method=method)
    expected = math.sqrt(math.pi / 2 / 2000)
    np.testing.assert_allclose(found.standard_errors, expected, rtol=0.3)
    assert not np.allclose(found.standard_errors, 2 * expected, rtol=0.3)


def test_weights_are_scales():
    X, y = data()
    c = np.random.default_rng(1).uniform(0.5, 2, len(y))
    c[:5] = 0
    Z = sm.add_constant(X)[5:] * c[5:, None]
    for method in ("nid", "iid", "robust", "rank"):
        weighted = infer(X, y, sample_weight=c, method=method)
        by_hand = infer(Z, y[5:] * c[5:], fit_intercept=False, method=method)
        np.testing.assert_allclose(weighted.intervals, by_hand.intervals, rtol=1e-9)
        assert weighted.n_rows == len(y) - 5


def test_the_table_prints_as_statsmodels():
    lines = str(engel(method="kernel")).splitlines()
    assert lines[0].strip() == "L1 regression"
    assert len({len(line) for line in lines if set(line) <= {"=", "-"}}) == 1
    assert all(len(line) <= len(lines[1]) for line in lines)
    assert lines[2].split() == ["Quantile:", "0.5", "Pseudo", "R1:", "0.6206"]
    header = next(line for line in lines if "coef" in line)
    assert header.split() == ["coef", "std", "err", "t", "P>|t|", "[0.025", "0.975]"]
    row = next(line for line in lines if line.startswith("income"))
    assert row.split() == ["income", "0.5602", "0.0132", "42.5164", "0.000", "0.5342", "0.5861"]
    assert "Quantile regression" in str(engel(quantile=0.9))
    row = next(line for line in str(engel(method="rank")).splitlines() if line.startswith("income"))
    assert row.split()[1:5] == ["0.5602", "-", "-", "-"]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"method": "exact"}, "method must be one of nid, iid.*; got 'exact'"),
        ({"level": 95}, "level must be between 0 and 1, such as 0.95; got 95"),
        ({"quantile": 0.0}, "quantile must be between 0 and 1, both excluded; got 0.0"),
        ({"bandwidth": "silverman"}, "bandwidth must be one of hall_sheather.*; got 'silverman'"),
        ({"names": ["a"]}, "names must be one for each of the 3 features; got 1"),
        ({"method": "pairs", "n_bootstrap": 1}, "n_bootstrap must be at least 2; got 1"),
        ({"sample_weight": [1.0]}, "sample_weight must have a weight for each sample"),
    ],
)
def test_a_wrong_option_is_told(change, message):
    with pytest.raises(InvalidInput, match=message):
        infer(*data(), **change)


def test_data_without_standard_errors_are_told():
    X, y = data()
    with pytest.raises(InvalidInput, match="the column 'x4' is a combination of those before it"):
        infer(np.column_stack([X, X[:, 0] - 2 * X[:, 2]]), y)
    with pytest.raises(InvalidInput, match="the column 'x4' is a combination of those before it"):
        infer(np.column_stack([X, np.ones(len(y))]), y)
    with pytest.raises(InvalidInput, match="more rows than coefficients; got 4 rows and 4 coefficients"):
        infer(X[:4], y[:4])
    with pytest.raises(InvalidInput, match="inference needs finite numbers"):
        infer(np.where(X > 2, np.nan, X), y)
    with pytest.raises(InvalidInput, match=r"inference needs dense numbers.*got float64 \(150,\)"):
        infer(y, y)


def test_residuals_that_have_no_density_are_told():
    X, y = data()
    line = X @ [1.0, 2.0, 3.0]
    with pytest.raises(InvalidInput, match="through 150 of 150 rows, and the ranks reject every value"):
        infer(X, line, method="rank")
    with pytest.raises(InvalidInput, match="at least half of the residuals are equal"):
        infer(X, line + np.where(np.arange(len(y)) < 120, 0, y), method="kernel")
    with pytest.raises(InvalidInput, match="meet or cross in every row: there is no density"):
        infer(X, line, method="nid")
    with pytest.raises(InvalidInput, match="residuals to estimate a density from: too few"):
        infer(X, line, method="iid")


@pytest.mark.parametrize("method", ["nid", "iid", "rank", "rank_nid"])
def test_one_far_y_changes_nothing(method):
    """The row is above all three fits, and stays there."""
    above = int(np.argmax(ENGEL["foodexp"] - 1.2 * ENGEL["income"]))
    moved = [infer(ENGEL[["income"]], replaced(above, value), method=method) for value in (1e4, 1e12, 1e13)]
    for far in moved[1:]:
        np.testing.assert_allclose(far.intervals, moved[0].intervals, rtol=1e-9)
        np.testing.assert_allclose(far.standard_errors, moved[0].standard_errors, rtol=1e-9)


def replaced(row, value):
    y = ENGEL["foodexp"].to_numpy(copy=True)
    y[row] = value
    return y


@pytest.mark.parametrize("method", METHODS)
def test_a_large_offset_of_y_changes_only_the_intercept(method):
    plain = engel(method=method, n_bootstrap=20)
    moved = infer(ENGEL[["income"]], ENGEL["foodexp"] + 1e12, method=method, n_bootstrap=20)
    np.testing.assert_allclose(moved.intervals - [[1e12, 1e12], [0, 0]], plain.intervals, rtol=1e-4)
    np.testing.assert_allclose(moved.standard_errors, plain.standard_errors, rtol=1e-4)


def test_a_few_rows_far_longer_than_the_others_do_not_lose_their_density():
    """Where two quantiles cross in nearly all of them, errors were 700 times too large."""
    n_warned, ratios = 0, []
    for seed in range(12):
        rng = np.random.default_rng(seed)
        X = rng.standard_normal((600, 2))
        X[:10] *= 1e4
        y = X.sum(axis=1) + rng.standard_normal(600)
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            found = infer(X, y)
        if caught:
            assert "given the mean density of the others" in str(caught[0].message)
            assert caught[0].category is InferenceWarning
        n_warned += len(caught)
        Z = sm.add_constant(X)
        ratios.append(found.standard_errors / np.sqrt(math.pi / 2 * np.diag(np.linalg.inv(Z.T @ Z))))
    assert 0 < n_warned < 12
    assert np.min(ratios) > 0.2 and np.max(ratios) < 5


def test_standard_errors_do_not_depend_on_the_level():
    """As in R's quantreg, whose bandwidth is for 95 % always."""
    for method in ("nid", "iid", "kernel", "robust"):
        for bandwidth_name in BANDWIDTHS:
            one, other = (engel(method=method, level=at, bandwidth=bandwidth_name) for at in (0.8, 0.99))
            assert one.standard_errors.tobytes() == other.standard_errors.tobytes()


def test_iid_does_not_halve_the_bandwidth():
    """As R: with it halved, intervals of tau = .05 covered less."""
    X, y = data(60)
    assert infer(X, y, quantile=0.05, method="iid").bandwidth == bandwidth("hall_sheather", 60, 0.05)
    assert infer(X, y, quantile=0.05).bandwidth == bandwidth_within("hall_sheather", 60, 0.05)
    assert bandwidth_within("hall_sheather", 60, 0.05) < bandwidth("hall_sheather", 60, 0.05)


def test_iid_says_where_its_slope_may_be_any_of_many(monkeypatch):
    rng = np.random.default_rng(0)
    X, y = rng.standard_normal((20, 1)), rng.standard_normal(20)
    told = r"a slope through 4 residuals, 0\.\d+, and others from 0\.3059 to 0\.6086 are as good"
    with pytest.warns(InferenceWarning, match=told):
        infer(X, y, quantile=0.1, method="iid")
    monkeypatch.setattr(covariances, "vertex_of", lambda table, tilt: None)
    with pytest.raises(InvalidInput, match="4 residuals nearest to zero differ by too many orders"):
        infer(X, y, quantile=0.1, method="iid")


def test_a_standard_error_of_zero_is_refused():
    X = np.column_stack([np.tile([0.0, 1.0], 50)])
    y = np.where(np.arange(100) % 10 < 8, 1.0, 2.0)
    for method in ("iid", "weighted"):
        with (
            pytest.warns(InferenceWarning),
            pytest.raises(
                InvalidInput,
                match=f"method={method!r} gives 'intercept' a standard error of 0, since too",
            ),
        ):
            infer(X, y, method=method, n_bootstrap=10)


def test_heavily_tied_targets_are_told():
    rng = np.random.default_rng(0)
    X = rng.uniform(0, 2, (400, 2))
    counts = rng.poisson(1 + X[:, 0])
    for method in METHODS:
        with pytest.warns(InferenceWarning, match=r"\d+ of 400 rows have y = [12], near the quantile"):
            infer(X, counts, method=method, n_bootstrap=10)
    # Ties that are not at the quantile, and few of them, are of no matter.
    y = rng.standard_normal(400) + X[:, 0]
    infer(X, np.maximum(y, np.quantile(y, 0.3)), quantile=0.9)
    infer(X, np.round(y, 1))


def tied_rows(n):
    rng = np.random.default_rng(0)
    return rng.integers(0, 2, (n, 3)).astype(float), (rng.random(n) < 0.4).astype(float)


@pytest.mark.filterwarnings("ignore::treadle.errors.InferenceWarning")
def test_fits_of_rows_that_tie_are_announced_before_they_begin(capsys, monkeypatch):
    X, y = tied_rows(300)
    monkeypatch.setattr(inference, "seconds_of_a_tied_fit", lambda *problem: 40.0)
    monkeypatch.setattr(covariances, "conditional_densities", interrupted)
    with pytest.raises(KeyboardInterrupt):
        infer(X, y)
    told = (
        "treadle: method='nid' takes 2 fits, and y ties so often that each may take some 40 s, some 80 s in"
    )
    assert capsys.readouterr().err.startswith(told)
    with pytest.raises(KeyboardInterrupt):
        infer(X, y, progress=False)
    infer(X, y + np.arange(300), method="iid")
    assert capsys.readouterr().err == ""


def interrupted(*arguments, **options):
    raise KeyboardInterrupt


@pytest.mark.parametrize(
    ("method", "place"), [("rank", rank_inversion), ("pairs", bootstrap), ("nid", covariances)]
)
def test_intervals_that_are_interrupted_leave_the_fit(method, place, monkeypatch):
    X, y = ENGEL[["income"]], ENGEL["foodexp"]
    model = LADRegressor().fit(X, y)
    before, printed = pickle.dumps(model), str(model.summary(X, y))
    with monkeypatch.context() as patched, pytest.raises(KeyboardInterrupt):
        patched.setattr(place, "_end" if method == "rank" else "solve", interrupted)
        model.summary(X, y, method=method)
    assert pickle.dumps(model) == before
    assert str(model.summary(X, y)) == printed
