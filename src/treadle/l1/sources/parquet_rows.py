"""Rows in Parquet files, read a batch at a time.

They are never held as a whole. What a cell may be is what ``treadle.tables`` says: a missing or infinite one
is refused with its file, row and column. A file that changes between two passes is refused, for its rows
would be others than those that a solution was found on.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from treadle.errors import CorruptFile, InvalidInput
from treadle.files import check_readable, checked_path
from treadle.l1.sources.file_state import FileState
from treadle.l1.sources.rounded_columns import RoundedColumns
from treadle.l1.sources.rows import Chunk, Rows

if TYPE_CHECKING:
    import pyarrow as pa
    from pyarrow import parquet as pq

# Numbers of a batch: pyarrow takes several times their 8 bytes, and more for larger ones.
NUMBERS_PER_BATCH = 1 << 17


@dataclass(frozen=True)
class _File:
    path: Path
    state: FileState
    first_row: int
    group_rows: tuple[int, ...]

    @property
    def n_rows(self) -> int:
        return sum(self.group_rows)


class ParquetRows(Rows):
    """Rows in a Parquet file, or in all those of a folder.

    64-bit integers that no double holds are rounded, with a RoundedNumbersWarning; in memory they are not.

    A pass reads the needed columns once, in the order of the files' names, in float32 where all are. It holds
    one batch of 2^17 numbers and, inside pyarrow, the compressed columns of the row group that it is at:
    write files with row groups of a million rows or less.

    Parameters
    ----------
    path : str, Path, or sequence of them
        A file; a folder, of which every ``*.parquet`` file is read, also in folders within it; or several
        files, in the order given.
    target : str
        Name of the column to predict.
    features : sequence of str, optional
        Names of the columns to predict from, in the order of ``coef_``. None: every column of numbers that
        the first file has, besides target and sample_weight.
    sample_weight : str, optional
        Name of a column of weights, at least 0.

    Attributes
    ----------
    n_rows, n_features : int
    feature_names : tuple of str
    files : tuple of Path

    Raises
    ------
    InvalidInput
        If there is no such file or column, a column holds no numbers, or there are no rows.
    CorruptFile
        If a file is damaged, here or in a pass.

    Examples
    --------
    >>> import pandas as pd
    >>> from treadle.l1 import ParquetRows
    >>> pd.DataFrame({"area": [30.0, 50.0], "rent": [300.0, 500.0]}).to_parquet("flats.parquet")
    >>> rows = ParquetRows("flats.parquet", target="rent")
    >>> rows.n_rows, rows.feature_names
    (2, ('area',))
    """

    def __init__(
        self,
        path: str | Path | Sequence[str | Path],
        target: str,
        features: Sequence[str] | None = None,
        *,
        sample_weight: str | None = None,
    ) -> None:
        from treadle.tables.arrow_files import damage_explained
        from treadle.tables.names import check_chosen
        from treadle.tables.storage import is_numeric

        if isinstance(features, str):
            raise InvalidInput(f"features must be a sequence of names; got the string {features!r}")
        self.target = target
        self.sample_weight = sample_weight
        others = [target] if sample_weight is None else [target, sample_weight]
        if features is not None and set(features) & set(others):
            twice = next(name for name in features if name in others)
            raise InvalidInput(f"column {twice!r} is the target or the weight; leave it out of the features")
        files: list[_File] = []
        single = True
        for file_path in _paths(path):
            state = FileState.of(file_path)
            with _opened(file_path) as file:
                with damage_explained(str(file_path), "is a damaged Parquet file, or none"):
                    schema, metadata = file.schema_arrow, file.metadata
                    names = schema.names  # a name that is not UTF-8 is only found here
                    groups = tuple(metadata.row_group(i).num_rows for i in range(metadata.num_row_groups))
                if min(groups, default=0) < 0:
                    raise CorruptFile(f"{file_path} has a row group of {min(groups)} rows: get it again")
                check_chosen(str(file_path), names, [*others, *(features or ())])
                if features is None:
                    features = [
                        name for name in names if name not in others and is_numeric(schema.field(name).type)
                    ]
                for name in check_chosen(str(file_path), names, [*others, *features]):
                    if not is_numeric(schema.field(name).type):
                        raise InvalidInput(
                            f"{file_path}: column {name!r} holds {schema.field(name).type}, no numbers; name "
                            "columns of numbers"
                        )
                single &= all(str(schema.field(name).type) == "float" for name in features)
            first_row = files[-1].first_row + files[-1].n_rows if files else 0
            files.append(_File(file_path, state, first_row, groups))
        self._rounded = RoundedColumns()
        self._files = tuple(files)
        self._dtype = np.float32 if single else np.float64
        self.files = tuple(file.path for file in files)
        self.feature_names: tuple[str, ...] = tuple(features or ())
        self.n_rows = sum(file.n_rows for file in files)
        self.n_features = len(self.feature_names)
        if not self.feature_names:
            raise InvalidInput(f"{self.files[0]} has no column of numbers besides {', '.join(others)}")
        if self.n_rows == 0:
            raise InvalidInput(f"{self.files[0]} and the files after it have no rows; at least one is needed")

    def chunks(self) -> Iterator[Chunk]:
        """See ``Rows.chunks``."""
        for file in self._files:
            yield from self._chunks(file, range(len(file.group_rows)))

    @property
    def is_rounded(self) -> bool:  # type: ignore[override]
        """Whether rounding to a double changed a number that was read."""
        return bool(self._rounded.names)

    def take(self, indices: NDArray[np.int64]) -> Chunk:
        """See ``Rows.take``; passes over the row groups that hold one."""
        taken = []
        for file in self._files:
            starts = file.first_row + np.cumsum((0, *file.group_rows))
            per_group = np.diff(np.searchsorted(indices, starts))
            for chunk in self._chunks(file, np.flatnonzero(per_group).tolist()):
                first, last = np.searchsorted(indices, (chunk.indices[0], chunk.indices[-1] + 1))
                if last > first:
                    taken.append(chunk.take(indices[first:last] - chunk.indices[0]))
        return Chunk.joined(taken)

    def total_weight(self) -> float:
        """See ``Rows.total_weight``."""
        return float(self.n_rows) if self.sample_weight is None else super().total_weight()

    def _chunks(self, file: _File, groups: Sequence[int]) -> Iterator[Chunk]:
        if not groups:
            return
        file.state.refuse_change()
        others = [self.target] if self.sample_weight is None else [self.target, self.sample_weight]
        names = [*self.feature_names, *others]
        n_rows = max(1, NUMBERS_PER_BATCH // len(names))
        with _opened(file.path) as parquet:
            for group in groups:
                row, end = sum(file.group_rows[:group]), sum(file.group_rows[: group + 1])
                # Group by group, so that only one group's compressed columns are in memory.
                for batch in _batches(file.path, parquet, n_rows, group, names):
                    yield self._chunk(file, batch, row)
                    row += batch.num_rows
                if row != end:
                    raise CorruptFile(
                        f"{file.path} promises {end} rows up to its row group {group}; it has {row}"
                    )
        file.state.refuse_change()

    def _chunk(self, file: _File, batch: pa.RecordBatch, row: int) -> Chunk:
        from treadle.tables.matrix import stored_numbers

        def column(name: str) -> NDArray[np.float64]:
            values = batch.column(name)
            if str(values.type) in ("int64", "uint64") and not values.null_count:
                whole = values.to_numpy(zero_copy_only=False)
                self._rounded.look(str(file.path), f"column {name!r}", whole)
            return stored_numbers(values, name, str(file.path), first_row=row + 1)

        X = np.empty((batch.num_rows, self.n_features), self._dtype)
        for j, name in enumerate(self.feature_names):
            X[:, j] = column(name)
        weight = None
        if self.sample_weight is not None:
            weight = column(self.sample_weight)
            if not weight.min() >= 0:
                i = int(np.argmin(weight))
                raise InvalidInput(
                    f"{file.path}: row {row + i + 1}, column {self.sample_weight!r} is {weight[i]}; "
                    "weights are at "
                    "least 0"
                )
        first = file.first_row + row
        return Chunk(np.arange(first, first + len(X)), X, column(self.target), weight)


def _paths(path: str | Path | Sequence[str | Path]) -> list[Path]:
    if not isinstance(path, str | Path):
        paths = [Path(one) for one in path]
        if not paths:
            raise InvalidInput("an empty sequence of files; name at least one Parquet file")
        return paths
    path = checked_path(path)
    if not path.is_dir():
        return [path]
    # Names that begin with _ or . are other programs' notes, as Spark's _SUCCESS.
    paths = sorted(one for one in path.rglob("*.parquet") if one.is_file() and one.name[0] not in "_.")
    if not paths:
        raise InvalidInput(
            f"the folder {path} holds no *.parquet file; name a file, or a folder that has some"
        )
    return paths


def _opened(path: Path) -> pq.ParquetFile:
    from pyarrow import parquet as pq

    from treadle.tables.arrow_files import damage_explained

    with damage_explained(str(path), "is a damaged Parquet file, or none"):
        check_readable(path)
        return pq.ParquetFile(path, memory_map=True, pre_buffer=False, page_checksum_verification=True)


def _batches(
    path: Path, file: pq.ParquetFile, n_rows: int, group: int, names: list[str]
) -> Iterator[pa.RecordBatch]:
    import pyarrow as pa

    from treadle.tables.arrow_files import damage_explained

    batches = file.iter_batches(batch_size=n_rows, row_groups=[group], columns=names, use_threads=False)
    while True:
        with damage_explained(str(path), f"is damaged in its row group {group}"):
            batch = next(batches, None)
        if batch is None:
            break
        yield batch
    # What the group took goes back to the system, which is pyarrow's to reuse otherwise.
    pa.default_memory_pool().release_unused()
