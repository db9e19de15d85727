"""Decides what a column of text is: numbers, true/false, dates or words.

A column is one of them as a whole. Where a part of its cells are numbers, a cell that is none is reported,
and nothing is chosen for it.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import Literal, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import types

from treadle.choices import DateOrder, DecimalMark
from treadle.tables import numbers_in_text
from treadle.tables.dates_in_text import dates_of, may_be_either
from treadle.tables.numbers_in_text import WrittenNumbers, has_mark, is_undecided, plain_values

# How people write that there is no value: among words, and among numbers besides.
_NO_WORDS = ("", "na", "n/a", "#n/a", "#na", "nan", "null")
_NO_NUMBERS = (*_NO_WORDS, "-nan", "none", ".", "?", "-", "--")
NO_WORDS, NO_NUMBERS = (pa.array(words, pa.large_string()) for words in (_NO_WORDS, _NO_NUMBERS))
BOOLEANS = pa.array(["true", "false"], pa.large_string())

TextKind = Literal["number", "true/false", "date", "category", "empty"]


class Understood(NamedTuple):
    """A text column's kind and values; see ``treadle.tables.columns.Column``."""

    kind: TextKind
    reason: str
    values: pa.Array
    problem: str | None = None
    problem_row: int | None = None
    date_order: DateOrder | None = None


class TextColumn:
    """A column of text before the table's decimal mark is known.

    Beyond columns of plain numbers it looks at each different text once, and keeps the place of each cell's.

    Parameters
    ----------
    name : str
    cells : pyarrow.LargeStringArray
    """

    def __init__(self, name: str, cells: pa.LargeStringArray) -> None:
        self.name = name
        plain = plain_values(cells)
        self._decided: Understood | None = None
        self.written: WrittenNumbers | None = None
        if plain is not None and not _has_nan(plain):
            self._text, self._words, self._plain = cells, cells, plain
            self._places = None
            return
        encoded = cells.dictionary_encode()
        self._places = encoded.indices
        trimmed = pc.utf8_trim_whitespace(encoded.dictionary)
        lowered = pc.utf8_lower(trimmed)
        self._text = _without(trimmed, lowered, NO_NUMBERS)
        self._words = _without(trimmed, lowered, NO_WORDS)
        self._plain = None
        if self._text.null_count == len(self._text):
            self._decided = Understood("empty", "every cell is missing", pa.nulls(len(cells)))
        elif _all(pc.or_(pc.is_in(lowered, BOOLEANS), pc.is_null(self._text))):
            values = pc.if_else(
                pc.is_valid(self._text), pc.equal(lowered, "true"), pa.scalar(None, pa.bool_())
            )
            self._decided = Understood("true/false", "text: true or false", self._cells(values))
        else:
            self._plain = plain_values(self._text)
            if self._plain is None:
                self.written = numbers_in_text.written_numbers(self._text)

    def _cells(self, values: pa.Array) -> pa.Array:
        """Spread values of the distinct texts over all cells."""
        return values if self._places is None else values.take(self._places)

    @cached_property
    def numbers(self) -> WrittenNumbers | None:
        """The column as numbers with their possible decimal marks, or None."""
        if self._plain is not None:
            return numbers_in_text.written_numbers(self._text)
        return self.written

    def understood(
        self, mark: DecimalMark | None, *, forced: bool, date_order: DateOrder | None = None
    ) -> Understood:
        """Decide what the column is.

        Parameters
        ----------
        mark : {".", ","} or None
            The table's decimal mark; None where nothing tells it.
        forced : bool
            Whether somebody named it.
        date_order : str, optional
            The only order of dates to try.
        """
        if self._decided is not None:
            return self._decided
        if self._plain is not None and (mark != "," or self.numbers is None):
            return self._plainly()
        if self.numbers is not None:
            return self._numbers(self.numbers, mark, forced=forced)
        return self._dates_or_words(date_order)

    def as_text(self) -> Understood:
        """Leave the column text, whatever it could be."""
        if self._decided is not None and self._decided.kind == "empty":
            return self._decided
        return Understood("category", "text", self._cells(self._words))

    def _plainly(self) -> Understood:
        whole = types.is_integer(self._plain.type)
        return Understood("number", "whole numbers" if whole else "numbers", self._cells(self._plain))

    def _numbers(self, numbers: WrittenNumbers, mark: DecimalMark | None, *, forced: bool) -> Understood:
        used = numbers.marks[0]
        if is_undecided(numbers):
            if mark is None:
                return self._refused(
                    f"holds numbers such as {numbers.example!r}, whose comma may be a decimal mark or part "
                    "thousands, and nothing else in the table says which: name the decimal mark (--decimal , "
                    "or --decimal .)"
                )
            used = mark
        elif forced and mark not in numbers.marks:
            wrong, other = ("comma", ".") if mark == "," else ("point", ",")
            return self._refused(
                f"holds {numbers.example!r}, which is no number with a decimal {wrong}: name the other mark "
                f"(--decimal {other}), or none"
            )
        if self._plain is not None and used == ".":
            return self._plainly()
        reason = f"text of numbers such as {numbers.example!r}: {numbers.in_words(used)}"
        return Understood("number", reason, self._cells(numbers.values(used)))

    def _dates_or_words(self, date_order: DateOrder | None) -> Understood:
        if (dates := dates_of(self._text, date_order)) is not None:
            values, order = dates
            times = "" if types.is_date32(values.type) else ", and times"
            reason = f"text of dates, {order}{times}"
            return Understood("date", reason, self._cells(values), date_order=order)
        if date_order is None and may_be_either(self._text):
            return self._refused(
                f"holds dates such as {self._first()!r}, of which nothing says whether day or month comes "
                "first: write them as year-month-day"
            )
        numbers = self._cells(numbers_in_text.number_cells(self._text))
        n_numbers = pc.sum(numbers).as_py() or 0
        if n_numbers == 0:
            return Understood("category", "text", self._cells(self._words))
        row = pc.index(numbers, False).as_py()
        if row < 0:
            return self._refused(
                f"holds numbers that are written in several ways, {self._first()!r} the first of them: write "
                "all alike"
            )
        cell = self._cells(self._text)[row].as_py()[:40]
        others = "another cell of it is one" if n_numbers == 1 else f"{n_numbers} other cells of it are"
        return self._refused(
            f"is {cell!r}, which is no number, while {others}: correct it, or take the "
            f"column for categories by a formula (--formula) with C({self.name[:40]})",
            row + 1,
        )

    def _refused(self, problem: str, row: int | None = None) -> Understood:
        return Understood("category", "text", self._cells(self._words), problem, row)

    def _first(self) -> str:
        return str(self._text.drop_null()[0].as_py())[:40]


