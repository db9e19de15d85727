"""Records how the text of a table was read, so that others are read alike.

A text such as 1.200, 03/04/2021 or 07 says not by itself what it is: the column's other cells do. Of a second
table, or a part of one, they might say something else.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from treadle.choices import ColumnKind, DateOrder, DecimalMark


@dataclass(frozen=True)
class Reading:
    """What was found, or chosen, of text that could be read in several ways.

    Parameters
    ----------
    decimal : {".", ","} or None
        The decimal mark of numbers in text; None where none had a comma, a per cent sign or the like.
    text : frozenset of str
        Columns whose text stays text, whether or not it could be read as numbers, dates or true and false.
    dates : mapping of str to {"year, month, day", "day, month, year", "month, day, year"}
        The order within dates that are text, by column.

    Examples
    --------
    >>> import pandas as pd
    >>> from treadle.tables import Reading, read_table
    >>> frame = pd.DataFrame({"zip": ["01067", "80331"]})
    >>> read_table(frame).columns["zip"].values.to_pylist()
    [1067, 80331]
    >>> read_table(frame, like=Reading(text=frozenset(["zip"]))).columns["zip"].values.to_pylist()
    ['01067', '80331']
    """

    decimal: DecimalMark | None = None
    text: frozenset[str] = frozenset()
    dates: Mapping[str, DateOrder] = field(default_factory=dict)

    @classmethod
    def for_kinds(cls, columns: Mapping[str, ColumnKind] | None) -> Reading:
        """Return the reading of columns whose kinds are chosen: categories stay text."""
        chosen = (columns or {}).items()
        return cls(text=frozenset(name for name, kind in chosen if kind == "category"))
