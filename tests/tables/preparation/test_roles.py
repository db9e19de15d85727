"""What each column is decided to be, by type and content, and what a user's word changes."""

import datetime

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from treadle.errors import InvalidInput
from treadle.tables import Reading, read_table
from treadle.tables.preparation.roles import checked_kinds, decide_roles

RNG = np.random.default_rng(0)
N = 200
DAYS = pd.Timestamp("2020-01-01") + pd.to_timedelta(RNG.integers(0, 1000, N), unit="D")


def roles(frame, targets=(), columns=None, **options):
    table = read_table(frame, like=Reading.for_kinds(columns))
    return {role.column.name: role for role in decide_roles(table, targets, columns, **options)}


def role(cells, columns=None, name="c"):
    return roles(pa.table({name: pa.array(cells)}), (), columns)[name]


def many(pattern, n=N):
    return [pattern.format(i) for i in range(n)]


@pytest.mark.parametrize(
    ("cells", "decided", "reason"),
    [
        (RNG.normal(size=N), "number", "numbers"),
        (RNG.integers(0, 10**9, N), "number", "whole numbers"),
        (RNG.integers(0, 5, N), "number", "whole numbers"),
        (np.arange(N) % 2, "true/false", "only 0 and 1"),
        ([0.0, 1.0, None, 1.0], "true/false", "only 0 and 1"),
        ([0.5, 1.0], "number", "numbers"),
        ([True, False, None], "true/false", "true or false"),
        (["true", "False"], "true/false", "text: true or false"),
        (["a", "b"] * 50, "category", "text of 2 values"),
        (many("{:.0f}", 3), "number", "whole numbers"),
        (["01/02/2021", "25/12/2021"], "date", "text of dates, day, month, year"),
        (DAYS, "date", "time stamps"),
        ([3, 3, 3], "left out", "every cell is 3"),
        ([2.5, 2.5], "left out", "every cell is 2.5"),
        ([2**62, 2**62 + 1], "number", "whole numbers"),
        ([True, True], "left out", "every cell is true"),
        (["a b", "a b"], "left out", "every cell is 'a b'"),
        ([datetime.date(2020, 5, 1)] * 2, "left out", "every cell is 2020-05-01"),
        ([None, None], "left out", "every cell is missing"),
        ([float("nan")] * 2, "left out", "every cell is missing"),
        ([[1], [2]], "left out", "it holds list<"),
        ([3, 3, None], "number", "whole numbers"),
        (["a", "a", None], "category", "text of 1 values"),
        (many("name {}"), "left out", "an identifier: each row has a text of its own"),
        (many("name {}", 19), "category", "text of 19 values"),
        (np.arange(N), "left out", "an identifier: it numbers the rows, from 0 to 199"),
        (RNG.permutation(2 * N)[:N] + 10**6, "left out", "an identifier: it numbers the rows, from 1000"),
        (np.arange(19), "number", "whole numbers"),
        (np.arange(N) * 10, "number", "whole numbers"),
        (np.arange(1821, 2021), "number", "whole numbers"),
        (np.arange(N) * 1.0 + 0.5, "number", "numbers"),
        ([f"t{i // 2}" for i in range(N)], "left out", "text of many values: 100 different ones in 200 rows"),
        ([f"t{i // 8}" for i in range(N)], "category", "text of 25 values"),
        (["1", "x", "2", "y"], "category", "text of 4 values"),
    ],
    ids=lambda value: str(value)[:40],
)
def test_type_and_content_decide(cells, decided, reason):
    found = role(cells)
    assert found.decided == decided and found.reason.startswith(reason)
    assert (found.levels is not None) == (decided in ("category", "true/false"))
    assert not found.is_chosen


@pytest.mark.parametrize(
    ("name", "cells", "decided", "reason"),
    [
        (
            "id",
            np.arange(N) * 7919,
            "left out",
            "an identifier: named so, and each row has a number of its own",
        ),
        ("CustomerID", np.arange(N) * 7919, "left out", "an identifier: named so"),
        ("shop_id", np.arange(N) % 7, "category", "named as an identifier, of 7 values in 200 rows"),
        (
            "user id",
            np.arange(N) // 2 * 7919,
            "left out",
            "named as an identifier, of 100 values in 200 rows",
        ),
        ("humid", np.arange(N) % 7, "number", "whole numbers"),
        ("paid", np.arange(N) * 7919, "number", "whole numbers"),
    ],
)
def test_a_name_says_what_an_identifier_is(name, cells, decided, reason):
    found = role(cells, name=name)
    assert found.decided == decided and found.reason.startswith(reason)


def test_codes_of_numbers_are_categories_as_whoever_stored_them_meant():
    frame = pd.DataFrame(
        {"a": pd.Categorical([3, 5, 3, 5]), "b": [3, 5, 3, 4], "c": pd.Categorical([True, False] * 2)}
    )
    found = roles(frame)
    assert (found["a"].decided, found["a"].reason) == ("category", "stored as categories, of 2 values")
    assert found["b"].decided == "number" and found["c"].decided == "true/false"


