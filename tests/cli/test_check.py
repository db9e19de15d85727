"""``treadle check`` as a person calls it."""

import json
import sys
from typing import get_args

import pytest

from treadle.choices import LossName
from treadle.cli import run
from treadle.hardware.native import extension


def test_gradients_pass_with_a_line_for_each_array(capsys):
    pytest.importorskip("torch")
    assert run(["check", "gradients", "--network", "7,5,3"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines[1:5]] == ["weights.0", "biases.0", "weights.1", "biases.1"]
    assert all(line.endswith("ok") for line in lines[1:5])
    assert lines[-1] == "4 of 4 arrays passed"


@pytest.mark.parametrize("engine", ["numpy", "torch"])
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
    tolerances = {("native", "float32"): 1e-6, ("torch", "float32"): 1e-6, ("torch", "float64"): 1e-12}
    assert compared.keys() == tolerances.keys()
    for key, found in compared.items():
        assert 0 < found["largest_relative_difference"] <= found["tolerance"] == tolerances[key]
        assert len(found["losses"]) == len(found["numpy_losses"]) == 20
    assert run(arguments) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [tuple(line.split()[:2]) for line in lines[-3:]] == list(tolerances)
    assert all(line.endswith("ok") for line in lines[-3:])
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
