"""``treadle evaluate``, ``predict``, ``report`` and ``check`` as a person calls them."""

import json
import subprocess
import sys
from typing import get_args

import numpy as np
import pytest
from PIL import Image

from treadle import Run, load_data, select_engine
from treadle.choices import GradientEngineName, LossName
from treadle.cli import COMMANDS, run
from treadle.hardware.native import extension


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """A finished run on the digits."""
    folder = tmp_path_factory.mktemp("trained") / "run"
    assert run(["train", "digits", "--hidden", "32", "--epochs", "15", "--out", str(folder)]) == 0
    return folder


def test_help_lists_every_command_and_an_example(capsys):
    assert run(["--help"]) == 0
    out = capsys.readouterr().out
    assert "treadle train fashion-mnist" in out
    for name, summary in COMMANDS.items():
        assert name in out
        assert summary in out


@pytest.mark.parametrize(
    "command", [[name] for name in COMMANDS] + [["check", "gradients"], ["data", "info"]]
)
def test_every_command_has_help_of_its_own(capsys, command):
    assert run([*command, "--help"]) == 0
    out = capsys.readouterr().out
    assert f"treadle {' '.join(command)}" in out


def test_version_is_the_packages(capsys):
    from importlib.metadata import version

    assert run(["--version"]) == 0
    assert version("treadle") in capsys.readouterr().out


def test_evaluate_says_what_the_history_says(trained, capsys):
    assert run(["evaluate", str(trained), "--json"]) == 0
    test = json.loads(capsys.readouterr().out)["test"]
    last = Run.open(trained).history()[-1]
    assert (test["accuracy"], test["loss"]) == (
        last.held_out_score,
        pytest.approx(last.held_out_loss, rel=1e-6),
    )
    assert np.sum(test["confusion"]) == test["n_samples"] == 355


