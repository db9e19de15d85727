"""Compares an L1 fit with least squares on the same rows.

It gives losses, R1, and the outlying rows. A row is an outlier if its residual is more than 3.5 times the
scale from the median residual, the scale being 1.4826 times the median of what the residuals differ from it,
which the outliers themselves do not move: Iglewicz and Hoaglin's modified z-score (1993). Where that is zero,
since the fit goes through half of the rows, the scale is 1.2533 times the mean of the differences, as they
advise.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from treadle.l1.dense.coordinates import column_scales
from treadle.l1.inference.covariances import ROUNDING
from treadle.l1.proof.pinball import best_constant, pinball_loss
from treadle.l1.sources.integer_columns import Matrix, doubles_of
from treadle.maths.dtypes import Floats

if TYPE_CHECKING:
    from treadle.estimators.lad import LADRegressor

OUTLYING = 3.5
# A normal distribution's standard deviation, in medians and in means of its absolute values.
NORMAL_MEDIAN, NORMAL_MEAN = 1.4826, 1.2533

Vector = NDArray[np.float64]


@dataclass(frozen=True)
class L1Comparison:
    """The L1 and the least-squares fit of N rows.

    Attributes
    ----------
    quantile : float
    fitted, least_squares_fitted : ndarrays of shape (N,)
        Predictions.
    residuals, least_squares_residuals : ndarrays of shape (N,)
        Target less prediction.
    least_squares : ndarray of shape (D + 1,)
        Its coefficients, the intercept last, 0 without one; at the fit's centre.
    loss, least_squares_loss, constant_loss : float
        The sum of 2 rho over the residuals, which is that of absolute residuals at the median: of the L1 fit,
        of least squares, and of the best constant.
    scores : ndarray of shape (N,)
        The modified z-score of each residual; nan where all residuals are equal.
    """

    quantile: float
    fitted: Vector
    least_squares_fitted: Vector
    residuals: Vector
    least_squares_residuals: Vector
    least_squares: Vector
    loss: float
    least_squares_loss: float
    constant_loss: float
    scores: Vector

    @property
    def r1(self) -> float:
        """R1 of Koenker and Machado: the explained share of a constant's loss.

        The constant is the best one.
        """
        return self._share(self.loss)

    @property
    def least_squares_r1(self) -> float:
        """R1 of the least-squares fit."""
        return self._share(self.least_squares_loss)

    def _share(self, loss: float) -> float:
        return 1 - loss / self.constant_loss if self.constant_loss > 0 else float("nan")

    @property
    def outliers(self) -> NDArray[np.int64]:
        """The outlying rows, from 0, the farthest first."""
        return self.largest(int(np.sum(np.abs(self.scores) > OUTLYING)))

    def largest(self, n: int) -> NDArray[np.int64]:
        """Return the n rows with residuals farthest from the median residual.

        Rows count from 0, the farthest first.
        """
        distance = np.abs(self.residuals - np.median(self.residuals))
        return np.argsort(-distance, kind="stable")[:n]


def compare(model: LADRegressor, X: Matrix, y: Vector) -> L1Comparison:
    """Compare a fit with least squares on the rows that it was fitted to.

    Parameters
    ----------
    model : LADRegressor
        Fitted to these rows, without weights.
    X : ndarray of shape (N, D), or a frame
    y : ndarray of shape (N,), float64
    """
    fitted = model.predict(X)
    residuals = y - fitted
    centre = model.certificate_.centre
    at_centre = doubles_of(X, model.certificate_.origin)
    at_centre = at_centre - centre if centre.any() else at_centre
    coefs = least_squares(at_centre, y, model.fit_intercept)
    least_squares_fitted = at_centre @ coefs[:-1] + coefs[-1]
    least_squares_residuals = y - least_squares_fitted
    around = residuals - np.median(residuals)
    rounding = ROUNDING * np.median(np.abs(y) + np.abs(residuals))
    scale = NORMAL_MEDIAN * np.median(np.abs(around))
    if not scale > rounding:
        scale = NORMAL_MEAN * np.mean(np.abs(around))
    with np.errstate(over="ignore", divide="ignore", invalid="ignore"):  # beyond measure is infinite
        scores = around / scale if scale > rounding else np.full(len(y), np.nan)
    return L1Comparison(
        quantile=model.quantile,
        fitted=fitted,
        least_squares_fitted=least_squares_fitted,
        residuals=residuals,
        least_squares_residuals=least_squares_residuals,
        least_squares=coefs,
        loss=pinball_loss(residuals, model.quantile),
        least_squares_loss=pinball_loss(least_squares_residuals, model.quantile),
        constant_loss=pinball_loss(y - best_constant(y, model.quantile), model.quantile),
        scores=scores,
    )


def least_squares(X: Floats, y: Vector, fit_intercept: bool) -> Vector:
    """Fit coefficients and intercept by least squares, with scaled columns.

    Of several best ones they are the shortest. The intercept comes last, 0 without one.
    """
    Z = np.column_stack([X, np.ones(len(y))]) if fit_intercept else np.asarray(X, np.float64)
    units = column_scales(Z)
    coefs = np.linalg.lstsq(Z * units, y, rcond=None)[0] * units
    return np.asarray(coefs if fit_intercept else np.append(coefs, 0.0))
