"""Which engine serves: the one asked for by name, or the best that is here."""

from __future__ import annotations

import ctypes
import importlib.util
import sys
from dataclasses import dataclass
from pathlib import Path

from treadle.engines.engine import Engine
from treadle.errors import InvalidInput

ENGINES = ("auto", "numpy", "torch")


@dataclass(frozen=True)
class Selection:
    """An engine, and a sentence for people that says why it was taken."""

    engine: Engine
    reason: str


def select_engine(name: str = "auto") -> Selection:
    """The engine of that name; ``auto`` takes torch where a GPU is, else NumPy.

    Raises
    ------
    InvalidInput
        If there is no engine of that name.
    EngineUnavailable
        If the engine asked for by name cannot serve here; the message says what is missing.
    """
    match name:
        case "numpy":
            return Selection(_numpy(), "asked for")
        case "torch":
            return Selection(_torch(), "asked for")
        case "auto":
            if not _gpu_driver():
                return Selection(_numpy(), "there is no GPU driver")
            if importlib.util.find_spec("torch") is None:
                return Selection(_numpy(), "there is a GPU driver, but PyTorch is not installed")
            try:
                import torch
            except (ImportError, OSError) as error:
                return Selection(_numpy(), f"PyTorch is installed but cannot be imported: {error}")
            if torch.cuda.is_available():
                return Selection(_torch(), f"PyTorch found a GPU: {torch.cuda.get_device_name()}")
            return Selection(_numpy(), "PyTorch found no GPU")
        case _:
            raise InvalidInput(f"engine must be one of {', '.join(ENGINES)}; got {name!r}")


def _gpu_driver() -> bool:
    """Whether a GPU can be there at all: asking PyTorch takes a second or two to import it."""
    if Path("/dev/kfd").exists():
        return True
    try:
        ctypes.CDLL("nvcuda.dll" if sys.platform == "win32" else "libcuda.so.1")
    except OSError:
        return False
    return True


def _numpy() -> Engine:
    from treadle.engines.numpy_engine import NumpyEngine

    return NumpyEngine()


def _torch() -> Engine:
    from treadle.engines.torch_engine import TorchEngine

    return TorchEngine()
