"""Reads tables from files and frames, and reports each column's use.

A file is CSV (plain or gzipped), Parquet, Feather or JSON lines, whichever its first bytes say; a frame is
anything that speaks the Arrow PyCapsule protocol: pandas, polars, pyarrow, DuckDB. The same values give the
same columns from each. Nothing is filled, skipped or guessed in silence: a cell that cannot be used is an
error with its row and column, and what was left out is reported with the reason. A preparation for networks
fills and counts, and says both.
"""

from treadle.tables.columns import Column, Kind
from treadle.tables.design import Design, build_design
from treadle.tables.formula import build_formula_design
from treadle.tables.matrix import exact_column, float_column
from treadle.tables.preparation.counts import Counts
from treadle.tables.preparation.preparation import Preparation, Prepared
from treadle.tables.preparation.prepare import prepare
from treadle.tables.preparation.saved import from_saved, to_saved
from treadle.tables.preparation.targets import Target, decide_target
from treadle.tables.reading import Reading
from treadle.tables.table import Table, read_table

__all__ = [
    "Column",
    "Counts",
    "Design",
    "Kind",
    "Preparation",
    "Prepared",
    "Reading",
    "Table",
    "Target",
    "build_design",
    "build_formula_design",
    "decide_target",
    "exact_column",
    "float_column",
    "from_saved",
    "prepare",
    "read_table",
    "to_saved",
]
