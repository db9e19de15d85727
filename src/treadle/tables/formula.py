"""A regression by a formula, such as ``log(price) ~ area + C(city)``, through formulaic.

A formula is an expression of Python besides: it is for those who type it themselves, and is never read from a
file.
"""

from __future__ import annotations

import re
import warnings
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from treadle.errors import InvalidInput, MissingDependency
from treadle.tables.column_use import ColumnUse, Role
from treadle.tables.columns import Column
from treadle.tables.design import MOST_LEVELS, Design, float_use, levels_of, why_useless
from treadle.tables.matrix import exact_column, float_column, refuse_unusable
from treadle.tables.names import listed, shown
from treadle.tables.table import Table

if TYPE_CHECKING:
    import pandas as pd

EXAMPLE = "log(price) ~ area + C(city)"
EVERYTHING = re.compile(r"(?<![\w.])\.(?![\w.])")  # the dot that stands for all other columns
COLOURED = re.compile(r"⧛.*?⧚")  # marks of formulaic's for a terminal


def build_formula_design(table: Table, formula: str) -> Design:
    """Build the regression that a formula describes.

    Parameters
    ----------
    table : Table
    formula : str
        Target and features with ~ between, in formulaic's grammar: ``log(y) ~ a + b:c + C(d) - 1``. Names
        with blanks stand in backquotes. Text, and what stands in ``C()``, becomes dummies.

    Raises
    ------
    InvalidInput
        If it cannot be read or evaluated, a column is not there or cannot be used, or a value is not finite.
    MissingDependency
        If formulaic is not installed.

    Examples
    --------
    >>> import pandas as pd
    >>> from treadle.tables import build_formula_design, read_table
    >>> table = read_table(pd.DataFrame({"area": [1.0, 10.0], "price": [5.0, 7.0]}))
    >>> design = build_formula_design(table, "price ~ log10(area)")
    >>> design.names, design.X.tolist()
    (['log10(area)'], [[0.0], [1.0]])
    """
    try:
        import formulaic
    except ImportError as error:
        raise MissingDependency("a formula needs formulaic: pip install 'treadle[formula]'") from error
    import pandas as pd

    if formula.count("~") != 1 or not all(side.strip() for side in formula.split("~")):
        raise InvalidInput(f"a formula has a target and features, as {EXAMPLE!r} has; got {formula[:200]!r}")
    used = _mentioned(table, formula)
    frame = pd.DataFrame({alias: _for_formula(table, name, formula) for alias, name in used.items()})
    try:
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter(
                "ignore"
            )  # of logarithms and quotients: what is not finite is refused below
            both = formulaic.model_matrix(formula, frame, na_action="ignore", context={})
            y, features = both.lhs, both.rhs
    except Exception as error:  # whatever an expression of Python may raise
        raise InvalidInput(
            f"the formula {formula[:200]!r} cannot be evaluated: {_first_line(error)}; the columns are "
            f"{listed(list(table.columns))}"
        ) from error
    if y.shape[1] != 1:
        raise InvalidInput(
            f"a formula has one column of numbers on its left; {formula.split('~')[0].strip()[:100]!r} has "
            f"{y.shape[1]}"
        )
    fit_intercept = "Intercept" in features.columns
    names = [str(name) for name in features.columns if name != "Intercept"]
    if not names:
        raise InvalidInput(f"the formula {formula[:200]!r} has no feature; {EXAMPLE!r} has two")
    X = np.asfortranarray(features[names].to_numpy(np.float64))
    target = str(y.columns[0])
    values = y.to_numpy(np.float64)[:, 0].copy()
    _refuse_infinite(
        np.column_stack([values, X]) if X.size else values[:, None], [target, *names], table.source
    )
    return Design(X, values, names, target, fit_intercept, _uses(table, formula, used, features))


