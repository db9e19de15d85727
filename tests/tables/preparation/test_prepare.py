"""What is said of each column of a preparation, and when there is nothing to prepare."""

import numpy as np
import pandas as pd
import pytest

from treadle.errors import InvalidInput
from treadle.tables import prepare, read_table

RNG = np.random.default_rng(0)
N = 200


def uses(frame, *arguments):
    return {use.name: use for use in prepare(read_table(frame), *arguments).columns}


def test_every_column_is_described():
    frame = pd.DataFrame(
        {
            "Unnamed: 0": np.arange(N),
            "x": np.where(np.arange(N) < 3, np.nan, RNG.normal(size=N)),
            "i": np.where(np.arange(N) == 5, np.inf, RNG.normal(size=N)),
            "p": np.where(np.arange(N) < 2, "rare", RNG.choice(["a", "b", "c"], N)),
            "q": RNG.choice([f"k{i}" for i in range(9)], N),
            "s": RNG.choice([True, False], N),
            "one": np.where(np.arange(N) < 8, None, "only"),
            "d": pd.Timestamp("2021-01-01") + pd.to_timedelta(np.arange(N) * 7 % 90, unit="D"),
            "n": [str(i % 7) if i % 9 else "n.a." for i in range(N)],
            "k": 1,
            "y": RNG.normal(size=N),
        }
    )
    found = uses(frame, "y", {"n": "number"})
    assert list(found) == ["Unnamed: 0", *frame.columns[1:]]
    assert {name: (use.role, use.kind, use.note) for name, use in found.items()} == {
        "Unnamed: 0": ("left out", "", ""),
        "x": ("feature", "number", "3 missing (the median instead, and an indicator)"),
        "i": ("feature", "number", "1 infinite"),
        "p": (
            "feature",
            "category",
            "an indicator for each of 3 values, 1 with less than 5 rows counts as unknown",
        ),
        "q": ("feature", "category", "embedded, 9 values"),
        "s": ("feature", "true/false", "'false' against 'true'"),
        "one": ("feature", "category", "whether 'only', 8 missing"),
        "d": ("feature", "date", "as elapsed days, month and day of week"),
        "n": ("feature", "number", "23 cells such as 'n.a.' are no numbers and count as missing"),
        "k": ("left out", "number", ""),
        "y": ("target", "number", ""),
    }
    assert found["Unnamed: 0"].reason == "it counts the rows, as a saved index does"
    assert found["p"].levels == ("a", "b", "c") and found["x"].levels == ()


def test_several_rare_values_and_dates_that_are_one():
    frame = pd.DataFrame({"p": [*"xyz", *"ab" * 50], "d": pd.Timestamp("2021-01-01")})
    found = uses(frame, (), {"d": "date"})
    assert found["p"].note == "'a' against 'b', 3 with less than 5 rows count as unknown"
    assert found["d"].note == "as nothing: all dates are one"


def test_unused_columns_keep_their_reasons():
    frame = pd.DataFrame({"y": [1, 2, 3], "w": [1.0, 2.0, 4.0], "x": [4.0, 2.0, 1.0], "k": 1})
    preparation = prepare(read_table(frame), ["y"], None, {"w": "the weights"})
    assert preparation.unused == {"y": "the target", "w": "the weights", "k": "every cell is 1"}
    assert preparation.feature_names == ("x",)


def test_where_nothing_is_left_each_reason_is_given():
    frame = pd.DataFrame({"k": 1, "e": [None, None], "y": [1, 2]})
    message = r"has no column from which to predict.*; 'k': every cell is 1; 'e': every cell is missing: say"
    with pytest.raises(InvalidInput, match=message):
        prepare(read_table(frame), "y")
    wide = pd.DataFrame({f"k{i}": [1, 1] for i in range(12)})
    with pytest.raises(InvalidInput, match="'k9': every cell is 1; and 2 more: say"):
        prepare(read_table(wide))
