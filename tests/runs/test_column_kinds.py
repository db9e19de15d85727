"""What ``--columns`` may say, and how it is refused."""

import pytest

from treadle.errors import InvalidInput
from treadle.runs.column_kinds import parse_column_kinds


@pytest.mark.parametrize(
    ("texts", "kinds"),
    [
        ([], {}),
        (["zip=category"], {"zip": "category"}),
        (
            ["zip=category, year = number", "new=true/false"],
            {"zip": "category", "year": "number", "new": "true/false"},
        ),
        (['"area, m2=number",day=date'], {"area, m2": "number", "day": "date"}),
        (["a=b=out"], {"a=b": "out"}),
    ],
)
def test_kinds_are_by_name(texts, kinds):
    assert parse_column_kinds(texts) == kinds


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("zip", r"--columns must be NAME=KIND, commas between, such as .*; got 'zip'"),
        ("", r"must be NAME=KIND.*got ''"),
        ("=number", r"must be NAME=KIND.*got '=number'"),
        ("zip=category,", r"must be NAME=KIND.*got ''"),
        ("zip=categry", r"column 'zip' cannot be 'categry'; did you mean category\? a column is number, "),
        ("zip=", r"column 'zip' cannot be ''; a column is number, category, true/false, date, out"),
        ("a=number,a=out", r"names 'a' twice; name it once"),
    ],
)
def test_what_is_no_kind_is_refused(text, message):
    with pytest.raises(InvalidInput, match=message):
        parse_column_kinds([text])
