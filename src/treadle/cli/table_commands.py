"""Tells which commands concern tables: those have options, and files, of their own.

``treadle train`` does with a target or the file of a table, and ``treadle evaluate`` and the like with the
folder of a run on one.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from treadle.errors import TreadleError

# Commands with a file in treadle.cli.tables.
COMMANDS = ("train", "evaluate", "predict", "report", "export")
ENDINGS = (".csv", ".csv.gz", ".tsv", ".parquet", ".feather", ".arrow", ".jsonl", ".ndjson")


def module_of(tokens: Sequence[str]) -> str:
    """Return the module of a command line's command."""
    command = tokens[0]
    if command in COMMANDS and _is_of_table(command, tokens[1:]):
        return f"treadle.cli.tables.{command}"
    return f"treadle.cli.{command}"


def _is_of_table(command: str, tokens: Sequence[str]) -> bool:
    first = tokens[0] if tokens and not tokens[0].startswith("-") else None
    if command != "train":
        return first is not None and _has_target(Path(first, "config.toml"))
    if first is not None and first.lower().endswith(ENDINGS):
        return True
    for token, following in zip(tokens, [*tokens[1:], ""], strict=True):
        option, equals, value = token.partition("=")
        if option == "--target":
            return True
        value = value if equals else following
        if option == "--resume" and _has_target(Path(value, "config.toml")):
            return True
        if option == "--config" and _has_target(Path(value)):
            return True
    return False


def _has_target(path: Path) -> bool:
    """Say whether that is the configuration of a run on a table; what cannot be read is none."""
    from treadle.runs.config import is_of_table

    try:
        return path.is_file() and is_of_table(path)
    except (OSError, TreadleError, ValueError):
        return False
