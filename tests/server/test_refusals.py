"""Refusals in words."""

import json

import pytest

from treadle.server.refusals import refusal_body, what_is_wrong


def test_a_refusal_is_json_that_a_terminal_can_show():
    assert json.loads(refusal_body("no \x1b[31m")) == {"error": "no \\x1b[31m"}


@pytest.mark.parametrize(
    ("error", "message"),
    [
        ({"type": "value_error", "loc": ("body",), "msg": "", "ctx": {"error": "no"}}, "the body: no"),
        ({"type": "rare", "loc": ("body", "a", 0), "msg": "Odd", "input": 1}, "a[0]: Odd; got 1"),
        (
            {"type": "literal_error", "loc": ("body", "a"), "input": "x", "ctx": {"expected": "'y'"}},
            "a must be one of 'y'; got 'x'",
        ),
    ],
)
def test_kinds_of_errors(error, message):
    assert what_is_wrong([error]) == message
