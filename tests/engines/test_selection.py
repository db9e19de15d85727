import ctypes
import importlib.util
import sys
from pathlib import Path

import numpy as np
import pytest
import scipy.sparse

from treadle.engines import selection
from treadle.engines.engine import TrainingProblem
from treadle.engines.numpy_engine import NumpyEngine
from treadle.engines.objective import Objective
from treadle.engines.selection import ENGINES, Selection, make_engine, select_engine
from treadle.errors import EngineUnavailable, InvalidInput
from treadle.network import Network
from treadle.optimizers import SGD, Adam

NO_NATIVE = "the native engine is not built (as the test has it)"


@pytest.fixture
def without_native(monkeypatch):
    monkeypatch.setattr(selection, "_native", lambda n_threads: NO_NATIVE)


def problem(**changes):
    arguments = {"optimizer": Adam(), "precision": "float32"}
    return TrainingProblem(
        Network((2, 2)),
        Objective(),
        X=np.zeros((1, 2)),
        y=np.zeros(1, int),
        batch_size=1,
        **(arguments | changes),
    )


class Signed(SGD):
    """A rule that only the NumPy engine can run, as it is the rule's own code that runs."""


def test_an_engine_is_taken_by_name():
    taken = select_engine("numpy")
    assert isinstance(taken.engine, NumpyEngine) and taken.reason == "asked for"
    for name in ("native", "torch"):
        taken = select_engine(name)
        assert taken.engine.name == name and taken.reason == "asked for"


@pytest.mark.parametrize("name", ["jax", "", "NumPy", None])
def test_an_unknown_name_is_refused(name):
    assert ENGINES == ("auto", "native", "numpy", "torch")
    with pytest.raises(InvalidInput, match="engine must be one of auto, native, numpy, torch; got"):
        select_engine(name)


def test_torch_by_name_without_pytorch_says_how_to_get_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "torch", None)
    with pytest.raises(EngineUnavailable, match=r"PyTorch.*pip install 'treadle\[torch\]'"):
        select_engine("torch")


@pytest.mark.parametrize(
    ("name", "arguments", "message"),
    [
        (
            "native",
            {"problem": problem(precision="bfloat16"), "dtype": np.float64},
            "the native engine trains float32 parameters in bfloat16, not float64: take",
        ),
        ("native", {"problem": problem(optimizer=Signed())}, "adam, adamw and sgd; got Signed"),
        (
            "numpy",
            {"problem": problem(precision="bfloat16")},
            "does not compute in bfloat16: take the native",
        ),
        (
            "torch",
            {"problem": problem(precision="bfloat16")},
            "does not compute in bfloat16: take the native",
        ),
    ],
)
def test_an_engine_asked_for_by_name_that_cannot_serve_says_what_is_missing(name, arguments, message):
    with pytest.raises(EngineUnavailable, match=message):
        select_engine(name, **arguments)


def test_auto_takes_native_and_never_asks_for_torch_or_a_gpu(monkeypatch):
    monkeypatch.setattr(selection, "has_gpu_driver", lambda: pytest.fail("a GPU was looked for"))
    monkeypatch.setitem(sys.modules, "torch", None)
    for taken in (
        select_engine(),
        select_engine("auto", problem()),
        select_engine("auto", problem(), np.float64),
    ):
        assert taken.engine.name == "native"
        assert taken.reason == (
            f"{taken.engine.kernels} kernels for this processor, threads: {taken.engine.n_threads}"
        )


def test_auto_takes_numpy_for_what_native_does_not_support(monkeypatch):
    monkeypatch.setattr(selection, "has_gpu_driver", lambda: False)
    taken = select_engine("auto", problem(optimizer=Signed()))
    assert taken.engine.name == "numpy"
    assert taken.reason.startswith("the native engine has the update rules adam, adamw and sgd; got Signed")


def test_auto_trains_on_very_sparse_rows_with_numpy(monkeypatch):
    monkeypatch.setattr(selection, "has_gpu_driver", lambda: False)
    X = scipy.sparse.csr_array(np.zeros((10, 4), np.float32))
    task = TrainingProblem(Network((4, 2)), Objective(), Adam(), X, np.zeros(10, int), 5)
    assert select_engine("auto", task).reason == "0 of X is stored: products of sparse rows"
    X = scipy.sparse.csr_array(np.ones((10, 4), np.float32))
    task = TrainingProblem(Network((4, 2)), Objective(), Adam(), X, np.zeros(10, int), 5)
    assert select_engine("auto", task).engine.name == "native"


