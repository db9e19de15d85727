"""Parses what a user says that columns are: ``--columns zip=category,year=number``."""

from __future__ import annotations

import csv
import difflib
from collections.abc import Iterable
from typing import get_args

from treadle.choices import ColumnKind
from treadle.errors import InvalidInput
from treadle.messages import quoted

EXAMPLE = "--columns zip=category,year=number"
KINDS: dict[str, ColumnKind] = {kind: kind for kind in get_args(ColumnKind)}


def parse_column_kinds(texts: Iterable[str]) -> dict[str, ColumnKind]:
    """Parse the kinds of columns that an option names.

    Parameters
    ----------
    texts : iterable of str
        ``NAME=KIND``, commas between; in quotes where a name holds a comma: ``'"area, m2=number"'``. What
        stands before the last sign of equality is the name.

    Raises
    ------
    InvalidInput
        If a part is not of that form, there is no such kind, or a column is named twice.

    Examples
    --------
    >>> from treadle.runs.column_kinds import parse_column_kinds
    >>> parse_column_kinds(["zip=category,year=number", "id=out"])
    {'zip': 'category', 'year': 'number', 'id': 'out'}
    """
    found: dict[str, ColumnKind] = {}
    for text in texts:
        for part in next(csv.reader([text], skipinitialspace=True), None) or [""]:
            name, sign, kind = (piece.strip() for piece in part.rpartition("="))
            if not sign or not name:
                raise InvalidInput(
                    f"--columns must be NAME=KIND, commas between, such as {EXAMPLE}; got {quoted(part, 60)}"
                )
            if kind not in KINDS:
                near = difflib.get_close_matches(kind, KINDS, n=1)
                hint = f"did you mean {near[0]}? " if near else ""
                raise InvalidInput(
                    f"--columns: column {quoted(name, 60)} cannot be {quoted(kind, 40)}; {hint}a column is "
                    f"{', '.join(KINDS)} (left out)"
                )
            if name in found:
                raise InvalidInput(f"--columns names {quoted(name, 60)} twice; name it once")
            found[name] = KINDS[kind]
    return found
