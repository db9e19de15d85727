"""Parts of dates, against pandas' calendar and NumPy's sines."""

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from treadle.errors import InvalidInput
from treadle.tables import read_table
from treadle.tables.preparation.dates import DateFeature, calendar, sines_of_turns

RNG = np.random.default_rng(0)


def column(dates):
    return read_table(pa.table({"d": pa.array(dates)})).columns["d"]


def parts_of(feature, dates):
    cells, counts = feature.cells(column(dates), "it", 1, None)
    numbers = np.empty((len(cells), len(feature.number_names)))
    plain = np.empty((len(cells), len(feature.plain_names)))
    feature.write(cells, numbers, plain)
    return numbers, plain, counts


def test_the_calendar_is_that_of_pandas():
    moments = RNG.integers(-6 * 10**16, 2 * 10**17, 5000)  # the years 68 to 8307
    stamps = pd.Series(moments.astype("datetime64[us]"))
    found = calendar(moments)
    np.testing.assert_array_equal(found["year"], stamps.dt.year)
    np.testing.assert_array_equal(found["month"], stamps.dt.month - 1)
    np.testing.assert_array_equal(found["weekday"], stamps.dt.day_of_week)
    np.testing.assert_array_equal(found["minute"], stamps.dt.hour * 60 + stamps.dt.minute)


@pytest.mark.parametrize("n", [4, 28, 48, 5760])
def test_sines_are_right_to_the_last_place(n):
    pi = np.longdouble("3.14159265358979323846")
    exact = np.sin(2 * pi * np.arange(n + n // 4) / n)
    assert np.abs(sines_of_turns(n) - exact).max() <= 3e-16
    assert sines_of_turns(n)[n // 4] == 1


def test_a_date_becomes_its_parts():
    stamps = pd.Series(pd.Timestamp("2019-12-30") + pd.to_timedelta(RNG.integers(0, 10**8, 200), unit="s"))
    feature = DateFeature.fit(column(stamps), "it")
    assert feature.number_names == (
        *("d: elapsed days", "d: year", "d: sine of month", "d: cosine of month"),
        *("d: sine of day of week", "d: cosine of day of week"),
        *("d: sine of time of day", "d: cosine of time of day"),
    )
    numbers, plain, counts = parts_of(feature, stamps)
    turns = [
        (stamps.dt.month - 1) / 12,
        stamps.dt.day_of_week / 7,
        (stamps.dt.hour * 60 + stamps.dt.minute) / 1440,
    ]
    expected = [(stamps - stamps.min()) / pd.Timedelta(days=1), stamps.dt.year]
    for turn in turns:
        expected += [np.sin(2 * np.pi * turn), np.cos(2 * np.pi * turn)]
    np.testing.assert_allclose(numbers, np.stack(expected, axis=1), rtol=1e-12, atol=1e-15)
    assert plain.shape == (200, 0) and not counts


def test_parts_that_are_the_same_are_left_out():
    feature = DateFeature.fit(column(pd.to_datetime(["2020-05-04", "2020-05-11"])), "it")
    assert feature.parts == ("elapsed",)
    assert DateFeature.fit(column(pd.to_datetime(["2020-05-04"])), "it").number_names == ()


def test_missing_dates_have_no_parts():
    feature = DateFeature.fit(column([pd.Timestamp("2020-05-04"), None, pd.Timestamp("2021-06-05")]), "it")
    numbers, plain, counts = parts_of(feature, [None, pd.Timestamp("2020-05-05")])
    assert np.isnan(numbers[0]).all() and np.isfinite(numbers[1]).all()
    assert plain.tolist() == [[1], [0]] and feature.plain_names == ("d is missing",) and counts.missing == 1


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"origin": 2**62}, "a date's origin must be within"),
        ({"origin": True}, "'origin' must be a whole number; got True"),
        ({"parts": ["year", "elapsed"]}, "a date's parts must be some of elapsed, year, month"),
        ({"parts": ["century"]}, "a date's parts must be some of"),
    ],
)
def test_a_description_that_is_none_is_refused(changed, message):
    described = DateFeature("d", 0, ("elapsed", "month")).to_dict()
    assert DateFeature.from_dict(described) == DateFeature("d", 0, ("elapsed", "month"))
    with pytest.raises(InvalidInput, match=message):
        DateFeature.from_dict(described | changed)