def test_copies_are_left_out_and_said():
    frame = pd.DataFrame({"y": RNG.normal(size=N), "a": RNG.normal(size=N), "t": ["p", "q"] * 100})
    frame = frame.assign(leak=frame.y, b=frame.a, u=frame.t, d=DAYS, e=DAYS, near=frame.a + 1e-9)
    frame["late"] = np.where(np.arange(N) < N - 1, frame.a, 0)  # the same but in the last row
    found = roles(frame, ["y"])
    assert {name: role.reason for name, role in found.items() if role.decided == "left out"} == {
        "leak": "a copy of the target 'y'",
        "b": "a copy of the column 'a'",
        "u": "a copy of the column 't'",
        "e": "a copy of the column 'd'",
    }
    assert found["y"].decided == "target"


def test_copies_are_seen_through_missing_cells_and_types():
    frame = pd.DataFrame(
        {"a": [1.0, None, 0.0, -0.0], "b": pd.array([1, None, 0, 0], "Int8"), "c": [True, None, False, False]}
    )
    found = roles(frame)
    assert [role.decided for role in found.values()] == ["true/false", "left out", "left out"]


def test_columns_that_serve_otherwise_are_left_out():
    found = roles(pd.DataFrame({"w": [1.0, 2.0], "x": [3.0, 4.0]}), aside={"w": "the weights"})
    assert (found["w"].decided, found["w"].reason) == ("left out", "the weights")


@pytest.mark.parametrize(
    ("cells", "kind", "decided"),
    [
        (np.arange(N), "number", "number"),
        (many("name {}"), "category", "category"),
        ([3, 3, 3], "number", "number"),
        ([3, 5, 7], "category", "category"),
        ([3, 5, 3], "true/false", "true/false"),
        ([1.0, 2.0], "out", "left out"),
        ([True, False], "number", "number"),
        (["1", "x", "2"], "number", "number"),
        (DAYS, "number", "number"),
        (DAYS, "category", "category"),
        (DAYS, "date", "date"),
    ],
    ids=lambda value: str(value)[:40],
)
def test_what_a_user_says_comes_first(cells, kind, decided):
    found = role(cells, {"c": kind})
    assert (found.decided, found.reason, found.is_chosen) == (decided, "as chosen", True)
    assert decided not in ("category", "true/false") or found.levels.known


def test_a_user_puts_copies_back():
    frame = pd.DataFrame({"y": [1.0, 2.0, 3.5], "x": [1.0, 2.0, 3.5], "z": [1.0, 2.0, 3.5]})
    found = roles(frame, ["y"], {"z": "number"})
    assert [role.decided for role in found.values()] == ["target", "left out", "number"]


@pytest.mark.parametrize(
    ("cells", "kind", "message"),
    [
        ([None, None], "number", "column 'c' cannot be number: every cell is missing; leave it out"),
        ([[1], [2]], "category", "column 'c' cannot be category: it holds list<"),
        (["x", "y"], "number", "column 'c' cannot be number: it holds none, but 'x'; take it for a category"),
        (
            [1, 2],
            "date",
            "column 'c' cannot be date: it holds whole numbers; write its cells as year-month-day",
        ),
        (
            [1, 2, 3],
            "true/false",
            "cannot be true/false: it holds 3 different values, and at most two can be",
        ),
        (
            [1, 2],
            "float",
            "column 'c' cannot be 'float'; a column is number, category, true/false, date, out",
        ),
    ],
)
def test_what_a_column_cannot_be_is_refused(cells, kind, message):
    with pytest.raises(InvalidInput, match=message):
        decide_roles(read_table(pa.table({"c": cells})), (), {"c": kind})


def test_words_among_numbers_are_refused_by_row_unless_they_are_many():
    cells = [str(i) for i in range(40)] + ["n.a."]
    message = r"row 41, column 'c' is 'n.a.', which is no number while 40 cells are: correct it, or say what"
    with pytest.raises(InvalidInput, match=message):
        role(cells)
    with pytest.raises(InvalidInput, match=r"no number, as is another cell of it, while 40 cells are"):
        role([*cells, "?x"])
    table = read_table(pa.table({"c": cells})).take(np.arange(5, 41))
    with pytest.raises(InvalidInput, match=r"row 36, column 'c' is 'n.a.'"):
        decide_roles(table)
    assert role(cells, {"c": "number"}).decided == "number"


@pytest.mark.parametrize("columns", [{"c": ["03/04/2021"]}, {"a": ["1,5"], "b": ["1.5"], "c": ["1,200"]}])
def test_what_can_be_read_in_two_ways_is_refused(columns):
    with pytest.raises(InvalidInput, match=r"nothing .*says .*; or take it for a category or leave it out"):
        roles(pa.table(columns))
    assert roles(pa.table(columns), (), {"c": "out"})["c"].decided == "left out"


def test_columns_that_are_not_there_are_refused():
    with pytest.raises(InvalidInput, match="the table has no column 'zipp'; did you mean 'zip'"):
        checked_kinds({"zipp": "number"}, ["zip"], "the table")
    assert checked_kinds({"a  b": "out"}, ["a b"], "the table") == {"a b": "out"}


def test_a_part_of_a_table_may_be_empty_where_the_whole_is_not():
    table = read_table(pa.table({"a": pa.array([None, None, 5]), "b": ["x", "y", "z"], "c": [1, 2, 3]}))
    found = decide_roles(table.take(np.array([0, 1])))
    assert [role.decided for role in found] == ["left out", "category", "number"]
