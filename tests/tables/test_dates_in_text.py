"""Dates and times as people write them: against Python's own formats, or no dates at all."""

import datetime

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.tables.table_files import column_of
from treadle.tables import dates_in_text, exact_column, float_column
from treadle.tables.dates_in_text import dates_of, may_be_either

few = settings(max_examples=40, deadline=None, derandomize=True)


def text(*cells):
    return pa.array(cells, pa.large_string())


@pytest.mark.parametrize(
    ("cells", "expected"),
    [
        (["2021-03-04", "1969-12-31"], [datetime.date(2021, 3, 4), datetime.date(1969, 12, 31)]),
        (["2021/3/4"], [datetime.date(2021, 3, 4)]),
        (["04.03.2021", "5.3.2021"], [datetime.date(2021, 3, 4), datetime.date(2021, 3, 5)]),
        (["25/12/2021", "03/04/2021"], [datetime.date(2021, 12, 25), datetime.date(2021, 4, 3)]),
        (["12/25/2021", "03/04/2021"], [datetime.date(2021, 12, 25), datetime.date(2021, 3, 4)]),
        (["05/05/2021"], [datetime.date(2021, 5, 5)]),
        (["2021-03-04 05:06"], [datetime.datetime(2021, 3, 4, 5, 6)]),
        (
            ["2021-03-04", "2021-03-04T05:06:07.5"],
            [datetime.datetime(2021, 3, 4), datetime.datetime(2021, 3, 4, 5, 6, 7, 500000)],
        ),
        (["2021-03-04T05:06:07Z"], [datetime.datetime(2021, 3, 4, 5, 6, 7)]),
        (["2021-03-04T05:06:07+02:00"], [datetime.datetime(2021, 3, 4, 3, 6, 7)]),
        (["04.03.2021 5:06"], [datetime.datetime(2021, 3, 4, 5, 6)]),
    ],
)
def test_dates_as_people_write_them(cells, expected):
    column = column_of(cells)
    assert column.kind == "date" and "text of dates" in column.reason
    assert exact_column(column, "t").tolist() == expected
    epoch = datetime.datetime(1970, 1, 1)
    moments = [datetime.datetime(*day.timetuple()[:6], getattr(day, "microsecond", 0)) for day in expected]
    days = [(moment - epoch) / datetime.timedelta(days=1) for moment in moments]
    assert float_column(column, "t").tolist() == pytest.approx(days, rel=1e-15)


def test_nanoseconds_are_kept():
    column = column_of(["2021-03-04 05:06:07.123456789"])
    assert str(exact_column(column, "t")[0]) == "2021-03-04T05:06:07.123456789"


@pytest.mark.parametrize(
    "cells", [["2021-02-30"], ["2021-03-04", "soon"], ["2021-3/4"], ["1.2.3.4"], ["13/13/2021"]]
)
def test_what_is_no_date_is_text(cells):
    assert column_of(cells).kind == "category" and column_of(cells).problem is None


FORMATS = {
    "%Y-%m-%d": "year, month, day",
    "%Y/%m/%d": "year, month, day",
    "%d.%m.%Y": "day, month, year",
    "%d/%m/%Y": "day, month, year",
    "%m/%d/%Y": "month, day, year",
    "%m-%d-%Y": "month, day, year",
}
days = st.dates(datetime.date(1000, 1, 1), datetime.date(9999, 12, 31))


@few
@given(st.lists(days, min_size=1, max_size=6), st.sampled_from(list(FORMATS)))
def test_days_that_python_wrote_are_read_as_they_were(dates, written):
    cells = [date.strftime(written) for date in dates]
    months_only = all(date.day <= 12 for date in dates) and any(date.day != date.month for date in dates)
    if written[1] != "Y" and "." not in written and months_only:
        assert dates_of(text(*cells)) is None and may_be_either(text(*cells))
        return
    values, how = dates_of(text(*cells))
    assert values.to_pylist() == dates
    same = all(date.day == date.month for date in dates) and written[1] != "Y"
    assert same or how == FORMATS[written]


@few
@given(
    st.lists(
        st.datetimes(datetime.datetime(1700, 1, 1), datetime.datetime(2200, 1, 1)), min_size=1, max_size=6
    ),
    st.sampled_from(["T", " "]),
    st.integers(-14 * 60, 14 * 60),
)
def test_moments_with_an_offset_are_those_of_python_in_utc(moments, between, offset):
    zone = datetime.timezone(datetime.timedelta(minutes=offset))
    local = [moment.replace(tzinfo=zone) for moment in moments]
    values, how = dates_of(text(*(moment.isoformat(between) for moment in local)))
    assert values.cast(pa.timestamp("us", "UTC")).to_pylist() == local
    assert how == "year, month, day"
    bare, _ = dates_of(text(*(moment.isoformat(between) for moment in moments)))
    assert bare.cast(pa.timestamp("us")).to_pylist() == moments


@pytest.mark.parametrize(
    "cells",
    [
        ["words"],
        ["2021-02-29"],
        ["2021-13-01"],
        ["2021-03-04", "2021/3-4"],
        ["03/04/2021"],
        ["13/13/2021"],
        ["2021-03-04 25:00"],
        ["2021-03-04 05:06Z", "2021-03-04 05:06"],
        ["21-03-04"],
        ["2021-03-04 later"],
    ],
    ids=str,
)
def test_what_is_no_column_of_dates(cells):
    assert dates_of(text(*cells)) is None


def test_missing_cells_stay_missing_and_others_decide():
    values, _ = dates_of(text(None, "25/12/2021", "03/04/2021"))
    assert values.to_pylist() == [None, datetime.date(2021, 12, 25), datetime.date(2021, 4, 3)]
    assert not may_be_either(text(None, "25/12/2021", "03/04/2021"))
    assert not may_be_either(text("words"))


def test_days_and_months_in_each_others_place_are_seen(monkeypatch):
    monkeypatch.setitem(dates_in_text._ORDERS, "day, month, year", dates_in_text._MONTH_FIRST)
    assert dates_of(text("25/12/2021")) is None