def test_evaluate_prints_a_row_for_each_class_and_the_confusion_matrix(trained, capsys):
    assert run(["evaluate", str(trained)]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("accuracy  9")
    assert sum(line.startswith("macro average") for line in lines) == 1
    matrix = np.array([line.split()[-10:] for line in lines[-10:]], dtype=int)
    assert matrix.sum() == 355
    assert matrix.trace() / 355 == Run.open(trained).history()[-1].held_out_score


def test_evaluate_takes_other_data_of_the_same_kind(trained, tmp_path, capsys):
    digits = load_data("digits")
    names = np.array(digits.class_names)
    few = digits.X_test[:50] / np.float32(16)
    path = tmp_path / "few.npz"
    np.savez(
        path,
        X_train=few,
        y_train=digits.y_test[:50],
        X_test=few,
        y_test=digits.y_test[:50],
        class_names=names,
    )
    assert run(["evaluate", str(trained), str(path), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["test"]["n_samples"] == 50


@pytest.mark.parametrize("kind", ["floats of 0 to 1", "bytes of 0 to 255"])
def test_evaluate_shows_the_network_what_it_was_trained_on_whatever_the_data_s_scale(
    trained, tmp_path, capsys, kind
):
    digits = load_data("digits")
    seen = digits.X_test.reshape(-1, 8, 8) * np.float32(digits.scale)
    X = seen if kind == "floats of 0 to 1" else np.rint(seen * 255).astype(np.uint8)
    names = np.array(digits.class_names)
    y = digits.y_test
    np.savez(tmp_path / "same.npz", X_train=X, y_train=y, X_test=X, y_test=y, class_names=names)
    assert run(["evaluate", str(trained), str(tmp_path / "same.npz"), "--json"]) == 0
    test = json.loads(capsys.readouterr().out)["test"]
    last = Run.open(trained).history()[-1]
    # Bytes round what the network sees by 1/510 at most, and so the loss a little.
    assert test["loss"] == pytest.approx(last.held_out_loss, rel=1e-6 if X.dtype == np.float32 else 1e-2)
    assert test["accuracy"] == pytest.approx(last.held_out_score, abs=1.01 / 355)


def test_a_class_name_cannot_give_orders_to_the_terminal(tmp_path, capsys):
    X, y = np.eye(2, dtype=np.float32), np.arange(2)
    names = np.array(["\x1b]0;mine\x07\x1b[2J", "a\nb\u202ec\x9b\u3000é"])
    np.savez(tmp_path / "named.npz", X_train=X, y_train=y, X_test=X, y_test=y, class_names=names)
    folder = str(tmp_path / "run")
    assert run(["train", str(tmp_path / "named.npz"), "--epochs", "1", "--out", folder]) == 0
    capsys.readouterr()
    assert run(["evaluate", folder]) == 0
    out = capsys.readouterr().out
    assert not set("\x1b\x07\x9b\u202e") & set(out)
    assert r"\x1b]0;mine\x07\x1b[2J" in out
    assert "a\\nb\\u202ec\\x9b\u3000é" in out


def test_evaluate_refuses_data_of_another_kind(trained, tmp_path, capsys):
    X, y = np.ones((4, 3), np.float32), np.arange(4) % 2
    np.savez(tmp_path / "other.npz", X_train=X, y_train=y, X_test=X, y_test=y)
    assert run(["evaluate", str(trained), str(tmp_path / "other.npz")]) == 1
    assert "other has 3 columns and the classes 0, 1; the model takes 64 and" in capsys.readouterr().err


def image_file(path, row, *, invert=False):
    pixels = (row.reshape(8, 8) * (255 / 16)).astype(np.uint8)
    Image.fromarray(255 - pixels if invert else pixels).save(path)
    return str(path)


def test_predict_gives_the_probabilities_of_each_image(trained, tmp_path, capsys):
    digits = load_data("digits")
    rows = [int(np.flatnonzero(digits.y_test == k)[0]) for k in (0, 6)]
    paths = [image_file(tmp_path / f"{k}.png", digits.X_test[row]) for k, row in zip("ab", rows, strict=True)]
    assert run(["predict", str(trained), *paths, "--json"]) == 0
    answers = json.loads(capsys.readouterr().out)
    assert [answer["class"] for answer in answers] == ["0", "6"]
    model = Run.open(trained).model()
    expected = select_engine("numpy").engine.predict(model.parameters, digits.X_test[rows])
    for answer, p in zip(answers, expected, strict=True):
        # Pixels of 0 to 16 became bytes and came back.
        assert list(answer["probabilities"].values()) == pytest.approx(p.tolist(), abs=0.01)
    assert run(["predict", str(trained), *paths]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split() == ["image", *paths]
    assert lines[1].split() == ["class", "0", "6"]


def test_predict_can_invert(trained, tmp_path, capsys):
    digits = load_data("digits")
    row = digits.X_test[int(np.flatnonzero(digits.y_test == 6)[0])]
    dark = image_file(tmp_path / "dark.png", row, invert=True)
    assert run(["predict", str(trained), dark, "--invert", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)[0]["class"] == "6"


def test_predict_warns_of_an_image_of_one_shade(trained, tmp_path, capsys):
    path = image_file(tmp_path / "black.png", np.zeros(64))
    assert run(["predict", str(trained), path]) == 0
    assert (
        f"warning: {path} is of one shade all over; a dark drawing needs --invert" in capsys.readouterr().err
    )


def test_predict_says_what_is_wrong_with_an_image(trained, tmp_path, capsys):
    (tmp_path / "text.png").write_text("no image")
    assert run(["predict", str(trained), str(tmp_path / "text.png")]) == 1
    assert "text.png" in capsys.readouterr().err
    assert run(["predict", str(trained), str(tmp_path / "none.png")]) == 2
    assert "none.png" in capsys.readouterr().err
    assert run(["predict", str(trained)]) == 2
    assert "no image was named" in capsys.readouterr().err


def test_predict_refuses_a_model_that_takes_no_images(tmp_path, capsys):
    X = np.random.default_rng(0).normal(size=(40, 3)).astype(np.float32)
    y = (X[:, 0] > 0).astype(int)
    np.savez(tmp_path / "table.npz", X_train=X, y_train=y, X_test=X, y_test=y)
    folder = str(tmp_path / "run")
    assert run(["train", str(tmp_path / "table.npz"), "--epochs", "1", "--out", folder]) == 0
    assert run(["predict", folder, image_file(tmp_path / "a.png", np.zeros(64))]) == 1
    assert "was not trained on images: it takes 3 numbers a row" in capsys.readouterr().err


def test_report_writes_pictures_and_page_anew(trained, capsys):
    names = ["report.html", "curves.png", "confusion.png", "predictions.png"]
    for name in names:
        (trained / name).unlink()
    assert run(["report", str(trained)]) == 0
    assert f"report  {trained}/report.html" in capsys.readouterr().out
    assert all((trained / name).stat().st_size > 1000 for name in names)


def test_a_damaged_model_is_told(trained, tmp_path, capsys):
    (tmp_path / "config.toml").write_bytes((trained / "config.toml").read_bytes())
    (tmp_path / "model.safetensors").write_bytes((trained / "model.safetensors").read_bytes()[:-10])
    assert run(["evaluate", str(tmp_path)]) == 1
    assert "model.safetensors is not a file that treadle wrote, or was cut short" in capsys.readouterr().err


def test_gradients_pass_with_a_line_for_each_array(capsys):
    pytest.importorskip("torch")
    assert run(["check", "gradients", "--network", "7,5,3"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines[1:5]] == ["weights.0", "biases.0", "weights.1", "biases.1"]
    assert all(line.endswith("ok") for line in lines[1:5])
    assert lines[-1] == "4 of 4 arrays passed"


@pytest.mark.parametrize("engine", get_args(GradientEngineName))
@pytest.mark.parametrize("loss", get_args(LossName))
def test_gradients_of_every_loss_pass_with_every_option(engine, loss, capsys):
    pytest.importorskip("torch")
    smoothing = ["--label-smoothing", "0.1"] if loss.endswith("cross_entropy") else []
    options = ["--activation", "gelu", "--dropout", "0.3", "--l2", "0.1", *smoothing, "--json"]
    assert (
        run(["check", "gradients", "--network", "6,5,4,3", "--engine", engine, "--loss", loss, *options]) == 0
    )
    result = json.loads(capsys.readouterr().out)
    assert result["passed"]
    assert len(result["arrays"]) == 6


def test_a_planted_error_is_found(capsys):
    assert run(["check", "gradients", "--plant-error"]) == 1
    out = capsys.readouterr().out
    assert out.count("FAILED") == 1
    assert "3 of 4 arrays passed" in out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--network", "7,x"], "--network must be integers like 7,5,3; got '7,x'"),
        (["--network", "7"], "sizes must be two or more positive integers"),
        (["--rows", "0"], "--rows must be at least 1 and --seed at least 0; got 0 and 0"),
        (["--seed", "-1"], "--rows must be at least 1 and --seed at least 0; got 11 and -1"),
    ],
)
def test_gradients_refuses_nonsense(arguments, message, capsys):
    assert run(["check", "gradients", *arguments]) == 2
    assert message in capsys.readouterr().err


def test_engines_agree_step_by_step(capsys):
    pytest.importorskip("torch")
    arguments = ["check", "engines", "--data", "digits", "--steps", "20"]
    assert run([*arguments, "--json"]) == 0
    result = json.loads(capsys.readouterr().out)
    assert result["passed"] and result["not_compared"] == []
    compared = {(found["engine"], found["dtype"]): found for found in result["comparisons"]}
    allowed = {"float32": 1e-6, "float64": 1e-12}
    tolerances = {(engine, dtype): allowed[dtype] for engine in ("native", "torch") for dtype in allowed}
    assert compared.keys() == tolerances.keys()
    for key, found in compared.items():
        assert 0 < found["largest_relative_difference"] <= found["tolerance"] == tolerances[key]
        assert len(found["losses"]) == len(found["numpy_losses"]) == 20
    assert run(arguments) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [tuple(line.split()[:2]) for line in lines[-4:]] == list(tolerances)
    assert all(line.endswith("ok") for line in lines[-4:])
    assert run(["check", "engines", "--data", "digits", "--steps", "9999"]) == 2
    assert "steps must be from 1 to the 23 of an epoch; got 9999" in capsys.readouterr().err


def test_engines_that_are_not_here_are_told_and_the_others_compared(monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "torch", None)
    arguments = ["check", "engines", "--data", "digits", "--steps", "3"]
    assert run(arguments) == 0
    last = capsys.readouterr().out.splitlines()[-1]
    assert last.startswith("not compared: the torch engine needs PyTorch, which cannot be imported")
    monkeypatch.setattr(extension, "missing", ImportError("No module named 'treadle._native'"))
    assert run(arguments) == 1
    told = capsys.readouterr().err
    assert "there is no engine to hold against NumPy's: the native engine is not built" in told
    assert "needs PyTorch" in told


def test_whoever_stops_reading_gets_no_traceback(trained):
    done = subprocess.run(
        f"{sys.executable} -m treadle evaluate {trained} | true", shell=True, capture_output=True, text=True
    )
    assert done.stderr == ""


def test_export_writes_a_file_that_predicts_the_same(trained, tmp_path, capsys):
    onnxruntime = pytest.importorskip("onnxruntime")
    path = tmp_path / "net.onnx"
    assert run(["export", str(trained), str(path)]) == 0
    assert capsys.readouterr().out == (f"ONNX  {path}  (2410 parameters)\nX     pixels: black 0, white 16\n")
    X = load_data("digits").X_test
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    (probabilities,) = session.run(None, {"X": X.astype(np.float32)})
    model = Run.open(trained).model()
    expected = select_engine("numpy").engine.predict(model.parameters, X)
    np.testing.assert_allclose(probabilities, expected, rtol=1e-4, atol=1e-6)
    assert run(["export", str(trained), str(tmp_path / "none" / "net.onnx")]) == 1
    assert "none/net.onnx: No such file or directory" in capsys.readouterr().err
