"""Values freed of how Arrow stores them: the same from codes, runs, views, decimals and chunks."""

from decimal import Decimal

import pyarrow as pa
import pytest

from treadle.errors import CorruptFile, InvalidInput
from treadle.tables import memory_need
from treadle.tables.storage import is_numeric, plain_array

TEXTS = ["b", None, "a", "b"]


@pytest.mark.parametrize(
    "values",
    [
        pa.array(TEXTS),
        pa.array(TEXTS, pa.large_string()),
        pa.array(TEXTS, pa.string_view()),
        pa.array(TEXTS).dictionary_encode(),
        pa.DictionaryArray.from_arrays(pa.array([0, None, 1, 0]), pa.array(["b", "a"], pa.string_view())),
        pa.chunked_array([TEXTS[:1], TEXTS[1:]]),
        pa.chunked_array([pa.array(TEXTS[:2]).dictionary_encode(), pa.array(TEXTS[2:]).dictionary_encode()]),
    ],
    ids=["string", "large", "view", "codes", "codes of views", "chunks", "chunks of codes"],
)
def test_text_is_one_array_of_texts_however_it_is_stored(values):
    found = plain_array(values, "t")
    assert found.type == pa.large_string() and found.to_pylist() == TEXTS


def test_runs_are_written_out():
    runs = pa.RunEndEncodedArray.from_arrays(pa.array([2, 5], pa.int32()), pa.array([7, 9]))
    assert plain_array(runs, "t").to_pylist() == [7, 7, 9, 9, 9]


@pytest.mark.parametrize(
    ("values", "kind", "expected"),
    [
        (["12", None], pa.decimal128(4, 0), (pa.int64(), [12, None])),
        (["1.25", "-3"], pa.decimal128(4, 2), (pa.float64(), [1.25, -3.0])),
        (["9" * 30], pa.decimal128(30, 0), (pa.float64(), [float("9" * 30)])),
    ],
)
def test_decimals_are_whole_numbers_where_these_fit(values, kind, expected):
    array = pa.array([None if v is None else Decimal(v) for v in values], kind)
    found = plain_array(array, "t")
    assert (found.type, found.to_pylist()) == expected


def test_chunks_of_decimals_of_which_one_is_too_long_are_all_doubles():
    kind = pa.decimal128(30, 0)
    chunks = pa.chunked_array([pa.array([Decimal(1)], kind), pa.array([Decimal("9" * 30)], kind)])
    assert plain_array(chunks, "t").to_pylist() == [1.0, float("9" * 30)]


def test_no_chunks_are_an_array_of_no_values():
    assert plain_array(pa.chunked_array([], pa.string()), "t").type == pa.large_string()


@pytest.mark.parametrize(
    "values",
    [
        pa.DictionaryArray.from_arrays(pa.array([0] * 1000, pa.int8()), pa.array(["x" * 1000])),
        pa.DictionaryArray.from_arrays(
            pa.array([0] * 1000, pa.int8()), pa.array(["x" * 1000], pa.string_view())
        ),
        pa.RunEndEncodedArray.from_arrays(pa.array([100_000], pa.int32()), pa.array([7])),
        pa.DictionaryArray.from_arrays(pa.array([0] * 100_000, pa.int8()), pa.array([1.5])),
    ],
    ids=["texts", "views", "runs", "numbers"],
)
def test_what_would_unpack_beyond_memory_is_refused_before(monkeypatch, values):
    monkeypatch.setattr(memory_need, "usable_memory", lambda: 900_000)
    with pytest.raises(InvalidInput, match=r"t: the columns take 1.* MB of memory"):
        plain_array(values, "t")
    monkeypatch.setattr(memory_need, "usable_memory", lambda: 2_000_000)
    assert len(plain_array(values, "t")) == len(values)


def test_codes_of_no_text_are_damage():
    broken = pa.DictionaryArray.from_arrays(pa.array([0, 5], pa.int8()), pa.array(["a"]), safe=False)
    with pytest.raises(CorruptFile, match=r"t is damaged: .*; get it again"):
        plain_array(broken, "t")


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        *((kind, True) for kind in (pa.int8(), pa.float16(), pa.bool_(), pa.decimal128(3, 1))),
        *((kind, False) for kind in (pa.string(), pa.date32(), pa.timestamp("s"), pa.list_(pa.int8()))),
    ],
)
def test_numbers_by_type(kind, expected):
    assert is_numeric(kind) is expected
