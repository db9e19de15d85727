"""Warns, once for each column, where doubles round a stream's whole numbers.

Arrays in memory are measured from an origin, exactly (``integer_columns``). A stream is read as doubles,
since whether it needs an origin is seen only once all of it was read.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass, field

import numpy as np

from treadle.errors import RoundedNumbersWarning
from treadle.l1.sources.integer_columns import LARGEST_EXACT
from treadle.maths.dtypes import Numbers


def first_rounded(whole: Numbers) -> int | None:
    """Return the index of the first integer that no double equals, or None."""
    if whole.dtype.kind not in "iu" or whole.dtype.itemsize < 8 or not len(whole):
        return None
    if max(-int(whole.min()), int(whole.max())) <= LARGEST_EXACT:
        return None
    doubles = whole.astype(np.float64)
    beyond = 2.0**63 if whole.dtype.kind == "i" else 2.0**64  # where what is below the end is rounded to it
    back = np.where(doubles < beyond, doubles, 0).astype(whole.dtype)
    rounded = (back != whole) | (doubles >= beyond)
    return int(rounded.argmax()) if rounded.any() else None


@dataclass
class RoundedColumns:
    """The rounded columns of one source, by name."""

    names: set[str] = field(default_factory=set)

    def look(self, source: str, name: str, whole: Numbers) -> None:
        """Warn if one of a column's numbers is rounded, once for each column."""
        if name in self.names or (place := first_rounded(whole)) is None:
            return
        self.names.add(name)
        value = int(whole[place])
        warnings.warn(
            f"{source}: {name} holds whole numbers beyond 2^53 that are rounded to doubles, as {value} to "
            f"{float(value):.0f}, and what is proved is proved of these. Pass the table in memory, where "
            "64-bit integers are taken exactly, or write the column less a whole number that is near it",
            RoundedNumbersWarning,
            stacklevel=3,
        )
