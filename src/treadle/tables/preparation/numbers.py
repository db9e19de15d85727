"""A feature of numbers, and an indicator of the missing ones."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from treadle.choices import DecimalMark
from treadle.strict_text import ParsedTable
from treadle.tables.columns import Column
from treadle.tables.preparation.cells import as_numbers
from treadle.tables.preparation.counts import ColumnCounts
from treadle.tables.preparation.feature import Block, Cells, Feature
from treadle.tables.preparation.stored import field


@dataclass(frozen=True)
class NumberFeature(Feature):
    """A column of numbers.

    Attributes
    ----------
    name : str
    has_indicator : bool
        Whether a plain column is 1 where a number is missing: where training had such rows.
    allow_words : bool
        Whether what is no number counts as missing.
    """

    name: str
    has_indicator: bool = False
    allow_words: bool = False
    kind = "number"

    @classmethod
    def fit(cls, column: Column, what: str, mark: DecimalMark | None, *, allow_words: bool) -> NumberFeature:
        """Make the feature of a column of the training rows."""
        found = as_numbers(column, what, allow_words=allow_words, mark=mark)
        return cls(column.name, bool(np.isnan(found.values).any()), found.n_words > 0)

    @property
    def number_names(self) -> tuple[str, ...]:
        """The column's own name."""
        return (self.name,)

    @property
    def plain_names(self) -> tuple[str, ...]:
        """The indicator, where there is one."""
        return (f"{self.name} is missing",) if self.has_indicator else ()

    def cells(
        self, column: Column, what: str, first_row: int, mark: DecimalMark | None
    ) -> tuple[Cells, ColumnCounts]:
        """Read the numbers; NaN where missing."""
        values, n_words, word = as_numbers(column, what, first_row, allow_words=self.allow_words, mark=mark)
        n_missing = int(np.count_nonzero(np.isnan(values))) - n_words
        n_infinite = int(np.count_nonzero(np.isinf(values)))
        return values, ColumnCounts(n_missing, n_infinite, words=n_words, example=word[:40])

    def write(self, cells: Cells, numbers: Block, plain: Block) -> None:
        """Write the numbers, and 1 for each that is missing."""
        numbers[:, 0] = cells
        if self.has_indicator:
            plain[:, 0] = np.isnan(cells)

    def to_dict(self) -> dict[str, object]:
        """Return what describes the feature, ready for JSON."""
        return {
            "kind": self.kind,
            "name": self.name,
            "has_indicator": self.has_indicator,
            "allow_words": self.allow_words,
        }

    @classmethod
    def from_dict(cls, described: ParsedTable) -> NumberFeature:
        """Make the feature that ``to_dict`` described."""
        return cls(
            field(described, "name", str),
            field(described, "has_indicator", bool),
            field(described, "allow_words", bool),
        )
