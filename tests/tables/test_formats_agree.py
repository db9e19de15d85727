"""The same values give the same columns, and the same regression, from every format and every frame."""

import datetime

import numpy as np
import pyarrow as pa
import pytest

from tests.tables.table_files import in_every_format
from treadle.errors import InvalidInput
from treadle.tables import build_design, exact_column, read_table

DAYS = [datetime.date(2021, 3, i) for i in (1, 4, 2, 9, 30)]
COLUMNS = {
    "price": [1.5, 2.25, -3e10, 4.0, 0.1],
    "rooms": [3, 1, 4, 1, 5],
    "big": [2**62 + 1, -(2**62) - 1, 0, 7, 2**53 + 1],
    "new": [True, False, True, True, False],
    "city": ["Köln", "Bonn", "Ulm", "Bonn", "a, b;c"],
    "day": DAYS,
    "seen": [datetime.datetime(2021, 3, i, 7, i, 30) for i in (1, 4, 2, 9, 30)],
    "amount": ["1,200", "5", "1,234,567.5", "-3", "10"],
    "share": ["12 %", "3%", "0.5%", "7%", "100%"],
}
KINDS = {
    "price": "number",
    "rooms": "number",
    "big": "number",
    "new": "true/false",
    "city": "category",
    "day": "date",
    "seen": "date",
    "amount": "number",
    "share": "number",
}
NAMES = ["price", "rooms", "big", "new", "city=Köln", "city=Ulm", "city=a, b;c", "day", "seen", "amount"]


@pytest.fixture(scope="module")
def sources(tmp_path_factory):
    return in_every_format(tmp_path_factory.mktemp("formats"), COLUMNS)


def expected_matrix():
    days = [(day - datetime.date(1970, 1, 1)).days for day in DAYS]
    seen = [(time - datetime.datetime(1970, 1, 1)) / datetime.timedelta(days=1) for time in COLUMNS["seen"]]
    cities = [[float(city == name) for city in COLUMNS["city"]] for name in ("Köln", "Ulm", "a, b;c")]
    amounts = [1200, 5, 1234567.5, -3, 10]
    numbers = [COLUMNS[name] for name in ("price", "rooms", "big", "new")]
    return np.array([*numbers, *cities, days, seen, amounts], np.float64).T


def test_every_source_gives_the_same_columns_and_the_same_matrix(sources):
    assert len(sources) == 18
    for name, source in sources.items():
        table = read_table(source)
        assert {column.name: column.kind for column in table.columns.values()} == KINDS, name
        assert all(column.problem is None and column.reason for column in table.columns.values()), name
        design = build_design(table, "share")
        assert design.names == NAMES, name
        np.testing.assert_array_equal(design.X, expected_matrix(), err_msg=name)
        assert design.y.tolist() == [12, 3, 0.5, 7, 100], name
        assert design.X.flags.f_contiguous


def test_whole_numbers_and_time_stamps_are_had_exactly(sources):
    for name, source in sources.items():
        table = read_table(source)
        big = exact_column(table.columns["big"], "t")
        assert big.dtype == np.int64 and big.tolist() == COLUMNS["big"], name
        seen = exact_column(table.columns["seen"], "t")
        assert seen.dtype.kind == "M" and (seen == np.array(COLUMNS["seen"], "datetime64[us]")).all(), name
        day = exact_column(table.columns["day"], "t")
        assert day.dtype.kind == "M" and (day == np.array(DAYS, "datetime64[D]")).all(), name
        assert exact_column(table.columns["new"], "t").dtype == np.bool_, name


def test_what_an_index_is_left_out_and_said(sources):
    assert list(read_table(sources["indexed.csv"]).left_out) == ["column 1, without a name"]
    assert read_table(sources["pandas with an index"]).left_out == {
        "__index_level_0__": "the index of a data frame"
    }
    assert all(not read_table(sources[name]).left_out for name in ("pandas", "polars.csv", "t.parquet"))


@pytest.mark.parametrize(
    ("values", "kind", "dtype", "expected"),
    [
        (pa.array([1, 2], pa.uint8()), "number", np.uint8, [1, 2]),
        (pa.array([1, 2**64 - 1], pa.uint64()), "number", np.uint64, [1, 2**64 - 1]),
        (pa.array([1, 2], pa.float32()), "number", np.float32, [1, 2]),
        (pa.array([1, 2]).cast(pa.float16()), "number", np.float16, [1, 2]),
        (pa.array([1, 2]).cast(pa.decimal128(22, 2)), "number", np.float64, [1, 2]),
        (pa.array([2**60 + 1, 2]).cast(pa.decimal128(30, 0)), "number", np.int64, [2**60 + 1, 2]),
        (pa.array(["1", "2"]).dictionary_encode(), "number", np.int64, [1, 2]),
        (pa.array([1.5, 2]).dictionary_encode(), "number", np.float64, [1.5, 2]),
        (pa.array(["1", "2.5"], pa.string_view()), "number", np.float64, [1, 2.5]),
        (pa.array(["18446744073709551615", "1"]), "number", np.uint64, [2**64 - 1, 1]),
        (pa.array([1, 2], pa.duration("ms")), "number", np.int64, [1, 2]),
        (pa.array([1, 2], pa.time32("s")), "number", np.int32, [1, 2]),
        (pa.array([True, False]), "true/false", np.bool_, [True, False]),
        (pa.RunEndEncodedArray.from_arrays([1, 2], [5, 6]), "number", np.int64, [5, 6]),
    ],
    ids=lambda value: str(value.type) if isinstance(value, pa.Array) else "",
)
def test_how_arrow_stores_a_column_does_not_matter(values, kind, dtype, expected):
    column = read_table(pa.table({"a": values})).columns["a"]
    array = exact_column(column, "t")
    assert (column.kind, array.dtype, array.tolist()) == (kind, dtype, expected)


def test_dates_of_64_bits_and_zones_are_dates():
    values = [datetime.datetime(2021, 1, 2, 12), datetime.datetime(2021, 1, 3)]
    zoned = pa.array(values, pa.timestamp("us", "Europe/Berlin"))
    table = read_table(pa.table({"zoned": zoned, "d": pa.array([86400000, 0], pa.date64())}))
    assert exact_column(table.columns["zoned"], "t").tolist() == values
    assert table.columns["d"].kind == "date"
    assert table.columns["zoned"].reason == "time stamps, in UTC"


def test_what_is_no_frame_is_told():
    with pytest.raises(InvalidInput, match=r"the list is neither a path nor a table; pass a frame of pandas"):
        read_table([1, 2])
    pd = pytest.importorskip("pandas")
    with pytest.raises(
        InvalidInput, match=r"the DataFrame cannot be passed on as Arrow: .*column mixed.*one type"
    ):
        read_table(pd.DataFrame({"mixed": [1, "x", object()]}))
    with pytest.raises(InvalidInput, match=r"the DataFrame has names of columns but no row"):
        read_table(pd.DataFrame({"a": []}))
    with pytest.raises(InvalidInput, match=r"the DataFrame has no columns"):
        read_table(pd.DataFrame())
    with pytest.raises(InvalidInput, match=r"the Table has two columns named 'a'"):
        read_table(pa.table([[1], [2]], names=["a", "a"]))
