"""The common result of all formats: Arrow columns, not yet understood."""

from __future__ import annotations

from dataclasses import dataclass, field

import pyarrow as pa
import pyarrow.compute as pc


@dataclass(frozen=True)
class RawTable:
    """A table's columns as the file's format has them.

    Attributes
    ----------
    columns : dict of str to pyarrow.ChunkedArray
    n_rows : int
    left_out : dict of str to str
        Columns that were left out on the way, and why.
    how : dict of str to str
        How the file was read, for people: format, encoding, delimiter.
    coded : frozenset of str
        Columns that whoever wrote them stored as codes of categories.
    """

    columns: dict[str, pa.ChunkedArray]
    n_rows: int
    left_out: dict[str, str] = field(default_factory=dict)
    how: dict[str, str] = field(default_factory=dict)
    coded: frozenset[str] = frozenset()


def counts(cells: pa.ChunkedArray) -> bool:
    """Say whether cells count 0, 1, 2, ... or 1, 2, 3, ...

    A saved index does, as numbers or as text.
    """
    n = len(cells)
    if n == 0 or cells.null_count:
        return False
    try:
        numbers = pc.cast(cells, pa.int64())
    except pa.ArrowException:
        return False
    first = numbers[0].as_py()
    return first in (0, 1) and bool(pc.all(pc.equal(numbers, pa.array(range(first, n + first)))).as_py())
