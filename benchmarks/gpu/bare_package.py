"""Imports treadle from this checkout, with PyTorch and NumPy alone.

Three packages that treadle depends on have stand-ins here, each for what the torch and NumPy engines use of
it. Where a package is installed, it is taken.
"""

from __future__ import annotations

import math
import sys
from contextlib import nullcontext
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

PACKAGE = Path(__file__).parents[2] / "src" / "treadle"
SQUARE_ROOT_OF_HALF = math.sqrt(0.5)


def import_treadle_from_here() -> list[str]:
    """Make the package beside this folder importable; sentences on what stands in for what is missing."""
    # A bare package needs no lazy_loader: its modules are imported by their own names, as always.
    package = ModuleType("treadle")
    package.__path__ = [str(PACKAGE)]
    sys.modules["treadle"] = package
    notes = []
    try:
        import threadpoolctl  # noqa: F401
    except ImportError:
        # processes.py has set the variables that give NumPy's BLAS one thread.
        stand_in: Any = ModuleType("treadle.hardware.blas_threads")
        stand_in.one_blas_thread = nullcontext
        sys.modules[stand_in.__name__] = stand_in
        notes.append("threadpoolctl is not installed: NumPy's BLAS has one thread by its environment")
    try:
        import scipy.special  # noqa: F401
    except ImportError:
        from treadle.maths import activations

        activations._normal_distribution = normal_distribution
        notes.append("SciPy is not installed: the NumPy engine's GELU is by math.erfc")
    return notes


def normal_distribution(z: Any) -> Any:
    """Phi(z) = erfc(-z / sqrt 2) / 2, element by element, in the type of z."""
    values = [0.5 * math.erfc(-SQUARE_ROOT_OF_HALF * x) for x in z.ravel().tolist()]
    return np.array(values, dtype=z.dtype).reshape(z.shape)
