"""Defines a whole number, as a value and as text.

True is none, and neither is 2.0.
"""

from __future__ import annotations

import re
from numbers import Integral
from typing import TypeGuard

# At most 18 digits: within 64 bits.
_TEXT = re.compile(r"[+-]?\d{1,18}")


def is_whole(value: object) -> TypeGuard[int]:
    """Say whether a value is an integer of Python or NumPy; True is none."""
    return isinstance(value, Integral) and not isinstance(value, bool)


def is_whole_text(text: str) -> bool:
    """Say whether the text is a whole number in digits, perhaps with a sign."""
    return _TEXT.fullmatch(text.strip()) is not None
