"""Fits the preparation of a table: roles, features and their scales."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from treadle.choices import ColumnKind
from treadle.errors import InvalidInput
from treadle.tables.column_use import ColumnUse
from treadle.tables.names import shown
from treadle.tables.preparation.categories import MOST_ONE_HOT, CategoryFeature, least_rows
from treadle.tables.preparation.counts import ColumnCounts, Counts
from treadle.tables.preparation.dates import DateFeature
from treadle.tables.preparation.feature import Cells, Feature
from treadle.tables.preparation.numbers import NumberFeature
from treadle.tables.preparation.preparation import Preparation, text_columns
from treadle.tables.preparation.robust import RobustScale, median_and_scale
from treadle.tables.preparation.roles import Role, decide_roles
from treadle.tables.reading import Reading
from treadle.tables.table import Table


def prepare(
    table: Table,
    targets: str | Sequence[str] = (),
    columns: Mapping[str, ColumnKind] | None = None,
    aside: Mapping[str, str] | None = None,
) -> Preparation:
    """Fit a preparation to the training rows of a table.

    Parameters
    ----------
    table : Table
        The training rows alone. Where columns of text are chosen to be categories, read it with
        ``like=Reading.for_kinds(columns)``: 01067 stays what it is then.
    targets : str or sequence of str
        What is to be predicted: no feature.
    columns : mapping of str to {"number", "category", "true/false", "date", "out"}, optional
        What columns are; of others type and content decide.
    aside : mapping of str to str, optional
        Columns that serve otherwise, and how: ``{"w": "the weights"}``. They are no features.

    Returns
    -------
    Preparation

    Raises
    ------
    InvalidInput
        If a column is not there, cannot be what it is said to be, or cannot be used as it is; or if no column
        is left.

    Examples
    --------
    >>> import pandas as pd
    >>> from treadle.tables import prepare, read_table
    >>> frame = pd.DataFrame({"zip": [1067, 80331, 1067], "land": ["D"] * 3, "rent": [9.0, 19.0, 10.0]})
    >>> preparation = prepare(read_table(frame), "rent", {"zip": "category"})
    >>> preparation.output_names
    ('zip is 80331, not 1067',)
    >>> [(use.name, use.role, use.reason) for use in preparation.columns if use.role == "left out"]
    [('land', 'left out', "every cell is 'D'")]
    """
    targets = [targets] if isinstance(targets, str) else list(targets)
    roles = decide_roles(table, targets, columns, aside)
    used = [role for role in roles if role.decided not in ("target", "left out")]
    if not used:
        raise _nothing_left(table, roles)
    features: dict[str, Feature] = {}
    counted: dict[str, ColumnCounts] = {}
    numbers: list[tuple[float, float]] = []
    plain: list[tuple[float, float]] = []
    for role in used:
        feature = _feature(role, table)
        cells, counts = feature.cells(role.column, table.source, 1, table.reading.decimal)
        features[feature.name] = feature
        if counts:
            counted[feature.name] = counts
        columns_of_numbers, plain_columns = _unscaled(feature, cells)
        numbers += map(median_and_scale, columns_of_numbers)
        plain += map(median_and_scale, plain_columns)
    return Preparation(
        tuple(features.values()),
        RobustScale.of([*numbers, *plain]),
        _unused(table, roles),
        _reading(table, features),
        _uses(table, roles, features, counted),
        Counts(len(table), counted),
    )


def _feature(role: Role, table: Table) -> Feature:
    """Make the feature that a role decides."""
    column = role.column
    if role.decided == "number":
        allow_words = role.is_chosen
        return NumberFeature.fit(column, table.source, table.reading.decimal, allow_words=allow_words)
    if role.decided == "date":
        return DateFeature.fit(column, table.source)
    assert role.levels is not None
    return CategoryFeature(column.name, role.levels.known, column.kind == "category")


def _unscaled(feature: Feature, cells: Cells) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return a feature's columns of numbers and its plain columns, a row each."""
    n_numbers = len(feature.number_names)
    block = np.empty((n_numbers + len(feature.plain_names), len(cells)))
    feature.write(cells, block[:n_numbers].T, block[n_numbers:].T)
    return block[:n_numbers], block[n_numbers:]


def _unused(table: Table, roles: Sequence[Role]) -> dict[str, str]:
    """Say why each column is not used that a table to predict may have besides."""
    unused = dict(table.left_out)
    for role in roles:
        if role.decided in ("target", "left out"):
            unused[role.column.name] = "the target" if role.decided == "target" else role.reason
    return unused


def _reading(table: Table, features: Mapping[str, Feature]) -> Reading:
    """Say how the text of other tables is to be read, targets included."""
    kept = table.reading.text & table.columns.keys()
    return Reading(
        table.reading.decimal,
        text_columns(list(features.values())) | kept,
        dict(table.reading.dates),
    )


def _nothing_left(table: Table, roles: Sequence[Role]) -> InvalidInput:
    reasons = [f"{shown(r.column.name)}: {r.reason}" for r in roles if r.decided == "left out"]
    more = f"; and {len(reasons) - 10} more" if len(reasons) > 10 else ""
    listed = "".join(f"; {reason}" for reason in reasons[:10])
    return InvalidInput(
        f"{table.source} has no column from which to predict, and one is needed{listed}{more}: say what "
        "columns are to put them back (--columns NAME=KIND)"
    )


def _uses(
    table: Table,
    roles: Sequence[Role],
    features: Mapping[str, Feature],
    counted: Mapping[str, ColumnCounts],
) -> tuple[ColumnUse, ...]:
    """Describe every column, for people."""
    uses = [ColumnUse(name, "left out", "", reason) for name, reason in table.left_out.items()]
    for role in roles:
        column = role.column
        if role.decided == "target":
            uses.append(ColumnUse(column.name, "target", column.kind, role.reason))
        elif role.decided == "left out":
            uses.append(ColumnUse(column.name, "left out", column.kind, role.reason))
        else:
            notes = _notes(role, features[column.name], counted.get(column.name, ColumnCounts()))
            uses.append(
                ColumnUse(column.name, "feature", role.decided, role.reason, ", ".join(notes), _levels(role))
            )
    return tuple(uses)


def _levels(role: Role) -> tuple[str, ...]:
    return () if role.levels is None else role.levels.known


def _notes(role: Role, feature: Feature, counts: ColumnCounts) -> Iterator[str]:
    """Say what is made of a feature's cells."""
    if isinstance(feature, DateFeature):
        yield f"as {_in_list(feature.parts_in_words) or 'nothing: all dates are one'}"
    if isinstance(feature, CategoryFeature) and role.levels is not None:
        n = len(feature.levels)
        if n > MOST_ONE_HOT:
            yield f"embedded, {n} values"
        elif n == 2:
            yield f"{feature.levels[0]!r:.40} against {feature.levels[1]!r:.40}"
        else:
            yield (f"an indicator for each of {n} values" if n > 1 else f"whether {feature.levels[0]!r:.40}")
        if rare := role.levels.n_values - n:
            least = least_rows(role.levels.n_rows)
            yield f"{rare} with less than {least} rows {'count' if rare > 1 else 'counts'} as unknown"
    if counts.words:
        yield f"{counts.words} cells such as {counts.example!r} are no numbers and count as missing"
    if counts.missing:
        filled = not isinstance(feature, CategoryFeature)
        yield f"{counts.missing} missing" + (" (the median instead, and an indicator)" if filled else "")
    if counts.infinite:
        yield f"{counts.infinite} infinite"


def _in_list(words: Sequence[str]) -> str:
    return " and ".join(filter(None, [", ".join(words[:-1]), *words[-1:]]))
