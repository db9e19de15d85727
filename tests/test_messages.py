"""Messages of errors: some lines, in characters that a terminal shows, whatever a file brings in."""

import warnings

import numpy as np
import pytest

from treadle.errors import CorruptFile, InvalidInput
from treadle.messages import postponed_warnings, quoted, warn_caller


def test_a_message_is_some_lines_that_a_terminal_shows():
    for error in (
        InvalidInput("a" * 300_000 + "the end"),
        CorruptFile("\x1b[2J\ud800\0" * 100_000 + "the end"),
    ):
        text = str(error)
        assert len(text) < 4000 and text.endswith("the end") and text.isprintable()
        text.encode("utf-8")
    assert str(InvalidInput("two\nlines: 靴 é\u00a0\u2028.")) == "two\nlines: 靴 é\u00a0\\u2028."


def test_a_value_is_quoted_on_one_line():
    deep = []
    for _ in range(100_000):
        deep = [deep]
    assert quoted(3) == "3" and quoted("a\nb") == r"'a\nb'"
    for value in ("x" * 10**6, b"x" * 10**6, 10**5000, deep, np.arange(10_000), ["a"] * 10**5):
        assert 5 < len(quoted(value)) <= 100 and "\n" not in quoted(value)
    assert quoted("begin" + "x" * 10**6 + "end").startswith("'begin") and "end'" in quoted(
        "x" * 10**6 + "end"
    )


def test_what_is_postponed_is_said_by_who_takes_it():
    said = []
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with postponed_warnings(said):
            warn_caller("first", RuntimeWarning)
            warn_caller("second")
    assert said == [("first", RuntimeWarning), ("second", UserWarning)]
    with pytest.warns(UserWarning, match="third"):
        warn_caller("third")
    assert len(said) == 2
