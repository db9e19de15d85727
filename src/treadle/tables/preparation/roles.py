"""Decides what each column of a table is to a network: a feature of which kind, or left out, and why.

By its type and its content in the training rows, unless whoever trains says otherwise. Left out are columns
that say nothing (constant or empty), nothing new (a copy of another), nothing of other rows (identifiers,
texts of many values), or too much (a copy of the target).
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal, get_args

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import types

from treadle.choices import ColumnKind
from treadle.errors import InvalidInput
from treadle.messages import quoted
from treadle.tables.columns import Column
from treadle.tables.names import resolve, shown
from treadle.tables.numbers_in_text import number_cells
from treadle.tables.preparation.categories import Levels, count_levels, least_rows
from treadle.tables.preparation.cells import as_moments, as_numbers, is_empty, shown_cell
from treadle.tables.table import Table

Decided = Literal["number", "category", "true/false", "date", "target", "left out"]

FEW_ROWS = 20  # below, that all rows differ means nothing
DENSE = 0.3  # the least share of the numbers between the least and the greatest that numbered rows have
FIRST_CELLS = 1024
MOSTLY_NUMBERS = 0.9  # the share of its cells from which on a column of numbers has errors in it
NAMED_AS_IDENTIFIER = re.compile(r"(?i:(^|[^a-z])(id|ids|uid|uuid|guid|identifier)$)|[a-z0-9](Id|ID)$")
YEARS = (1500, 2200)


@dataclass(frozen=True)
class Role:
    """What a column is to a network.

    Attributes
    ----------
    column : Column
    decided : {"number", "category", "true/false", "date", "target", "left out"}
    reason : str
    levels : Levels or None
        Of a category.
    is_chosen : bool
        Whether whoever trains said it.
    """

    column: Column
    decided: Decided
    reason: str
    levels: Levels | None = None
    is_chosen: bool = False


def decide_roles(
    table: Table,
    targets: Sequence[str] = (),
    columns: Mapping[str, ColumnKind] | None = None,
    aside: Mapping[str, str] | None = None,
) -> list[Role]:
    """Decide the role of each column, in the table's order.

    Parameters
    ----------
    table : Table
        The training rows.
    targets : sequence of str
        Columns that are to be predicted.
    columns : mapping of str to {"number", "category", "true/false", "date", "out"}, optional
        What columns are, where that is not to be decided here.
    aside : mapping of str to str, optional
        Columns that serve otherwise, such as weights, and how: they are left out with that reason.

    Raises
    ------
    InvalidInput
        If a column is not there, cannot be what it is said to be, or can be none of these.
    """
    there, what = list(table.columns), table.source
    targets = [resolve(name, there, what) for name in targets]
    chosen = checked_kinds(columns or {}, there, what)
    reasons = {resolve(name, there, what): reason for name, reason in (aside or {}).items()}
    seen = _Seen()
    for name in targets:
        seen.add(table.columns[name], f"a copy of the target {shown(name)}")
    roles = []
    for name, column in table.columns.items():
        if name in targets:
            role = Role(column, "target", column.reason)
        elif name in reasons:
            role = Role(column, "left out", reasons[name])
        elif name in chosen:
            role = _chosen(column, chosen[name], what)
        else:
            role = _decided(column, what)
            if role.decided != "left out" and (copied := seen.copied_by(column)):
                role = Role(column, "left out", copied)
            elif role.decided != "left out":
                seen.add(column, f"a copy of the column {shown(name)}")
        roles.append(role)
    return roles


def checked_kinds(columns: Mapping[str, str], there: Sequence[str], what: str) -> dict[str, ColumnKind]:
    """Return the kinds that were chosen, by the names that columns have.

    Raises
    ------
    InvalidInput
        If a column is not there, or there is no such kind.
    """
    kinds: tuple[ColumnKind, ...] = get_args(ColumnKind)
    chosen: dict[str, ColumnKind] = {}
    for name, kind in columns.items():
        known = next((each for each in kinds if each == kind), None)
        if known is None:
            raise InvalidInput(
                f"column {shown(str(name))} cannot be {quoted(kind, 40)}; a column is {', '.join(kinds)} "
                "(left out)"
            )
        chosen[resolve(name, there, what)] = known
    return chosen


def _chosen(column: Column, kind: ColumnKind, what: str) -> Role:
    """Take the column for what it is said to be."""
    if kind == "out":
        return Role(column, "left out", "as chosen", is_chosen=True)
    if column.kind == "other" or is_empty(column):
        reason = column.reason if column.kind == "other" else "every cell is missing"
        raise InvalidInput(f"{what}: column {shown(column.name)} cannot be {kind}: {reason}; leave it out")
    if kind == "number":
        found = as_numbers(column, what, allow_words=True)
        if np.isnan(found.values).all():
            raise InvalidInput(
                f"{what}: column {shown(column.name)} cannot be number: it holds none, but "
                f"{quoted(found.word, 40)}; take it for a category, or leave it out"
            )
        return Role(column, "number", "as chosen", is_chosen=True)
    if kind == "date":
        if column.kind != "date":
            raise InvalidInput(
                f"{what}: column {shown(column.name)} cannot be date: it holds {column.reason}; write its "
                "cells as year-month-day"
            )
        return Role(column, "date", "as chosen", is_chosen=True)
    levels = count_levels(column, what)
    if kind == "true/false" and levels.n_values > 2:
        raise InvalidInput(
            f"{what}: column {shown(column.name)} cannot be true/false: it holds {levels.n_values} different "
            "values, and at most two can be; take it for a category"
        )
    if not levels.known or kind == "true/false":
        levels = count_levels(column, what, keep_rare=True)
    return Role(column, kind, "as chosen", levels, is_chosen=True)


def _decided(column: Column, what: str) -> Role:
    """Decide by type and content."""
    if column.kind == "other":
        return Role(column, "left out", column.reason)
    if is_empty(column):
        return Role(column, "left out", "every cell is missing")
    if column.problem is not None:
        return _with_problem(column, what)
    if (only := _only_value(column)) is not None:
        return Role(column, "left out", f"every cell is {only}")
    if column.kind == "date":
        return Role(column, "date", column.reason)
    if column.kind == "true/false":
        return Role(column, "true/false", column.reason, count_levels(column, what, keep_rare=True))
    if column.kind == "category":
        return _of_text(column, what)
    if column.coded:
        levels = count_levels(column, what)
        if levels.known:
            return Role(column, "category", f"stored as categories, of {levels.n_values} values", levels)
    return _of_numbers(column, what)


def _with_problem(column: Column, what: str) -> Role:
    """Decide on text that the reader could not make out.

    Text in which less than nine of ten cells are numbers is a category; other text is refused.
    """
    n_cells = len(column.values) - column.values.null_count
    is_number = pc.fill_null(number_cells(column.values), True)
    n_words = pc.sum(pc.invert(is_number)).as_py() or 0
    name = shown(column.name)
    if n_words in (0, n_cells):  # numbers or dates of which nothing says how to read them
        raise InvalidInput(
            f"{what}: column {name} {column.problem}; or take it for a category or leave it out (--columns)"
        )
    if n_words < (1 - MOSTLY_NUMBERS) * n_cells:
        row = pc.index(is_number, False).as_py()
        cell = quoted(column.values[row].as_py(), 40)
        others = f", as are {n_words - 1} other cells of it," if n_words > 2 else ""
        others = ", as is another cell of it," if n_words == 2 else others
        raise InvalidInput(
            f"{what}: row {row + 1}, column {name} is {cell}, which is no number{others} while "
            f"{n_cells - n_words} cells are: correct it, or say what the column is (--columns): number, in "
            "which such cells count as missing, category, or out"
        )
    return _of_text(column, what)


def _of_text(column: Column, what: str) -> Role:
    levels = count_levels(column, what)
    n = len(column.values) - levels.n_missing
    least = least_rows(len(column.values))
    if levels.n_values == n and len(column.values) >= FEW_ROWS:
        return Role(column, "left out", "an identifier: each row has a text of its own")
    if levels.n_known_rows * 2 < n or not levels.known:
        return Role(
            column,
            "left out",
            f"text of many values: {levels.n_values} different ones in {n} rows, of which "
            f"{levels.n_known_rows / n:.0%} have one that at least {least} rows have",
        )
    return Role(column, "category", f"text of {levels.n_values} values", levels)


def _of_numbers(column: Column, what: str) -> Role:
    values = column.values
    if _is_zero_or_one(column):
        return Role(column, "true/false", "only 0 and 1", count_levels(column, what, keep_rare=True))
    if not types.is_integer(values.type):
        return Role(column, "number", column.reason)
    low, high = pc.min_max(values).as_py().values()
    n = len(values)
    if NAMED_AS_IDENTIFIER.search(column.name.strip()):
        if n >= FEW_ROWS and _all_differ(values):
            return Role(column, "left out", "an identifier: named so, and each row has a number of its own")
        levels = count_levels(column, what)
        reason = f"named as an identifier, of {levels.n_values} values in {n} rows"
        if n >= FEW_ROWS and levels.n_known_rows * 2 < n:
            return Role(column, "left out", reason)
        if levels.known:
            return Role(column, "category", reason, levels)
    is_year = YEARS[0] <= low and high <= YEARS[1]
    is_dense = n >= FEW_ROWS and n >= DENSE * (high - low + 1)
    if is_dense and not is_year and _all_differ(values):
        return Role(column, "left out", f"an identifier: it numbers the rows, from {low} to {high}")
    return Role(column, "number", column.reason)


def _only_value(column: Column) -> str | None:
    """Write the one value that every cell has; None if some differ or are missing."""
    values = column.values
    if values.null_count:
        return None
    if column.kind == "category" or types.is_integer(values.type):
        is_one = bool(pc.all(pc.equal(values, values[0])).as_py())
    else:
        cells = as_moments(column, "") if column.kind == "date" else as_numbers(column, "").values
        is_one = bool(cells.min() == cells.max())
    return shown_cell(column, 0) if is_one else None


def _is_zero_or_one(column: Column) -> bool:
    numbers = as_numbers(column, "").values
    return bool(((numbers == 0) | (numbers == 1) | np.isnan(numbers)).all())


def _all_differ(values: pa.Array) -> bool:
    return bool(values.null_count == 0 and pc.count_distinct(values).as_py() == len(values))


class _Seen:
    """Columns by a digest of their first cells; those that agree are compared whole."""

    def __init__(self) -> None:
        self._columns: dict[bytes, list[tuple[Column, str]]] = {}

    def add(self, column: Column, reason: str) -> None:
        """Remember a column, and why another of the same cells is left out."""
        self._columns.setdefault(self._key(column), []).append((column, reason))

    def copied_by(self, column: Column) -> str | None:
        """Return the reason to leave out a column of the same cells as one before."""
        alike = self._columns.get(self._key(column), [])
        whole = _digest(column) if alike else b""
        return next((reason for other, reason in alike if _digest(other) == whole), None)

    @staticmethod
    def _key(column: Column) -> bytes:
        return _digest(replace(column, values=column.values.slice(0, FIRST_CELLS)))


def _digest(column: Column) -> bytes:
    """Return a digest that columns of the same cells share."""
    if column.kind in ("empty", "other"):
        return b""
    kind = "number" if column.kind == "true/false" else column.kind
    sum_ = hashlib.blake2b(kind.encode(), digest_size=16)
    if column.kind == "category":
        codes = column.values.dictionary_encode()
        sum_.update(codes.indices.fill_null(-1).to_numpy(zero_copy_only=False).tobytes())
        for text in codes.dictionary.to_pylist():
            sum_.update(text.encode() + b"\0")
    elif column.kind == "date":
        sum_.update(as_moments(column, "").tobytes())
    else:
        numbers = as_numbers(column, "").values + 0.0  # which makes zeros of one sign
        sum_.update(np.where(np.isnan(numbers), np.nan, numbers).tobytes())
    return sum_.digest()
