import json

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from PIL import Image

from treadle import LADRegressor, load
from treadle.cli import run
from treadle.l1.proof.certificate import Certificate


@pytest.fixture(scope="module")
def tables(tmp_path_factory):
    folder = tmp_path_factory.mktemp("tables")
    sm.datasets.engel.load_pandas().data.to_csv(folder / "engel.csv", index=False)
    sm.datasets.stackloss.load_pandas().data.to_csv(folder / "stackloss.csv.gz", index=False)
    return folder


def result_of(capsys, *arguments):
    assert run(["lad", *map(str, arguments), "--json"]) == 0
    return json.loads(capsys.readouterr().out)


def test_it_prints_coefficients_intervals_least_squares_outliers_and_proof(tables, capsys):
    assert run(["lad", str(tables / "engel.csv"), "--target", "foodexp"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split() == ["coefficient", "std", "err", "95", "%", "from", "to"]
    assert lines[1].split() == ["(intercept)", "81.48225", "19.25", "43.55464", "119.4099"]
    assert lines[2].split() == ["income", "0.5601806", "0.02828", "0.5044689", "0.6158922"]
    assert lines[5].split() == ["L1", "17559.9326", "0.6206"]
    assert lines[6].split() == ["least", "squares", "18176.6565", "0.6072"]
    assert lines[9].split() == ["138", "1827.2", "2858.753", "-1031.553", "outlier"]
    assert lines[13].split()[-1] == "-255.7463" and lines[14] == "4 outliers among 235 rows"
    assert lines[16] == "optimal: 235 rows, enclosures and exact sums"


def test_json_has_all_of_it(tables, capsys):
    found = result_of(capsys, tables / "stackloss.csv.gz", "--target", "STACKLOSS", "--rows", "2")
    np.testing.assert_allclose(
        list(found["coefficients"].values()), [-39.68986, 0.83188, 0.57391, -0.06087], atol=5e-6
    )
    assert list(found["coefficients"]) == ["(intercept)", "AIRFLOW", "WATERTEMP", "ACIDCONC"]
    assert abs(found["loss"] - 42.08116) <= 5e-6
    assert [row["row"] for row in found["largest_residuals"]] == [21, 4] and found["n_outliers"] == 2
    assert found["certificate"]["optimal"] is True
    assert found["certificate"]["flaw"] is None and found["certificate"]["gap_bound"] <= 1e-12
    low, high = found["certificate"]["least_bounds"]
    assert low <= found["certificate"]["objective"] <= high + 1e-13
    assert found["inference"]["method"] == "nid" and found["inference"]["level"] == 0.95
    ls = list(found["least_squares"]["coefficients"].values())
    np.testing.assert_allclose(ls, [-39.91967, 0.71564, 1.29529, -0.15212], atol=5e-6)  # Draper and Smith
    assert found["least_squares"]["loss"] > found["loss"]


BIG = 1_700_000_000_000_000_000


@pytest.mark.parametrize("base", [BIG, 2**64 - 5000])
def test_account_numbers_are_fitted_as_their_distances_are(tmp_path, capsys, base):
    rng = np.random.default_rng(0)
    steps = np.sort(rng.integers(0, 1000, 40)).tolist()
    y = [3 * t + int(e) for t, e in zip(steps, rng.integers(-3, 4, 40), strict=True)]
    for name, start in (("far", base), ("near", -steps[0])):
        lines = "".join(f"{start + t},{value}\n" for t, value in zip(steps, y, strict=True))
        (tmp_path / f"{name}.csv").write_text("id,y\n" + lines)
    far, near = (result_of(capsys, tmp_path / f"{name}.csv", "--target", "y") for name in ("far", "near"))
    assert far["centre"] == {"id": base + steps[0]} and near["centre"] == {}
    assert list(far["coefficients"].values()) == list(near["coefficients"].values())
    assert far["loss"] == near["loss"] and far["least_squares"]["loss"] == near["least_squares"]["loss"]
    assert far["inference"]["intervals"]["id"] == near["inference"]["intervals"]["id"]
    assert "every number taken as exactly what it is" in far["certificate"]["theorem"]
    model = tmp_path / "model.safetensors"
    assert run(["lad", str(tmp_path / "far.csv"), "--target", "y", "--save", str(model)]) == 0
    assert load(model).certificate_.origin.tolist() == [base + steps[0]]
    printed = capsys.readouterr().out
    assert f"centre: id = {base + steps[0]}\n" in printed and "taken exactly, beyond 2^53" in printed
    # A target beyond 2^53 is the doubles next to it, and the theorem says so.
    turned = result_of(capsys, tmp_path / "far.csv", "--target", "id")
    assert "every number taken as the double next to it" in turned["certificate"]["theorem"]


def test_time_stamps_within_a_moment_are_told_apart(tmp_path, capsys):
    import pyarrow as pa
    from pyarrow import parquet

    steps = np.array([0, 3, 4, 9, 11, 15])
    table = pa.table({"when": pa.array(BIG + steps, pa.timestamp("ns")), "y": 2.0 * steps + 1})
    parquet.write_table(table, tmp_path / "t.parquet")
    found = result_of(
        capsys, tmp_path / "t.parquet", "--target", "y", "--intervals", "none",
        "--save", tmp_path / "model.safetensors", "--plot", tmp_path / "fit.png",
    )  # fmt: skip
    assert found["coefficients"] == {"(intercept at centre)": 1.0, "when": 2.0} and found["loss"] == 0
    model = load(tmp_path / "model.safetensors")
    when = (BIG + steps).astype("datetime64[ns]")[:, None]
    assert model.predict(when).tolist() == (2.0 * steps + 1).tolist()
    assert model.certificate_.verify(when, 2.0 * steps + 1)


def test_features_quantile_penalty_and_intercept_are_those_asked_for(tables, capsys):
    table = tables / "stackloss.csv.gz"
    found = result_of(
        *(capsys, table, "--target", "STACKLOSS", "--features", "WATERTEMP, AIRFLOW"),
        *("--quantile", ".8", "--alpha", ".1", "--no-intercept"),
    )
    data = sm.datasets.stackloss.load_pandas().data
    model = LADRegressor(0.8, alpha=0.1, fit_intercept=False)
    model.fit(data[["WATERTEMP", "AIRFLOW"]], data["STACKLOSS"])
    assert list(found["coefficients"]) == ["WATERTEMP", "AIRFLOW"]
    np.testing.assert_allclose(list(found["coefficients"].values()), model.coef_, rtol=1e-9)
    assert (found["quantile"], found["alpha"], found["inference"]) == (0.8, 0.1, None)


@pytest.mark.parametrize("method", ["rank", "iid", "weighted"])
def test_intervals_by_the_method_asked_for(tables, capsys, method):
    table = tables / "engel.csv"
    found = result_of(capsys, table, "--target", "foodexp", "--intervals", method, "--level", ".9")
    data = sm.datasets.engel.load_pandas().data
    model = LADRegressor().fit(data[["income"]], data["foodexp"])
    expected = model.summary(data[["income"]], data["foodexp"], method=method, level=0.9)
    np.testing.assert_allclose(list(found["inference"]["intervals"].values()), expected.intervals, rtol=1e-9)
    assert run(["lad", str(table), "--target", "foodexp", "--intervals", method, "--level", ".9"]) == 0
    header = capsys.readouterr().out.splitlines()[0]
    assert "90 % from" in header and ("std err" in header) == (method != "rank")
    assert result_of(capsys, table, "--target", "foodexp", "--intervals", "none")["inference"] is None


def test_where_nobody_asked_intervals_that_cannot_be_are_a_warning(tmp_path, capsys):
    path = tmp_path / "t.csv"
    path.write_text("a,b,y,name\n1,2,1,k\n2,4,3,k\n3,6,3,k\n5,10,4,k\n")
    assert run(["lad", str(path), "--target", "y"]) == 0
    printed = capsys.readouterr()
    assert "left out: name: every cell is 'k'" in printed.err
    assert "no confidence intervals: the column 'b' is a combination of those before it" in printed.err
    assert "optimal: 4 rows" in printed.out and "std err" not in printed.out
    assert run(["lad", str(path), "--target", "y", "--intervals", "nid"]) == 2
    assert "the column 'b' is a combination" in capsys.readouterr().err
    assert run(["lad", str(path), "--target", "y", "--alpha", "1", "--intervals", "nid"]) == 2
    assert "a penalised fit has no standard errors" in capsys.readouterr().err


@pytest.mark.parametrize(("features", "n_panels"), [("AIRFLOW", 1), ("AIRFLOW,WATERTEMP", 2)])
def test_the_picture_and_the_model_are_files(tables, tmp_path, capsys, features, n_panels):
    plot, model = tmp_path / "fit.png", tmp_path / "fit.safetensors"
    arguments = ["lad", str(tables / "stackloss.csv.gz"), "--target", "STACKLOSS", "--features", features]
    assert run([*arguments, "--plot", str(plot), "--save", str(model)]) == 0
    assert capsys.readouterr().out.splitlines()[-2:] == [f"picture  {plot}", f"model    {model}"]
    with Image.open(plot) as picture:
        assert picture.size == ((960, 690) if n_panels == 1 else (1560, 660))
    assert load(model).coef_.shape == (n_panels,)
    for option in ("--plot", "--save"):
        assert run([*arguments, option, str(tmp_path / "none" / "file")]) == 1
        assert f"No such file or directory; name another file with {option}" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--target", "food"], "has no column 'food'; did you mean 'foodexp'? it has 'income', 'foodexp'"),
        (["--target", "food", "--features", "income"], "has no column 'food'"),
        (["--target", "foodexp", "--features", "wealth"], "has no column 'wealth'"),
        (["--target", "foodexp", "--features", "income,foodexp"], "cannot be a feature as well"),
        (["--target", "foodexp", "--features", "income,"], "--features must be names of columns, commas"),
        (["--target", "foodexp", "--features", "income,income"], "the column 'income' was named twice"),
        (
            ["--target", "foodexp", "--quantile", "1"],
            "--quantile must be between 0 and 1, such as 0.5; got 1",
        ),
        (["--target", "foodexp", "--level", "95"], "--level must be between 0 and 1, such as 0.95; got 95"),
        (["--target", "foodexp", "--rows", "-1"], "--rows must be at least 0; got -1"),
        (["--target", "foodexp", "--intervals", "exact"], "(treadle lad --help shows what is allowed)"),
        ([], "either --target NAME or --formula 'NAME ~ A + B'; got neither"),
        (["--target", "a", "--formula", "a ~ b"], "--formula 'NAME ~ A + B'; got both"),
        (
            ["--formula", "foodexp ~ income", "--features", "income"],
            "leave out --features and --no-intercept",
        ),
        (["--formula", "foodexp ~ income", "--no-intercept"], "leave out --features and --no-intercept"),
        (["more", "--target", "foodexp"], "one table is fitted, and after it came 'more'; name columns with"),
        (["--target", "foodexp", "--alpha", "-1"], "--alpha must be a finite number, at least 0; got -1"),
        (["--target", "foodexp", "--rows", "2.5"], "--rows takes whole numbers, such as 20; got '2.5'"),
        (
            ["--target", "foodexp", "--plot", "fit.jpg"],
            "a picture is written as .png, .svg or .pdf; got 'fit.jpg'",
        ),
        (["--target", "foodexp", "--encoding", "klingon"], "there is no encoding 'klingon'"),
    ],
)
def test_a_wrong_call_is_told_in_one_line(tables, arguments, message, capsys):
    assert run(["lad", str(tables / "engel.csv"), *arguments]) == 2
    told = capsys.readouterr()
    assert message in told.err and told.err.count("\n") == 1 and told.out == ""


