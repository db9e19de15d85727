"""The rows that a fit trains on and is judged by.

They are rows of X by their numbers, never copies of X.

Dimensions: N rows, D features.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TypeGuard

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator
from sklearn.utils import check_array, check_X_y
from sklearn.utils.validation import validate_data

from treadle.engines.rows import Rows, n_rows
from treadle.errors import InvalidInput
from treadle.estimators.labels import GivenTargets
from treadle.estimators.text_in_features import text_in_features_told
from treadle.maths.dtypes import Numbers

# X of these types is taken as it is, without a copy; any other is converted to the first.
X_DTYPES = (np.float64, np.float32, np.uint8)
PLAIN_DTYPES = tuple(map(np.dtype, X_DTYPES))  # which are found faster

# What scikit-learn is to check of X.
CHECKS = {"accept_sparse": "csr", "dtype": list(X_DTYPES)}

# Beside the seed, for a stream of its own: "split" in ASCII. No epoch has this number.
SPLIT = 0x73706C6974


@dataclass(frozen=True)
class TrainingRows:
    """The rows of one fit.

    Parameters
    ----------
    X : ndarray or csr_array of shape (N, D)
    targets : ndarray
        As the engine takes them.
    weights : ndarray of shape (N,), or None
        What rows weigh in training.
    score_weights : ndarray of shape (N,), or None
        What they weigh where they are held out: class weights are not in it.
    rows : ndarray of int64, or None
        The rows to train on; None: all.
    """

    X: Rows
    targets: Numbers
    weights: NDArray[np.float64] | None = None
    score_weights: NDArray[np.float64] | None = None
    rows: NDArray[np.int64] | None = None

    @property
    def n_rows(self) -> int:
        """The number of rows to train on."""
        return n_rows(self.X) if self.rows is None else len(self.rows)

    @property
    def total_weight(self) -> float:
        """The total weight of the rows to train on.

        It is their number, if there are no weights.
        """
        if self.weights is None:
            return float(self.n_rows)
        return float((self.weights if self.rows is None else self.weights[self.rows]).sum())


def are_plain(X: object, n_features: int | None) -> TypeGuard[Numbers]:
    """Say whether scikit-learn's validation gives X back as it is, of an estimator without names.

    n_features of None are any number. It says no where only scikit-learn knows. To be validated takes as long
    as some predictions of one row.
    """
    if type(X) is not np.ndarray or X.ndim != 2 or X.dtype not in PLAIN_DTYPES:
        return False
    return n_features in (None, X.shape[1]) and X.size > 0 and _is_finite(X)


def _is_finite(array: Numbers) -> bool:
    """Say whether all numbers are finite, as far as their sum tells.

    The sum may be infinite all the same.
    """
    if array.dtype.kind != "f":
        return True
    with np.errstate(over="ignore", invalid="ignore"):
        return math.isfinite(np.add.reduce(array, axis=None))


def validated_rows(estimator: BaseEstimator, X: object) -> Rows:
    """Check X of a prediction by scikit-learn against the fitted estimator.

    Raises
    ------
    ValueError
        scikit-learn's, if X is not as it should be.
    """
    with text_in_features_told(X):
        if not _is_table(X):
            rows: Rows = validate_data(estimator, X, reset=False, **CHECKS)
            return rows
        validate_data(estimator, X, reset=False, skip_check_array=True)
        rows = check_array(np.asarray(X), estimator=estimator, input_name="X", **CHECKS)
        return rows


def validated_rows_and_targets(
    estimator: BaseEstimator, X: object, y: object, *, reset: bool
) -> tuple[Rows, GivenTargets]:
    """Check X and y of a fit by scikit-learn.

    ``reset`` is for fits where the names of features are new.

    Raises
    ------
    ValueError
        scikit-learn's, if X or y is not as it should be.
    """
    rows: Rows
    targets: GivenTargets
    has_names = not reset and hasattr(estimator, "feature_names_in_")
    n_features = None if reset else getattr(estimator, "n_features_in_", None)
    if not has_names and are_plain(X, n_features) and _is_plain_target(y, len(X)):
        estimator.n_features_in_ = X.shape[1]
        vars(estimator).pop("feature_names_in_", None)
        return X, y
    with text_in_features_told(X):
        if _is_table(X):
            validate_data(estimator, X, y, reset=reset, skip_check_array=True)
            rows, targets = check_X_y(np.asarray(X), y, estimator=estimator, multi_output=True, **CHECKS)
        else:
            rows, targets = validate_data(estimator, X, y, reset=reset, multi_output=True, **CHECKS)
    return rows, targets


def _is_plain_target(y: object, n_rows: int) -> TypeGuard[Numbers]:
    """Say whether scikit-learn's validation gives y back as it is: one number a row."""
    return type(y) is np.ndarray and y.shape == (n_rows,) and y.dtype.kind in "biuf" and _is_finite(y)


