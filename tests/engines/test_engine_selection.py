import ctypes
import importlib.util
import sys
from pathlib import Path

import pytest

from treadle.engines import selection
from treadle.engines.numpy_engine import NumpyEngine
from treadle.engines.selection import ENGINES, select_engine
from treadle.errors import EngineUnavailable, InvalidInput


def test_an_engine_is_taken_by_name():
    taken = select_engine("numpy")
    assert isinstance(taken.engine, NumpyEngine) and taken.reason == "asked for"
    taken = select_engine("torch")
    assert taken.engine.name == "torch" and taken.reason == "asked for"


@pytest.mark.parametrize("name", ["jax", "", "NumPy", None])
def test_an_unknown_name_is_refused(name):
    assert ENGINES == ("auto", "numpy", "torch")
    with pytest.raises(InvalidInput, match="engine must be one of auto, numpy, torch; got"):
        select_engine(name)


def test_torch_by_name_without_pytorch_says_how_to_get_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "torch", None)
    with pytest.raises(EngineUnavailable, match=r"PyTorch.*pip install 'treadle\[torch\]'"):
        select_engine("torch")


def test_auto_without_a_gpu_takes_numpy_and_never_asks_for_torch(monkeypatch):
    monkeypatch.setattr(selection, "_gpu_driver", lambda: False)
    monkeypatch.setitem(sys.modules, "torch", None)
    taken = select_engine()
    assert taken.engine.name == "numpy" and taken.reason == "there is no GPU driver"


def test_auto_with_a_gpu_but_no_pytorch_takes_numpy(monkeypatch):
    monkeypatch.setattr(selection, "_gpu_driver", lambda: True)
    monkeypatch.setattr(importlib.util, "find_spec", {"torch": None}.__getitem__)
    taken = select_engine("auto")
    assert taken.engine.name == "numpy"
    assert taken.reason == "there is a GPU driver, but PyTorch is not installed"


def test_auto_with_a_gpu_but_a_broken_pytorch_takes_numpy(monkeypatch):
    monkeypatch.setattr(selection, "_gpu_driver", lambda: True)
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: "found")
    monkeypatch.setitem(sys.modules, "torch", None)
    taken = select_engine("auto")
    assert taken.engine.name == "numpy"
    assert taken.reason.startswith("PyTorch is installed but cannot be imported: ")


@pytest.mark.parametrize("found", [True, False])
def test_auto_takes_torch_where_pytorch_finds_the_gpu(monkeypatch, found):
    import torch

    monkeypatch.setattr(selection, "_gpu_driver", lambda: True)
    monkeypatch.setattr(selection, "_torch", lambda: "the torch engine")
    monkeypatch.setattr(torch.cuda, "is_available", lambda: found)
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda: "Pedal 9000")
    taken = select_engine("auto")
    if found:
        assert taken.engine == "the torch engine" and taken.reason == "PyTorch found a GPU: Pedal 9000"
    else:
        assert taken.engine.name == "numpy" and taken.reason == "PyTorch found no GPU"


@pytest.mark.parametrize(("amd", "nvidia"), [(False, False), (True, False), (False, True)])
def test_a_driver_is_amd_s_device_or_nvidia_s_library(monkeypatch, amd, nvidia):
    def load(name):
        assert "cuda" in name
        if not nvidia:
            raise OSError

    monkeypatch.setattr(ctypes, "CDLL", load)
    monkeypatch.setattr(Path, "exists", lambda path: amd and str(path) == "/dev/kfd")
    assert selection._gpu_driver() is (amd or nvidia)
