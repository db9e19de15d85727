"""What an L1 fit says about its rows, beside least squares on the same: losses, R1, and the outlying rows.

A row is an outlier if its residual is more than 3.5 times the scale from the median residual, the scale being
1.4826 times the median of what the residuals differ from it: Iglewicz and Hoaglin's modified z-score (1993).
Neither is moved by the outliers themselves.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from treadle.estimators.lad import LADRegressor
from treadle.l1.inference import ROUNDING
from treadle.l1.pinball import best_constant, pinball_loss

OUTLYING = 3.5
NORMAL_SCALE = 1.4826  # a normal distribution's standard deviation, in medians of its absolute values

Vector = NDArray[np.float64]


@dataclass(frozen=True)
class L1Comparison:
    """Both fits on N rows.

    Attributes
    ----------
    quantile : float
    residuals, least_squares_residuals : ndarrays of shape (N,)
        Target less prediction.
    least_squares : ndarray of shape (D + 1,)
        Its coefficients, the intercept last, 0 without one.
    loss, least_squares_loss, constant_loss : float
        The sum of 2 rho over the residuals, which is that of absolute residuals at the median: of the L1 fit,
        of least squares, and of the best constant.
    scores : ndarray of shape (N,)
        The modified z-score of each residual; nan where half of the residuals are equal.
    """

    quantile: float
    residuals: Vector
    least_squares_residuals: Vector
    least_squares: Vector
    loss: float
    least_squares_loss: float
    constant_loss: float
    scores: Vector

    @property
    def r1(self) -> float:
        """R1 of Koenker and Machado: the share of the best constant's loss that the fit explains."""
        return self._share(self.loss)

    @property
    def least_squares_r1(self) -> float:
        """The same of the least-squares fit."""
        return self._share(self.least_squares_loss)

    def _share(self, loss: float) -> float:
        return 1 - loss / self.constant_loss if self.constant_loss > 0 else float("nan")

    @property
    def outliers(self) -> NDArray[np.int64]:
        """The outlying rows, from 0, the farthest first."""
        return self.largest(int(np.sum(np.abs(self.scores) > OUTLYING)))

    def largest(self, n: int) -> NDArray[np.int64]:
        """The n rows, from 0, whose residuals are farthest from the median one, the farthest first."""
        distance = np.abs(self.residuals - np.median(self.residuals))
        return np.argsort(-distance, kind="stable")[:n]


def compare(model: LADRegressor, X: NDArray[Any], y: Vector) -> L1Comparison:
    """Compare a fit with least squares on the rows that it was fitted to.

    Parameters
    ----------
    model : LADRegressor
        Fitted to these rows, without weights.
    X : ndarray of shape (N, D)
    y : ndarray of shape (N,)
    """
    residuals = y - model.predict(X)
    coefs = _least_squares(X, y, model.fit_intercept)
    least_squares_residuals = y - X @ coefs[:-1] - coefs[-1]
    around = residuals - np.median(residuals)
    scale = NORMAL_SCALE * np.median(np.abs(around))
    rounding = ROUNDING * np.median(np.abs(y) + np.abs(residuals))
    with np.errstate(over="ignore", divide="ignore", invalid="ignore"):  # beyond measure is infinite
        scores = around / scale if scale > rounding else np.full(len(y), np.nan)
    return L1Comparison(
        quantile=model.quantile,
        residuals=residuals,
        least_squares_residuals=least_squares_residuals,
        least_squares=coefs,
        loss=pinball_loss(residuals, model.quantile),
        least_squares_loss=pinball_loss(least_squares_residuals, model.quantile),
        constant_loss=pinball_loss(y - best_constant(y, model.quantile), model.quantile),
        scores=scores,
    )


def _least_squares(X: NDArray[Any], y: Vector, fit_intercept: bool) -> Vector:
    """Coefficients and intercept, the shortest of the best where several are; columns are scaled first."""
    Z = np.column_stack([X, np.ones(len(y))]) if fit_intercept else np.asarray(X, np.float64)
    lengths = np.sqrt((Z**2).sum(axis=0))
    lengths[lengths == 0] = 1.0
    coefs = np.linalg.lstsq(Z / lengths, y, rcond=None)[0] / lengths
    return np.asarray(coefs if fit_intercept else np.append(coefs, 0.0))
