"""A feature of categories: signs for two values, one-hot up to eight, codes beyond.

A value that less than 5 rows of the training have is rare. It counts as unknown, as does one that training
never had and a missing one: 0 in every column. Of a training with less than 100 rows, rare is what less than
a twentieth of them have.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from treadle.choices import DecimalMark
from treadle.errors import InvalidInput
from treadle.strict_text import ParsedTable
from treadle.tables.columns import Column
from treadle.tables.preparation.cells import as_words
from treadle.tables.preparation.counts import ColumnCounts
from treadle.tables.preparation.feature import Block, Cells, Feature
from treadle.tables.preparation.stored import field, texts

MOST_ONE_HOT = 8
RARE = 5  # rows
MOST_LEVELS = 1 << 16


def least_rows(n_rows: int) -> int:
    """Return how many of n rows must share a value for it to be known."""
    return min(RARE, max(1, n_rows // 20))


@dataclass(frozen=True)
class Levels:
    """The values of a category in the training rows.

    Attributes
    ----------
    known : tuple of str
        In alphabetical order.
    n_values : int
        How many different ones there are, rare ones included.
    n_rows, n_known_rows, n_missing : int
        In all, with a known value, and with none.
    """

    known: tuple[str, ...]
    n_values: int
    n_rows: int
    n_known_rows: int
    n_missing: int


def count_levels(column: Column, what: str, *, keep_rare: bool = False) -> Levels:
    """Count the values of a column, and drop the rare ones."""
    words = as_words(column, what)
    counted = pc.value_counts(words)
    values, counts = counted.field("values"), counted.field("counts")
    present = pc.is_valid(values)
    values, counts = values.filter(present), counts.filter(present).to_numpy()
    enough = np.flatnonzero(counts >= (1 if keep_rare else least_rows(len(words))))
    if len(enough) > MOST_LEVELS:  # the most frequent, of equals the first
        enough = enough[np.argsort(-counts[enough], kind="stable")[:MOST_LEVELS]]
    known = sorted(values.take(pa.array(enough)).to_pylist())
    return Levels(tuple(known), len(values), len(words), int(counts[enough].sum()), words.null_count)


@dataclass(frozen=True)
class CategoryFeature(Feature):
    """A column of categories, or of true and false.

    Attributes
    ----------
    name : str
    levels : tuple of str
        The known values, each once.
    is_text : bool
        Whether training had them as text, which is to stay text in other tables.
    """

    name: str
    levels: tuple[str, ...]
    is_text: bool = True
    kind = "category"

    @property
    def number_names(self) -> tuple[str, ...]:
        """None."""
        return ()

    @property
    def plain_names(self) -> tuple[str, ...]:
        """The levels; of two, the second as opposed to the first."""
        if len(self.levels) > MOST_ONE_HOT:
            return ()
        if len(self.levels) == 2:
            return (f"{self.name} is {self.levels[1]}, not {self.levels[0]}",)
        return tuple(f"{self.name} is {level}" for level in self.levels)

    @property
    def category_count(self) -> int:
        """One more than the levels, if they are more than eight."""
        return len(self.levels) + 1 if len(self.levels) > MOST_ONE_HOT else 0

    def cells(
        self, column: Column, what: str, first_row: int, mark: DecimalMark | None
    ) -> tuple[Cells, ColumnCounts]:
        """Return codes of int32: 0 for missing and unknown values, 1 for the first level."""
        words = as_words(column, what, first_row)
        places = pc.index_in(words, self._known).fill_null(-1).to_numpy(zero_copy_only=False)
        codes = places.astype(np.int32) + np.int32(1)
        n_unknown = int(np.count_nonzero(codes == 0)) - words.null_count
        example = ""
        if n_unknown:
            unknown = (codes == 0) & words.is_valid().to_numpy(zero_copy_only=False)
            example = str(words[int(np.argmax(unknown))].as_py())[:40]
        return codes, ColumnCounts(words.null_count, unknown=n_unknown, example=example)

    def write(self, cells: Cells, numbers: Block, plain: Block) -> None:
        """Write -1, 0 or 1 for two levels, else an indicator for each; codes are not written."""
        if plain.shape[1]:
            plain[:] = self.indicators[cells]

    def to_dict(self) -> dict[str, object]:
        """Return what describes the feature, ready for JSON."""
        return {
            "kind": self.kind,
            "name": self.name,
            "levels": list(self.levels),
            "is_text": self.is_text,
        }

    @classmethod
    def from_dict(cls, described: ParsedTable) -> CategoryFeature:
        """Make the feature that ``to_dict`` described."""
        levels = texts(described, "levels")
        if len(set(levels)) < len(levels) or not levels:
            raise InvalidInput("levels must be one text or more, each once")
        return cls(field(described, "name", str), levels, field(described, "is_text", bool))

    @cached_property
    def _known(self) -> pa.LargeStringArray:
        return pa.array(self.levels, pa.large_string())

    @cached_property
    def indicators(self) -> NDArray[np.float64]:
        """The plain columns of each code, a row for each: shape (K + 1, n_plain)."""
        n = len(self.levels)
        if n == 2:
            return np.array([[0.0], [-1.0], [1.0]])
        return np.vstack([np.zeros((1, n)), np.eye(n)])
