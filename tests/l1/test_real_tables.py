"""Every table that statsmodels ships and that has a number to explain: not above HiGHS, and proved."""

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from scipy.optimize import linprog

from treadle import LADRegressor

TABLES = (
    *("anes96", "cancer", "ccard", "committee", "copper", "cpunish", "engel", "fair", "grunfeld", "heart"),
    *("longley", "modechoice", "randhie", "scotland", "stackloss", "star98", "statecrime", "strikes"),
)


def table(name):
    """X and y: the target and the features that statsmodels names, those of numbers."""
    loaded = getattr(sm.datasets, name).load_pandas()
    endog, exog = loaded.endog, loaded.exog
    if exog is None:  # a table that names no target
        frame = loaded.data.select_dtypes("number")
        endog, exog = frame.iloc[:, -1], frame.iloc[:, :-1]
    y = np.asarray(endog, dtype=float)
    X = pd.DataFrame(exog).select_dtypes("number").to_numpy(float)
    return X, y if y.ndim == 1 else y[:, 0]


def objective(X, y, coef, intercept, quantile):
    r = (
        y.astype(np.longdouble)
        - X.astype(np.longdouble) @ coef.astype(np.longdouble)
        - np.longdouble(intercept)
    )
    return float(2 * np.sum(np.where(r > 0, quantile * r, (quantile - 1) * r)))


def of_highs(X, y, quantile):
    """The objective of HiGHS's coefficients, from the dual program with its columns scaled."""
    n, d = X.shape
    scale = np.abs(X).max(axis=0)
    scale[scale == 0] = 1
    Z = np.column_stack([np.ones(n), X / scale])
    low, high = np.full(n, 2 * (quantile - 1)), np.full(n, 2 * quantile)
    solved = linprog(
        -y / np.abs(y).max(),
        A_eq=Z.T,
        b_eq=np.zeros(d + 1),
        bounds=np.column_stack([low, high]),
        method="highs",
    )
    coef = -solved.eqlin.marginals * np.abs(y).max()
    return objective(X, y, coef[1:] / scale, coef[0], quantile)


@pytest.mark.parametrize("quantile", [0.5, 0.8])
@pytest.mark.parametrize("name", TABLES)
def test_not_above_highs_and_proved(name, quantile):
    X, y = table(name)
    if quantile != 0.5 and len(y) > 1000:
        pytest.skip("HiGHS takes seconds; the median of this table is compared")
    fitted = LADRegressor(quantile).fit(X, y)
    ours = objective(X, y, fitted.coef_, fitted.intercept_, quantile)
    theirs = of_highs(X, y, quantile)
    assert ours <= theirs * (1 + 1e-10)
    assert theirs <= ours * (1 + 1e-6)  # HiGHS did solve it
    assert abs(fitted.objective_ - ours) <= 1e-10 * ours
    assert fitted.certificate_.verify(X, y)
    moved = y.copy()
    moved[np.argmin(y - fitted.predict(X))] += 2 * np.ptp(y)  # from far below the fit to far above it
    assert not fitted.certificate_.verify(X, moved)


def test_engel_as_stata_prints_it():
    data = sm.datasets.engel.load_pandas().data
    for quantile, intercept, slope in ((0.5, 81.48233, 0.5601805), (0.75, 62.39648, 0.6440143)):
        fitted = LADRegressor(quantile).fit(data[["income"]], data["foodexp"])
        assert abs(fitted.intercept_ - intercept) <= 2e-4 and abs(fitted.coef_[0] - slope) <= 2e-7


def test_stackloss_as_published():
    X, y = table("stackloss")
    fitted = LADRegressor().fit(X, y)
    np.testing.assert_allclose(
        [fitted.intercept_, *fitted.coef_], [-39.68986, 0.83188, 0.57391, -0.06087], atol=5e-6
    )
    assert abs(fitted.objective_ - 42.08116) <= 5e-6
