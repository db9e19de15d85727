"""From a table to a regression: what becomes of each column, and by what name it is refused."""

import numpy as np
import pyarrow as pa
import pytest

from treadle.errors import InvalidInput
from treadle.tables import build_design, read_table

COLUMNS = {
    "y": [1.0, 2.0, 3.0, 4.0],
    "x": [4, 3, 2, 1],
    "city": ["Ulm", "Bonn", "Ulm", "Köln"],
    "new": [True, False, False, True],
    "same": ["a"] * 4,
    "nothing": [None] * 4,
    "lists": [[1]] * 4,
}


@pytest.fixture
def table():
    return read_table(pa.table(COLUMNS))


def test_all_other_columns_are_features_and_what_is_left_out_is_said(table):
    design = build_design(table, "y")
    assert design.names == ["x", "city=Köln", "city=Ulm", "new"]
    assert design.X.tolist() == [[4, 0, 1, 1], [3, 0, 0, 0], [2, 0, 1, 0], [1, 1, 0, 1]]
    assert design.y.tolist() == COLUMNS["y"] and design.target == "y" and design.fit_intercept
    uses = {use.name: use for use in design.columns}
    assert list(uses) == list(COLUMNS)
    assert [use.role for use in uses.values()] == ["target"] + ["feature"] * 3 + ["left out"] * 3
    assert uses["city"].levels == ("Bonn", "Köln", "Ulm") and uses["city"].reference == "Bonn"
    assert uses["city"].note == "2 dummies against 'Bonn'" and uses["city"].reason == "text of 3 levels"
    assert uses["same"].reason == "every cell is 'a'"
    assert uses["nothing"].reason == "every cell is missing"
    assert uses["lists"].reason == "it holds list<item: int64>, neither numbers nor text"
    assert uses["city"].to_dict()["levels"] == ["Bonn", "Köln", "Ulm"]


def test_without_an_intercept_the_first_text_has_a_dummy_for_each_level():
    table = read_table(pa.table({"y": [1, 2, 3], "a": ["p", "q", "p"], "b": ["s", "t", "t"]}))
    design = build_design(table, "y", fit_intercept=False)
    assert design.names == ["a=p", "a=q", "b=t"]
    assert design.columns[1].reference is None and design.columns[1].note == "2 dummies, one for each level"
    assert np.linalg.matrix_rank(design.X) == 3


BIG = 1_700_000_000_000_000_000


def test_what_doubles_would_round_is_kept_in_its_own_type():
    table = read_table(
        pa.table(
            {
                "y": [BIG, BIG + 1, BIG + 3],
                "id": pa.array([2**64 - 1, 2**64 - 2, 2**64 - 9], pa.uint64()),
                "when": pa.array([BIG, BIG + 9, BIG + 5], pa.timestamp("ns")),
                "day": pa.array([BIG, BIG + 86400 * 10**9, BIG], pa.timestamp("ns")),
                "x": [1, 2, 3],
            }
        )
    )
    design = build_design(table, "y")
    exact = design.exact_X
    assert [str(dtype) for dtype in exact.dtypes] == ["uint64", "datetime64[ns]", "float64", "float64"]
    assert exact.shape == (3, 4) and exact.ndim == 2 and len(exact) == 3 and exact.columns == range(4)
    assert exact[0].tolist() == [2**64 - 1, 2**64 - 2, 2**64 - 9]
    assert exact[1].astype(np.int64).tolist() == [BIG, BIG + 9, BIG + 5]
    assert (exact[2] == design.X[:, 2]).all()
    assert design.exact_y.tolist() == [BIG, BIG + 1, BIG + 3] and design.y.dtype == np.float64
    notes = {use.name: use.note for use in design.columns}
    assert notes["id"] == "taken exactly, beyond 2^53" and notes["day"] == "as days since 1970-01-01"
    assert notes["when"].startswith("as nanoseconds since 1970-01-01, exactly") and "rounded" in notes["y"]
    plain = build_design(table, "y", fit_intercept=False)
    assert plain.exact_X is None and "rounded" in plain.columns[1].note
    assert build_design(table, "x", ["day"]).exact_X is build_design(table, "x", ["day"]).exact_y is None


