"""Refuses 2.5 for options that are whole numbers, where cyclopts would round."""

from __future__ import annotations

from typing import get_args

import cyclopts

from treadle.errors import InvalidInput
from treadle.whole_numbers import is_whole_text


def check_whole_numbers(
    _app: cyclopts.App, _commands: tuple[str, ...], arguments: cyclopts.ArgumentCollection
) -> None:
    """Refuse a value that is no whole number for an integer option.

    This is a configuration of cyclopts.

    Raises
    ------
    InvalidInput
        With the option and its value.
    """
    for argument in arguments:
        if int not in _leaves(argument.hint):
            continue
        for token in argument.tokens:
            if isinstance(token.value, str) and not is_whole_text(token.value):
                example = "512,256" if "..." in str(argument.hint) else "20"
                raise InvalidInput(
                    f"{token.keyword or argument.name} takes whole numbers, such as {example}; got "
                    f"{token.value[:40]!r}"
                )


def _leaves(hint: object) -> set[object]:
    """Yield the plain types within a type hint: int of ``list[int] | None``."""
    parts = get_args(hint)
    return {leaf for part in parts for leaf in _leaves(part)} if parts else {hint}
