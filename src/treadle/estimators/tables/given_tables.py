"""Reads what a user gives as X: a frame as it is, or a plain array.

A frame's columns are what type and content say. An array of numbers holds numbers, each column of it: there
is no name or type in it that could say anything else. An array of objects is read as a frame would be.

Dimensions: N rows, D columns.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from sklearn.base import BaseEstimator
from sklearn.utils import check_X_y
from sklearn.utils.validation import validate_data

from treadle.choices import ColumnKind
from treadle.errors import InvalidInput
from treadle.estimators.labels import GivenTargets
from treadle.tables.columns import Column
from treadle.tables.names import resolve, shown
from treadle.tables.reading import Reading
from treadle.tables.table import Table, read_table

# What scikit-learn is to check of an array: its shape alone.
CHECKS = {"dtype": None, "ensure_all_finite": False}


@dataclass(frozen=True)
class LabelledTable:
    """Rows of a table, their targets, and their weights.

    Parameters
    ----------
    table : Table
        Without the targets.
    y : ndarray or csr_array of shape (N,) or (N, K)
        As the user has them.
    weights : ndarray of shape (N,), or None
        All above 0.
    """

    table: Table
    y: GivenTargets
    weights: NDArray[np.float64] | None = None

    def take(self, rows: NDArray[np.int64]) -> LabelledTable:
        """Return those rows, in that order."""
        weights = None if self.weights is None else self.weights[rows]
        return LabelledTable(self.table.take(rows), self.y[rows], weights)


def table_to_fit(
    estimator: BaseEstimator,
    X: object,
    y: object,
    columns: Mapping[str, ColumnKind] | None,
    *,
    y_numeric: bool,
) -> tuple[Table, GivenTargets, dict[str, ColumnKind]]:
    """Read X and check y for a fit, and set ``n_features_in_`` and ``feature_names_in_``.

    Returns
    -------
    Table, y, dict of str to ColumnKind
        The last are the kinds of columns that are chosen: by the user, or by X being an array of numbers.

    Raises
    ------
    InvalidInput
        If X cannot be read, or a column that was named is not there.
    ValueError
        scikit-learn's, if X or y is not of the shape that it should be.
    """
    kinds = dict(columns or {})
    targets: GivenTargets
    vars(estimator).pop("feature_names_in_", None)
    if is_frame(X):
        table = _read_frame(X, Reading.for_kinds(kinds))
        if y is None:
            raise ValueError(f"{type(estimator).__name__} requires y to be passed, but the target y is None")
        # X, of no use here, has the number of rows that y is to have.
        _, targets = check_X_y(
            np.zeros((len(table), 1)), y, estimator=estimator, multi_output=True, y_numeric=y_numeric
        )
        estimator.n_features_in_ = len(table.columns)
        estimator.feature_names_in_ = np.array(list(table.columns), dtype=object)
        return table, targets, kinds
    array, targets = validate_data(estimator, X, y, multi_output=True, y_numeric=y_numeric, **CHECKS)
    table = _of_array(array, numbered(array.shape[1]), Reading.for_kinds(kinds))
    if array.dtype.kind in "biuf":
        chosen = {resolve(name, list(table.columns), "X"): kind for name, kind in kinds.items()}
        number: ColumnKind = "number"
        kinds = {name: number for name, found in table.columns.items() if found.kind != "empty"} | chosen
    return table, targets, kinds


def table_to_predict(estimator: BaseEstimator, X: object, reading: Reading) -> Table:
    """Read X for a prediction by the fitted estimator.

    An array's columns are those of the fit, in their order; so are those of a frame, where the fit had an
    array. Other frames' columns are found by name.

    Raises
    ------
    InvalidInput
        If X cannot be read.
    ValueError
        scikit-learn's, if X is an array of another shape.
    """
    names = vars(estimator).get("feature_names_in_")
    if is_frame(X):
        table = _read_frame(X, reading)
        if names is not None:
            return table
        validate_data(estimator, X, reset=False, skip_check_array=True)
        columns = dict(zip(numbered(len(table.columns)), table.columns.values(), strict=True))
        return replace(table, columns={name: replace(one, name=name) for name, one in columns.items()})
    array = validate_data(estimator, X, reset=False, **CHECKS)
    return _of_array(array, numbered(array.shape[1]) if names is None else names.tolist(), reading)


def is_frame(X: object) -> bool:
    """Say whether X is a table with names: of pandas, polars, PyArrow, DuckDB, or treadle's own."""
    return isinstance(X, Table) or (hasattr(X, "__arrow_c_stream__") and len(getattr(X, "shape", ())) == 2)


def numbered(n: int) -> list[str]:
    """Return the names of an array's columns: x0, x1 and so on, as scikit-learn has them."""
    return [f"x{j}" for j in range(n)]


def target_names(y: object, targets: GivenTargets, table: Table) -> list[str]:
    """Name the targets, as y does or else y, or y0, y1 and so on; differently from each column."""
    n_targets = 1 if targets.ndim == 1 else targets.shape[1]
    name, columns = getattr(y, "name", None), getattr(y, "columns", ())
    given = [name] if n_targets == 1 else list(columns)
    if len(given) != n_targets or not all(isinstance(one, str) for one in given):
        given = ["y"] if n_targets == 1 else [f"y{j}" for j in range(n_targets)]
    names: list[str] = []
    for wanted in map(str, given):
        while wanted in table.columns or wanted in names:
            wanted += "_"
        names.append(wanted)
    return names


def with_targets(table: Table, y: GivenTargets, names: Sequence[str]) -> Table:
    """Add the targets as columns of these names, so that copies of them are found."""
    values = y.toarray() if hasattr(y, "toarray") else np.asarray(y)
    columns = [values] if values.ndim == 1 else list(values.T)
    targets = _of_columns(dict(zip(names, columns, strict=True)), Reading(text=frozenset(names)), "y")
    return replace(table, columns=table.columns | targets)


# Any: a frame of whatever package.
def _read_frame(X: Any, like: Reading) -> Table:
    if isinstance(X, Table):
        return X
    if hasattr(X, "iloc") and hasattr(X, "reset_index"):  # pandas' index would be a column
        X = X.reset_index(drop=True)
    return replace(read_table(X, like=like), source="X")


def _of_array(array: NDArray[Any], names: Sequence[str], like: Reading) -> Table:
    columns = _of_columns(dict(zip(names, array.T, strict=True)), like, "X")
    return Table("X", len(array), columns, reading=like)


def _of_columns(arrays: Mapping[str, NDArray[Any]], like: Reading, what: str) -> dict[str, Column]:
    """Understand columns of arrays; None and NaN are missing."""
    columns = {}
    for name, array in arrays.items():
        if array.dtype.kind == "S":
            array = array.astype(str)
        try:
            values = pa.array(np.ascontiguousarray(array), from_pandas=True)
        except (pa.ArrowException, OverflowError, TypeError, ValueError) as error:
            raise InvalidInput(
                f"{what}: column {shown(name)} has values of several types, or of one that no table has: "
                f"{' '.join(str(error).split())[:200]}; make them all numbers or all text"
            ) from error
        columns[name] = values
    return read_table(pa.table(columns), like=like).columns