def has_marks(columns: Sequence[TextColumn]) -> bool:
    """Say whether a column has numbers with commas or points that are not plain."""
    return any(column.written is not None and has_mark(column.written) for column in columns)


def decimal_mark(columns: Sequence[TextColumn], delimiter: str | None) -> DecimalMark | None:
    """Find the decimal mark of a table's numbers in text.

    None where nothing says it, and it matters.

    Parameters
    ----------
    columns : sequence of TextColumn
    delimiter : str or None
        Of a CSV file; None for another format.
    """
    odd = [column.written for column in columns if column.written is not None]
    if not any("," in column.marks and has_mark(column) for column in odd):
        return "."
    # Only then the plain ones are looked at as well: 1.234 is another number among decimal commas.
    numbers = [column.numbers for column in columns]
    found = {one.marks[0] for one in numbers if one is not None and len(one.marks) == 1 and has_mark(one)}
    if len(found) == 1:
        return found.pop()
    return "." if not found and delimiter in (None, ",") else None


def _has_nan(values: pa.Array) -> bool:
    return types.is_floating(values.type) and bool(np.isnan(values.to_numpy(zero_copy_only=False)).any())


def _without(text: pa.Array, lowered: pa.Array, words: pa.Array) -> pa.Array:
    return pc.if_else(pc.is_in(lowered, words), pa.scalar(None, pa.large_string()), text)


def _all(mask: pa.BooleanArray) -> bool:
    return bool(pc.all(mask).as_py())
