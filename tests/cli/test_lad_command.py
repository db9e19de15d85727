import json

import numpy as np
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
    path.write_text("a,b,y,name\n1,2,1,k\n2,4,3,l\n3,6,3,m\n5,10,4,n\n")
    assert run(["lad", str(path), "--target", "y"]) == 0
    printed = capsys.readouterr()
    assert "left out, since they hold no numbers: name" in printed.err
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
        (["--target", "food"], "the target 'food' is not there; the columns are 'income', 'foodexp'"),
        (["--target", "food", "--features", "income"], "has no column 'food'"),
        (["--target", "foodexp", "--features", "wealth"], "has no column 'wealth'"),
        (["--target", "foodexp", "--features", "income,foodexp"], "cannot be a feature as well"),
        (["--target", "foodexp", "--features", "income,"], "--features must be names of columns, commas"),
        (["--target", "foodexp", "--features", "income,income"], "the column 'income' was named twice"),
        (["--target", "foodexp", "--quantile", "1"], "'quantile' parameter of LADRegressor must be"),
        (["--target", "foodexp", "--level", "95"], "--level must be between 0 and 1, such as 0.95; got 95"),
        (["--target", "foodexp", "--rows", "-1"], "--rows must be at least 0; got -1"),
        (["--target", "foodexp", "--intervals", "exact"], "(treadle lad --help shows what is allowed)"),
        ([], "(treadle lad --help shows what is allowed)"),
    ],
)
def test_a_wrong_call_is_told_in_one_line(tables, arguments, message, capsys):
    assert run(["lad", str(tables / "engel.csv"), *arguments]) == 2
    told = capsys.readouterr()
    assert message in told.err and told.err.count("\n") == 1 and told.out == ""


def test_tables_that_cannot_be_fitted_are_told(tmp_path, capsys):
    path = tmp_path / "t.csv"
    path.write_text("y,name\n1,a\n2,b\n")
    assert run(["lad", str(path), "--target", "name"]) == 2
    assert "the target 'name' holds no numbers" in capsys.readouterr().err
    assert run(["lad", str(path), "--target", "y"]) == 2
    assert "has no column of numbers beside the target 'y'" in capsys.readouterr().err
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