def test_tables_that_cannot_be_fitted_are_told(tmp_path, capsys):
    path = tmp_path / "t.csv"
    path.write_text("y,name\n1,a\n2,a\n")
    assert run(["lad", str(path), "--target", "name"]) == 2
    assert "the target 'name' holds no numbers" in capsys.readouterr().err
    assert run(["lad", str(path), "--target", "y"]) == 2
    assert "has no column of use beside the target 'y'" in capsys.readouterr().err
    assert run(["lad", str(tmp_path / "none.csv"), "--target", "y"]) == 2
    assert "cannot be read: No such file" in capsys.readouterr().err


def test_a_fit_that_is_not_proved_fails(tables, monkeypatch, capsys):
    """Planted: a certificate for coefficients that are not the fit's."""
    verify = Certificate.verify

    def of_others(self, X, y, sample_weight=None):
        return verify(self, X, y + np.sin(np.arange(len(y))), sample_weight)

    monkeypatch.setattr(Certificate, "verify", of_others)
    assert run(["lad", str(tables / "engel.csv"), "--target", "foodexp"]) == 1
    assert "NOT PROVED OPTIMAL" in capsys.readouterr().out


def test_escapes_in_names_are_shown_not_obeyed(tmp_path, capsys):
    path = tmp_path / "t.csv"
    path.write_text("y,\x1b[31mred\n1,2\n2,3\n3,5\n4,4\n5,9\n6,1\n")
    assert run(["lad", str(path), "--target", "y"]) == 0
    assert "\x1b" not in capsys.readouterr().out


