"""Reads the rows of a run on a table: to train on, to choose the epoch by, and to test by."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pyarrow.compute as pc
from numpy.typing import NDArray

from treadle.choices import ColumnKind
from treadle.errors import InvalidInput
from treadle.estimators.sample_weights import checked_weights
from treadle.estimators.tables.given_tables import LabelledTable
from treadle.files import opened
from treadle.maths.dtypes import Numbers
from treadle.runs.column_kinds import parse_column_kinds
from treadle.runs.table_config import TableConfig
from treadle.runs.table_split import Parts, split_at_random, split_by_group, split_by_time
from treadle.tables.matrix import float_column
from treadle.tables.names import listed, resolve
from treadle.tables.preparation.targets import Target, decide_target
from treadle.tables.reading import Reading
from treadle.tables.table import Table, read_table

A_BLOCK = 1 << 20  # bytes


@dataclass(frozen=True, eq=False)
class TableData:
    """The rows of a run.

    Parameters
    ----------
    target : Target
    train, held_out, test : LabelledTable
        To train on, to choose the epoch by, and to test by. Tables are without the target.
    test_rows : ndarray of int64
        The numbers of the rows to test by in their file, from 1.
    kinds : mapping of str to ColumnKind
        What columns were said to be.
    aside : mapping of str to str
        Columns that serve otherwise, and how.
    table : Table
        As it was read.
    whole : Table
        The same without the targets, for errors that say rows.
    n_without_target : int
        Rows that were left out, since the target is missing in them.
    checksum : str
        SHA-256 of the files.
    """

    target: Target
    train: LabelledTable
    held_out: LabelledTable
    test: LabelledTable
    test_rows: NDArray[np.int64]
    kinds: Mapping[str, ColumnKind]
    aside: Mapping[str, str]
    table: Table
    whole: Table
    n_without_target: int
    checksum: str


def read_table_data(config: TableConfig) -> TableData:
    """Read and split the table that a configuration names.

    Raises
    ------
    InvalidInput
        If a file cannot be read, a column is not there, or a cell cannot be used, by row and column.
    """
    kinds = parse_column_kinds(config.columns)
    table = read_table(config.data, like=Reading.for_kinds(kinds))
    there = list(table.columns)
    names = [resolve(name, there, table.source) for name in config.target]
    aside = {}
    if config.weights:
        aside[resolve(config.weights, there, table.source)] = "the weights of the rows"
    split_column = resolve(config.split_column, there, table.source) if config.split_column else ""
    if config.split_kind == "group":
        aside[split_column] = "the groups by which rows are split"
    if both := [name for name in names if name in (*aside, split_column)]:
        raise InvalidInput(f"the target {listed(both)} cannot be the weights, nor what rows are split by")
    rows, n_without = with_target(table, names)
    if config.weights:
        given = labelled_weights(table, config.weights)
        rows = rows[given[rows] > 0]
    complete = table if len(rows) == len(table) else table.take(rows)
    target = decide_target(complete, names, {name: kinds[name] for name in names if name in kinds})
    check_target(target)
    labelled = labelled_table(complete, target, config.weights)
    strata = target.read(complete) if target.task == "classes" else None

    def parts(table: Table, strata: Numbers | None, fraction: float) -> Parts:
        if config.split_kind == "time":
            return split_by_time(table.columns[split_column], table.source, fraction)
        if config.split_kind == "group":
            return split_by_group(table.columns[split_column], table.source, fraction, config.seed)
        return split_at_random(len(table), strata, fraction, config.seed)

    if config.test:
        other = read_table(config.test, like=replace(table.reading, text=_texts(table)))
        kept, test = labelled, labelled_table(other, target, config.weights)
        test_rows = np.arange(1, len(other) + 1)
    else:
        outer = parts(complete, strata, config.test_fraction)
        kept, test = labelled.take(outer.kept), labelled.take(outer.off)
        test_rows = rows[outer.off] + 1
        strata = None if strata is None else strata[outer.kept]
    inner = parts(kept.table, strata, config.validation_fraction)
    features = {name: kind for name, kind in kinds.items() if name not in names}
    return TableData(
        target,
        kept.take(inner.kept),
        kept.take(inner.off),
        test,
        test_rows,
        features,
        aside,
        table,
        without_targets(table, target),
        n_without,
        checksum_of(*filter(None, (config.data, config.test))),
    )


def check_target(target: Target) -> None:
    """Raise InvalidInput for several targets of classes, or a single class."""
    if target.task == "classes" and len(target.classes[0]) < 2:
        raise InvalidInput(
            f"the target {listed(list(target.names))} has the one value {target.classes[0][0]!r:.40} in all "
            "rows: there is nothing to tell apart; name another"
        )
    if target.task == "classes" and len(target.names) > 1:
        raise InvalidInput(
            f"several targets must be numbers; got classes, {listed(list(target.names))}: make a run for "
            "each, or say what they are (--columns NAME=number)"
        )


def with_target(table: Table, names: list[str]) -> tuple[NDArray[np.int64], int]:
    """Return the numbers, from 0, of the rows that have all targets, and how many have not."""
    there = np.ones(len(table), bool)
    for name in names:
        values = table.columns[name].values
        there &= pc.is_valid(values).to_numpy(zero_copy_only=False)
        if table.columns[name].kind == "number":
            there &= ~np.isnan(pc.cast(values, "float64", safe=False).to_numpy(zero_copy_only=False))
    if not there.any():
        raise InvalidInput(f"{table.source}: the target {listed(names)} is missing in all {len(table)} rows")
    return np.flatnonzero(there), int((~there).sum())


def labelled_table(table: Table, target: Target, weights: str = "", *, first_row: int = 1) -> LabelledTable:
    """Read the targets and weights of a table; the table is left without the targets.

    Raises
    ------
    InvalidInput
        If one is missing or cannot be used, with its row.
    """
    y: NDArray[np.generic] = target.read(table, first_row=first_row)
    if target.task == "classes":
        y = class_labels(target)[y.astype(np.int64)]
    found = labelled_weights(table, weights, first_row) if weights else None
    return LabelledTable(without_targets(table, target), y, found)


def without_targets(table: Table, target: Target) -> Table:
    """Return the table without the columns of the targets."""
    columns = {name: column for name, column in table.columns.items() if name not in target.names}
    return replace(table, columns=columns)


def labelled_weights(table: Table, name: str, first_row: int = 1) -> NDArray[np.float64]:
    """Read a column of weights; InvalidInput if one is missing, negative or infinite."""
    column = table.columns[resolve(name, list(table.columns), table.source)]
    weights = checked_weights(float_column(column, table.source, first_row), len(table))
    assert weights is not None
    return weights


def class_labels(target: Target) -> NDArray[np.generic]:
    """Return the classes of a target as an array, in order."""
    labels = target.classes[0]
    return np.array(labels, dtype=object if isinstance(labels[0], str) else None)


def checksum_of(*paths: str) -> str:
    """Return the SHA-256 of some files."""
    digest = hashlib.sha256()
    for path in paths:
        with opened(Path(path)) as file:
            while block := file.read(A_BLOCK):
                digest.update(block)
    return digest.hexdigest()


def _texts(table: Table) -> frozenset[str]:
    """Return the columns of text, which stay text in other tables."""
    return frozenset(name for name, column in table.columns.items() if column.kind == "category")
