"""Writes refused requests as JSON, in words: what was wrong, the value that came, what is allowed."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from treadle.messages import quoted, readable

# Of pydantic's kinds of errors: what the value must be, with names of the error's context.
MUST = {
    "bool_type": "true or false",
    "dict_type": "an object",
    "finite_number": "a finite number",
    "float_type": "a number",
    "greater_than": "above {gt:g}",
    "greater_than_equal": "at least {ge:g}",
    "int_from_float": "a whole number",
    "int_type": "a whole number",
    "less_than": "below {lt:g}",
    "less_than_equal": "at most {le:g}",
    "list_type": "a list",
    "literal_error": "one of {expected}",
    "model_attributes_type": "an object",
    "model_type": "an object",
    "string_type": "text",
}


def refusal_body(what: str) -> bytes:
    """Write a refusal as a JSON object with the key ``error``."""
    return json.dumps({"error": readable(what)}).encode()


# Any: pydantic's errors, as it gives them.
def what_is_wrong(errors: Sequence[Mapping[str, Any]]) -> str:
    """Say in words what is wrong with a body, by the first of pydantic's errors."""
    error = errors[0]
    kind, context = error["type"], error.get("ctx", {})
    where = _place(error["loc"])
    if kind == "json_invalid":
        return f"the body is no JSON: {context.get('error', error['msg'])}"
    if kind == "missing":
        return f"{where} is missing"
    if kind == "extra_forbidden":
        return f"there is no {where}"
    if kind == "too_short":
        return f"{where} must have at least {context['min_length']} items; got {context['actual_length']}"
    if kind == "too_long":
        return f"{where} must have at most {context['max_length']} items; got {context['actual_length']}"
    if kind == "value_error":
        return f"{where}: {context['error']}"
    if kind in MUST:
        return f"{where} must be {MUST[kind].format(**context)}; got {quoted(error['input'])}"
    return f"{where}: {error['msg']}; got {quoted(error.get('input'))}"


def _place(location: Sequence[str | int]) -> str:
    """Write a place as Python does: ``points[3][0]``."""
    inside = [part for part in location if part != "body"]
    text = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in inside)
    return text.removeprefix(".") or "the body"
