"""An L1 fit beside least squares: both by their definitions, and the outlying rows."""

import numpy as np

from tests.report.l1_cases import fitted
from treadle import LADRegressor
from treadle.report.l1_comparison import OUTLYING, compare


def test_comparison_has_both_fits_by_their_definitions():
    model, X, y, found = fitted(quantile=0.3, d=2)
    r = y - model.predict(X)
    np.testing.assert_allclose(found.residuals, r, atol=1e-12)
    assert abs(found.loss - model.objective_) <= 1e-12 * model.objective_
    Z = np.column_stack([X, np.ones(len(y))])
    np.testing.assert_allclose(Z.T @ found.least_squares_residuals, 0, atol=1e-9)
    np.testing.assert_allclose(found.least_squares, np.linalg.solve(Z.T @ Z, Z.T @ y))
    around = y - np.quantile(y, 0.3, method="inverted_cdf")
    assert abs(found.constant_loss - 2 * np.where(around > 0, 0.3 * around, -0.7 * around).sum()) <= 1e-9
    assert found.r1 == 1 - found.loss / found.constant_loss
    assert found.least_squares_r1 < found.r1


def test_outliers_are_the_planted_ones_and_the_farthest_first():
    *_, found = fitted()
    assert set(found.outliers.tolist()) == {0, 1, 2}
    assert (np.diff(np.abs(found.scores[found.outliers])) <= 0).all()
    around = found.residuals - np.median(found.residuals)
    expected = (
        np.abs(0.6745 * around / np.median(np.abs(around))) > OUTLYING
    )  # Iglewicz and Hoaglin's formula
    assert set(np.flatnonzero(expected).tolist()) == {0, 1, 2}
    assert found.largest(5)[:3].tolist() == found.outliers.tolist()


def test_an_outlier_of_rows_that_the_fit_goes_through_is_found():
    X = np.arange(9.0)[:, None]
    y = 2 * X[:, 0]
    y[4] = 100
    found = compare(LADRegressor().fit(X, y), X, y)
    assert found.outliers.tolist() == [4]


def test_without_a_spread_there_are_no_scores_and_no_outliers():
    X = np.arange(9.0)[:, None]
    constant = compare(LADRegressor().fit(X, np.ones(9)), X, np.ones(9))
    assert np.isnan(constant.scores).all() and len(constant.outliers) == 0
    assert np.isnan(constant.r1)
