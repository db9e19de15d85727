"""The compiled extension ``treadle._native``, or the reason why there is none."""

from __future__ import annotations

import os
from functools import cache
from importlib import resources
from types import ModuleType

from treadle.errors import EngineUnavailable

# Names the kernels to take; for tests, and to compare.
SIMD = "TREADLE_SIMD"


def load_kernel() -> ModuleType:
    """The extension module; EngineUnavailable, which says why and what to do, where there is none."""
    try:
        from treadle import _native
    except ImportError as error:
        reason = resources.files("treadle").joinpath("_native_missing.txt")
        why = reason.read_text("utf-8") if reason.is_file() else str(error)
        raise EngineUnavailable(
            f"the native engine is not built ({why}): install a C++20 compiler, such as g++, and then "
            "treadle anew, or take the numpy engine"
        ) from error
    return _native


def kernel_or_none() -> tuple[ModuleType, str] | None:
    """The extension, and the kernels to take: TREADLE_SIMD's or the best; None where there are none."""
    try:
        kernel = _load_once()
    except EngineUnavailable:
        return None
    available = kernel.available_kernels()
    named = os.environ.get(SIMD)
    return kernel, named if named and named in available else available[0]


@cache
def _load_once() -> ModuleType:
    return load_kernel()
