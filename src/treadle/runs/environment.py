"""Describes a result's environment: versions, processor, engine and data.

The result depends on it besides the configuration.
"""

from __future__ import annotations

import os
import platform
from collections.abc import Mapping, Sequence

from treadle.engines.selection import Selection
from treadle.hardware.processors import processor_name


def decisive(environment: Mapping[str, str], precision: str) -> tuple[str, ...]:
    """Entries whose change may change the bits of a result, given the environment and the precision."""
    entries = ("treadle", "numpy", "torch", "device", "engine")
    if environment.get("engine") == "native" and precision == "float32":  # the same bits on every processor
        return entries
    return (*entries, "kernels", "bfloat16_kernels", "processor")


def describe_environment(
    selection: Selection, source: str, checksum: str, packages: Sequence[str] = ("treadle", "numpy")
) -> dict[str, str]:
    """Describe the environment by names and values, to save with the run.

    People read it, and it is checked on resuming.

    Parameters
    ----------
    selection : Selection
        Of the engine.
    source, checksum : str
        Of the data.
    packages : sequence of str
        Whose versions count.
    """
    from importlib.metadata import version

    return {
        **{package: version(package) for package in packages},
        "python": platform.python_version(),
        "system": f"{platform.system()} {platform.machine()}",
        "processor": processor_name(),
        "processors": str(os.cpu_count()),
        "engine": selection.engine.name,
        "engine_reason": selection.reason,
        **selection.engine.details(),
        "data_source": source,
        "data_checksum": checksum,
    }
