"""Resolves names of columns, and lists them for messages."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence

from treadle.errors import InvalidInput

MOST_COLUMNS = 200_000
SHOWN = 60  # characters of a name in a message


def check_chosen(what: str, there: Sequence[str], columns: Sequence[str] | None) -> Sequence[str]:
    """Return the columns to read: ``columns``, or all that there are.

    Raises
    ------
    InvalidInput
        If one is not there, or is there or named twice.
    """
    if (twice := _twice(there)) is not None:
        raise InvalidInput(f"{what} has two columns named {shown(twice)}; give each a name of its own")
    if columns is None:
        return there
    known = set(there)
    found = [name if name in known else resolve(name, there, what) for name in columns]
    if (twice := _twice(found)) is not None:
        raise InvalidInput(f"the column {shown(twice)} was named twice; name it once")
    return found


def resolve(name: str, there: Sequence[str], what: str) -> str:
    """Find the column of a name, if need be by ignoring blanks.

    It is the one of that name, or the one that differs in its blanks and line ends alone.

    Raises
    ------
    InvalidInput
        If there is none, or several.
    """
    if name in there:
        return name
    alike = [other for other in there if other.split() == name.split()]
    if len(alike) == 1:
        return alike[0]
    near = difflib.get_close_matches(name, there[:1000], n=1, cutoff=0.7)
    hint = f"did you mean {shown(near[0])}? " if near else ""
    raise InvalidInput(f"{what} has no column {shown(name)}; {hint}it has {listed(there)}")


def check_width(n_columns: int, what: str) -> None:
    """Refuse more columns than can be looked at in reasonable time.

    Raises
    ------
    InvalidInput
        Beyond 200 000.
    """
    if n_columns > MOST_COLUMNS:
        raise InvalidInput(
            f"{what} has {n_columns} columns, at most {MOST_COLUMNS} are read; is this a table, or a row of "
            "data? Columns go across, rows go down"
        )


def shown(name: str) -> str:
    """Quote, escape and shorten a name for a message."""
    return repr(name if len(name) <= SHOWN else name[: SHOWN - 3] + "...")


def listed(names: Sequence[str], at_most: int = 20) -> str:
    """List names for a message, the first of many."""
    text = ", ".join(map(shown, names[:at_most]))
    return f"{text} and {len(names) - at_most} more" if len(names) > at_most else text or "none"


def _twice(names: Iterable[str]) -> str | None:
    seen: set[str] = set()
    for name in names:
        if name in seen:
            return name
        seen.add(name)
    return None
