"""Counts what was replaced in a table's cells, and says it in words."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from treadle.tables.names import shown


@dataclass(frozen=True)
class ColumnCounts:
    """How many cells of a column were not what a network can take.

    Attributes
    ----------
    missing : int
        Empty, null or NaN.
    infinite : int
    unknown : int
        With a category that training had in too few rows, or not at all.
    words : int
        Text where numbers are, which counts as missing.
    example : str
        The first such word, or else the first unknown category; "" for none.
    """

    missing: int = 0
    infinite: int = 0
    unknown: int = 0
    words: int = 0
    example: str = ""

    def __add__(self, other: ColumnCounts) -> ColumnCounts:
        return ColumnCounts(
            self.missing + other.missing,
            self.infinite + other.infinite,
            self.unknown + other.unknown,
            self.words + other.words,
            self.example or other.example,
        )

    def __bool__(self) -> bool:
        return any((self.missing, self.infinite, self.unknown, self.words))


@dataclass(frozen=True)
class Counts:
    """What was counted in a table, by column.

    Attributes
    ----------
    n_rows : int
    columns : dict of str to ColumnCounts
        Those alone in which there was something.
    newly_missing : frozenset of str
        Columns that have missing cells here and had none in training.

    Examples
    --------
    >>> import pandas as pd
    >>> from treadle.tables import prepare, read_table
    >>> preparation = prepare(read_table(pd.DataFrame({"area": [50.0, 80.0], "price": [1.0, 2.0]})), "price")
    >>> counts = preparation.transform(read_table(pd.DataFrame({"area": [60.0, None]}))).counts
    >>> counts.in_words()
    ["'area': 1 of 2 cells is missing, none in training"]
    """

    n_rows: int
    columns: dict[str, ColumnCounts]
    newly_missing: frozenset[str] = frozenset()

    def __add__(self, other: Counts) -> Counts:
        """Return the counts of both, as of two chunks of a table."""
        names = dict.fromkeys([*self.columns, *other.columns])
        none = ColumnCounts()
        return Counts(
            self.n_rows + other.n_rows,
            {name: self.columns.get(name, none) + other.columns.get(name, none) for name in names},
            self.newly_missing | other.newly_missing,
        )

    def in_words(self) -> list[str]:
        """Return a sentence for each column in which something was replaced."""
        return [
            f"{shown(name)}: {'; '.join(self._said(name, counts))}" for name, counts in self.columns.items()
        ]

    def _said(self, name: str, counts: ColumnCounts) -> Iterable[str]:
        if n := counts.missing:
            yield f"{self._cells(n)} missing{', none in training' if name in self.newly_missing else ''}"
        if n := counts.words:
            example = f", such as {counts.example!r}" if counts.example else ""
            count = "no number" if n == 1 else "no numbers"
            yield f"{self._cells(n)} {count}{example}, and {'counts' if n == 1 else 'count'} as missing"
        if n := counts.infinite:
            yield f"{self._cells(n)} infinite"
        if n := counts.unknown:
            example = f", such as {counts.example!r}" if counts.example else ""
            yield f"{self._cells(n)} of a category that training had in too few rows or not at all{example}"

    def _cells(self, n: int) -> str:
        return f"{n} of {self.n_rows} cells {'is' if n == 1 else 'are'}"

    def to_dict(self) -> dict[str, object]:
        """Return the counts as a dictionary for JSON."""
        return {
            "n_rows": self.n_rows,
            "columns": {name: vars(counts).copy() for name, counts in self.columns.items()},
            "newly_missing": sorted(self.newly_missing),
        }
