"""Reads dates and times as people write them, a column at a time.

2021-03-04, 2021/3/4, 04.03.2021, 25/12/2021 or 12/25/2021, each perhaps with a time of day; and ISO 8601 with
an offset from UTC. Whether day or month comes first between slashes, some cell must say: 03/04/2021 alone is
no date here.
"""

from __future__ import annotations

import re

import pyarrow as pa
import pyarrow.compute as pc

from treadle.choices import DateOrder

_TIME = r"(?:[T ]+(?P<time>\d{1,2}:\d{2}(?::\d{2}(?:\.\d{1,9})?)?)\s*(?P<zone>Z|[+-]\d{2}:?\d{2})?)?$"
_YEAR_FIRST = r"^(?P<year>\d{4})[-/.](?P<month>\d{1,2})[-/.](?P<day>\d{1,2})" + _TIME
_DAY_FIRST = r"^(?P<day>\d{1,2})[/.-](?P<month>\d{1,2})[/.-](?P<year>\d{4})" + _TIME
_MONTH_FIRST = r"^(?P<month>\d{1,2})[/-](?P<day>\d{1,2})[/-](?P<year>\d{4})" + _TIME
_ORDERS: dict[DateOrder, str] = {
    "year, month, day": _YEAR_FIRST,
    "day, month, year": _DAY_FIRST,
    "month, day, year": _MONTH_FIRST,
}
_LOOKS_LIKE_ONE = re.compile(r"\d{1,4}[-/.]\d{1,2}[-/.]\d{1,4}.{0,40}")


def dates_of(text: pa.LargeStringArray, order: DateOrder | None = None) -> tuple[pa.Array, DateOrder] | None:
    """Read a column's dates and find their order; None if it has others.

    Parameters
    ----------
    text : pyarrow.LargeStringArray
        Without blanks around cells; null where missing, and not everywhere.
    order : {"year, month, day", "day, month, year", "month, day, year"}, optional
        The only one to try. None: that which all cells allow.

    Returns
    -------
    tuple of (pyarrow.Date32Array or pyarrow.TimestampArray, str), or None
        Time stamps in microseconds, or nanoseconds where that is needed; in UTC where cells have an offset.
    """
    first = text.drop_null()[0].as_py()
    if not _LOOKS_LIKE_ONE.fullmatch(first):  # most columns of text end here
        return None
    readings = [
        (values, each)
        for each, pattern in _ORDERS.items()
        if order in (None, each) and (values := _read(text, pattern)) is not None
    ]
    if len(readings) == 2 and not readings[0][0].equals(readings[1][0]):
        return None
    return readings[0] if readings else None


def may_be_either(text: pa.LargeStringArray) -> bool:
    """Whether the cells are dates that both day-first and month-first order fit."""
    if not _LOOKS_LIKE_ONE.fullmatch(text.drop_null()[0].as_py()):
        return False
    return _read(text, _DAY_FIRST) is not None and _read(text, _MONTH_FIRST) is not None


def _read(text: pa.LargeStringArray, pattern: str) -> pa.Array | None:
    """Read the cells by one pattern; None if one does not fit.

    Nor does a date that the calendar has not.
    """
    parts = pc.extract_regex(text, pattern)
    if parts.null_count != text.null_count:
        return None
    part = {name: pc.struct_field(parts, name) for name in ("year", "month", "day", "time", "zone")}
    if "." in pattern[:40] and not _one_separator(text):
        return None
    days = pc.binary_join_element_wise(
        part["year"], _two_digits(part["month"]), _two_digits(part["day"]), _text("-")
    )
    timed = pc.not_equal(part["time"], "")
    zoned = pc.not_equal(part["zone"], "")
    try:
        if not pc.any(timed).as_py():
            return pc.cast(days, pa.date32())
        if pc.any(zoned).as_py() and not pc.all(zoned).as_py():
            return None
        time = pc.if_else(timed, part["time"], _text("00:00"))
        time = pc.replace_substring_regex(time, r"^(\d):", r"0\1:")
        stamps = pc.binary_join_element_wise(
            pc.binary_join_element_wise(days, time, _text(" ")), part["zone"], _text("")
        )
        zone = "UTC" if pc.any(zoned).as_py() else None
        return _stamps(stamps, zone)
    except pa.ArrowInvalid:
        return None


def _stamps(text: pa.LargeStringArray, zone: str | None) -> pa.TimestampArray:
    try:
        return pc.cast(text, pa.timestamp("us", zone))
    except pa.ArrowInvalid:
        return pc.cast(text, pa.timestamp("ns", zone))


def _text(value: str) -> pa.LargeStringScalar:
    return pa.scalar(value, pa.large_string())


def _two_digits(text: pa.Array) -> pa.Array:
    return pc.utf8_lpad(text, 2, "0")


def _one_separator(text: pa.LargeStringArray) -> bool:
    """Whether no cell mixes its separators, as 2021-3/4 does."""
    return not pc.any(
        pc.match_substring_regex(text, r"^\d+([-].{1,2}[/.]|[/].{1,2}[-.]|[.].{1,2}[-/])")
    ).as_py()
