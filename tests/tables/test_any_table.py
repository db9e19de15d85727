"""Any table gives the matrix that was written, or an error by row and column, in every format."""

import csv
import datetime
import io
import json
import math
import os

import numpy as np
import polars as pl
import pyarrow as pa
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from pyarrow import feather
from pyarrow import parquet as pq

from treadle.errors import InvalidInput
from treadle.tables import build_design, read_table
from treadle.tables.names import shown

N_CASES = max(40, int(os.environ.get("TREADLE_FUZZ_CASES", "2000")) // 50)
EPOCH = datetime.date(1970, 1, 1)
# Words that are neither numbers nor dates nor missing, with what CSV and terminals stumble over.
WORDS = st.sampled_from(
    ["w", "Köln", "a,b", "x;y", 'say "so"', "two\nlines", "靴", "it's", " w", "=1+1", "\x1b[31m", "𝔘"]
)
VALUES = {
    "int64": st.integers(-(2**53), 2**53),
    "double": st.floats(-1e300, 1e300),
    "bool": st.booleans(),
    "text": WORDS,
    "date": st.dates(datetime.date(1000, 1, 1)),
}
TYPES = {
    "int64": pa.int64(),
    "double": pa.float64(),
    "bool": pa.bool_(),
    "text": pa.string(),
    "date": pa.date32(),
}
NAMES = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1, max_size=12)


@st.composite
def tables(draw):
    """Columns by name, each a type and its values, some missing or infinite; the first is the target."""
    n_rows = draw(st.integers(1, 8))
    columns = {"target": ("double", draw(st.lists(VALUES["double"], min_size=n_rows, max_size=n_rows)))}
    names = st.lists(
        NAMES.filter(str.strip), min_size=1, max_size=6, unique_by=lambda name: " ".join(name.split())
    )
    for name in draw(names):
        kind = draw(st.sampled_from(sorted(VALUES)))
        values = draw(st.lists(VALUES[kind], min_size=n_rows, max_size=n_rows))
        if draw(st.integers(0, 5)) == 0:
            worst = [None] if kind != "double" else [None, math.nan, math.inf]
            values[draw(st.integers(0, n_rows - 1))] = draw(st.sampled_from(worst))
        columns[name.strip()] = kind, values
    return columns


def arrow_of(columns):
    return pa.table({name: pa.array(values, TYPES[kind]) for name, (kind, values) in columns.items()})


def as_csv(path, columns):
    file = io.StringIO(newline="")
    writer = csv.writer(file, quoting=csv.QUOTE_ALL)
    writer.writerow(columns)
    writer.writerows(
        zip(*([("" if v is None else v) for v in values] for _, values in columns.values()), strict=True)
    )
    path.write_bytes(file.getvalue().encode())
    return path


def as_json(path, columns):
    rows = zip(*(values for _, values in columns.values()), strict=True)
    lines = [json.dumps(dict(zip(columns, row, strict=True)), default=str) for row in rows]
    path.write_text("\n".join(lines))
    return path


def sources(folder, columns):
    table = arrow_of(columns)
    pq.write_table(table, folder / "t.parquet")
    feather.write_feather(table, folder / "t.feather")
    return {
        "csv": as_csv(folder / "t.csv", columns),
        "json": as_json(folder / "t.jsonl", columns),
        "parquet": folder / "t.parquet",
        "feather": folder / "t.feather",
        "polars": pl.from_arrow(table),
        "pandas": table.to_pandas(),
        "pyarrow": table,
    }


def expected(columns):
    """The names and the matrix by NumPy alone, and the first fault, a column and a row, or None."""
    names, blocks, fault = [], [], None
    for name, (kind, values) in list(columns.items())[1:]:
        bad = [
            i for i, v in enumerate(values) if v is None or (isinstance(v, float) and not math.isfinite(v))
        ]
        missing = [i for i in bad if values[i] is None or math.isnan(values[i])]
        if len(missing) == len(values):
            continue  # left out: nothing is in it
        if bad:
            fault = fault or (name, (missing or bad)[0] + 1)
            continue
        match kind:
            case "text":
                levels = sorted({value.strip() for value in values})
                names += [f"{name}={level}" for level in levels[1:]]
                blocks += [[float(value.strip() == level) for value in values] for level in levels[1:]]
            case "date":
                names.append(name)
                blocks.append([float((value - EPOCH).days) for value in values])
            case _:
                names.append(name)
                blocks.append([float(value) for value in values])
    return names, np.array(blocks, np.float64).T, fault


@settings(max_examples=N_CASES, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(columns=tables())
def test_any_table_is_its_matrix_or_an_error_by_row_and_column(tmp_path, columns):
    names, X, fault = expected(columns)
    assume(len(set(names)) == len(names))
    for format_name, source in sources(tmp_path, columns).items():
        try:
            design = build_design(read_table(source), "target")
        except InvalidInput as error:
            told = str(error)
            if fault is not None:
                name, row = fault
                assert f"row {row}, column {shown(name)} is " in told, format_name
            else:
                assert "no column of use" in told and not names, format_name
            continue
        assert fault is None and names, format_name
        assert design.names == names, format_name
        np.testing.assert_array_equal(design.X, X, err_msg=format_name)
        assert design.y.tolist() == columns["target"][1], format_name


def test_a_row_of_two_thousand_columns_of_all_kinds(tmp_path):
    n_rows = 1
    rng = np.random.default_rng(n_rows)
    words = ["w", "Köln", "x;y"]
    columns = {"y": ("double", rng.normal(size=n_rows).tolist())}
    for i in range(2000):
        kind = ("int64", "double", "bool", "text", "date")[i % 5]
        values = {
            "int64": rng.integers(-9, 9, n_rows).tolist(),
            "double": rng.normal(size=n_rows).tolist(),
            "bool": (rng.random(n_rows) < 0.5).tolist(),
            "text": [words[k] for k in rng.integers(0, 3, n_rows)],
            "date": [EPOCH + datetime.timedelta(int(k)) for k in rng.integers(-999, 9999, n_rows)],
        }[kind]
        columns[f"c{i}"] = kind, values
    names, X, fault = expected(columns)
    assert fault is None
    by_format = sources(tmp_path, columns)
    for format_name in ("csv", "json", "parquet"):
        design = build_design(read_table(by_format[format_name]), "y")
        assert design.names == names, format_name
        np.testing.assert_array_equal(design.X, X, err_msg=format_name)
