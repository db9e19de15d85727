"""``treadle info`` as a person calls it."""

import json
import platform
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import pytest

from treadle.cli import run
from treadle.engines import selection
from treadle.engines.torch_engine import TorchEngine
from treadle.hardware.native import extension


def found(capsys):
    assert run(["info", "--json"]) == 0
    return json.loads(capsys.readouterr().out)


def test_it_shows_the_processor_the_kernels_the_engines_and_the_versions(capsys, monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    monkeypatch.delenv("TREADLE_SIMD", raising=False)
    info = found(capsys)
    assert info["processor"]["threads"] == 1
    assert info["native"] == {
        "features": extension.processor_features(),
        "kernels": extension.available_kernels(),
        "chosen": extension.available_kernels()[0],
        "why_not": None,
    }
    dtypes = {engine["name"]: engine["dtypes"] for engine in info["engines"]}
    assert dtypes == {
        "native": ["float32", "float64"],
        "numpy": ["float32", "float64"],
        "torch": ["float32", "float64"],
    }
    assert info["versions"]["treadle"] == version("treadle")
    assert info["versions"]["python"] == platform.python_version()
    assert info["versions"]["torch"] == version("torch")

    assert run(["info"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == f"processor  {info['processor']['name']}"
    assert f"kernels    {', '.join(extension.available_kernels())}" in lines
    assert any(line.split()[:3] == ["native", "float32,", "float64"] for line in lines)
    assert ["numpy", version("numpy")] in [line.split() for line in lines]


def test_the_environment_chooses_the_kernels_and_the_threads(capsys, monkeypatch):
    monkeypatch.setenv("TREADLE_SIMD", "portable")
    info = found(capsys)
    assert info["native"]["chosen"] == "portable"
    assert info["engines"][0]["details"]["kernels"] == "portable"
    monkeypatch.setenv("TREADLE_SIMD", "mmx")
    assert run(["info"]) == 2
    assert "TREADLE_SIMD must be one of" in capsys.readouterr().err


def test_what_is_not_here_is_told_with_its_remedy(capsys, monkeypatch):
    monkeypatch.setattr(extension, "missing", ImportError("No module named 'treadle._native'"))
    monkeypatch.setitem(sys.modules, "torch", None)
    assert run(["info"]) == 0
    out = capsys.readouterr().out
    assert "the native engine is not built (" in out
    assert "pip install 'treadle[torch]'" in out
    info = found(capsys)
    assert info["native"]["chosen"] is None
    assert [engine["dtypes"] for engine in info["engines"]] == [[], ["float32", "float64"], []]


def test_what_is_said_of_pytorch_without_importing_it_is_what_it_says_itself(capsys, monkeypatch):
    monkeypatch.setattr(selection, "has_gpu_driver", lambda: False)
    assert run(["info", "--json"]) == 0
    said = json.loads(capsys.readouterr().out)["engines"][2]
    assert said["details"] == TorchEngine("cpu").details()
    assert said["dtypes"] == ["float32", "float64"]


def test_where_a_gpu_driver_is_pytorch_is_asked_for_its_device(capsys, monkeypatch):
    monkeypatch.setattr(selection, "has_gpu_driver", lambda: True)
    monkeypatch.setattr(TorchEngine, "details", lambda engine: {"device": "whatever it found"})
    assert found(capsys)["engines"][2]["details"] == {"device": "whatever it found"}


def test_the_features_are_those_that_the_system_sees():
    if platform.system() != "Linux" or platform.machine() != "x86_64":
        pytest.skip("the names are those of Linux's /proc/cpuinfo on x86-64")
    lines = Path("/proc/cpuinfo").read_text("utf-8").splitlines()
    flags = next(line for line in lines if line.startswith("flags")).split()
    known = ["avx2", "fma", "f16c", "avx512f", "avx512bw", "avx512dq", "avx512vl", "avx512_bf16"]
    known += ["amx_tile", "amx_bf16"]
    assert extension.processor_features() == [name for name in known if name in flags]


def test_it_is_printed_by_the_program_itself():
    done = subprocess.run([sys.executable, "-m", "treadle", "info"], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
