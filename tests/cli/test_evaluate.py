"""``treadle evaluate`` as a person calls it."""

import json

import numpy as np
import pytest

from treadle import Run, load_data
from treadle.cli import run


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


def test_a_damaged_model_is_told(trained, tmp_path, capsys):
    (tmp_path / "config.toml").write_bytes((trained / "config.toml").read_bytes())
    (tmp_path / "model.safetensors").write_bytes((trained / "model.safetensors").read_bytes()[:-10])
    assert run(["evaluate", str(tmp_path)]) == 1
    assert "model.safetensors is not a file that treadle wrote, or was cut short" in capsys.readouterr().err