HOUSES = ",price,area,city,new,id\n" + "".join(
    f'{i},"{1 + i % 7},{100 + 37 * i % 800}",{i * i % 17},{("Ulm", "Bonn", "Köln")[i % 3]},{i % 4 == 0},a\n'
    for i in range(30)
)


@pytest.fixture
def houses(tmp_path):
    path = tmp_path / "houses.csv"
    path.write_text(HOUSES)
    return path


def test_what_each_column_was_taken_for_is_printed(houses, capsys):
    assert run(["lad", str(houses), "--target", "price"]) == 0
    printed = capsys.readouterr()
    lines = printed.out.splitlines()
    at = lines.index(f"table    {houses}: CSV, UTF-8, commas between cells, 30 rows")
    assert lines[at - 1] == "" and [line.split(None, 1)[0] for line in lines[at + 1 : at + 8]] == [
        *("column", "column", "price", "area", "city", "new", "id")
    ]
    table = "\n".join(lines[at + 1 :])
    assert "number (text of numbers such as '1,100': commas part thousands)" in table
    assert "category, 2 dummies against 'Bonn' (text of 3 levels)" in table
    assert "true/false (text: true or false)" in table
    assert "warning: left out: id: every cell is 'a'" in printed.err
    assert "left out: column 1, without a name: the first column has no name" in printed.err


