"""Parses JSON and TOML from anywhere, within limits of size and depth.

Numbers have limits as well. Python's own parsers take what they are given: memory many times the text's size,
quadratic in it for TOML's dotted keys, and a stack as deep as the text is nested. What is refused here, no
file of treadle's has.
"""

from __future__ import annotations

import json
import math
import tomllib
from collections.abc import Iterator
from typing import Any

from treadle.errors import InvalidInput
from treadle.messages import quoted

MOST_BYTES = 64 << 20
MOST_VALUES = 2_000_000  # each takes about 100 bytes once it is read
MOST_NESTED = 64
MOST_DIGITS = 308  # of an integer: it has a float

MOST_TOML_BYTES = 1 << 16
MOST_DOTS = 200  # of a line: each table in a dotted key takes memory for all those before it
TOML_INTEGERS = 1 << 63


# What JSON and TOML hold, which whoever takes a value of it checks.
ParsedTable = dict[str, Any]


def read_json(text: str) -> Any:
    """Parse JSON; NaN and Infinity are allowed, as Python writes them.

    Raises
    ------
    InvalidInput
        If it is no JSON, longer than 64 MB, has more than 2e6 values, is nested more than 64 deep, or has an
        integer of more than 308 digits or a number beyond what float64 holds.
    """
    check_json_size(text)
    try:
        value = json.loads(text, parse_int=_integer, parse_float=_number)
    except RecursionError as error:
        raise _too_deep() from error
    except InvalidInput:
        raise
    except ValueError as error:
        raise InvalidInput(f"no JSON: {error}") from error
    for _ in _scalars(value):
        pass
    return value


def check_json_size(text: str) -> None:
    """Raise InvalidInput for more text, or more values in it, than ``read_json`` takes."""
    if len(text) > MOST_BYTES:
        raise InvalidInput(f"JSON of {len(text)} characters; at most {MOST_BYTES} are read")
    # Every value but the first follows a comma, a colon or a bracket; text may hold more of them.
    n_values = 1 + sum(map(text.count, ",:[{"))
    if n_values > MOST_VALUES:
        raise InvalidInput(f"JSON of up to {n_values} values; at most {MOST_VALUES} are read")


def read_toml(data: bytes) -> ParsedTable:
    """Parse TOML in UTF-8, with or without a byte-order mark.

    Raises
    ------
    InvalidInput
        If it is no TOML, longer than 64 kB, has a line of more than 200 dots, is nested more than 64 deep, or
        has an integer beyond 64 bits.
    """
    if len(data) > MOST_TOML_BYTES:
        raise InvalidInput(f"TOML of {len(data)} bytes; at most {MOST_TOML_BYTES} are read")
    try:
        text = data.decode("utf-8-sig")
        for number, line in enumerate(text.split("\n"), start=1):
            if line.count(".") > MOST_DOTS:
                raise InvalidInput(
                    f"line {number} has {line.count('.')} dots; at most {MOST_DOTS} are read: break it up"
                )
        table = tomllib.loads(text)
    except RecursionError as error:
        raise _too_deep() from error
    except InvalidInput:
        raise
    except ValueError as error:  # of TOML, of UTF-8, of an integer of more than 4300 digits
        raise InvalidInput(str(error)) from error
    for value in _scalars(table):
        if isinstance(value, int) and not -TOML_INTEGERS <= value < TOML_INTEGERS:
            raise InvalidInput(f"the integer {hex(value):.20}... is beyond 64 bits, which TOML allows")
    return table


def _integer(text: str) -> int:
    if len(text) > MOST_DIGITS:
        raise InvalidInput(f"an integer of {len(text)} digits; at most {MOST_DIGITS} are read")
    return int(text)


def _number(text: str) -> float:
    number = float(text)
    if math.isinf(number):
        raise InvalidInput(f"the number {quoted(text)} is beyond what float64 holds")
    return number


def _scalars(value: object) -> Iterator[object]:
    """Yield all values that are neither list nor table.

    InvalidInput where it is nested too deep.
    """
    level = [value]
    for _ in range(MOST_NESTED):
        inner: list[object] = []
        for item in level:
            if isinstance(item, dict):
                inner.extend(item.values())
            elif isinstance(item, list):
                inner.extend(item)
            else:
                yield item
        if not inner:
            return
        level = inner
    raise _too_deep()


def _too_deep() -> InvalidInput:
    return InvalidInput(f"it is nested too deep; at most {MOST_NESTED} levels are read")