def test_features_are_those_named_in_their_order(table):
    design = build_design(table, "y", ["new", "x"])
    assert design.names == ["new", "x"] and {use.name for use in design.columns} == {"y", "new", "x"}


def test_fifty_levels_are_dummies_and_one_more_is_refused_by_column():
    numbers = list(range(100))
    fifty = read_table(pa.table({"y": numbers, "t": [f"l{i % 50}" for i in numbers]}))
    assert build_design(fifty, "y").X.shape == (100, 49)
    more = read_table(pa.table({"y": numbers, "t": [f"l{i % 51}" for i in numbers], "x": numbers}))
    with pytest.raises(
        InvalidInput,
        match=r"column 't' holds 51 different texts, .*at most 50 .*--features\): x$",
    ):
        build_design(more, "y")
    assert build_design(more, "y", ["x"]).names == ["x"]


def test_what_fails_says_how_to_do_without_it():
    table = read_table(
        pa.table({"y": [1, 2, 3], "a": [1, None, 3], "b, c": [1, 2, 3], "d": ["1", "x", "3"], "e": [1, 2, 3]})
    )
    with pytest.raises(
        InvalidInput,
        match=r"row 2, column 'a' is missing; fill it or delete the row; or leave the column out by naming "
        r'those to use \(--features\): "b, c",e$',
    ):
        build_design(table, "y")
    with pytest.raises(
        InvalidInput, match=r"row 2, column 'd' is 'x', which is no number, while 2 other cells"
    ):
        build_design(table, "y", ["d"])
    with pytest.raises(InvalidInput, match=r"row 2, column 'a' is missing; fill it or delete the row$"):
        build_design(table, "a", ["e"])


@pytest.mark.parametrize(
    ("target", "features", "message"),
    [
        ("z", None, "has no column 'z'; it has 'y', 'x'"),
        ("city", None, "the target 'city' holds no numbers: text; the columns are 'y', 'x'"),
        ("lists", None, "the target 'lists' holds no numbers: it holds list"),
        ("y", ["y"], "the target 'y' cannot be a feature as well"),
        ("y", ["same"], "column 'same' cannot be a feature: every cell is 'a'"),
        ("y", ["nothing"], "column 'nothing' cannot be a feature: every cell is missing"),
        ("y", ["none"], "has no column 'none'"),
    ],
)
def test_a_design_that_cannot_be_is_told(table, target, features, message):
    with pytest.raises(InvalidInput, match=message):
        build_design(table, target, features)


def test_a_target_alone_is_told_with_what_was_left_out(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text(",y,s\n0,1,a\n1,2,a\n")
    table = read_table(path)
    with pytest.raises(InvalidInput, match=r"no column of use beside the target 'y'.*'s': every cell is 'a'"):
        build_design(table, "y")
    with pytest.raises(InvalidInput, match="the target 'column 1, without a name' was left out"):
        build_design(table, "column 1, without a name")


def test_two_features_of_one_name_are_told():
    table = read_table(pa.table({"y": [1, 2], "a": ["p", "q"], "a=q": [1, 2]}))
    with pytest.raises(InvalidInput, match="two features would be called 'a=q'; rename one of the columns"):
        build_design(table, "y")


def test_rounding_of_large_whole_numbers_is_said():
    table = read_table(pa.table({"y": [1, 2], "a": [2**53 + 1, 1], "b": [2**53, 1]}))
    assert [use.note for use in build_design(table, "y", fit_intercept=False).columns] == [
        "",
        "rounded to 53 bits, since whole numbers beyond 2^53 are in it",
        "",
    ]