def _mentioned(table: Table, formula: str) -> dict[str, str]:
    """Return the columns that the formula names, by their names in it.

    There, line ends are blanks.
    """
    everything = EVERYTHING.search(re.sub(r"`[^`]*`", "", formula)) is not None
    found = {}
    for name, column in table.columns.items():
        alias = " ".join(name.split())
        if _speaks_of(formula, alias) or (everything and not why_useless(column)):
            found[alias] = name
    if not found:
        raise InvalidInput(
            f"the formula {formula[:200]!r} names no column of {table.source}, which has "
            f"{listed(list(table.columns))}"
        )
    return found


def _speaks_of(text: str, alias: str) -> bool:
    if alias.isidentifier():
        return re.search(rf"(?<![\w`.]){re.escape(alias)}(?![\w`])|`{re.escape(alias)}`", text) is not None
    return f"`{alias}`" in text


def _for_formula(table: Table, name: str, formula: str) -> pd.Categorical | NDArray[np.generic]:
    """Return a column in the form that the formula sees.

    Text and what stands in C() has its levels, all else is float64.
    """
    import pandas as pd

    column, what = table.columns[name], table.source
    in_category = re.search(rf"\bC\(\s*`?{re.escape(' '.join(name.split()))}`?\s*[,)]", formula) is not None
    if column.problem is not None and in_category:
        column = Column(name, "category", column.reason, column.values)
    refuse_unusable(column, what)
    if column.kind == "category":
        return pd.Categorical(column.values.to_pylist(), categories=levels_of(column, what))
    if reason := why_useless(column):
        raise InvalidInput(
            f"{what}: column {shown(name)} cannot be used in a formula: {reason}; leave it out"
        )
    if in_category:
        values = exact_column(column, what)
        n_levels = len(np.unique(values))
        if n_levels > MOST_LEVELS:
            raise InvalidInput(
                f"{what}: column {shown(name)} holds {n_levels} different values, and at most {MOST_LEVELS} "
                "become dummies by C(); use it as a number"
            )
        return values
    return float_column(column, what)


def _refuse_infinite(values: NDArray[np.float64], names: list[str], what: str) -> None:
    good = np.isfinite(values)
    if not good.all():
        row, column = (int(i) for i in np.argwhere(~good)[0])
        raise InvalidInput(
            f"{what}: row {row + 1}, the term {names[column][:100]!r} is {values[row, column]}; a formula "
            "may not take logarithms of what is not above 0, nor divide by 0"
        )


def _uses(table: Table, formula: str, used: dict[str, str], features: pd.DataFrame) -> tuple[ColumnUse, ...]:
    left = formula.split("~")[0]
    aliases = {name: alias for alias, name in used.items()}
    contrasts = features.model_spec.factor_contrasts
    uses = [ColumnUse(name, "left out", "", reason) for name, reason in table.left_out.items()]
    for name, column in table.columns.items():
        if name not in aliases:
            uses.append(ColumnUse(name, "left out", column.kind, "the formula does not name it"))
            continue
        alias = aliases[name]
        role: Role = "target" if _speaks_of(left, alias) else "feature"
        factor = next((f for f in contrasts if _speaks_of(f.expr, alias) or f.expr == alias), None)
        if factor is None or role == "target":
            uses.append(float_use(column, role))
            continue
        levels = tuple(str(level) for level in contrasts[factor].levels)
        n_dummies = sum(
            str(term).startswith(f"{factor.expr}[") and ":" not in str(term) for term in features.columns
        )
        reference = None
        if f"{factor.expr}[T." in " ".join(map(str, features.columns)):
            missing = [
                v for v in levels if f"{factor.expr}[T.{v}]" not in " ".join(map(str, features.columns))
            ]
            reference = missing[0] if len(missing) == 1 else None
        note = f"{n_dummies} dummies" if n_dummies != 1 else "1 dummy"
        note += f" against {reference!r}" if reference is not None else ""
        reason = f"text of {len(levels)} levels" if column.kind == "category" else f"{column.reason}, by C()"
        uses.append(ColumnUse(name, role, "category", reason, note, levels, reference))
    return tuple(uses)


def _first_line(error: Exception) -> str:
    text = COLOURED.sub("", str(error)).strip().split("\n")[0]
    return f"{text[:200]}" or type(error).__name__
