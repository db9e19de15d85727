"""Studies a model of a table: which columns matter, how, what shifts, and what gives the target away.

Permutation importance (Breiman 2001): by how much the loss on the test rows rises where a column's cells are
shuffled, several times, with the spread. Partial dependence (Friedman 2001): the mean prediction over rows
with a column's cells set to a value. Both go by the prepared matrix: what one column of the table became is
shuffled and set together. Dimensions: N rows, D columns of the matrix.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from treadle.estimators.tables.given_tables import LabelledTable
from treadle.estimators.tables.table_classifier import TableClassifier
from treadle.estimators.tables.table_regressor import TableRegressor
from treadle.maths.dtypes import Floats
from treadle.tables.preparation.preparation import Preparation
from treadle.tables.table import Table

TableModel: TypeAlias = TableClassifier | TableRegressor

MOST_SHUFFLED = 4_000_000  # rows in all, and from 200 to 2000 for each column
N_SHUFFLES = 5
ROWS_AVERAGED = 300
N_VALUES = 15
ROWS_COMPARED = 20_000
ROWS_TRIED = 5000
TELLING = 0.98  # of what there is to explain, from which on one column is suspected to give the target away


@dataclass(frozen=True)
class Importance:
    """By how much the loss rises where a column is shuffled.

    Parameters
    ----------
    name : str
    mean, deviation : float
        Over several shuffles, in units of the loss.
    """

    name: str
    mean: float
    deviation: float


@dataclass(frozen=True)
class Dependence:
    """The mean prediction for some values of a column.

    Parameters
    ----------
    name : str
    values : list of str
        As the cells are written.
    numbers : list of float, or None
        The same as numbers; None for categories and dates.
    means : list of float
    """

    name: str
    values: list[str]
    numbers: list[float] | None
    means: list[float]


@dataclass(frozen=True)
class Shift:
    """How far a column's cells differ between the training rows and the test rows.

    Parameters
    ----------
    name : str
    distance : float
        The largest difference of the two distribution functions of what it became in the matrix, from 0 to 1.
    usual : float
        What 95 % of equal distributions stay below, with so many rows.
    """

    name: str
    distance: float
    usual: float


def permutation_importance(model: TableModel, rows: LabelledTable, seed: int = 0) -> list[Importance]:
    """Shuffle each column of the test rows, and return those that matter most first."""
    rng = np.random.default_rng(seed)
    preparation = model.preparation_
    n_rows = MOST_SHUFFLED // (N_SHUFFLES * len(preparation.feature_names))
    rows = sampled(rows, min(max(n_rows, 200), 2000), rng)
    X = preparation.transform(rows.table).X
    loss = _loss_of(model, rows)
    before = loss(X)
    found = []
    for name in preparation.feature_names:
        columns = preparation.outputs_of(name)
        rises = []
        for _ in range(N_SHUFFLES):
            shuffled = X.copy()
            shuffled[:, columns] = X[np.ix_(rng.permutation(len(X)), columns)]
            rises.append(loss(shuffled) - before)
        found.append(Importance(name, float(np.mean(rises)), float(np.std(rises))))
    return sorted(found, key=lambda one: -one.mean)


def partial_dependence(model: TableModel, rows: LabelledTable, name: str, seed: int = 0) -> Dependence:
    """Average predictions over rows whose cells of a column are set to one value after another.

    Of several classes it is the probability of the last; of several targets the first.
    """
    rng = np.random.default_rng(seed)
    preparation = model.preparation_
    column = rows.table.columns[name]
    X = preparation.transform(sampled(rows, ROWS_AVERAGED, rng).table).X
    cells = _spread_cells(rows.table, name)
    part = preparation.only(name).transform(_of_column(rows.table, name, cells)).X
    columns = preparation.outputs_of(name)
    means = []
    for values in part:
        X[:, columns] = values
        means.append(float(_first_prediction(model, X).mean()))
    written = [str(column.values[int(i)].as_py()) for i in cells]
    numbers = [float(column.values[int(i)].as_py()) for i in cells] if column.kind == "number" else None
    return Dependence(name, written, numbers, means)


def shifts(preparation: Preparation, train: Table, test: Table, seed: int = 0) -> list[Shift]:
    """Compare each column's distribution in training and test rows, the most different first."""
    rng = np.random.default_rng(seed)
    first, second = (
        preparation.transform(sampled(LabelledTable(table, np.zeros(len(table))), ROWS_COMPARED, rng).table).X
        for table in (train, test)
    )
    usual = 1.358 * np.sqrt((len(first) + len(second)) / (len(first) * len(second)))  # Smirnov 1948
    found = []
    for name in preparation.feature_names:
        columns = preparation.outputs_of(name)
        distance = max(_largest_difference(first[:, j], second[:, j]) for j in columns)
        found.append(Shift(name, distance, float(usual)))
    return sorted(found, key=lambda one: -one.distance)


