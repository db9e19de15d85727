"""Thousands of frames of every type, with nulls anywhere: a matrix, or an error by column."""

import datetime
import json

import numpy as np
import pyarrow as pa
import pytest

from treadle.errors import InvalidInput
from treadle.tables import decide_target, from_saved, prepare, read_table, to_saved
from treadle.tables.names import shown

N_FRAMES = 1500
TEXTS = [pa.string(), pa.large_string(), pa.string_view()]
START = datetime.datetime(1969, 12, 30)
WORDS = [
    "",
    " ",
    "a",
    "b",
    "B",
    "NA",
    "ä\u2028",
    "1",
    "1.5",
    "1,200",
    "true",
    "2021-03-04",
    "03/04/2021",
    "x" * 300,
    "\x1b[0m",
]


def integers(rng, n):
    bits = rng.choice([8, 16, 32, 64])
    kind = rng.choice(["int", "uint"])
    info = np.iinfo(f"{kind}{bits}")
    ends = rng.choice([0, 1, 5, 1000, None])
    low, high = (info.min, info.max) if ends is None else (0, min(ends, info.max))
    return pa.array(rng.integers(low, high, n, f"{kind}{bits}", endpoint=True))


def floats(rng, n):
    values = rng.normal(size=n) * 10.0 ** rng.choice([-310, -3, 0, 5, 300, 307])
    values[rng.random(n) < rng.choice([0, 0.3, 1])] = rng.choice([np.nan, np.inf, -np.inf, 0.0, 1.0, 1e308])
    with np.errstate(over="ignore"):
        return pa.array(values.astype(rng.choice(["float64", "float32", "float16"])))


def texts(rng, n):
    if rng.random() < 0.3:
        return pa.array([f"name {i}" for i in rng.integers(0, rng.choice([3, 12, 10**6]), n)])
    few = rng.choice(WORDS, rng.integers(1, 5))
    return pa.array(rng.choice(few, n).tolist(), TEXTS[rng.integers(3)])


def dates(rng, n):
    days = rng.integers(0, rng.choice([1, 40, 40_000]), n)
    if rng.random() < 0.3:
        return pa.array(rng.integers(-(2**31), 2**31, n, np.int32)).view(pa.date32())
    stamps = [START + datetime.timedelta(days=int(day), hours=int(day) % 24) for day in days]
    return pa.array(stamps, pa.timestamp(rng.choice(["s", "ms", "us", "ns"]), rng.choice([None, "UTC"])))


def others(rng, n):
    choices = [
        pa.nulls(n),
        pa.array([[1]] * n),
        pa.array([b"x"] * n),
        pa.array([{"a": 1}] * n),
        pa.array(rng.integers(0, 86400, n, np.int32), pa.time32("s")),
        pa.array(rng.integers(-(10**9), 10**9, n), pa.duration("us")),
        pa.array([f"{i}.50" for i in rng.integers(0, 99, n)]).cast(pa.decimal128(8, 2)),
        pa.array(rng.integers(0, 3, n)).dictionary_encode(),
        pa.array(rng.choice(["p", "q"], n)).dictionary_encode(),
    ]
    return choices[rng.integers(len(choices))]


def booleans(rng, n):
    return pa.array(rng.random(n) < rng.choice([0, 0.5]))


MAKERS = (integers, floats, texts, dates, others, booleans)


def with_nulls(rng, cells):
    share = rng.choice([0, 0, 0.2, 0.9, 1])
    if not share or pa.types.is_null(cells.type) or pa.types.is_string_view(cells.type):
        return cells
    return cells.take(pa.array(np.arange(len(cells)), mask=rng.random(len(cells)) < share))


def column_of(rng, n):
    return with_nulls(rng, MAKERS[rng.integers(len(MAKERS))](rng, n))


def frame_of(rng, n=None):
    n = n or int(rng.choice([1, 2, 3, 25, 120]))
    names = [*rng.permutation(["a", "id", "x y", "ü", "a,b", "y="])[: rng.integers(1, 7)]]
    return pa.table({str(name): column_of(rng, n) for name in names})