def test_what_each_column_was_taken_for_is_in_json(houses, capsys):
    found = result_of(capsys, houses, "--target", "price")
    assert found["table"] == {
        "source": str(houses),
        "rows": 30,
        "target": "price",
        "format": "CSV",
        "encoding": "UTF-8",
        "delimiter": ",",
    }
    by_name = {column["name"]: column for column in found["columns"]}
    assert list(by_name) == ["column 1, without a name", "price", "area", "city", "new", "id"]
    assert by_name["city"]["levels"] == ["Bonn", "Köln", "Ulm"] and by_name["city"]["reference"] == "Bonn"
    assert by_name["id"]["role"] == "left out" and by_name["id"]["reason"] == "every cell is 'a'"
    assert list(found["coefficients"]) == ["(intercept)", "area", "city=Köln", "city=Ulm", "new"]


def test_a_formula_is_fitted(houses, capsys):
    found = result_of(capsys, houses, "--formula", "log(price) ~ area + C(city)")
    data = pd.read_csv(houses, thousands=",")
    X = np.column_stack([data["area"], data["city"] == "Köln", data["city"] == "Ulm"]).astype(float)
    model = LADRegressor().fit(X, np.log(data["price"].to_numpy()))
    np.testing.assert_allclose(
        list(found["coefficients"].values()), [model.intercept_, *model.coef_], rtol=1e-9
    )
    assert list(found["coefficients"])[1:] == ["area", "C(city)[T.Köln]", "C(city)[T.Ulm]"]
    assert found["table"]["target"] == "log(price)"
    without = result_of(capsys, houses, "--formula", "price ~ area - 1")
    assert list(without["coefficients"]) == ["area"]


