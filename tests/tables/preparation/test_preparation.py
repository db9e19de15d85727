"""Tables as matrices: the layout, what is said of it, chunks, and columns by name."""

import numpy as np
import pandas as pd
import pytest
from sklearn.preprocessing import OneHotEncoder, RobustScaler

from treadle.errors import InvalidInput
from treadle.tables import Reading, decide_target, prepare, read_table
from treadle.tables.preparation.robust import RobustScale

N = 600


def frame_of(n=N, seed=0):
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame(
        {
            "port": rng.choice([f"port {i}" for i in range(12)], n),
            "area": rng.lognormal(4, 1, n),
            "city": rng.choice(["Ulm", "Bonn", "Köln"], n),
            "new": rng.choice([True, False], n),
            "rooms": rng.integers(1, 9, n),
            "sold": pd.Timestamp("2019-03-01") + pd.to_timedelta(rng.integers(0, 10**8, n), unit="s"),
            "row": np.arange(n),
            "price": rng.normal(size=n),
        }
    )
    frame.loc[rng.choice(n, n // 9, replace=False), "area"] = np.nan
    frame.loc[rng.choice(n, n // 9, replace=False), "city"] = None
    frame.loc[rng.choice(n, 5, replace=False), "sold"] = pd.NaT
    return frame


FRAME = frame_of()
PREPARATION = prepare(read_table(FRAME), "price")


def clipped(x):
    return x / np.sqrt(1 + (x / 3) ** 2)


def robust(columns, fitted=None):
    """scikit-learn's scaler; columns whose quartiles are one by their range; then the clip."""
    fitted = columns if fitted is None else fitted
    scaler = RobustScaler().fit(fitted)
    quartiles = np.nanpercentile(fitted, [25, 75], axis=0)
    flat = quartiles[0] == quartiles[1]
    scaler.scale_[flat] = (np.nanmax(fitted, axis=0) - np.nanmin(fitted, axis=0))[flat] / 2
    return clipped(np.nan_to_num(scaler.transform(columns)))


def test_numbers_come_first_then_plain_columns_then_codes():
    assert PREPARATION.feature_names == ("port", "area", "city", "new", "rooms", "sold")
    assert (PREPARATION.n_numbers, PREPARATION.n_plain, PREPARATION.category_counts) == (10, 6, (13,))
    assert PREPARATION.output_names == (
        *(
            "area",
            "rooms",
            "sold: elapsed days",
            "sold: year",
            "sold: sine of month",
            "sold: cosine of month",
        ),
        *("sold: sine of day of week", "sold: cosine of day of week"),
        *("sold: sine of time of day", "sold: cosine of time of day"),
        *("area is missing", "city is Bonn", "city is Köln", "city is Ulm", "new is true, not false"),
        *("sold is missing", "port"),
    )
    assert PREPARATION.output_sources.tolist() == [1, 4, *[5] * 8, 1, 2, 2, 2, 3, 5, 0]
    assert PREPARATION.outputs_of("city").tolist() == [11, 12, 13]
    assert PREPARATION.n_outputs == len(PREPARATION.output_names) == 17


def test_the_matrix_is_what_scikit_learn_and_pandas_make():
    X, counts = PREPARATION.transform(read_table(FRAME))
    assert X.dtype == np.float32 and X.flags.c_contiguous and X.shape == (N, 17)
    numbers = FRAME[["area", "rooms"]].to_numpy(float)
    np.testing.assert_allclose(X[:, :2], robust(numbers), atol=1e-6)
    elapsed = ((FRAME.sold - FRAME.sold.min()) / pd.Timedelta(days=1)).to_numpy()[:, None]
    np.testing.assert_allclose(X[:, 2:3], robust(elapsed), atol=1e-6)
    one_hot = OneHotEncoder(
        categories=[["Bonn", "Köln", "Ulm"]], handle_unknown="ignore", sparse_output=False
    )
    cities = one_hot.fit_transform(FRAME[["city"]].astype(object))
    plain = np.column_stack(
        [FRAME.area.isna(), cities, np.where(FRAME.new, 1, -1), FRAME.sold.isna()]
    ).astype(float)
    np.testing.assert_allclose(X[:, 10:16], robust(plain), atol=1e-6)
    levels = sorted(FRAME.port.unique())
    assert X[:, 16].tolist() == [1 + levels.index(port) for port in FRAME.port]
    assert set(counts.columns) == {"area", "city", "sold"} and counts.columns["area"].missing == N // 9
    assert counts.newly_missing == frozenset() and PREPARATION.training_counts.columns == counts.columns


def test_new_rows_are_scaled_by_the_training():
    new = frame_of(50, seed=1)
    X, _ = PREPARATION.transform(read_table(new))
    numbers = ["area", "rooms"]
    expected = robust(new[numbers].to_numpy(float), FRAME[numbers].to_numpy(float))
    np.testing.assert_allclose(X[:, :2], expected, atol=1e-6)


@pytest.mark.parametrize("step", [1, 7, 599])
def test_chunks_have_the_bits_of_the_whole(step):
    table = read_table(FRAME)
    whole, counts = PREPARATION.transform(table)
    parts = [PREPARATION.transform(table.slice(i, step), first_row=i + 1) for i in range(0, N, step)]
    assert b"".join(X.tobytes() for X, _ in parts) == whole.tobytes()
    total = parts[0].counts
    for _, each in parts[1:]:
        total = total + each
    assert total.n_rows == N and total.columns == counts.columns


def test_blocks_do_not_change_bits(monkeypatch):
    whole = PREPARATION.transform(read_table(FRAME)).X
    monkeypatch.setattr("treadle.tables.preparation.preparation.BLOCK", 40)
    assert PREPARATION.transform(read_table(FRAME)).X.tobytes() == whole.tobytes()


def test_columns_are_found_by_name_and_those_not_used_may_be_there_or_not():
    whole = PREPARATION.transform(read_table(FRAME)).X.tobytes()
    shuffled = FRAME[["sold", "price", "city", "rooms", "row", "area", "port", "new"]]
    assert PREPARATION.transform(read_table(shuffled)).X.tobytes() == whole
    fewer = FRAME.drop(columns=["price", "row"])
    assert PREPARATION.transform(read_table(fewer)).X.tobytes() == whole


def test_missing_and_extra_columns_are_named():
    with pytest.raises(
        InvalidInput, match=r"DataFrame lacks a column of the training: 'city'; name the columns"
    ):
        PREPARATION.transform(read_table(FRAME.drop(columns="city")))
    renamed = FRAME.rename(columns={"city": "town", "new": "fresh"})
    message = (
        r"lacks 2 columns of the training: 'city', 'new'; it has 'town', 'fresh', which training had not"
    )
    with pytest.raises(InvalidInput, match=message):
        PREPARATION.transform(read_table(renamed))
    with pytest.raises(InvalidInput, match=r"has a column that the training had not: 'x'; leave out what"):
        PREPARATION.transform(read_table(FRAME.assign(x=1)))
    with pytest.raises(InvalidInput, match=r"has 2 columns that the training had not: 'x', 'z'"):
        PREPARATION.transform(read_table(FRAME.assign(x=1, z=2)))


def test_unseen_missing_and_infinite_cells_are_counted():
    new = FRAME.head(4).assign(
        port=["port 1", "port X", None, "port Y"],
        area=[np.inf, -np.inf, np.nan, 1.0],
        rooms=[1, None, 2, 3],
        new=[True, None, None, False],
    )
    X, counts = PREPARATION.transform(read_table(new))
    assert X[:, 16].tolist() == [2, 0, 0, 0] and X[:2, 0].tolist() == [3, -3]
    assert X[2, 0] == 0 and X[1, 1] == 0
    assert counts.newly_missing == {"port", "rooms", "new"}
    assert (counts.columns["port"].unknown, counts.columns["port"].example) == (2, "port X")
    assert (counts.columns["area"].infinite, counts.columns["new"].missing) == (2, 2)
    everything = pd.DataFrame({name: [None, None] for name in PREPARATION.feature_names})
    X, _ = PREPARATION.transform(read_table(everything))
    assert np.isfinite(X).all() and (X[:, :10] == 0).all()


def test_a_cell_that_cannot_be_used_is_refused_by_row_and_column():
    new = FRAME.head(3).assign(rooms=["2", "two", "3"])
    with pytest.raises(InvalidInput, match="row 102, column 'rooms' is 'two', where a number is needed"):
        PREPARATION.transform(read_table(new), first_row=101)


def test_one_column_alone():
    whole = PREPARATION.transform(read_table(FRAME)).X
    for name in PREPARATION.feature_names:
        one = PREPARATION.only(name)
        X = one.transform(read_table(FRAME[[name]])).X
        assert one.feature_names == (name,) and X.shape[1] == one.n_outputs
        assert X.tobytes() == np.ascontiguousarray(whole[:, PREPARATION.outputs_of(name)]).tobytes()
    with pytest.raises(InvalidInput, match=r"column 'row' is not used: an identifier: it numbers the rows"):
        PREPARATION.only("row")
    with pytest.raises(InvalidInput, match=r"column 'x' is not used; those used are 'port', 'area'"):
        PREPARATION.outputs_of("x")


def test_text_of_new_tables_is_read_as_that_of_the_training(tmp_path):
    lines = ["zip;day;size;y"]
    lines += [f"0{i % 3 + 1};{i % 27 + 1}/0{i % 9 + 1}/2021;1.{i:03},5;{i}" for i in range(60)]
    (tmp_path / "train.csv").write_text("\n".join(lines))
    columns = {"zip": "category"}
    train = read_table(tmp_path / "train.csv", like=Reading.for_kinds(columns))
    preparation = prepare(train, "y", columns)
    assert preparation.reading == Reading(",", frozenset(["zip"]), {"day": "day, month, year"})
    whole = preparation.transform(train).X
    # Each of these lines alone says nothing of its commas, its zeros, or its day and month.
    for i in (0, 3, 11):
        (tmp_path / "new.csv").write_text("\n".join([lines[0], lines[i + 1]]))
        new = read_table(tmp_path / "new.csv", like=preparation.reading)
        assert preparation.transform(new).X.tobytes() == whole[i : i + 1].tobytes()


def test_the_target_of_new_tables_is_read_as_that_of_the_training():
    frame = pd.DataFrame({"x": [1.5, 2.5, 4.0] * 10, "y": ["01", "02", "03"] * 10, "d": ["25/12/2021"] * 30})
    kinds = {"y": "category"}
    train = read_table(frame, like=Reading.for_kinds(kinds))
    target = decide_target(train, "y", kinds)
    reading = prepare(train, ["y", "d"], kinds).reading
    assert reading == Reading(None, frozenset(["y"]), {"d": "day, month, year"})
    assert target.classes == (("01", "02", "03"),)
    assert target.read(read_table(frame[1:2], like=reading)).tolist() == [1]


def test_the_scale_is_that_of_each_column():
    scale = PREPARATION.scale
    assert isinstance(scale, RobustScale) and scale.medians.shape == scale.scales.shape == (16,)
    np.testing.assert_allclose(
        scale.medians[:2], np.nanmedian(FRAME[["area", "rooms"]].to_numpy(float), axis=0)
    )
