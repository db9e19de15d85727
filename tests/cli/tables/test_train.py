"""The commands on a table from a raw file to predictions, as a user would call them."""

import csv
import io
import json
import re

import numpy as np
import pandas as pd
import pytest

import treadle
from tests.estimators.tables.table_cases import houses
from treadle.cli import run

FAST = "--hidden 8 --epochs 3 --batch-size 16"


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Tables, and a finished run on each."""
    folder = tmp_path_factory.mktemp("tables")
    frame, price = houses(120)
    frame = frame.assign(id=range(1, 121), empty=None)
    frame.assign(price=price.round(1)).to_csv(folder / "houses.csv", index=False)
    frame.assign(dear=np.where(price > 900, "yes", "no")).to_csv(folder / "dear.csv", index=False)
    new, _ = houses(30, seed=1)
    new[new.columns[::-1]].to_csv(folder / "new.csv", index=False)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        assert run(f"train houses.csv --target price {FAST}".split()) == 0
        assert run(f"train dear.csv --target dear {FAST}".split()) == 0
    return folder


@pytest.fixture(autouse=True)
def within(folder, monkeypatch):
    monkeypatch.chdir(folder)


def called(capsys, command):
    code = run(command.split())
    captured = capsys.readouterr()
    return code, captured.out, captured.err


def test_a_run_has_all_its_files(folder):
    names = {path.name for path in (folder / "runs" / "houses-1").iterdir()}
    assert {
        "config.toml",
        "history.csv",
        "checkpoint.safetensors",
        "model.safetensors",
        "report.html",
    } <= names
    text = (folder / "runs" / "houses-1" / "history.csv").read_text()
    history = list(csv.DictReader(io.StringIO(text)))
    assert len(history) == 3 and float(history[0]["held_out_score"]) < 1
    assert isinstance(treadle.load(folder / "runs" / "dear-1" / "model.safetensors"), treadle.TableClassifier)


def test_training_says_what_columns_are_and_how_good_it_is(capsys, tmp_path):
    code, out, err = called(capsys, f"train houses.csv --target price {FAST} --out {tmp_path / 'run'}")
    assert code == 0
    for words in (
        "test RMSE",
        "test R2",
        "RMSE of their own mean",
        "best epoch",
        "an identifier",
        "embedded",
    ):
        assert words in out
    assert "the target is numbers" in out
    assert "left out: empty: every cell is missing" in err and "validation R2" in err


def test_for_machines_training_is_one_document(capsys, tmp_path):
    code, out, _ = called(capsys, f"train dear.csv --target dear {FAST} --json --out {tmp_path / 'run'}")
    found = json.loads(out)
    assert code == 0 and found["test"]["roc_auc"] <= 1 and len(found["history"]) == 3
    assert {column["name"]: column["role"] for column in found["columns"]}["id"] == "left out"
    assert found["table"]["target"] == ["dear"]


def test_columns_are_what_the_user_says(capsys, tmp_path):
    command = f"train houses.csv --target price --columns id=number,sold=out,city=out {FAST}"
    code, out, _ = called(capsys, f"{command} --json --out {tmp_path / 'run'}")
    kinds = {column["name"]: column["kind"] for column in json.loads(out)["columns"]}
    assert code == 0 and kinds["id"] == "number"
    model = treadle.load(tmp_path / "run" / "model.safetensors")
    assert set(model.preparation_.feature_names) == {"area", "garden", "state", "id"}


def test_predictions_are_the_models_in_the_tables_order(capsys, folder, tmp_path):
    out = tmp_path / "p.csv"
    code, said, err = called(capsys, f"predict runs/houses-1 new.csv --out {out}")
    assert code == 0 and "(30 rows)" in said and "'area':" in err and "missing" in err
    model = treadle.load(folder / "runs" / "houses-1" / "model.safetensors")
    frame = pd.read_csv(out)
    new = treadle.tables.read_table("new.csv", like=model.preparation_.reading)
    np.testing.assert_allclose(frame["price"], model.predict(new), rtol=1e-12)


def test_classes_are_predicted_with_their_probabilities(capsys, folder, monkeypatch):
    monkeypatch.setattr("treadle.estimators.tables.fitted_table.ROWS_AT_A_TIME", 7)  # several chunks
    binary = io.BytesIO()
    monkeypatch.setattr("sys.stdout", io.TextIOWrapper(binary, write_through=True))
    assert run(["predict", "runs/dear-1", "new.csv"]) == 0
    frame = pd.read_csv(io.BytesIO(binary.getvalue()))
    assert list(frame.columns) == ["dear", "probability of no", "probability of yes"] and len(frame) == 30
    model = treadle.load(folder / "runs" / "dear-1" / "model.safetensors")
    new = treadle.tables.read_table("new.csv", like=model.preparation_.reading)
    np.testing.assert_allclose(frame.iloc[:, 1:], model.predict_proba(new), rtol=1e-9)
    assert (frame["dear"] == model.predict(new)).all()


def test_evaluation_is_of_the_test_rows_or_another_table(capsys):
    code, out, _ = called(capsys, "evaluate runs/houses-1 --json")
    assert code == 0
    (target,) = json.loads(out)["test"]["targets"]
    assert target["target"] == "price" and target["n_samples"] == 24
    code, out, _ = called(capsys, "evaluate runs/dear-1 dear.csv")
    assert code == 0 and re.search(r"test accuracy +\d", out) and "ROC AUC" in out


def test_a_report_is_written_anew(capsys, folder):
    path = folder / "runs" / "dear-1" / "report.html"
    before = path.read_text()
    path.unlink()
    code, out, _ = called(capsys, "report runs/dear-1")
    assert code == 0 and "report.html" in out
    assert (
        re.sub(r"\d+(\.\d+)? m?s", "", path.read_text())[:3000]
        == re.sub(r"\d+(\.\d+)? m?s", "", before)[:3000]
    )


def test_a_model_is_exported_with_its_preparation(capsys, tmp_path):
    import onnxruntime

    code, out, _ = called(capsys, f"export runs/houses-1 {tmp_path / 'm.onnx'}")
    assert code == 0 and "columns  area, city, garden, state, sold" in out
    session = onnxruntime.InferenceSession(tmp_path / "m.onnx")
    assert [one.name for one in session.get_inputs()] == ["area", "city", "garden", "state", "sold"]


def test_a_finished_run_is_resumed_at_its_end(capsys, folder):
    before = (folder / "runs" / "houses-1" / "model.safetensors").read_bytes()
    code, out, err = called(capsys, "train --resume runs/houses-1")
    assert code == 0 and "all 3 epochs are done already" in err and "test RMSE" in out
    assert (folder / "runs" / "houses-1" / "model.safetensors").read_bytes() == before
    code, _, err = called(capsys, "train --resume runs/houses-1 --epochs 4")
    assert code == 1 and "was begun with epochs 3, not 4" in err


@pytest.mark.parametrize("split", ["random", "time:sold", "group:city"])
def test_rows_are_split_off_as_said(capsys, tmp_path, split):
    command = f"train houses.csv --target price --split {split} {FAST} --json --out {tmp_path / 'run'}"
    code, out, _ = called(capsys, command)
    columns = {column["name"]: column for column in json.loads(out)["columns"]}
    assert code == 0
    assert (columns["city"]["role"] == "left out") is (split == "group:city")
    assert 10 <= json.loads(out)["test"]["targets"][0]["n_samples"] <= 40


def test_other_rows_are_the_test(capsys, tmp_path):
    pd.read_csv("houses.csv").head(9).to_csv(tmp_path / "t.csv", index=False)
    command = f"train houses.csv --target price --test {tmp_path / 't.csv'} {FAST} --out {tmp_path / 'run'}"
    code, out, _ = called(capsys, f"{command} --json")
    assert code == 0 and json.loads(out)["test"]["targets"][0]["n_samples"] == 9


@pytest.mark.parametrize(
    ("command", "code", "message"),
    [
        ("train houses.csv", 2, "--target requires an argument"),
        ("train houses.csv --target prize", 2, "has no column 'prize'; did you mean 'price'?"),
        ("train houses.csv --target price --split time:when", 2, "has no column 'when'"),
        ("train houses.csv --target price --columns area=text", 2, "column 'area' cannot be 'text'"),
        ("train houses.csv --target price --epochs 2.5", 2, "--epochs takes whole numbers"),
        ("train none.csv --target price", 2, "none.csv cannot be read"),
        ("train houses.csv --target price --out x --resume runs/houses-1", 2, "exclude each other"),
        ("train houses.csv --target price --out runs/houses-1", 1, "is not empty"),
        ("predict runs/houses-1 dear.csv --out no/p.csv", 2, "'dear'"),
        ("evaluate runs/houses-1 new.csv", 2, "lacks the target 'price'"),
    ],
)
def test_errors_say_what_was_wrong(capsys, command, code, message):
    found, _, err = called(capsys, command)
    assert found == code and message in err and "Traceback" not in err


def test_a_cell_that_cannot_be_used_is_named(capsys, tmp_path):
    frame = pd.read_csv("houses.csv").astype({"area": object})
    frame.loc[4, "area"] = "large"
    frame.to_csv(tmp_path / "t.csv", index=False)
    code, _, err = called(capsys, f"train {tmp_path / 't.csv'} --target price {FAST}")
    assert code == 2 and "row 5, column 'area' is 'large'" in err
    code, _, err = called(capsys, f"predict runs/houses-1 {tmp_path / 't.csv'}")
    assert code == 2 and "row 5" in err and "'area'" in err


def test_help_describes_the_options_of_tables(capsys):
    code, out, _ = called(capsys, "train houses.csv --help")
    assert code == 0
    for option in ("--target", "--test", "--split", "--columns", "--weights", "--max-rows"):
        assert option in out
