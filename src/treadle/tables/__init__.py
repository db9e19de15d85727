"""Reads tables from files and frames, and reports each column's use.

A file is CSV (plain or gzipped), Parquet, Feather or JSON lines, whichever its first bytes say; a frame is
anything that speaks the Arrow PyCapsule protocol: pandas, polars, pyarrow, DuckDB. The same values give the
same columns from each. Nothing is filled, skipped or guessed in silence: a cell that cannot be used is an
error with its row and column, and what was left out is reported with the reason.
"""

from treadle.tables.columns import Column, Kind
from treadle.tables.design import Design, build_design
from treadle.tables.formula import build_formula_design
from treadle.tables.matrix import exact_column, float_column
from treadle.tables.table import Table, read_table

__all__ = [
    "Column",
    "Design",
    "Kind",
    "Table",
    "build_design",
    "build_formula_design",
    "exact_column",
    "float_column",
    "read_table",
]