def names_a_column(error, frame):
    return any(shown(name) in str(error) for name in frame.column_names)


def check(frame, new):
    """A finite matrix in float32 within the bound, codes in range, its chunks the same; or an error."""
    try:
        table = read_table(frame)
        preparation = prepare(table)
    except InvalidInput as error:
        assert names_a_column(error, frame), error
        return False
    X, counts = preparation.transform(table)
    n_scaled = preparation.n_numbers + preparation.n_plain
    assert X.dtype == np.float32 and X.shape == (frame.num_rows, preparation.n_outputs)
    assert (np.abs(X[:, :n_scaled]) <= 3).all()
    for codes, count in zip(X[:, n_scaled:].T, preparation.category_counts, strict=True):
        assert np.isin(codes, np.arange(count)).all()
    assert len(preparation.output_names) == len(preparation.output_sources) == X.shape[1]
    assert counts == preparation.training_counts and len(preparation.columns) == frame.num_columns
    arrays, described = to_saved(preparation)
    again = from_saved(arrays, json.loads(json.dumps(described)))
    half = frame.num_rows // 2
    parts = [again.transform(table.slice(0, half)).X, again.transform(table.slice(half, frame.num_rows)).X]
    assert b"".join(part.tobytes() for part in parts) == X.tobytes()
    try:
        other = again.transform(read_table(new, like=again.reading)).X
    except InvalidInput as error:
        assert ("row " in str(error) and names_a_column(error, frame)) or "holds numbers" in str(error), error
    else:
        assert np.isfinite(other).all()
    return True


@pytest.mark.parametrize("seed", range(10))
def test_any_frame_is_a_matrix_or_an_error_by_column(seed):
    n_prepared = 0
    for case in range(N_FRAMES // 10):
        rng = np.random.default_rng([seed, case])
        frame = frame_of(rng)
        # The same names, with cells of any type.
        n = int(rng.choice([1, 7]))
        new = pa.table({name: column_of(rng, n) for name in frame.column_names})
        n_prepared += check(frame, new)
    assert n_prepared > N_FRAMES / 40


@pytest.mark.parametrize("seed", range(4))
def test_any_column_is_a_target_or_refused(seed):
    n_read = 0
    for case in range(N_FRAMES // 8):
        rng = np.random.default_rng([100 + seed, case])
        frame = frame_of(rng)
        name = frame.column_names[0]
        try:
            table = read_table(frame)
            target = decide_target(table, name)
            y = target.read(table)
        except InvalidInput as error:
            assert names_a_column(error, frame), error
            continue
        n_read += 1
        assert len(y) == frame.num_rows and np.isfinite(y).all()
        if target.task == "classes":
            assert set(y.tolist()) == set(range(len(target.classes[0])))
    assert n_read > N_FRAMES / 40


def words(rng, n):
    return pa.array(rng.choice(["p", "q", "r"], n).tolist())


def test_two_thousand_columns():
    rng = np.random.default_rng(0)
    makers = (integers, floats, words, dates, booleans)
    frame = pa.table({f"c{i}": makers[i % len(makers)](rng, 30) for i in range(2000)})
    assert check(frame, frame)
    with pytest.raises(InvalidInput, match=r"has no column from which to predict.*; and 1990 more: say"):
        prepare(read_table(frame.slice(0, 1)))


def test_ten_thousand_categories():
    rng = np.random.default_rng(0)
    n = 120_000
    frame = pa.table({"c": [f"k{i}" for i in rng.permutation(n) % 10_000], "x": rng.normal(size=n)})
    preparation = prepare(read_table(frame))
    assert preparation.category_counts == (10_001,)
    X = preparation.transform(read_table(frame)).X
    assert np.bincount(X[:, 1].astype(int)).tolist() == [0] + [12] * 10_000
