"""Makes a regression's matrix and target from a table; reports each column.

Numbers, true/false and dates are a column of the matrix each; text becomes dummies, a column for each level
but the first in the order of the alphabet, the reference, which the intercept stands for.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from treadle.errors import InvalidInput
from treadle.tables.column_use import ColumnUse, Role
from treadle.tables.columns import Column
from treadle.tables.exact_columns import Exact, ExactColumns
from treadle.tables.matrix import (
    beyond_doubles,
    exact_note,
    float_column,
    float_note,
    refuse_missing,
    refuse_unusable,
)
from treadle.tables.names import listed, resolve, shown
from treadle.tables.table import Table

MOST_LEVELS = 50


@dataclass(frozen=True)
class Design:
    """The matrix, the target and the columns' uses of a regression.

    Attributes
    ----------
    X : ndarray of shape (N, D), float64
        In Fortran order.
    y : ndarray of shape (N,), float64
    names : list of D str
        What X's columns are.
    target : str
        What y is.
    fit_intercept : bool
    columns : tuple of ColumnUse
    exact_X : ExactColumns or None
        X with columns in their own types where float64 would round them; None where it rounds none, and
        without an intercept, since what is exact is the distance of one row from another.
    exact_y : ndarray of shape (N,), int64 or uint64, or None
        The target, where y is rounded.

    Examples
    --------
    >>> import pandas as pd
    >>> from treadle.tables import build_design, read_table
    >>> table = read_table(pd.DataFrame({"city": ["Bonn", "Ulm"], "price": [950, 1200]}))
    >>> design = build_design(table, "price")
    >>> [(use.name, use.role, use.reference) for use in design.columns]
    [('city', 'feature', 'Bonn'), ('price', 'target', None)]
    """

    X: NDArray[np.float64]
    y: NDArray[np.float64]
    names: list[str]
    target: str
    fit_intercept: bool
    columns: tuple[ColumnUse, ...]
    exact_X: ExactColumns | None = None
    exact_y: Exact | None = None


def build_design(
    table: Table, target: str, features: Sequence[str] | None = None, *, fit_intercept: bool = True
) -> Design:
    """Build the regression of a column on others.

    Parameters
    ----------
    table : Table
    target : str
        A column of numbers, true/false or dates.
    features : sequence of str, optional
        None: every other column that can be one; what cannot is left out, with the reason, if it holds
        nothing, one text alone or lists and the like, and refused otherwise.
    fit_intercept : bool, default=True
        Without one, the first column of text has a dummy for each level.

    Raises
    ------
    InvalidInput
        If a column is not there or cannot be used, or no feature is left.

    Examples
    --------
    >>> import pandas as pd
    >>> from treadle.tables import build_design, read_table
    >>> table = read_table(pd.DataFrame({"city": ["Bonn", "Ulm"], "price": [950, 1200]}))
    >>> design = build_design(table, "price")
    >>> design.names, design.X.tolist(), design.y.tolist()
    (['city=Ulm'], [[0.0], [1.0]], [950.0, 1200.0])
    """
    what = table.source
    target = _target(table, target)
    y = float_column(table.columns[target], what)
    uses = [ColumnUse(name, "left out", "", reason) for name, reason in table.left_out.items()]
    uses.append(float_use(table.columns[target], "target"))
    chosen = _chosen(table, target, features, uses)
    blocks: list[NDArray[np.float64]] = []
    names: list[str] = []
    exact: dict[int, Exact] = {}
    whole = not fit_intercept  # whether the next category keeps all its levels
    for name in chosen:
        column = table.columns[name]
        try:
            if column.kind == "category":
                block, use = _dummies(column, what, whole=whole)
                names += [f"{name}={level}" for level in use.levels if level != use.reference]
                whole = False
            else:
                block, use = float_column(column, what)[:, None], float_use(column, "feature")
                kept = beyond_doubles(column, what) if fit_intercept else None
                if kept is not None:
                    exact[len(names)] = kept
                    use = replace(use, note=exact_note(kept))
                names.append(name)
        except InvalidInput as error:
            raise _with_usable(error, table, target) from error
        blocks.append(block)
        uses.append(use)
    if len(set(names)) < len(names):
        twice = next(name for i, name in enumerate(names) if name in names[:i])
        raise InvalidInput(f"{what}: two features would be called {shown(twice)}; rename one of the columns")
    X = np.empty((len(table), len(names)), order="F")
    np.concatenate(blocks, axis=1, out=X)
    order = {name: i for i, name in enumerate((*table.left_out, *table.columns))}
    uses.sort(key=lambda use: order[use.name])
    return Design(
        X,
        y,
        names,
        target,
        fit_intercept,
        tuple(uses),
        ExactColumns(tuple(exact.get(j, X[:, j]) for j in range(len(names)))) if exact else None,
        _exact_target(table.columns[target], what),
    )


def _exact_target(column: Column, what: str) -> Exact | None:
    """Whole numbers that doubles round; a target in days stays one."""
    found = beyond_doubles(column, what)
    return None if found is None or found.dtype.kind == "M" else found


def _target(table: Table, target: str) -> str:
    if target in table.left_out:
        raise InvalidInput(
            f"{table.source}: the target {shown(target)} was left out: {table.left_out[target]}; rename it"
        )
    target = resolve(target, list(table.columns), table.source)
    column = table.columns[target]
    if column.kind not in ("number", "true/false", "date") and column.problem is None:
        raise InvalidInput(
            f"{table.source}: the target {shown(target)} holds no numbers: {column.reason}; the columns are "
            f"{listed(list(table.columns))}"
        )
    return target


def _chosen(table: Table, target: str, features: Sequence[str] | None, uses: list[ColumnUse]) -> list[str]:
    """Choose the features; add what is left out to ``uses``."""
    if features is not None:
        names = [resolve(name, list(table.columns), table.source) for name in features]
        if target in names:
            raise InvalidInput(
                f"the target {shown(target)} cannot be a feature as well: leave it out of the features"
            )
        for name in names:
            if reason := why_useless(table.columns[name]):
                raise InvalidInput(
                    f"{table.source}: column {shown(name)} cannot be a feature: {reason}; leave it out"
                )
        return names
    chosen = []
    for name, column in table.columns.items():
        if name == target:
            continue
        if reason := why_useless(column):
            uses.append(ColumnUse(name, "left out", column.kind, reason))
        else:
            chosen.append(name)
    if not chosen:
        raise InvalidInput(
            f"{table.source} has no column of use beside the target {shown(target)}; one is needed"
            + "".join(f"; {shown(use.name)}: {use.reason}" for use in uses if use.role == "left out")
        )
    return chosen


def why_useless(column: Column) -> str:
    """Say why a column cannot explain a target; "" if it may."""
    if column.kind in ("empty", "other"):
        return column.reason
    if column.kind == "category" and column.problem is None and column.values.null_count == 0:
        levels = pc.unique(column.values)
        if len(levels) == 1:
            return f"every cell is {levels[0].as_py()[:40]!r}"
    return ""


def float_use(column: Column, role: Role) -> ColumnUse:
    """Describe the use of a column as numbers."""
    return ColumnUse(column.name, role, column.kind, column.reason, float_note(column))


def levels_of(column: Column, what: str) -> list[str]:
    """Return the levels of a column of text, in alphabetical order.

    Raises
    ------
    InvalidInput
        If a cell is missing, or there are more than 50.
    """
    refuse_unusable(column, what)
    refuse_missing(column, what)
    levels = pc.unique(column.values)
    if len(levels) > MOST_LEVELS:
        raise InvalidInput(
            f"{what}: column {shown(column.name)} holds {len(levels)} different texts, such as "
            f"{levels[0].as_py()[:40]!r}, and at most {MOST_LEVELS} become dummies"
        )
    return sorted(levels.to_pylist())


def _dummies(column: Column, what: str, *, whole: bool) -> tuple[NDArray[np.float64], ColumnUse]:
    levels = levels_of(column, what)
    codes = pc.index_in(column.values, pa.array(levels, pa.large_string())).to_numpy(zero_copy_only=False)
    shown_levels = range(0 if whole else 1, len(levels))
    block = np.empty((len(codes), len(shown_levels)), order="F")
    for j, level in enumerate(shown_levels):
        block[:, j] = codes == level
    reference = None if whole else levels[0]
    note = f"{len(shown_levels)} dummies" if len(shown_levels) > 1 else "1 dummy"
    note += ", one for each level" if whole else f" against {levels[0]!r}"
    reason = f"text of {len(levels)} levels"
    return block, ColumnUse(column.name, "feature", "category", reason, note, tuple(levels), reference)


def _with_usable(error: InvalidInput, table: Table, target: str) -> InvalidInput:
    """Add to an error the columns that can be used as they are."""
    usable = [
        name
        for name, column in table.columns.items()
        if name != target and not why_useless(column) and _is_usable(column, table.source)
    ]
    named = ",".join(f'"{name}"' if "," in name else name for name in usable[:12])
    more = f" and {len(usable) - 12} more" if len(usable) > 12 else ""
    which = f": {named[:300]}{more}" if usable else ""
    return InvalidInput(f"{error}; or leave the column out by naming those to use (--features){which}")


def _is_usable(column: Column, what: str) -> bool:
    try:
        if column.kind == "category":
            levels_of(column, what)
        else:
            float_column(column, what)
    except InvalidInput:
        return False
    return True
