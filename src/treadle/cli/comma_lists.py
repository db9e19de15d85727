"""Splits the values of an option that is a list."""

from __future__ import annotations

import csv

from cyclopts import Token


def split_at_commas(tokens: list[Token]) -> None:
    """Split an option's values at commas that are not in quotes, in place."""
    values = [(token, value) for token in tokens for value in next(csv.reader([token.value])) or [""]]
    tokens[:] = [
        Token(keyword=token.keyword, value=value.strip(), source=token.source, index=i)
        for i, (token, value) in enumerate(values)
    ]
