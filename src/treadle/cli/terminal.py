"""Prints progress to standard error and results to standard output, for all commands."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING

from treadle.messages import visible

if TYPE_CHECKING:
    from rich.console import Console


def progress_console() -> Console:
    """Make a console on standard error, in colour only on a terminal.

    NO_COLOR forbids colour.
    """
    from rich.console import Console

    return Console(stderr=True, highlight=False, soft_wrap=True, markup=False, emoji=False)


def warn(console: Console, text: str) -> None:
    """Print a warning to standard error."""
    from rich.text import Text

    console.print(Text("warning: ", style="yellow").append(text, style="default"))


def print_result(text: str) -> None:
    """Print a line of the result."""
    print(text)


def print_json(value: object) -> None:
    """Print the result as one JSON document; nan becomes null."""
    print(json.dumps(_finite(value), indent=2, allow_nan=False))


def _finite(value: object) -> object:
    match value:
        case dict():
            return {key: _finite(item) for key, item in value.items()}
        case list() | tuple():
            return [_finite(item) for item in value]
        case float() if value != value or value in (float("inf"), float("-inf")):
            return None
        case _:
            return value


def print_table(header: Sequence[str], rows: Sequence[Sequence[str]], *, align: str) -> None:
    """Print a plain table, its columns padded and two spaces apart.

    A column is as wide as its widest cell; there are no rules.

    Class names and paths come from files: what is in them that a terminal would obey is shown escaped, as
    Python writes it.

    Parameters
    ----------
    header, rows : sequences of str
    align : str
        One of ``<`` and ``>`` for each column.
    """
    lines = [[visible(cell) for cell in row] for row in (header, *rows)]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    for row in lines:
        cells = (f"{cell:{side}{width}}" for cell, side, width in zip(row, align, widths, strict=True))
        print_result("  ".join(cells).rstrip())
