"""Selects an engine: the one named, or the best that can serve."""

from __future__ import annotations

import ctypes
import importlib.util
import sys
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path
from typing import get_args

import numpy as np
from numpy.typing import DTypeLike

from treadle.choices import EngineName
from treadle.engines.engine import Engine, TrainingProblem
from treadle.engines.rows import is_compressed
from treadle.errors import EngineUnavailable, InvalidInput
from treadle.network import Network

ENGINES = get_args(EngineName)

# Below this share of elements stored, products of sparse rows are faster than those of rows made dense.
SPARSE = 0.05


@dataclass(frozen=True)
class Selection:
    """An engine, and a sentence that says why it was chosen."""

    engine: Engine
    reason: str


def select_engine(
    name: str = "auto",
    problem: TrainingProblem | None = None,
    dtype: DTypeLike = np.float32,
    n_threads: int | None = None,
    network: Network | None = None,
) -> Selection:
    """Return the engine of that name, or the best for the purpose.

    ``auto`` takes the native engine where it is built and supports the request, else torch where a GPU is,
    else NumPy. To train on rows of which less than one element in 20 is stored it takes NumPy, the only one
    that multiplies them as they are.

    Parameters
    ----------
    name : {"auto", "native", "numpy", "torch"}
    problem : TrainingProblem, or None
        What the engine is to train; None: it is to predict.
    dtype : float32 or float64
        Of the parameters.
    n_threads : int, or None
        Of the native engine; the NumPy engine computes on one, and PyTorch has a setting of its own. None: as
        many as there is work for.
    network : Network, or None
        Whose predictions are wanted, where there is no problem. None: one that every engine has all of.

    Raises
    ------
    InvalidInput
        If there is no engine of that name.
    EngineUnavailable
        If the engine that is named cannot serve here, or not for this purpose, or with ``auto`` none can;
        the message says what is missing.

    Examples
    --------
    >>> from treadle import select_engine
    >>> selection = select_engine("numpy")
    >>> selection.engine.name, selection.reason
    ('numpy', 'asked for')
    """
    if name == "auto":
        return _best(problem, dtype, n_threads, network)
    if name not in ENGINES:
        raise InvalidInput(f"engine must be one of {', '.join(ENGINES)}; got {name!r}")
    engine = make_engine(name, n_threads)
    engine.check_supports(problem, dtype, network)
    return Selection(engine, "asked for")


def make_engine(name: str, n_threads: int | None = None) -> Engine:
    """Make the engine of that name, one of ENGINES but ``auto``.

    EngineUnavailable if it is not here.
    """
    match name:
        case "native":
            from treadle.engines.native_engine import NativeEngine

            return NativeEngine(n_threads)
        case "torch":
            from treadle.engines.torch_engine import TorchEngine

            return TorchEngine()
        case _:
            from treadle.engines.numpy_engine import NumpyEngine

            return NumpyEngine()


def _best(
    problem: TrainingProblem | None, dtype: DTypeLike, n_threads: int | None, network: Network | None
) -> Selection:
    """Select the first usable engine, with the reasons against those before."""
    if problem is not None and is_compressed(problem.X):
        n_elements = max(problem.X.shape[0] * problem.X.shape[1], 1)
        numpy = _numpy().engine
        if (stored := problem.X.nnz / n_elements) < SPARSE and numpy.why_not(problem, np.float32) is None:
            return Selection(numpy, f"{stored:.2g} of X is stored: products of sparse rows")
    against: list[str] = []
    for candidate in (partial(_native, n_threads), _torch_on_gpu, _numpy):
        found = candidate()
        why_not = found if isinstance(found, str) else found.engine.why_not(problem, dtype, network)
        if isinstance(found, Selection) and why_not is None:
            return Selection(found.engine, "; ".join([*against, found.reason]))
        against.append(str(why_not))
    raise EngineUnavailable(f"no engine can do that here: {'; '.join(against)}")


def _native(n_threads: int | None) -> Selection | str:
    """Return the engine, or why there is none."""
    try:
        engine = make_engine("native", n_threads)
    except EngineUnavailable as error:
        return str(error)
    told = engine.details()
    return Selection(engine, f"{told['kernels']} kernels for this processor, threads: {told['threads']}")


def _torch_on_gpu() -> Selection | str:
    """The engine, or why it would have no GPU."""
    if not has_gpu_driver():
        return "there is no GPU driver"
    if importlib.util.find_spec("torch") is None:
        return "there is a GPU driver, but PyTorch is not installed"
    try:
        import torch
    except (ImportError, OSError) as error:
        return f"PyTorch is installed but cannot be imported: {error}"
    if not torch.cuda.is_available():
        return "PyTorch found no GPU"
    return Selection(make_engine("torch"), f"PyTorch found a GPU: {torch.cuda.get_device_name()}")


@cache  # a process that began without a driver gets none
def has_gpu_driver() -> bool:
    """Say whether a GPU's driver is here, without importing PyTorch.

    To import it takes a second or two.
    """
    if Path("/dev/kfd").exists():
        return True
    try:
        ctypes.CDLL("nvcuda.dll" if sys.platform == "win32" else "libcuda.so.1")
    except OSError:
        return False
    return True


def _numpy() -> Selection:
    return Selection(make_engine("numpy"), "NumPy is always there")
