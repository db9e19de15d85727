"""Decides whether targets are classes or numbers, and reads them from tables.

Text, true and false and whole numbers of few values are classes; other numbers are numbers.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Literal, TypeAlias

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from treadle.choices import ColumnKind
from treadle.errors import InvalidInput
from treadle.maths.dtypes import Numbers
from treadle.messages import quoted
from treadle.strict_text import ParsedTable
from treadle.tables.columns import Column
from treadle.tables.matrix import float_column, refuse_missing, refuse_unusable
from treadle.tables.names import listed, resolve, shown
from treadle.tables.preparation.cells import as_numbers, as_words
from treadle.tables.preparation.roles import FEW_ROWS, checked_kinds
from treadle.tables.preparation.stored import check_keys, field, texts
from treadle.tables.table import Table

Task = Literal["classes", "numbers"]
Label: TypeAlias = str | int | float | bool

FEW_VALUES = 10
ROWS_A_VALUE = 10  # at least, of whole numbers that are classes
TASKS: dict[ColumnKind, Task] = {
    "category": "classes",
    "true/false": "classes",
    "number": "numbers",
    "date": "numbers",
}


@dataclass(frozen=True)
class Target:
    """What is to be predicted: columns of a table, all classes or all numbers.

    Attributes
    ----------
    names : tuple of str
        The columns.
    task : {"classes", "numbers"}
    reason : str
        Why it is that.
    classes : tuple of tuple of str, int, float or bool
        Of each column that is classes, in order; empty for numbers.

    Examples
    --------
    >>> import pandas as pd
    >>> from treadle.tables import decide_target, read_table
    >>> table = read_table(pd.DataFrame({"sold": ["yes", "no", "yes"], "price": [1.5, 2.0, 4.0]}))
    >>> decide_target(table, "price").read(table).tolist()
    [1.5, 2.0, 4.0]
    >>> target = decide_target(table, "sold")
    >>> target.task, target.classes, target.read(table).tolist()
    ('classes', (('no', 'yes'),), [1, 0, 1])
    """

    names: tuple[str, ...]
    task: Task
    reason: str
    classes: tuple[tuple[Label, ...], ...] = ()

    def read(self, table: Table, *, first_row: int = 1) -> Numbers:
        """Read the target of a table.

        Parameters
        ----------
        table : Table
        first_row : int, default=1
            The number of its first row, for errors.

        Returns
        -------
        ndarray of shape (N,), or (N, K) for K columns
            Places in ``classes``, int64; or numbers, float64, dates as days since 1970.

        Raises
        ------
        InvalidInput
            If a column is not there, or a cell is missing, infinite, or none of the classes, with its row.
        """
        missing = [name for name in self.names if name not in table.columns]
        if missing:
            raise InvalidInput(
                f"{table.source} lacks the target {listed(missing)}; it has {listed(list(table.columns))}"
            )
        found: list[Numbers] = []
        for i, name in enumerate(self.names):
            column = table.columns[name]
            if self.task == "numbers":
                found.append(float_column(column, table.source, first_row))
            else:
                found.append(self._codes(column, self._words[i], table.source, first_row))
        return found[0] if len(found) == 1 else np.stack(found, axis=1)

    @cached_property
    def _words(self) -> list[pa.LargeStringArray]:
        """The classes as words are written, by column."""
        return [pa.array([written(label) for label in labels], pa.large_string()) for labels in self.classes]

    def _codes(
        self, column: Column, classes: pa.LargeStringArray, what: str, first_row: int
    ) -> NDArray[np.int64]:
        refuse_missing(column, what, first_row)
        words = as_words(column, what, first_row)
        places = pc.index_in(words, classes)
        if places.null_count:
            row = pc.index(places.is_null(), True).as_py()
            raise InvalidInput(
                f"{what}: row {first_row + row}, column {shown(column.name)} is "
                f"{quoted(words[row].as_py(), 40)}, which is none of the classes of the training, "
                f"{listed(classes.to_pylist(), 10)}; delete the row, or train with such rows"
            )
        codes: NDArray[np.int64] = places.to_numpy(zero_copy_only=False).astype(np.int64)
        return codes

    def to_dict(self) -> dict[str, object]:
        """Return the target as a dictionary for JSON."""
        return {
            "names": list(self.names),
            "task": self.task,
            "reason": self.reason,
            "classes": [list(labels) for labels in self.classes],
        }

    @classmethod
    def from_dict(cls, described: object) -> Target:
        """Make the target that ``to_dict`` described.

        Raises
        ------
        InvalidInput
            If the description is none.
        """
        parsed: ParsedTable = check_keys(described, "names", "task", "reason", "classes")
        names, task = texts(parsed, "names"), field(parsed, "task", str)
        classes = field(parsed, "classes", list)
        if task not in ("classes", "numbers") or not names or len(set(names)) < len(names):
            raise InvalidInput(f"a target is classes or numbers of some columns; got {quoted(parsed, 60)}")
        if len(classes) != (len(names) if task == "classes" else 0):
            raise InvalidInput(f"classes must be a list for each target of them; got {quoted(classes, 60)}")
        for labels in classes:
            kinds = {type(label) for label in labels} if isinstance(labels, list) else set()
            if len(kinds) != 1 or not kinds <= {str, int, float, bool} or len(set(labels)) < len(labels):
                raise InvalidInput(
                    f"a target's classes must be different values of a type; got {quoted(labels, 60)}"
                )
        decided: Task = "classes" if task == "classes" else "numbers"
        return cls(names, decided, field(parsed, "reason", str), tuple(tuple(labels) for labels in classes))


def decide_target(
    table: Table,
    names: str | Sequence[str],
    columns: Mapping[str, ColumnKind] | None = None,
    task: Task | None = None,
) -> Target:
    """Decide whether columns are classes or numbers to predict, from the training rows.

    Parameters
    ----------
    table : Table
        The training rows.
    names : str or sequence of str
        The target, or several, all classes or all numbers.
    columns : mapping of str to {"number", "category", "true/false", "date", "out"}, optional
        As ``prepare`` takes it: of a target, category and true/false are classes.
    task : {"classes", "numbers"}, optional
        Where it is known. None: what type and content say.

    Returns
    -------
    Target

    Raises
    ------
    InvalidInput
        If a column is not there, holds neither, or has a missing cell; or if some are classes and others not.

    Examples
    --------
    >>> import pandas as pd
    >>> from treadle.tables import decide_target, read_table
    >>> table = read_table(pd.DataFrame({"x": [1.0, 2.0, 4.0, 8.0], "ill": [0, 1, 1, 0]}))
    >>> decide_target(table, "ill").reason
    'whole numbers of 2 values'
    >>> decide_target(table, "ill", {"ill": "number"}).task
    'numbers'
    """
    there, what = list(table.columns), table.source
    given = [names] if isinstance(names, str) else list(names)
    if not given:
        raise InvalidInput("no target was named; name at least one column")
    for name in given:
        if name in table.left_out:
            raise InvalidInput(
                f"{what}: the target {shown(name)} was left out: {table.left_out[name]}; rename it"
            )
    found = [resolve(name, there, what) for name in given]
    if len(set(found)) < len(found):
        raise InvalidInput(f"a target was named twice, of {listed(found)}; name each once")
    kinds = checked_kinds(columns or {}, there, what)
    decided = [_task(table.columns[name], kinds.get(name), task, what) for name in found]
    tasks = {each for each, _ in decided}
    if len(tasks) > 1:
        said = ", ".join(f"{shown(n)}: {each} ({why})" for n, (each, why) in zip(found, decided, strict=True))
        raise InvalidInput(
            f"{what}: several targets must be all classes or all numbers; got {said}: say what they are "
            "(--columns)"
        )
    reason = "; ".join(dict.fromkeys(why for _, why in decided))
    if tasks == {"numbers"}:
        for name in found:
            float_column(table.columns[name], what)
        return Target(tuple(found), "numbers", reason)
    classes = tuple(_classes(table.columns[name], what) for name in found)
    return Target(tuple(found), "classes", reason, classes)


def _task(column: Column, kind: ColumnKind | None, task: Task | None, what: str) -> tuple[Task, str]:
    """Decide one column's task, and say why."""
    name = shown(column.name)
    if column.kind in ("empty", "other"):
        raise InvalidInput(
            f"{what}: the target {name} can neither be classes nor numbers: {column.reason}; name another"
        )
    if kind == "out":
        raise InvalidInput(f"{what}: the target {name} cannot be left out; name another, or another kind")
    if kind is not None or task is not None:
        wanted = TASKS[kind] if kind is not None else task
        assert wanted is not None
        if task not in (None, wanted):
            raise InvalidInput(
                f"{what}: the target {name} cannot be {kind}, where {task} are to be predicted"
            )
        if wanted == "numbers":
            _check_numbers(column, what)
        return wanted, column.reason if kind is None else "as chosen"
    if column.kind == "true/false":
        return "classes", column.reason
    if column.kind == "category":
        return _task_of_text(column, what)
    if column.kind == "date":
        return "numbers", column.reason
    return _task_of_numbers(column, what)


