"""Options that are whole numbers refuse what is none, in every command, and quote what they advise."""

import os
import shlex
import subprocess
import sys

import numpy as np
import pytest

from treadle.cli import run
from treadle.data import load_data
from treadle.errors import InvalidInput
from treadle.runs.config import read_config_file
from treadle.runs.run import Run


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ("train digits --hidden 512.256", "--hidden takes whole numbers, such as 512,256; got '512.256'"),
        ("train digits --hidden 64,32.5", "--hidden takes whole numbers, such as 512,256; got '32.5'"),
        ("train digits --epochs 2.5", "--epochs takes whole numbers, such as 20; got '2.5'"),
        ("train digits --seed 1.9", "--seed takes whole numbers, such as 20; got '1.9'"),
        ("train digits --batch-size 1e2", "--batch-size takes whole numbers, such as 20; got '1e2'"),
        ("train digits --shift 0x10", "--shift takes whole numbers"),
        ("boxes x --bounds 0 1 --n-boxes 8.5", "--n-boxes takes whole numbers"),
        ("boxes x --bounds 0 1 --n-boxes 8 --order 0.4", "--order takes whole numbers"),
        ("check gradients --rows 2.5", "--rows takes whole numbers"),
    ],
)
def test_a_number_that_is_not_whole_is_refused(arguments, message, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert run(arguments.split()) == 2
    assert message in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_whole_numbers_are_taken(tmp_path, capsys):
    arguments = ["--hidden", "8,4", "--epochs", "1", "--seed", "3", "--batch-size", "500"]
    assert run(["train", "digits", *arguments, "--out", str(tmp_path / "run")]) == 0
    assert Run.open(tmp_path / "run").config.hidden == (8, 4)


def test_a_configuration_with_a_byte_order_mark_is_read(tmp_path):
    path = tmp_path / "c.toml"
    path.write_bytes(b"\xef\xbb\xbfepochs = 3\n")
    assert read_config_file(path)[0] == {"epochs": 3}


def test_the_command_that_is_advised_can_be_pasted(tmp_path, capsys):
    folder = tmp_path / "my run"
    arguments = ["train", "digits", "--hidden", "4", "--epochs", "1", "--out", str(folder)]
    assert run(arguments) == 0
    (folder / "model.safetensors").unlink()
    capsys.readouterr()
    assert run(arguments) == 1
    told = capsys.readouterr().err
    assert f"treadle train --resume {shlex.quote(str(folder))}" in told
    assert run(["predict", str(folder), "x.png"]) == 1
    assert f"treadle train --resume {shlex.quote(str(folder))}" in capsys.readouterr().err


def test_the_ending_of_a_data_file_may_be_in_capitals(tmp_path):
    rng = np.random.default_rng(0)
    np.savez(
        tmp_path / "x.npz",
        X_train=rng.random((9, 4)),
        y_train=np.arange(9) % 3,
        X_test=rng.random((3, 4)),
        y_test=np.arange(3),
    )
    (tmp_path / "x.npz").rename(tmp_path / "X.NPZ")
    assert load_data(tmp_path / "X.NPZ").X_train.shape == (9, 4)
    (tmp_path / "x.txt").write_text("x")
    with pytest.raises(InvalidInput, match="is a file of another kind"):
        load_data(tmp_path / "x.txt")


def test_one_pair_of_bounds_serves_every_variable(capsys):
    assert run(["boxes", "x*y", "--bounds", "0", "1", "--n-boxes", "4", "4"]) == 0
    one = capsys.readouterr().out
    assert run(["boxes", "x*y", "--bounds", "0", "1", "0", "1", "--n-boxes", "4", "4"]) == 0
    assert capsys.readouterr().out == one and "y in [0, 1]" in one
    assert run(["boxes", "x", "--bounds", "0", "1", "--n-boxes", "4", "--plot", "p.jpg"]) == 2
    assert "a picture is written as .png, .svg or .pdf; got 'p.jpg'" in capsys.readouterr().err


@pytest.mark.parametrize("encoding", ["cp1252", "ascii"])
def test_what_the_terminal_has_no_letter_for_is_shown_escaped(tmp_path, encoding):
    path = tmp_path / "靴.csv"
    path.write_text("Δt,y\n" + "".join(f"{i},{i * i % 7}\n" for i in range(12)), encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-m", "treadle", "lad", str(path), "--target", "y"],
        capture_output=True,
        env={**os.environ, "PYTHONIOENCODING": encoding},
    )
    out = done.stdout.decode(encoding)
    assert done.returncode == 0, done.stderr
    assert "\\u0394t" in out and "\\u9774.csv" in out and "optimal: 12 rows" in out
    missing = subprocess.run(
        [sys.executable, "-m", "treadle", "lad", str(tmp_path / "Ж靴.csv"), "--target", "y"],
        capture_output=True,
        env={**os.environ, "PYTHONIOENCODING": encoding},
    )
    assert missing.returncode == 2 and b"\\u0416\\u9774.csv cannot be read" in missing.stderr