@pytest.mark.parametrize("features", [["area,new"], ["area", "new"], ["area, new"], ["area,", "new"]])
def test_features_stand_with_commas_or_blanks_between(houses, features, capsys):
    if features[0].endswith(",") and len(features) > 1:
        assert run(["lad", str(houses), "--target", "price", "--features", *features]) == 2
        assert (
            "--features must be names of columns, commas between; got 'area,,new'" in capsys.readouterr().err
        )
        return
    found = result_of(capsys, houses, "--target", "price", "--features", *features)
    assert list(found["coefficients"]) == ["(intercept)", "area", "new"]
    before = result_of(capsys, "--features", features[0], houses, "--target", "price")
    assert "area" in before["coefficients"]


def test_a_name_with_commas_is_in_quotes(tmp_path, capsys):
    path = tmp_path / "t.csv"
    path.write_text('"area, net";rooms;y\n' + "".join(f"{i};{i % 3};{i + i % 2}\n" for i in range(9)))
    found = result_of(capsys, path, "--target", "y", "--features", '"area, net",rooms')
    assert list(found["coefficients"]) == ["(intercept)", "area, net", "rooms"]


def test_decimal_and_encoding_are_those_named(tmp_path, capsys):
    path = tmp_path / "t.csv"
    path.write_bytes("Höhe;y\n1,200;2\n2,300;3\n3,100;5\n4,000;4\n5,500;9\n".encode("cp1252"))
    assert run(["lad", str(path), "--target", "y"]) == 2
    assert "--encoding cp1252" in capsys.readouterr().err
    assert run(["lad", str(path), "--target", "y", "--encoding", "cp1252"]) == 2
    assert "(--decimal , or --decimal .)" in capsys.readouterr().err
    slopes = [
        result_of(capsys, path, "--target", "y", "--encoding", "cp1252", "--decimal", mark)["coefficients"][
            "Höhe"
        ]
        for mark in ",."
    ]
    np.testing.assert_allclose(slopes[0], 1000 * slopes[1], rtol=1e-9)


@pytest.mark.parametrize("content", [b"PAR1 and no more", b"ARROW1\0\0", b"a,b\n\xff,1\n", b"a,b\n1,2\0\n"])
def test_a_damaged_table_is_a_wrong_call(tmp_path, content, capsys):
    path = tmp_path / "t"
    path.write_bytes(content)
    assert run(["lad", str(path), "--target", "y"]) == 2
    assert capsys.readouterr().err.startswith(f"treadle: {path} is ")


def test_the_sum_of_losses_says_what_a_loss_is(tables, capsys):
    assert run(["lad", str(tables / "engel.csv"), "--target", "foodexp", "--quantile", ".8"]) == 0
    out = capsys.readouterr().out
    assert "sum of 2 rho" in out and "rho, of a residual r, is 0.8 r above the fit and -0.2 r below it" in out
    data = sm.datasets.engel.load_pandas().data
    model = LADRegressor(0.8).fit(data[["income"]], data["foodexp"])
    r = data["foodexp"] - model.predict(data[["income"]])
    assert f"{2 * np.maximum(0.8 * r, -0.2 * r).sum():.9g}" in out


def test_a_picture_is_of_the_format_that_its_name_says(tables, tmp_path, capsys):
    for name, start in (
        ("fit.svg", b"<?xml"),
        ("fit.pdf", b"%PDF"),
        ("fit.PNG", b"\x89PNG"),
        ("fit", b"\x89PNG"),
    ):
        path = tmp_path / name
        assert run(["lad", str(tables / "engel.csv"), "--target", "foodexp", "--plot", str(path)]) == 0
        assert path.read_bytes().startswith(start)


def test_many_columns_are_told_in_few_lines(tmp_path, capsys):
    rng = np.random.default_rng(0)
    frame = pd.DataFrame(rng.normal(size=(60, 30)), columns=[f"c{i}" for i in range(30)])
    frame["city"] = ["a", "b"] * 30
    path = tmp_path / "t.parquet"
    frame.to_parquet(path)
    assert run(["lad", str(path), "--target", "c0"]) == 0
    lines = capsys.readouterr().out.splitlines()
    at = next(i for i, line in enumerate(lines) if line.startswith("table "))
    assert lines[at + 2].split() == ["c0", "target", "number"] and lines[at + 3].startswith("city")
    assert lines[at + 4] == "and 29 more columns; --json lists all" and len(lines) == at + 5
