"""Defines a feature: what a table's column becomes in the matrix of a network."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from treadle.choices import DecimalMark
from treadle.strict_text import ParsedTable
from treadle.tables.columns import Column
from treadle.tables.preparation.counts import ColumnCounts

# float64 numbers, int64 microseconds or int32 codes of categories, one a row.
Cells: TypeAlias = NDArray[np.float64] | NDArray[np.int64] | NDArray[np.int32]
Block: TypeAlias = NDArray[np.float64]


class Feature(ABC):
    """A column of the table and its columns of the matrix.

    There are three kinds of the latter, before scaling: ``number_names`` for numbers, NaN where missing;
    ``plain_names`` for indicators and signs; and for a category of many values a column of codes from 0 below
    ``category_count``, which is 0 where there is none.
    """

    name: str
    kind: str

    @property
    @abstractmethod
    def number_names(self) -> tuple[str, ...]:
        """What the columns of numbers are."""

    @property
    @abstractmethod
    def plain_names(self) -> tuple[str, ...]:
        """What the plain columns are."""

    @property
    def category_count(self) -> int:
        """How many codes there are, 0 for missing and unknown among them."""
        return 0

    @abstractmethod
    def cells(
        self, column: Column, what: str, first_row: int, mark: DecimalMark | None
    ) -> tuple[Cells, ColumnCounts]:
        """Read a table's column as cells, one a row, and count what is not plain.

        Raises
        ------
        InvalidInput
            If a cell cannot be one, with its row and column.
        """

    @abstractmethod
    def write(self, cells: Cells, numbers: Block, plain: Block) -> None:
        """Write columns of numbers and plain columns, unscaled, for some rows.

        Parameters
        ----------
        cells : ndarray of shape (N,)
        numbers : ndarray of shape (N, len(number_names)), float64
        plain : ndarray of shape (N, len(plain_names)), float64
        """

    @abstractmethod
    def to_dict(self) -> dict[str, object]:
        """Return what describes the feature, ready for JSON."""

    @classmethod
    @abstractmethod
    def from_dict(cls, described: ParsedTable) -> Feature:
        """Make the feature that ``to_dict`` described.

        Raises
        ------
        InvalidInput
            If the description is none.
        """
