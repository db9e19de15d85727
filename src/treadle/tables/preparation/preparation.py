"""Prepares tables for a network: fitted on training rows, applied to any table of the same columns.

The columns of the matrix are, in this order, and each part in the order of the table's columns:

1. ``n_numbers`` numbers: numbers, and parts of dates;
2. ``n_plain`` plain columns: an indicator of missing numbers where training had some; -1 or 1 for two
   categories; an indicator for each of up to eight;
3. a column for each category of more values: codes from 0 below its count, 0 for missing, rare and unknown.

The first two are scaled and clipped as ``treadle.tables.preparation.robust`` says. Everything is computed in
float64 and rounded to float32 at the end, each row by itself: chunks of a table give the rows of the whole.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from treadle.errors import InvalidInput
from treadle.tables.column_use import ColumnUse
from treadle.tables.names import listed, shown
from treadle.tables.preparation.categories import CategoryFeature
from treadle.tables.preparation.counts import ColumnCounts, Counts
from treadle.tables.preparation.feature import Cells, Feature
from treadle.tables.preparation.robust import RobustScale
from treadle.tables.reading import Reading
from treadle.tables.table import Table

BLOCK = 1 << 17  # numbers that are scaled at a time: what a processor's cache holds


class Prepared(NamedTuple):
    """A table as a network takes it.

    Attributes
    ----------
    X : ndarray of shape (N, D), float32
        In C order.
    counts : Counts
        What was replaced.

    Examples
    --------
    >>> import pandas as pd
    >>> from treadle.tables import prepare, read_table
    >>> table = read_table(pd.DataFrame({"area": [50.0, 80.0, None], "price": [1.0, 2.0, 3.0]}))
    >>> X, counts = prepare(table, "price").transform(table)
    >>> X.shape, counts.columns["area"].missing
    ((3, 2), 1)
    """

    X: NDArray[np.float32]
    counts: Counts


@dataclass(frozen=True, eq=False)
class Preparation:
    """What becomes of a table's columns; ``treadle.tables.prepare`` makes it.

    Attributes
    ----------
    features : tuple of Feature
        One for each column that is used.
    scale : RobustScale
        Of the numbers and the plain columns.
    unused : dict of str to str
        Columns of the training table that are not used, the target among them, and why: a table to predict
        may have them.
    reading : Reading
        How the text of a table to predict is to be read: ``read_table(file, like=preparation.reading)``.
    columns : tuple of ColumnUse
        Each column of the training table, for people.
    training_counts : Counts
        What was replaced in the training rows.

    Examples
    --------
    >>> import pandas as pd
    >>> from treadle.tables import prepare, read_table
    >>> frame = pd.DataFrame({"area": [50.0, 80, 65], "new": [True, False, None], "price": [1.0, 2, 3]})
    >>> preparation = prepare(read_table(frame), "price")
    >>> preparation.output_names
    ('area', 'new is true, not false')
    >>> preparation.transform(read_table(frame)).X.astype(float).round(3).tolist()
    [[-0.949, 0.949], [0.949, -0.949], [0.0, 0.0]]
    """

    features: tuple[Feature, ...]
    scale: RobustScale
    unused: Mapping[str, str]
    reading: Reading
    columns: tuple[ColumnUse, ...]
    training_counts: Counts

    @property
    def feature_names(self) -> tuple[str, ...]:
        """The table's columns that are used, in its order."""
        return tuple(feature.name for feature in self.features)

    @cached_property
    def n_numbers(self) -> int:
        """How many columns of numbers the matrix has."""
        return sum(len(feature.number_names) for feature in self.features)

    @cached_property
    def n_plain(self) -> int:
        """How many plain columns the matrix has."""
        return sum(len(feature.plain_names) for feature in self.features)

    @cached_property
    def category_counts(self) -> tuple[int, ...]:
        """The number of codes in each column of codes."""
        return tuple(feature.category_count for feature in self.features if feature.category_count)

    @property
    def n_outputs(self) -> int:
        """D, the number of the matrix's columns."""
        return self.n_numbers + self.n_plain + len(self.category_counts)

    @cached_property
    def output_names(self) -> tuple[str, ...]:
        """What each column of the matrix is, in words."""
        return tuple(name for name, _ in self._outputs())

    @cached_property
    def output_sources(self) -> NDArray[np.int64]:
        """Which of ``feature_names`` each column of the matrix comes from: shape (D,), int64."""
        return np.array([source for _, source in self._outputs()], np.int64)

    def outputs_of(self, name: str) -> NDArray[np.int64]:
        """Return the columns of the matrix that come from a column of the table.

        Raises
        ------
        InvalidInput
            If that column is not used.
        """
        return np.flatnonzero(self.output_sources == self._place(name))

    def only(self, name: str) -> Preparation:
        """Return the preparation of one of the columns, with its columns of the matrix alone.

        Raises
        ------
        InvalidInput
            If that column is not used.
        """
        place = self._place(name)
        scaled = np.flatnonzero(self.output_sources[: self.n_numbers + self.n_plain] == place)
        return replace(
            self,
            features=(self.features[place],),
            scale=RobustScale(self.scale.medians[scaled], self.scale.scales[scaled]),
        )

    def transform(self, table: Table, *, first_row: int = 1) -> Prepared:
        """Prepare a table, or a chunk of one.

        Columns are found by their names. Those that training had and did not use may be there or not.

        Parameters
        ----------
        table : Table
            Read with ``like=preparation.reading``, if any of it is text.
        first_row : int, default=1
            The number of its first row, for errors.

        Returns
        -------
        Prepared
            The matrix and what was counted.

        Raises
        ------
        InvalidInput
            If a column is missing, or is one that training had not, or a cell cannot be what it is to be.
        """
        self._check_columns(table)
        cells: list[Cells] = []
        counted: dict[str, ColumnCounts] = {}
        for feature in self.features:
            found, counts = feature.cells(
                table.columns[feature.name], table.source, first_row, self.reading.decimal
            )
            cells.append(found)
            if counts:
                counted[feature.name] = counts
        X = np.empty((len(table), self.n_outputs), np.float32)
        n_scaled = self.n_numbers + self.n_plain
        for rows in _blocks(len(table), n_scaled):
            block = np.empty((len(X[rows]), n_scaled))
            write_unscaled(self.features, [each[rows] for each in cells], block)
            self.scale.apply(block)
            X[rows, :n_scaled] = block
        place = n_scaled
        for feature, codes in zip(self.features, cells, strict=True):
            if feature.category_count:
                X[:, place] = codes
                place += 1
        return Prepared(X, Counts(len(table), counted, self._newly_missing(counted)))

    def _newly_missing(self, counted: Mapping[str, ColumnCounts]) -> frozenset[str]:
        before = self.training_counts.columns
        return frozenset(
            name
            for name, counts in counted.items()
            if counts.missing and not (name in before and before[name].missing)
        )

    def _check_columns(self, table: Table) -> None:
        missing = [feature.name for feature in self.features if feature.name not in table.columns]
        known = {*self.feature_names, *self.unused}
        extra = [name for name in table.columns if name not in known]
        if missing:
            also = f"; it has {listed(extra)}, which training had not" if extra else ""
            those = "a column" if len(missing) == 1 else f"{len(missing)} columns"
            raise InvalidInput(
                f"{table.source} lacks {those} of the training: {listed(missing)}{also}; name the columns as "
                "they were"
            )
        if extra:
            those = "a column" if len(extra) == 1 else f"{len(extra)} columns"
            raise InvalidInput(
                f"{table.source} has {those} that the training had not: {listed(extra)}; leave out what is "
                "not to be used"
            )

    def _place(self, name: str) -> int:
        names = self.feature_names
        if name not in names:
            why = f": {self.unused[name]}" if name in self.unused else ""
            raise InvalidInput(f"the column {shown(name)} is not used{why}; those used are {listed(names)}")
        return names.index(name)

    def _outputs(self) -> Iterator[tuple[str, int]]:
        """Yield the name of each column of the matrix, and the place of its feature."""
        for i, feature in enumerate(self.features):
            yield from ((name, i) for name in feature.number_names)
        for i, feature in enumerate(self.features):
            yield from ((name, i) for name in feature.plain_names)
        yield from ((each.name, i) for i, each in enumerate(self.features) if each.category_count)


def write_unscaled(features: Sequence[Feature], cells: Sequence[Cells], block: NDArray[np.float64]) -> None:
    """Write numbers and plain columns, before they are scaled.

    Parameters
    ----------
    features : sequence of Feature
    cells : sequence of ndarray of shape (N,)
        Of each feature.
    block : ndarray of shape (N, n_numbers + n_plain), float64
        It is written.
    """
    number, plain = 0, sum(len(feature.number_names) for feature in features)
    for feature, each in zip(features, cells, strict=True):
        n_numbers, n_plain = len(feature.number_names), len(feature.plain_names)
        feature.write(each, block[:, number : number + n_numbers], block[:, plain : plain + n_plain])
        number, plain = number + n_numbers, plain + n_plain


def _blocks(n_rows: int, n_columns: int) -> Iterator[slice]:
    step = max(1, BLOCK // max(1, n_columns))
    return (slice(first, min(first + step, n_rows)) for first in range(0, n_rows, step))


def text_columns(features: Sequence[Feature]) -> frozenset[str]:
    """Return the categories that are text, and stay text in other tables."""
    return frozenset(each.name for each in features if isinstance(each, CategoryFeature) and each.is_text)
