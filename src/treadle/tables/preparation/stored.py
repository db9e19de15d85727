"""Takes values out of a description that a file holds, and trusts none of it."""

from __future__ import annotations

from typing import TypeVar

from treadle.errors import InvalidInput
from treadle.messages import quoted
from treadle.strict_text import ParsedTable

T = TypeVar("T")

IN_WORDS = {str: "text", bool: "true or false", int: "a whole number", dict: "an object", list: "a list"}


def field(described: ParsedTable, name: str, kind: type[T]) -> T:
    """Return a value of that type, exactly: true is no whole number.

    Raises
    ------
    InvalidInput
        If it is not there, or of another type.
    """
    if name not in described:
        raise InvalidInput(f"{name!r} is missing")
    value = described[name]
    if type(value) is not kind:
        raise InvalidInput(f"{name!r} must be {IN_WORDS[kind]}; got {quoted(value, 60)}")
    return value


def texts(described: ParsedTable, name: str) -> tuple[str, ...]:
    """Return a list of texts as a tuple.

    Raises
    ------
    InvalidInput
        If it is anything else.
    """
    values = field(described, name, list)
    if not all(type(value) is str for value in values):
        raise InvalidInput(f"{name!r} must be a list of texts; got {quoted(values, 60)}")
    return tuple(values)


def check_keys(described: object, *names: str) -> ParsedTable:
    """Return an object that has these keys and no other.

    Raises
    ------
    InvalidInput
        If it is none, or has others.
    """
    if not isinstance(described, dict) or described.keys() != set(names):
        raise InvalidInput(f"an object of {', '.join(names)} is needed; got {quoted(described, 60)}")
    return described