def telling_columns(model: TableModel, train: LabelledTable, test: LabelledTable, seed: int = 0) -> list[str]:
    """Return columns that alone explain nearly all: what may give the target away.

    A tree of 32 leaves on the column alone is tried on the test rows: its share of what the most frequent
    class, or the mean, leaves unexplained.
    """
    from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

    rng = np.random.default_rng(seed)
    train, test = sampled(train, ROWS_TRIED, rng), sampled(test, ROWS_TRIED, rng)
    preparation = model.preparation_
    X, X_test = (preparation.transform(rows.table).X for rows in (train, test))
    found = []
    for name in preparation.feature_names:
        columns = preparation.outputs_of(name)
        if isinstance(model, TableClassifier):
            tree = DecisionTreeClassifier(max_leaf_nodes=32, random_state=0)
            tree.fit(X[:, columns], train.y)
            wrong = float((tree.predict(X_test[:, columns]) != test.y).mean())
            _, counts = np.unique(np.asarray(test.y), return_counts=True)
            left = 1 - float(counts.max() / counts.sum())
        else:
            tree = DecisionTreeRegressor(max_leaf_nodes=32, random_state=0)
            tree.fit(X[:, columns], train.y)
            y = np.asarray(test.y, np.float64)
            wrong, left = float(np.mean((tree.predict(X_test[:, columns]) - y) ** 2)), float(np.var(y))
        if left and wrong <= (1 - TELLING) * left:
            found.append(name)
    return found


def _loss_of(model: TableModel, rows: LabelledTable) -> Callable[[Floats], float]:
    """Return the loss of the rows as a function of their matrix: cross-entropy, or RMSE."""
    if isinstance(model, TableClassifier):
        codes = np.searchsorted(model.classes_, np.asarray(rows.y))
        places = np.arange(len(codes))

        def cross_entropy(X: Floats) -> float:
            probabilities = model.predict_prepared(X)["probabilities"]
            return float(
                -np.log(np.maximum(np.asarray(probabilities, np.float64)[places, codes], 1e-12)).mean()
            )

        return cross_entropy
    y = np.asarray(rows.y, np.float64)

    def rmse(X: Floats) -> float:
        return float(np.sqrt(np.mean((model.predict_prepared(X)["numbers"] - y) ** 2)))

    return rmse


def _first_prediction(model: TableModel, X: Floats) -> NDArray[np.float64]:
    """Return the probability of the last class, or the first target."""
    found = model.predict_prepared(X)
    if isinstance(model, TableClassifier):
        return np.asarray(found["probabilities"][:, -1], np.float64)
    return np.asarray(found["numbers"].reshape(len(X), -1)[:, 0], np.float64)


def sampled(rows: LabelledTable, most: int, rng: np.random.Generator) -> LabelledTable:
    """Return at most so many of the rows, in their order."""
    if len(rows.table) <= most:
        return rows
    return rows.take(np.sort(rng.choice(len(rows.table), most, replace=False)))


def _spread_cells(table: Table, name: str) -> NDArray[np.int64]:
    """Return rows whose cells of a column are spread over its values; the most frequent of categories."""
    column = table.columns[name]
    present = np.flatnonzero(column.values.is_valid().to_numpy(zero_copy_only=False))
    if column.kind in ("category", "true/false"):
        codes = column.values.take(present).dictionary_encode()
        _, first, counts = np.unique(
            codes.indices.to_numpy(zero_copy_only=False), return_index=True, return_counts=True
        )
        frequent = np.argsort(-counts, kind="stable")[:N_VALUES]
        return np.asarray(present[first[np.sort(frequent)]], np.int64)
    cells = column.values.take(present).to_numpy(zero_copy_only=False)
    if cells.dtype.kind == "f":
        present, cells = present[np.isfinite(cells)], cells[np.isfinite(cells)]
    spread = np.unique((np.linspace(0.02, 0.98, N_VALUES) * (len(cells) - 1)).astype(np.int64))
    return np.asarray(present[np.argsort(cells, kind="stable")[spread]], np.int64)


def _of_column(table: Table, name: str, rows: NDArray[np.int64]) -> Table:
    return replace(table, columns={name: table.columns[name]}).take(rows)


def _largest_difference(a: NDArray[np.float32], b: NDArray[np.float32]) -> float:
    """Return the Kolmogorov-Smirnov distance of two samples."""
    values = np.concatenate([a, b])
    return float(
        np.abs(
            np.searchsorted(np.sort(a), values, side="right") / len(a)
            - np.searchsorted(np.sort(b), values, side="right") / len(b)
        ).max()
    )
