"""JSON and TOML within bounds: what Python's own parsers read is read alike, and the rest is refused."""

import json
import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from treadle import strict_text
from treadle.errors import InvalidInput
from treadle.strict_text import MOST_NESTED, check_json_size, read_json, read_toml

few = settings(max_examples=50, deadline=None, derandomize=True)
texts = st.text('ab"\\/\n\t\x01 é€\U0001f600', max_size=6)
scalars = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False, allow_infinity=False), texts
)
values = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=8,
)


@few
@given(values, st.sampled_from([None, 1]))
def test_what_python_writes_comes_back_to_the_bit(value, indent):
    back = read_json(json.dumps(value, indent=indent))
    assert back == value and repr(back) == repr(value)  # 1, 1.0 and True are not the same


def test_numbers_that_are_none_are_taken_as_python_writes_them():
    nan, infinity, negative = read_json(json.dumps([math.nan, math.inf, -math.inf]))
    assert math.isnan(nan) and infinity == math.inf and negative == -math.inf


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "no JSON: Expecting value"),
        ("{1: 2}", "no JSON: "),
        ("[1,]", "no JSON: "),
        ("[" * 65 + "]" * 65, "nested too deep; at most 64 levels"),
        ("[" * 100_000 + "]" * 100_000, "nested too deep; at most 64 levels"),
        ('{"a":' * 65 + "1" + "}" * 65, "nested too deep"),
        ("9" * 309, "an integer of 309 digits; at most 308 are read"),
        ("9" * 5000, "an integer of 5000 digits"),
        ("-1e309", "the number '-1e309' is beyond what float64 holds"),
        ("[" + "0," * 2_000_000 + "0]", "JSON of up to 2000002 values; at most 2000000 are read"),
    ],
    ids=range(10),
)
def test_json_beyond_the_bounds_is_refused(text, message):
    with pytest.raises(InvalidInput, match=message):
        read_json(text)


def test_what_is_just_within_the_bounds_is_read():
    assert read_json("9" * 308) == int("9" * 308)
    deep = read_json("[" * MOST_NESTED + "]" * MOST_NESTED)
    for _ in range(MOST_NESTED - 1):
        (deep,) = deep
    assert deep == []
    assert read_json("1.5e308") == 1.5e308 and read_json("1e-999") == 0.0


def test_size_is_looked_at_before_anything_is_parsed(monkeypatch):
    monkeypatch.setattr(strict_text, "MOST_BYTES", 10)
    with pytest.raises(InvalidInput, match="JSON of 11 characters; at most 10 are read"):
        check_json_size("[" * 11)
    check_json_size("[1,2,3,4]")
    monkeypatch.setattr(strict_text, "MOST_VALUES", 3)
    with pytest.raises(InvalidInput, match="up to 5 values; at most 3"):
        check_json_size("[1,2,3,4]")


@few
@given(
    st.dictionaries(
        st.text("abcdefgh_", min_size=1, max_size=6),
        st.integers(-(2**63), 2**63 - 1)
        | st.floats(allow_nan=False)
        | st.booleans()
        | st.text("ab cé€", max_size=9),
        max_size=6,
    ),
    st.booleans(),
)
def test_toml_by_hand_comes_back(table, mark):
    def shown(value):
        return json.dumps(value, ensure_ascii=False).replace("Infinity", "inf")

    text = "".join(f"{key} = {shown(value)}\n" for key, value in table.items())
    back = read_toml(text.encode("utf-8-sig" if mark else "utf-8"))
    assert back == table and repr(back) == repr(table)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"a = ", "Invalid value"),
        (b"\xff\xfe", "codec can't decode"),
        (b"a = 1\n" * 11_000, "TOML of 66000 bytes; at most 65536 are read"),
        (b"b = 1\n" + b"a" + b".a" * 201 + b" = 1", "line 2 has 201 dots; at most 200 are read: break it up"),
        (b"a = " + b"[" * 70 + b"]" * 70, "nested too deep; at most 64 levels"),
        (b"a = " + b"[" * 20_000 + b"]" * 20_000, "nested too deep|Cannot|nest"),
        (b"a = 9223372036854775808", r"the integer 0x8000000000000000\.\.\. is beyond 64 bits"),
        (b"a = [{b = -9223372036854775809}]", "is beyond 64 bits, which TOML allows"),
        (b"a = " + b"9" * 5000, "limit"),
    ],
    ids=range(9),
)
def test_toml_beyond_the_bounds_is_refused(data, message):
    with pytest.raises(InvalidInput, match=message):
        read_toml(data)


def test_a_bound_that_is_forgotten_is_seen(monkeypatch):
    monkeypatch.setattr(strict_text, "_scalars", lambda value: iter(()))
    assert read_toml(b"a = 9223372036854775808") == {"a": 2**63}
    assert read_json("[" * 65 + "]" * 65)
