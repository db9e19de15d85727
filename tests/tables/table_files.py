"""Files of tables for the tests, written without the reader's help; and one column of text, as read."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pandas as pd
import polars as pl
import pyarrow as pa
from pyarrow import feather
from pyarrow import parquet as pq

from treadle.tables import read_table


def written(path: Path, content: str | bytes) -> Path:
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def as_parquet(path: Path, columns: dict[str, Any], **options: Any) -> Path:
    pq.write_table(pa.table(columns), path, **options)
    return path


class OnlyACapsule:
    """A frame of which nothing is known but Arrow's protocol, as DuckDB's relations are."""

    def __init__(self, table: pa.Table) -> None:
        self._table = table

    def __arrow_c_stream__(self, requested_schema: Any = None) -> Any:
        return self._table.__arrow_c_stream__(requested_schema)


def in_every_format(folder: Path, columns: dict[str, list[Any]]) -> dict[str, Any]:
    """The same columns as a file of each format, and as a frame of each library."""
    frame, table = pd.DataFrame(columns), pa.table(columns)
    pl.DataFrame(columns).write_csv(folder / "polars.csv")
    frame.to_csv(folder / "pandas.csv", index=False)
    frame.to_csv(folder / "semicolons.csv", index=False, sep=";")
    frame.to_csv(folder / "packed.csv.gz", index=False)
    frame.to_csv(folder / "utf16.txt", index=False, sep="\t", encoding="utf-16")
    frame.to_csv(folder / "indexed.csv")
    pq.write_table(table, folder / "t.parquet")
    pl.DataFrame(columns).write_parquet(folder / "polars.parquet")
    feather.write_feather(table, folder / "t.feather", compression="lz4")
    pl.DataFrame(columns).write_ipc(folder / "polars.arrow", compression="zstd")
    rows = [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]
    (folder / "t.jsonl").write_text("".join(json.dumps(row, default=str) + "\n" for row in rows))
    text = frame.astype({name: "category" for name in columns if isinstance(columns[name][0], str)})
    return {path.name: path for path in sorted(folder.iterdir())} | {
        "pandas": frame,
        "pandas categories": text,
        "pandas with an index": frame.set_index(pd.Index([f"r{i}" for i in range(len(frame))])),
        "polars": pl.DataFrame(columns),
        "pyarrow": table,
        "pyarrow in chunks": pa.concat_tables([table.slice(0, 2), table.slice(2)]),
        "a capsule": OnlyACapsule(table),
    }


def column_of(cells, *others, decimal=None):
    columns = {"a": pa.array(cells, pa.string())} | {f"o{i}": pa.array(o) for i, o in enumerate(others)}
    return read_table(pa.table(columns), decimal=decimal).columns["a"]
