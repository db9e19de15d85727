import numpy as np
import pandas as pd
import pytest

from treadle.errors import InvalidInput
from treadle.l1.sources.integer_columns import doubles_of, has_integer_columns, is_rounded, origin_of

BIG = 1_700_000_000_000_000_000


def rebuilt(X, origin, doubles):
    """Whether doubles and origin give back X's integers."""
    return [[int(v) + int(o) for v, o in zip(row, origin, strict=True)] for row in doubles.tolist()] == X


def test_integers_beyond_doubles_lose_nothing():
    X = np.array([[BIG + 1, 3, -BIG], [BIG, 5, -BIG - 3], [BIG + 7, 4, 1 - BIG]])
    origin = origin_of(X)
    assert origin.tolist() == [BIG + 1, 0, -BIG]
    doubles = doubles_of(X, origin)
    assert rebuilt(X.tolist(), origin, doubles) and not is_rounded(X, origin, doubles)
    assert X.astype(float)[0, 0] == X.astype(float)[1, 0]  # which doubles alone cannot tell apart


def test_unsigned_integers_lose_nothing():
    X = np.array([[BIG + 1], [BIG], [BIG + 7]], np.uint64)
    origin = origin_of(X)
    assert rebuilt(X.tolist(), origin, doubles_of(X, origin))
    X = np.array([[2**64 - 1, 7], [2**64 - 3, BIG]], np.uint64)
    origin = origin_of(X)
    assert origin.dtype == np.uint64 and origin.tolist() == [2**64 - 1, 7]
    assert rebuilt(X[:, :1].tolist(), origin[:1], doubles_of(X, origin)[:, :1])
    earlier = np.array([[2**63 - 1], [-5]])  # the origin is beyond what their type holds
    assert doubles_of(earlier, np.array([2**63 + 3], np.uint64)).tolist() == [[-4.0], [float(-(2**63) - 8)]]


def test_an_origin_beyond_int64_beside_one_below_zero_is_not_kept_and_that_is_said():
    X = pd.DataFrame({"a": np.array([2**64 - 1, 2**64 - 3], np.uint64), "b": np.array([-BIG, 1 - BIG])})
    origin = origin_of(X)
    assert origin.dtype == np.int64 and origin.tolist() == [0, -BIG]
    assert is_rounded(X, origin, doubles_of(X, origin))
    X = X[["a"]].to_numpy()
    origin = np.array([2**62])  # of an earlier table
    assert doubles_of(X, origin).tolist() == [[float(2**64 - 1 - 2**62)], [float(2**64 - 3 - 2**62)]]


def test_distances_beyond_doubles_are_rounded_and_said_to_be():
    X = np.array([[0], [2**60 + 1], [-(2**63)], [2**63 - 1]])
    origin = origin_of(X)
    doubles = doubles_of(X, origin)
    assert doubles.ravel().tolist() == [0.0, 2.0**60, -(2.0**63), 2.0**63] and is_rounded(X, origin, doubles)


@pytest.mark.parametrize("unit", ["s", "ms", "us", "ns"])
def test_time_stamps_of_every_unit_are_nanoseconds(unit):
    per = {"s": 10**9, "ms": 10**6, "us": 10**3, "ns": 1}[unit]
    start = BIG // per
    X = np.array([[start], [start + 3], [start - 2]]).astype(f"datetime64[{unit}]")
    assert has_integer_columns(X)
    origin = origin_of(X)
    assert origin.tolist() == [start * per]
    assert doubles_of(X, origin).ravel().tolist() == [0.0, 3.0 * per, -2.0 * per]
    assert not is_rounded(X, origin, doubles_of(X, origin))


def test_frames_are_taken_column_by_column():
    times = pd.to_datetime([BIG, BIG + 1, BIG - 5])
    frame = pd.DataFrame({"when": times, "id": np.array([BIG, BIG + 2, 5]), "x": [0.5, 1.5, 2.5]})
    assert has_integer_columns(frame) and not has_integer_columns(frame[["x"]])
    origin = origin_of(frame)
    assert origin.tolist() == [BIG, BIG, 0]
    doubles = doubles_of(frame, origin)
    assert doubles[:, 0].tolist() == [0.0, 1.0, -5.0] and doubles[:, 2].tolist() == [0.5, 1.5, 2.5]
    assert doubles.flags.f_contiguous and is_rounded(frame, origin, doubles)  # 5 less BIG is


def test_floats_are_not_copied_where_there_is_no_origin():
    for dtype in (np.float32, np.float64):
        X = np.ones((3, 2), dtype)
        assert doubles_of(X, np.zeros(2, np.int64)) is X and not has_integer_columns(X)
        assert not is_rounded(X, np.zeros(2, np.int64), X)


def test_floats_are_measured_from_an_origin_that_integers_had():
    X = np.array([[float(BIG)], [float(BIG) + 512], [0.25]])
    doubles = doubles_of(X, np.array([BIG]))
    assert doubles.ravel().tolist() == [0.0, 512.0, 0.25 - BIG]
    assert not is_rounded(X[:2], np.array([BIG]), doubles[:2]) and is_rounded(X, np.array([BIG]), doubles)


def test_values_that_are_not_finite_stay_so_for_others_to_refuse():
    X = np.array([[np.nan], [np.inf], [float(BIG)]])
    assert str(doubles_of(X, np.array([BIG])).ravel().tolist()) == "[nan, inf, 0.0]"


def test_other_numbers_become_doubles():
    origin = np.zeros(2, np.int64)
    assert doubles_of([[1, 2], [3, 4]], origin).dtype == np.float64
    assert doubles_of(np.array([[True, False]]), origin).tolist() == [[1.0, 0.0]]
    assert origin_of(np.array([[1, 2]], np.int32)).tolist() == [0, 0]
    assert origin_of(np.empty((0, 2), np.int64)).tolist() == [0, 0]
    assert is_rounded([[2**53 + 1, 0]], origin, np.array([[2.0**53, 0]]))


def test_times_that_are_missing_are_told_by_row():
    X = np.array([["2020-01-01"], ["NaT"]], "datetime64[s]")
    with pytest.raises(InvalidInput, match=r"row 1 of X holds no time \(NaT\); drop such rows"):
        origin_of(X)


def test_times_beyond_nanoseconds_are_told():
    X = np.array([["1500-01-01"], ["2020-01-01"]], "datetime64[D]")
    with pytest.raises(InvalidInput, match=r"must lie between the years 1678 and 2262.*got from 1500-01-01"):
        doubles_of(X, np.zeros(1, np.int64))


def test_columns_of_one_name_are_told_apart_by_place():
    frame = pd.DataFrame(np.array([[BIG, BIG + 5], [BIG + 1, BIG]]), columns=["a", "a"])
    assert origin_of(frame).tolist() == [BIG, BIG + 5]
