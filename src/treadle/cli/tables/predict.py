"""``treadle predict RUN TABLE``: writes the predictions for the rows of a table, a chunk at a time."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

import cyclopts

from treadle.cli.terminal import print_result, progress_console, warn

if TYPE_CHECKING:
    import pyarrow as pa
    from numpy.typing import NDArray

    from treadle.estimators.tables.table_classifier import TableClassifier
    from treadle.estimators.tables.table_regressor import TableRegressor

app = cyclopts.App(name="predict")


@app.default
def predict(run: Path, table: Path, /, *, out: Path | None = None) -> int:
    """Predict the rows of a table: the class and its probabilities, or the number.

    treadle predict runs/houses-1 new.csv --out predictions.csv

    The predictions are CSV, a line for each row in the table's order. Columns
    are found by their names, whatever their order; the target may be there or
    not. What was replaced, missing cells and unseen categories, is said.

    Parameters
    ----------
    run
        Folder of a finished run.
    table
        File with the rows.
    out
        The file to write; one that exists is replaced. Left out: standard output.
    """
    from pyarrow import csv

    from treadle.runs.table_run import TableRun
    from treadle.tables.table import read_table

    opened = TableRun.open(run)
    model = opened.model()
    names = opened.target().names
    read = read_table(str(table), like=model.preparation_.reading)
    chunks = model.predict_in_chunks(read)
    found, counts = next(chunks)
    batch = _as_columns(model, names, found)
    with _sink(out) as sink, csv.CSVWriter(sink, batch.schema) as writer:
        writer.write_batch(batch)
        for found, more in chunks:
            writer.write_batch(_as_columns(model, names, found))
            counts += more
    console = progress_console()
    for sentence in counts.in_words():
        warn(console, sentence)
    if out is not None:
        print_result(f"predictions  {out}  ({len(read)} rows)")
    return 0


def _as_columns(
    model: TableClassifier | TableRegressor, names: tuple[str, ...], found: dict[str, NDArray[Any]]
) -> pa.RecordBatch:
    """Return a chunk's predictions as columns."""
    import pyarrow as pa

    if "classes" in found:
        columns = {names[0]: pa.array(found["classes"].tolist())}
        labels = [str(label) for label in model.classes_.tolist()]
        parts = zip(labels, found["probabilities"].T, strict=True)
        columns |= {f"probability of {label}": pa.array(part) for label, part in parts}
    else:
        numbers = found["numbers"].reshape(len(found["numbers"]), -1)
        columns = {name: pa.array(part) for name, part in zip(names, numbers.T, strict=True)}
    return pa.RecordBatch.from_arrays(list(columns.values()), names=list(columns))


@contextmanager
def _sink(out: Path | None) -> Iterator[BinaryIO]:
    """Open the file to write, whole or not at all, or standard output."""
    from treadle.files import written_atomically

    if out is None:
        yield sys.stdout.buffer
        sys.stdout.buffer.flush()
    else:
        with written_atomically(out) as file:
            yield file