def _is_table(X: object) -> bool:
    """Say whether X is a table of polars or PyArrow.

    scikit-learn makes float64 of their float32 and uint8.
    """
    return hasattr(X, "__arrow_c_stream__") and hasattr(X, "__array__") and not hasattr(X, "iloc")


def rows_that_weigh(weights: NDArray[np.float64] | None) -> NDArray[np.int64] | None:
    """Return the numbers of rows with weights other than 0.

    None where that is all.
    """
    if weights is None or weights.all():
        return None
    return np.flatnonzero(weights)


def split(
    n: int,
    rows: NDArray[np.int64] | None,
    labels: Numbers | None,
    fraction: float,
    seed: int,
    *,
    strictly: bool,
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Split row numbers into those to train on and those held out.

    Each are in ascending order.

    Parameters
    ----------
    n : int
        N.
    rows : ndarray of int64, or None
        Those to divide among the two; None: all.
    labels : ndarray of shape (N,), or None
        Classes that both get in proportion, or at random where they are too many for that; None: at random.
    fraction : float
        Of the rows, to hold out.
    seed : int
    strictly : bool
        Whether a class of a single row is an error, scikit-learn's, or has all rows divided at random.

    Raises
    ------
    InvalidInput
        If fewer than two rows would be held out, or all.
    ValueError
        scikit-learn's, if ``strictly`` and a class has a single row.
    """
    rows = np.arange(n) if rows is None else rows
    classes, counts = (None, np.array([len(rows)])) if labels is None else _classes(labels[rows])
    if strictly and labels is not None and counts.min() < 2:
        _refuse_as_scikit_learn(rows, labels)
    n_held_out = math.ceil(fraction * len(rows))
    if n_held_out < 2:
        of_classes = "" if classes is None else f", in which the number of classes is {len(classes)}"
        raise InvalidInput(
            "The validation set is too small. Increase 'validation_fraction' or the size of your dataset. "
            f"It would have {n_held_out} of n_samples={len(rows)}{of_classes}"
        )
    if n_held_out == len(rows):
        raise InvalidInput(
            f"validation_fraction={fraction!r} leaves none of the {len(rows)} rows to train on: lower it"
        )
    rng = np.random.default_rng(np.random.SeedSequence([seed, SPLIT]))
    shuffled = rng.permutation(rows)
    if classes is None or counts.min() < 2 or len(counts) > min(n_held_out, len(rows) - n_held_out):
        return np.sort(shuffled[n_held_out:]), np.sort(shuffled[:n_held_out])
    assert labels is not None
    # Rounded down, and one more for those that lost most by it.
    exact = counts * (n_held_out / len(rows))
    shares = np.floor(exact).astype(np.int64)
    shares[np.argsort(shares - exact, kind="stable")[: n_held_out - shares.sum()]] += 1
    is_held_out = np.zeros(len(shuffled), dtype=bool)
    of_shuffled = labels[shuffled]
    for label, share in zip(classes, shares, strict=True):
        is_held_out[np.flatnonzero(of_shuffled == label)[:share]] = True
    return np.sort(shuffled[~is_held_out]), np.sort(shuffled[is_held_out])


def _classes(labels: Numbers) -> tuple[Numbers, NDArray[np.int64]]:
    return np.unique(labels, return_counts=True)


def _refuse_as_scikit_learn(rows: NDArray[np.int64], labels: Numbers) -> None:
    """Raise scikit-learn's ValueError for a class of a single row.

    The words are scikit-learn's.
    """
    from sklearn.model_selection import train_test_split

    train_test_split(rows, stratify=labels[rows, np.newaxis].astype(bool))
