"""Writes values and files into messages that a terminal can show; warns."""

from __future__ import annotations

import sys
import unicodedata
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

MOST_QUOTED = 100
MOST_CHARACTERS = 900
GAP = " ... "
# Whose lines are not the user's: treadle's own, and the wrapper of scikit-learn's that calls back into it.
NOT_THE_CALLER = ("treadle", "sklearn.callback")

Said = list[tuple[str, type[Warning]]]
_postponed: ContextVar[Said | None] = ContextVar("postponed", default=None)


def quoted(value: object, most: int = MOST_QUOTED) -> str:
    """Write the value as Python does, in at most ``most`` characters.

    Also of values that Python refuses to write: integers of more than 4300 digits, lists nested too deep.
    """
    # The middle is cut out below.
    if isinstance(value, str) and len(value) > 2 * most:
        value = value[:most] + value[-most:]
    if isinstance(value, bytes) and len(value) > 2 * most:
        value = value[:most] + value[-most:]
    try:
        text = repr(value)
    except (ValueError, RecursionError):
        text = f"a {type(value).__name__} that is too large to be shown"
    return shortened(" ".join(text.split()), most)


def shortened(text: str, most: int) -> str:
    """Shorten the text to ``most`` characters: its beginning and its end."""
    if len(text) <= most:
        return text
    tail = (most - len(GAP)) // 4
    return f"{text[: most - len(GAP) - tail]}{GAP}{text[len(text) - tail :]}"


def visible(text: str) -> str:
    """Escape every character that is neither printable nor a space.

    Spaces are all characters of Unicode's category Zs.
    """
    return "".join(
        c if c.isprintable() or unicodedata.category(c) == "Zs" else c.encode("unicode_escape").decode()
        for c in text
    )


def readable(message: str) -> str:
    """Make a message fit for any terminal, shortened in its middle.

    Its lines stay lines.
    """
    lines = shortened(message, MOST_CHARACTERS).split("\n")
    return "\n".join(visible(line) for line in lines)


def warn_caller(message: str, category: type[Warning] = UserWarning) -> None:
    """Warn at the line that called into treadle.

    It does so however deep within treadle the reason was found.
    """
    said = _postponed.get()
    if said is not None:
        said.append((message, category))
        return
    level, frame = 2, sys._getframe(1)
    while frame.f_back is not None and _is_inside(frame.f_globals.get("__name__", "")):
        level, frame = level + 1, frame.f_back
    warnings.warn(message, category, stacklevel=level)


@contextmanager
def postponed_warnings(said: Said) -> Iterator[None]:
    """Let ``warn_caller`` say nothing within, and put it there for who says it at a line of the user's."""
    token = _postponed.set(said)
    try:
        yield
    finally:
        _postponed.reset(token)


def _is_inside(module: str) -> bool:
    return any(module == package or module.startswith(f"{package}.") for package in NOT_THE_CALLER)
