"""Prints how each column of a table was used, and which were left out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from treadle.cli.terminal import print_result, print_table, progress_console, warn
from treadle.messages import visible

if TYPE_CHECKING:
    from treadle.tables import Table
    from treadle.tables.column_use import ColumnUse

PLAIN = ("numbers", "whole numbers")  # reasons that say nothing more
SHOWN = 20  # lines at most for what is plain, and for what is not
IN_WORDS = {",": "commas", ";": "semicolons", "\t": "tabs", "|": "bars", " ": "blanks"}


def warn_of_left_out(columns: Sequence[ColumnUse]) -> None:
    """Warn on standard error of columns that treadle left out by itself."""
    left_out = [use for use in columns if use.role == "left out"]
    for use in left_out[:SHOWN]:
        warn(progress_console(), f"left out: {visible(use.name[:60])}: {visible(use.reason)}")
    if len(left_out) > SHOWN:
        warn(progress_console(), f"left out: {len(left_out) - SHOWN} more columns; --json lists them")


def print_columns(table: Table, columns: Sequence[ColumnUse]) -> None:
    """Print how the table was read, and a line for each column.

    Of many columns, those that are more than numbers come first.
    """
    print_result("")
    print_result(f"table    {visible(table.source)}: {_how(table.how)}, {len(table)} rows")
    uses = list(columns)
    n_plain = 0
    if len(uses) > SHOWN:
        special = [use for use in uses if use.role == "target" or use.reason not in PLAIN or use.note]
        uses = special[:SHOWN]
        n_plain = len(columns) - len(uses)
    rows = [
        (
            " ".join(use.name.split())[:60],
            use.role,
            _taken_as(use),
        )
        for use in uses
    ]
    print_table(("column", "role", "taken as"), rows, align="<<<")
    if n_plain:
        print_result(f"and {n_plain} more columns; --json lists all")


def columns_as_dict(table: Table, target: object, columns: Sequence[ColumnUse]) -> dict[str, object]:
    """The table's columns and how it was read, ready for JSON."""
    return {
        "table": {"source": table.source, "rows": len(table), "target": target, **table.how},
        "columns": [use.to_dict() for use in columns],
    }


def _taken_as(use: ColumnUse) -> str:
    """Describe a column's use, as ``category, 2 dummies against 'Bern' (text of 3 levels)``."""
    if use.role == "left out":
        return use.reason
    noted = f"{use.kind}, {use.note}" if use.note else use.kind
    return noted if use.reason in (use.kind, *PLAIN) else f"{noted} ({use.reason})"


def _how(how: dict[str, str]) -> str:
    parts = [how["format"]] if "format" in how else []
    if "encoding" in how:
        parts.append(how["encoding"])
    if "delimiter" in how:
        parts.append(f"{IN_WORDS.get(how['delimiter'], repr(how['delimiter']))} between cells")
    return ", ".join(parts)