def _check_numbers(column: Column, what: str) -> None:
    if column.kind == "category":
        refuse_unusable(column, what)
        words = column.values.drop_null()
        cell = quoted(words[0].as_py(), 40) if len(words) else "nothing"
        raise InvalidInput(
            f"{what}: the target {shown(column.name)} holds no numbers, but text such as {cell}: predict "
            "classes, or name another target"
        )


def _task_of_text(column: Column, what: str) -> tuple[Task, str]:
    refuse_unusable(column, what)
    n_values, n_rows = len(pc.unique(column.values)), len(column.values)
    if n_values == n_rows >= FEW_ROWS:
        raise InvalidInput(
            f"{what}: the target {shown(column.name)} has another text in each row, such as "
            f"{quoted(column.values[0].as_py(), 40)}: nothing can be learnt of classes of one row"
        )
    return "classes", f"text of {n_values} values"


def _task_of_numbers(column: Column, what: str) -> tuple[Task, str]:
    numbers = as_numbers(column, what).values
    whole = bool((np.floor(numbers) == numbers).all())
    if column.coded:
        return "classes", "stored as categories"
    if not whole:
        return "numbers", column.reason
    n_values = len(np.unique(numbers))
    if n_values <= 2 or (n_values <= FEW_VALUES and n_values * ROWS_A_VALUE <= len(numbers)):
        return "classes", f"whole numbers of {n_values} values"
    return "numbers", f"whole numbers of {n_values} values"


def _classes(column: Column, what: str) -> tuple[Label, ...]:
    """Return the different values in order, as plain values of Python."""
    refuse_missing(column, what)
    if column.kind == "number":
        numbers = pc.unique(column.values).to_pylist()
        if not np.isfinite(np.array(numbers, np.float64)).all():
            float_column(column, what)  # which names the row
        whole = all(number == int(number) for number in numbers)
        return tuple(sorted({int(number) if whole else number + 0.0 for number in numbers}))
    if column.kind == "true/false":
        return tuple(sorted(pc.unique(column.values).to_pylist()))
    return tuple(sorted(pc.unique(as_words(column, what)).to_pylist()))


def written(label: Label) -> str:
    """Write a class as ``as_words`` writes a cell."""
    if isinstance(label, bool):
        return "true" if label else "false"
    if isinstance(label, float):
        return str(pa.scalar(label, pa.float64()).cast(pa.large_string()).as_py())
    return str(label)
