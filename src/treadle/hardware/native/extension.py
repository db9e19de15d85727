"""Imports ``treadle._native``, as no other module does, and chooses its kernels.

The extension is loaded once, when this file is. Where it is not built, whatever needs it raises
``EngineUnavailable`` with the reason; ``is_built`` says so beforehand.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from functools import cache
from importlib import resources

from treadle.errors import EngineUnavailable, InvalidInput

missing: ImportError | None = None
try:
    from treadle import _native as _native
except ImportError as error:
    missing = error

# Names the kernels to take; for tests, and to compare.
SIMD = "TREADLE_SIMD"

# Does what AMX does on processors without it, and takes longer than float32: never chosen, only named.
EMULATED_BFLOAT16 = "emulated-bfloat16"


def is_built() -> bool:
    """Say whether the extension is here."""
    return missing is None


def check_built() -> None:
    """Do nothing if there is an extension here.

    Raises
    ------
    EngineUnavailable
        Where there is none; it says why, and what to do.
    """
    if missing is None:
        return
    reason = resources.files("treadle").joinpath("_native_missing.txt")
    why = reason.read_text("utf-8") if reason.is_file() else str(missing)
    raise EngineUnavailable(
        f"the native engine is not built ({why}): install a C++20 compiler, such as g++, and then "
        "treadle anew, or take the numpy engine"
    ) from missing


def processor_features() -> list[str]:
    """Return the processor's features that decide on kernels, by Linux's names."""
    check_built()
    return _native.processor_features()


def available_kernels() -> list[str]:
    """Return the usable kernels of float32 and float64, best first."""
    check_built()
    return _native.available_kernels()


def available_bfloat16_kernels() -> list[str]:
    """Return the usable kernels that train in bfloat16, best first."""
    check_built()
    return _native.available_bfloat16_kernels()


@dataclass(frozen=True)
class Kernels:
    """The names of the chosen kernels; None where none trains in bfloat16."""

    standard: str
    bfloat16: str | None


def chosen_kernels() -> Kernels:
    """Return the processor's best kernels, or those that TREADLE_SIMD names.

    Raises
    ------
    EngineUnavailable
        If the extension is not built.
    InvalidInput
        If TREADLE_SIMD names no kernel that can run here.
    """
    check_built()
    return _kernels_named(os.environ.get(SIMD, ""))


def kernels_if_built() -> Kernels | None:
    """Return ``chosen_kernels``, or None where the extension is not built.

    Raises
    ------
    InvalidInput
        If TREADLE_SIMD names no kernel that can run here.
    """
    return chosen_kernels() if is_built() else None


@cache  # for each value of TREADLE_SIMD
def _kernels_named(named: str) -> Kernels:
    standard, in_bfloat16 = available_kernels(), available_bfloat16_kernels()
    if named and named not in (*standard, *in_bfloat16):
        raise InvalidInput(
            f"{SIMD} must be one of {', '.join((*standard, *in_bfloat16))} here; got {named!r}"
        )
    candidates = [named] if named else [name for name in in_bfloat16 if name != EMULATED_BFLOAT16]
    return Kernels(
        standard=named if named in standard else standard[0],
        bfloat16=next((name for name in candidates if name in in_bfloat16), None),
    )
