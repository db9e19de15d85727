"""``treadle check`` as a person calls it."""

import json
import sys
from typing import get_args

import numpy as np
import pytest

from treadle.choices import GradientEngineName, LossName
from treadle.cli import run
from treadle.hardware.native import extension
from treadle.training import recorded_bits


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


@pytest.fixture
def one_table(monkeypatch):
    """The first table of kernels alone, which is quick, and bits as this version of NumPy draws them."""
    if not extension.is_built():
        pytest.skip("the extension is not built")
    tables = extension.available_kernels()[:1]
    monkeypatch.setattr(extension, "available_kernels", lambda: tables)
    for part in recorded_bits.bits_of_training():
        if np.__version__ != recorded_bits.RECORDED_NUMPY:
            monkeypatch.setitem(recorded_bits.RECORDED, part.what, part.here)
    return tables[0]


def test_bits_are_those_recorded(one_table, capsys):
    assert run(["check", "bits"]) == 0
    lines = capsys.readouterr().out.splitlines()
    n_options = len(extension._native.recorded_bits())
    assert lines[1].split() == ["kernels", one_table, str(n_options), "of", str(n_options), "options", "ok"]
    assert all(line.endswith("ok") for line in lines[1:7])
    assert f"NumPy {np.__version__} drew here" in lines[7]
    assert any(line.startswith("not promised: products in bfloat16") for line in lines)


def test_bits_that_are_not_those_recorded_are_named(one_table, monkeypatch, capsys):
    monkeypatch.setattr(extension._native, "recorded_bits", lambda: [("a rate of zero", 1)], raising=True)
    monkeypatch.setitem(recorded_bits.RECORDED, "learning rates", "0" * 16)
    assert run(["check", "bits", "--json"]) == 1
    found = json.loads(capsys.readouterr().out)
    assert not found["passed"]
    assert found["kernels"][one_table] == {"options": 1, "differing": ["a rate of zero"]}
    assert found["others"]["learning rates"]["recorded"] != found["others"]["learning rates"]["here"]
    assert run(["check", "bits"]) == 1
    out = capsys.readouterr().out
    assert f"kernels {one_table}: other bits with a rate of zero" in out
    assert sum(line.endswith("FAILED") for line in out.splitlines()) == 2


def test_bits_without_the_extension_say_what_is_missing(monkeypatch, capsys):
    monkeypatch.setattr(extension, "missing", ImportError("No module named 'treadle._native'"))
    assert run(["check", "bits"]) == 1
    assert "the native engine is not built" in capsys.readouterr().err