def test_auto_where_none_can_serve_says_why_of_each(monkeypatch, without_native):
    monkeypatch.setattr(selection, "has_gpu_driver", lambda: False)
    with pytest.raises(EngineUnavailable) as caught:
        select_engine("auto", problem(precision="bfloat16"))
    for part in (
        "no engine can do that here",
        NO_NATIVE,
        "no GPU driver",
        "the numpy engine does not compute",
    ):
        assert part in str(caught.value)


def test_auto_without_the_extension_says_so(monkeypatch):
    def make(name, n_threads=None):
        if name == "native":
            raise EngineUnavailable(NO_NATIVE)
        return make_engine(name)

    monkeypatch.setattr(selection, "make_engine", make)
    monkeypatch.setattr(selection, "has_gpu_driver", lambda: False)
    taken = select_engine()
    assert taken.engine.name == "numpy"
    assert taken.reason == f"{NO_NATIVE}; there is no GPU driver; NumPy is always there"


@pytest.mark.usefixtures("without_native")
class TestAutoWithoutNative:
    def test_and_without_a_gpu_takes_numpy_and_never_asks_for_torch(self, monkeypatch):
        monkeypatch.setattr(selection, "has_gpu_driver", lambda: False)
        monkeypatch.setitem(sys.modules, "torch", None)
        taken = select_engine()
        assert taken.engine.name == "numpy" and "there is no GPU driver" in taken.reason

    def test_with_a_gpu_but_no_pytorch_takes_numpy(self, monkeypatch):
        monkeypatch.setattr(selection, "has_gpu_driver", lambda: True)
        monkeypatch.setattr(importlib.util, "find_spec", {"torch": None}.__getitem__)
        taken = select_engine("auto")
        assert taken.engine.name == "numpy"
        assert "there is a GPU driver, but PyTorch is not installed" in taken.reason

    def test_with_a_gpu_but_a_broken_pytorch_takes_numpy(self, monkeypatch):
        monkeypatch.setattr(selection, "has_gpu_driver", lambda: True)
        monkeypatch.setattr(importlib.util, "find_spec", lambda name: "found")
        monkeypatch.setitem(sys.modules, "torch", None)
        taken = select_engine("auto")
        assert taken.engine.name == "numpy"
        assert "PyTorch is installed but cannot be imported: " in taken.reason

    @pytest.mark.parametrize("found", [True, False])
    def test_takes_torch_where_pytorch_finds_the_gpu(self, monkeypatch, found):
        import torch

        monkeypatch.setattr(selection, "has_gpu_driver", lambda: True)
        monkeypatch.setattr(torch.cuda, "is_available", lambda: found)
        monkeypatch.setattr(torch.cuda, "get_device_name", lambda: "Pedal 9000")
        monkeypatch.setattr(selection, "_numpy", lambda: Selection(NumpyEngine(), "there is nothing else"))
        taken = select_engine("auto")
        if found:
            assert taken.engine.name == "torch"
            assert taken.reason == f"{NO_NATIVE}; PyTorch found a GPU: Pedal 9000"
        else:
            assert taken.engine.name == "numpy"
            assert taken.reason == f"{NO_NATIVE}; PyTorch found no GPU; there is nothing else"


@pytest.mark.parametrize(("amd", "nvidia"), [(False, False), (True, False), (False, True)])
def test_a_driver_is_amd_s_device_or_nvidia_s_library(monkeypatch, amd, nvidia):
    def load(name):
        assert "cuda" in name
        if not nvidia:
            raise OSError

    monkeypatch.setattr(ctypes, "CDLL", load)
    monkeypatch.setattr(Path, "exists", lambda path: amd and str(path) == "/dev/kfd")
    assert selection.has_gpu_driver.__wrapped__() is (amd or nvidia)


def test_an_engine_tells_what_its_results_depend_on():
    assert make_engine("numpy").details() == {}
    assert make_engine("torch").details().keys() == {"torch", "device"}
    assert make_engine("native").details().keys() == {"kernels", "bfloat16_kernels", "threads"}
