"""Regression under the L1 norm and of quantiles, as a scikit-learn estimator.

``treadle.l1`` solves it. It checks and translates; the optimum and its certificate are
``treadle.l1.dense.solve``'s, standard errors and intervals ``treadle.l1.inference.inference``'s. It keeps no
data, so ``summary`` takes those of ``fit`` again.

Dimensions: N samples, D features.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING, Self, TypeGuard

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import sparse
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.utils.validation import (
    check_array,
    check_consistent_length,
    check_is_fitted,
    validate_data,
)

from treadle.errors import InvalidInput
from treadle.estimators.files.saved_certificate import certificate_from, certificate_parts, fit_numbers
from treadle.estimators.files.saving import Savable, Saved
from treadle.estimators.hyperparameters import check_hyperparameters
from treadle.estimators.random_state import seed_of
from treadle.estimators.text_in_features import text_in_features_told
from treadle.l1.dense.solve import solve, solve_rows
from treadle.l1.inference.inference import Inference, infer
from treadle.l1.proof.solution import Solution
from treadle.l1.sources.integer_columns import Origin, doubles_of, has_integer_columns, origin_of
from treadle.l1.sources.rows import Chunk, Rows
from treadle.l1.sparse.solve import solve_sparse
from treadle.maths.dtypes import Floats, Numbers

if TYPE_CHECKING:
    import pandas as pd
    from sklearn.utils import Tags

# X of these types is taken as it is, in any order of memory, without a copy; any other becomes the first.
X_DTYPES = (np.float64, np.float32)
LARGEST_TARGET = 1e150  # beyond, squares may be infinite
ROWS_PER_BLOCK = 1 << 16  # of float32 rows that are predicted in float64 at a time


class LADRegressor(Savable, RegressorMixin, BaseEstimator):  # type: ignore[misc]
    r"""Least absolute deviations: exact, certified linear regression under the L1 norm.

    It has the least of, with c the sample weights, r = y - X w - b and rho(r) = max(tau r, (tau - 1) r)::

        sum_i c_i 2 rho(r_i) + 2 alpha (sum_i c_i) ||w||_1

    which for the median, tau = 1/2, is the sum of absolute residuals. It is found at a vertex, and
    ``certificate_`` proves it, for the data as exact numbers. See ``docs/maths/l1.md``. Of a sparse X of more
    than 2000 columns, the intercept among them, a vertex is not always found, nor its equations always
    enclosed: then the coefficients are those of an interior point, to rounding, or the best vertex, and
    ``verify`` says that nothing, or how much, is proved.

    Columns of 64-bit integers, signed or not, and of time stamps (as nanoseconds) are taken exactly; with an
    intercept every column may have any offset. Predictions are made from where the data are, (X - centre) w +
    the intercept there, since at an offset of 1e15 no ``intercept_`` holds enough digits.

    Parameters
    ----------
    quantile : float in (0, 1), default=0.5
        tau, the quantile of y given X that is fitted.
    alpha : float >= 0, default=0.0
        The L1 penalty's weight, as in scikit-learn's QuantileRegressor (whose default is 1); the intercept is
        free.
    fit_intercept : bool, default=True
    random_state : int, RandomState or None, default=0
        Of the rows that a first guess is made from. The objective does not depend on it, nor do the
        coefficients unless several are optimal.

    Attributes
    ----------
    coef_ : ndarray of shape (D,), float64
    intercept_ : float
        At X = 0; 0.0 without one.
    objective_ : float
        The sum above.
    certificate_ : Certificate
        The proof: ``print(certificate_.verify(X, y))`` checks it from the data alone.
    n_iter_ : int
        Steps of the interior-point method, over all samples.
    n_features_in_ : int
    feature_names_in_ : ndarray of shape (D,)
        Where X had names.

    References
    ----------
    Koenker and Bassett, "Regression quantiles" (1978). Portnoy and Koenker, "The Gaussian hare and the
    Laplacian tortoise" (1997). Barrodale and Roberts (1973).

    Examples
    --------
    >>> from treadle import LADRegressor
    >>> X, y = [[0], [1], [2], [3], [4]], [0, 1, 2, 3, 40]
    >>> model = LADRegressor().fit(X, y)
    >>> model.predict([[5]]).tolist(), model.objective_  # the outlier moves nothing
    ([5.0], 36.0)
    >>> bool(model.certificate_.verify(X, y))
    True
    """

    def __init__(
        self,
        quantile: float = 0.5,
        *,
        alpha: float = 0.0,
        fit_intercept: bool = True,
        random_state: int | np.random.RandomState | None = 0,
    ) -> None:
        self.quantile = quantile
        self.alpha = alpha
        self.fit_intercept = fit_intercept
        self.random_state = random_state

    def fit(
        self, X: ArrayLike | Rows, y: ArrayLike | None = None, sample_weight: ArrayLike | None = None
    ) -> Self:
        """Find the optimum.

        Parameters
        ----------
        X : array_like or sparse matrix of shape (N, D), or Rows
            Finite numbers, or time stamps; float64 and float32, in C and in Fortran order, and memory maps
            are not copied, and a scipy.sparse X is never made dense. May be rank-deficient. Or rows that
            memory need not hold, with their targets and weights: ``treadle.l1.ParquetRows``, ``NpyRows``,
            ``ChunkRows``, ``DaskRows``.
        y : array_like of shape (N,)
            None for Rows.
        sample_weight : array_like of shape (N,), optional
            Finite, at least 0, not all 0. None: all 1.

        Raises
        ------
        InvalidInput
            If a parameter or a weight is not as above. Like all errors that scikit-learn raises for X and y,
            it is a ValueError.
        CertificateFailed
            If no optimum could be proved to the precision of a double.
        """
        check_hyperparameters(type(self).__name__, vars(self))
        solution = self._solution(X, y, sample_weight)
        self.coef_ = solution.coef
        self.intercept_ = solution.intercept
        self.objective_ = solution.objective
        self.certificate_ = solution.certificate
        self.n_iter_ = solution.n_iter
        return self

    def _solution(
        self, X: ArrayLike | Rows, y: ArrayLike | None, sample_weight: ArrayLike | None
    ) -> Solution:
        seed = seed_of(self.random_state)
        if isinstance(X, Rows):
            if y is not None or sample_weight is not None:
                raise InvalidInput(
                    f"{type(X).__name__} have their targets and weights with them; pass neither y nor "
                    "sample_weight"
                )
            self.n_features_in_ = X.n_features
            self.__dict__.pop("feature_names_in_", None)
            if X.feature_names is not None:
                self.feature_names_in_ = np.array(X.feature_names, dtype=object)
            return solve_rows(
                X,
                quantile=self.quantile,
                alpha=self.alpha,
                fit_intercept=self.fit_intercept,
                random_state=seed,
            )
        features, target, origin = self._validated(X, y)
        low, high = float(target.min()), float(target.max())
        if (
            math.isfinite(low)
            and math.isfinite(high)
            and not -LARGEST_TARGET <= low <= high <= LARGEST_TARGET
        ):
            raise InvalidInput(
                f"y must lie within {LARGEST_TARGET:g} of 0, so that no square overflows; got values from "
                f"{low:g} to {high:g}: divide y by a power of ten"
            )
        solver = solve_sparse if sparse.issparse(features) else partial(solve, random_state=seed)
        solution = solver(
            features,
            target,
            quantile=self.quantile,
            sample_weight=None if sample_weight is None else np.asarray(sample_weight, np.float64),
            alpha=self.alpha,
            fit_intercept=self.fit_intercept,
        )
        return solution if origin is None else solution.with_origin(origin)

    def _validated(self, X: ArrayLike, y: ArrayLike | None) -> tuple[Floats, Numbers, Origin | None]:
        """Check X and y as scikit-learn's ``validate_data`` does.

        It is not called where it changes nothing. It takes as long as a fit of some hundred rows. Values that
        are not finite are for ``solve`` to refuse, by row. Columns of integers and time stamps are less an
        origin, which comes third.
        """
        if _is_plain(X, 2) and _is_plain(y, 1) and len(X) == len(y) and X.size > 0:
            self.n_features_in_ = X.shape[1]
            self.__dict__.pop("feature_names_in_", None)
            return X, y, None
        origin = None
        if self.fit_intercept and has_integer_columns(X):
            names = _names_of(X)
            origin = origin_of(X)
            X = doubles_of(X, origin)
            if names is not None:
                X = _named(X, names)
        with text_in_features_told(X):
            features, target = validate_data(
                self, X, y, accept_sparse="csr", dtype=list(X_DTYPES), y_numeric=True
            )
        if target.dtype.kind not in "biuf":
            raise InvalidInput(
                f"y must be real numbers; got an array of {target.dtype}, which begins with {target[0]!r}: "
                "convert it with .astype('float64')"
            )
        return features, target, origin

    def predict(self, X: ArrayLike | Rows) -> NDArray[np.float64]:
        """The quantile of each row, X w + b.

        Parameters
        ----------
        X : array_like or sparse matrix of shape (N, D), or Rows
            With the features of ``fit``, in their order.

        Returns
        -------
        ndarray of shape (N,), float64
        """
        check_is_fitted(self, "coef_")
        coef, intercept, centre = self._at_centre()
        if isinstance(X, Rows):
            if X.n_features != self.n_features_in_:
                raise InvalidInput(f"the rows have {X.n_features} features; fit had {self.n_features_in_}")
            shift = centre + self.certificate_.origin
            return np.concatenate(list(X.map(partial(predicted_of, coef, intercept, shift))))
        features = self._features(X)
        if sparse.issparse(features):
            return _predicted(coef, intercept, centre + self.certificate_.origin, features)
        predicted = np.empty(len(features))
        for first in range(0, len(features), ROWS_PER_BLOCK):
            block = features[first : first + ROWS_PER_BLOCK]
            block = block - centre if centre.any() else block
            np.dot(block, coef, out=predicted[first : first + len(block)])
        predicted += intercept
        return predicted

    def _at_centre(self) -> tuple[NDArray[np.float64], float, NDArray[np.float64]]:
        """Return the coefficients, the intercept at the centre, and the centre."""
        certificate = self.certificate_
        if certificate.centre.any() or certificate.origin.any():
            return self.coef_, certificate.centre_intercept, certificate.centre
        return self.coef_, self.intercept_, certificate.centre

    def _features(self, X: ArrayLike) -> Floats | sparse.csr_array:
        """Return X checked as in the fit, less the origin."""
        origin = self.certificate_.origin
        if (has_integer_columns(X) or origin.any()) and not sparse.issparse(X):
            names = _names_of(X)
            if np.ndim(X) == 2 and np.shape(X)[1] == len(origin):
                X = doubles_of(X, origin)
                X = X if names is None else _named(X, names)
        with text_in_features_told(X):
            return validate_data(self, X, accept_sparse="csr", dtype=list(X_DTYPES), reset=False)

    def summary(
        self,
        X: ArrayLike,
        y: ArrayLike,
        sample_weight: ArrayLike | None = None,
        *,
        method: str = "nid",
        level: float = 0.95,
        bandwidth: str = "hall_sheather",
        n_bootstrap: int = 200,
        names: Sequence[str] | None = None,
        progress: bool = True,
    ) -> Inference:
        """Estimate standard errors and confidence intervals of the fit, and R1.

        Printed, it is a table as statsmodels has it. Of columns far from zero the intercept is the one at
        ``certificate_.centre``.

        Parameters
        ----------
        X, y, sample_weight
            What was fitted.
        method : str, default="nid"
            nid: errors whose spread may depend on X. iid: equally spread errors. kernel and robust: as
            statsmodels' ``vcov="iid"`` and ``vcov="robust"``. rank and rank_nid: inversion of a rank-score
            test. pairs and weighted: bootstraps. See ``treadle.l1.inference.inference.infer``, also for where
            intervals cover too seldom: few rows, heavy ties, quantiles near 0 and 1.
        level : float in (0, 1), default=0.95
            Of the intervals.
        bandwidth : {"hall_sheather", "bofinger", "chamberlain"}, default="hall_sheather"
            For the methods that estimate a density.
        n_bootstrap : int, default=200
        names : sequence of D str, optional
            What to call the features. None: as X of ``fit`` did, else x1, x2 ...
        progress : bool, default=True
            What takes longer than some seconds says so on standard error, beforehand, with a bar on a
            terminal; Ctrl-C stops it, and the fit stays.

        Returns
        -------
        Inference

        Raises
        ------
        InvalidInput
            If the fit was penalised, the data are not those of ``fit``, an option is not as above, or the
            method cannot be used with these data.
        """
        check_is_fitted(self, "coef_")
        if self.alpha != 0:
            raise InvalidInput(
                "a penalised fit has no standard errors, since no method covers the penalty's bias; alpha is "
                f"{self.alpha}: fit with alpha=0 for inference"
            )
        if isinstance(X, Rows) or sparse.issparse(X):
            raise InvalidInput(
                f"standard errors need X and y in memory, and X dense; got {type(X).__name__}: fit a random "
                "sample of the rows as arrays for them"
            )
        features = self._features(X)
        target = check_array(y, dtype="numeric", ensure_2d=False, input_name="y")
        check_consistent_length(features, target)
        coef, intercept, centre = self._at_centre()
        if names is None and hasattr(self, "feature_names_in_"):
            names = [str(name) for name in self.feature_names_in_]
        found = infer(
            features - centre if centre.any() else features,
            target,
            quantile=self.quantile,
            sample_weight=sample_weight,
            fit_intercept=self.fit_intercept,
            coef=np.append(intercept, coef) if self.fit_intercept else coef,
            method=method,
            level=level,
            bandwidth=bandwidth,
            n_bootstrap=n_bootstrap,
            random_state=seed_of(self.random_state),
            names=names,
            progress=progress,
        )
        rounding = 1e-12 * float(np.abs(target).sum())  # what is left of a loss of zero
        if not abs(found.loss - self.objective_) <= 1e-6 * self.objective_ + rounding:
            raise InvalidInput(
                f"these are not the data of fit: its objective was {self.objective_:.9g}, that of these is "
                f"{found.loss:.9g}; pass the same X, y and sample_weight"
            )
        return found

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        return tags

    def _saved(self) -> Saved:
        fields, arrays = certificate_parts(self.certificate_)
        names = getattr(self, "feature_names_in_", None)
        fields |= {"objective": float(self.objective_), "n_iter": int(self.n_iter_), "names": names}
        return Saved(fields, arrays)

    def _load_saved(self, saved: Saved) -> None:
        check_hyperparameters(type(self).__name__, vars(self))
        certificate = certificate_from(saved.fields, saved.arrays)
        names = saved.fields["names"]
        if names is not None and np.shape(names) != certificate.coef.shape:
            raise InvalidInput(
                f"names must be one for each of {len(certificate.coef)} features; got {names!r:.80}"
            )
        self.certificate_ = certificate
        self.coef_ = certificate.coef
        self.intercept_ = certificate.intercept
        self.objective_, self.n_iter_ = fit_numbers(saved.fields)
        self.n_features_in_ = len(certificate.coef)
        if names is not None:
            self.feature_names_in_ = names


def predicted_of(
    coef: NDArray[np.float64], intercept: float, shift: NDArray[np.float64], chunk: Chunk
) -> NDArray[np.float64]:
    """The predictions of a chunk of rows."""
    return _predicted(coef, intercept, shift, chunk.X)


def _predicted(
    coef: NDArray[np.float64], intercept: float, shift: NDArray[np.float64], X: Floats | sparse.csr_array
) -> NDArray[np.float64]:
    """Compute (X - shift) coef + intercept, with few dense columns.

    Of a sparse X only columns that are shifted become dense.
    """
    if not shift.any():
        return np.asarray(X @ coef + intercept)
    if isinstance(X, np.ndarray):
        return np.asarray((X - shift) @ coef + intercept)
    some = shift != 0
    shifted = X[:, np.flatnonzero(some)].toarray() - shift[some]
    return np.asarray(X @ np.where(some, 0, coef) + (shifted @ coef[some] + intercept))


def _names_of(X: object) -> Sequence[str] | None:
    """Return a frame's column names, None where they are only positions."""
    names = getattr(X, "columns", None)
    return None if isinstance(names, range) else names


def _named(X: Floats, names: Sequence[str]) -> pd.DataFrame:
    """Return X as a frame with its names, for scikit-learn to check."""
    import pandas

    return pandas.DataFrame(X, columns=names)


def _is_plain(array: object, n_dimensions: int) -> TypeGuard[Floats]:
    """Say whether an array can be taken as it is.

    It is no subclass, of a known type, and has that many dimensions.
    """
    return type(array) is np.ndarray and array.dtype in X_DTYPES and array.ndim == n_dimensions
