"""Text of one table read as that of another was."""

import datetime

import pandas as pd
import pyarrow as pa
import pytest
from pyarrow import parquet as pq

from treadle.tables import Reading, read_table


def of(columns, like=None):
    return read_table(pa.table(columns), like=like)


def test_what_was_found_is_recorded():
    assert of({"a": [1.5, 2.5], "b": ["x", "y"]}).reading == Reading()
    assert of({"a": ["1.5", "2"]}).reading == Reading()
    assert of({"a": ["1,5", "2"]}).reading.decimal == ","
    assert of({"a": ["1,200.5"]}).reading.decimal == "."
    dates = of({"a": ["25/12/2021"], "b": ["12/25/2021"], "c": ["2021-12-25"]}).reading.dates
    assert dates == {"a": "day, month, year", "b": "month, day, year", "c": "year, month, day"}


def test_the_decimal_mark_of_another_table_decides():
    like = of({"a": ["1,5", "2,25"]}).reading
    assert of({"a": ["1.234"]}, like).columns["a"].values.to_pylist() == [1234]
    assert of({"a": ["1,234"]}, like).columns["a"].values.to_pylist() == [1.234]
    assert of({"a": ["1.234"]}).columns["a"].values.to_pylist() == [1.234]
    assert "no number with a decimal comma" in of({"a": ["1.5"]}, like).columns["a"].problem


def test_the_order_of_dates_of_another_table_decides():
    like = of({"a": ["25/12/2021"]}).reading
    found = of({"a": ["03/04/2021", None]}, like).columns["a"]
    assert found.values.to_pylist() == [datetime.date(2021, 4, 3), None]
    assert of({"a": ["03/04/2021"]}).columns["a"].problem is not None
    american = Reading(dates={"a": "month, day, year"})
    assert of({"a": ["03/04/2021"]}, american).columns["a"].values.to_pylist() == [datetime.date(2021, 3, 4)]
    other = of({"a": ["2021-04-03"]}, like).columns["a"]
    assert (other.kind, other.problem) == ("category", None)  # no date of that order


@pytest.mark.parametrize("cells", [["01", "02"], ["true", "false"], ["2021-03-04", "x"], ["1,5", "1.5"]])
def test_text_stays_text_where_it_is_to(cells):
    like = Reading(text=frozenset(["a"]))
    found = of({"a": [*cells, " NA ", None]}, like)
    assert found.columns["a"].values.to_pylist() == [*cells, None, None]
    assert (found.columns["a"].kind, found.columns["a"].problem) == ("category", None)
    assert found.reading.text == {"a"}


def test_only_what_is_text_and_is_there_is_kept():
    like = Reading(text=frozenset(["a", "other"]))
    assert of({"a": [1, 2]}, like).columns["a"].kind == "number"
    assert of({"a": [None, "NA"]}, like).columns["a"].kind == "empty"
    assert Reading.for_kinds({"a": "category", "b": "number"}) == Reading(text=frozenset(["a"]))
    assert Reading.for_kinds(None) == Reading()


def test_codes_are_told_from_what_parquet_compresses(tmp_path):
    frame = pd.DataFrame({"coded": pd.Categorical([3, 5, 3]), "text": ["p", "q", "p"], "n": [1, 2, 1]})
    frame.to_parquet(tmp_path / "t.parquet")
    assert [column.coded for column in read_table(frame).columns.values()] == [True, False, False]
    columns = read_table(tmp_path / "t.parquet").columns  # where text alone is stored as codes
    assert not any(column.coded for column in columns.values())
    codes = pa.table({"t": pa.array(["a", "b", "a"]).dictionary_encode()})
    pq.write_table(codes, tmp_path / "codes.parquet")
    assert read_table(codes).columns["t"].coded and read_table(tmp_path / "codes.parquet").columns["t"].coded
