"""Splits a table's rows into those to train on and those to test by: at random, by time or by group.

By time the last rows are for the test, those of one moment together; by group whole groups are, drawn at
random. The order of the table says nothing.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from treadle.errors import InvalidInput
from treadle.estimators.mlp.training_rows import SPLIT, split
from treadle.maths.dtypes import Numbers
from treadle.tables.columns import Column
from treadle.tables.matrix import float_column
from treadle.tables.names import shown
from treadle.tables.preparation.cells import as_words


class Parts(NamedTuple):
    """Row numbers, ascending: of those kept, and of those split off."""

    kept: NDArray[np.int64]
    off: NDArray[np.int64]


def split_at_random(n_rows: int, strata: Numbers | None, fraction: float, seed: int) -> Parts:
    """Split rows at random, classes in proportion where there are any.

    Raises
    ------
    InvalidInput
        If there are too few rows.
    """
    if n_rows < 6:
        raise InvalidInput(f"the table has {n_rows} rows with a target; a split needs at least 6: give more")
    return Parts(*split(n_rows, None, strata, fraction, seed, strictly=False))


def split_by_time(column: Column, what: str, fraction: float) -> Parts:
    """Split off the last rows by a column of dates or numbers.

    Raises
    ------
    InvalidInput
        If a cell is missing, or all rows are of one moment.
    """
    times = float_column(column, what)
    order = np.sort(times)
    first = order[int((1 - fraction) * (len(order) - 1)) + 1] if len(order) > 1 else order[0]
    if first == order[0]:
        first = np.inf if first == order[-1] else order[np.searchsorted(order, first, side="right")]
    off = times >= first
    if not off.any():
        raise InvalidInput(
            f"{what}: column {shown(column.name)} has one value in all {len(times)} rows, by which none come "
            "later: split by another column"
        )
    return Parts(np.flatnonzero(~off), np.flatnonzero(off))


def split_by_group(column: Column, what: str, fraction: float, seed: int) -> Parts:
    """Split off whole groups, drawn at random until they have that share of the rows.

    Missing cells are a group of their own.

    Raises
    ------
    InvalidInput
        If there is one group alone.
    """
    words = as_words(column, what).dictionary_encode()
    groups = words.indices.fill_null(len(words.dictionary)).to_numpy(zero_copy_only=False)
    _, groups, counts = np.unique(groups, return_inverse=True, return_counts=True)
    if len(counts) < 2:
        raise InvalidInput(
            f"{what}: column {shown(column.name)} has one group alone, and a split needs two: split by "
            "another column"
        )
    order = np.random.default_rng(np.random.SeedSequence([seed, SPLIT])).permutation(len(counts))
    before = np.cumsum(counts[order]) - counts[order]
    drawn = order[(before < fraction * len(groups)) & (np.arange(len(order)) < len(order) - 1)]
    off = np.isin(groups, drawn)
    return Parts(np.flatnonzero(~off), np.flatnonzero(off))
