"""What a result depends on besides the configuration: versions, processor, engine, data."""

from __future__ import annotations

import os
import platform
from collections.abc import Mapping
from pathlib import Path

from treadle.data.dataset import Dataset
from treadle.engines.selection import Selection


def decisive(environment: Mapping[str, str], precision: str) -> tuple[str, ...]:
    """Entries whose change may change the bits of a result, given the environment and the precision."""
    entries = ("treadle", "numpy", "torch", "device", "engine")
    if environment.get("engine") == "native" and precision == "float32":  # the same bits on every processor
        return entries
    return (*entries, "kernels", "bfloat16_kernels", "processor")


def describe_environment(selection: Selection, dataset: Dataset) -> dict[str, str]:
    """Names and values for people and for the check on resuming; saved with the run."""
    from importlib.metadata import version

    return {
        **{package: version(package) for package in ("treadle", "numpy")},
        "python": platform.python_version(),
        "system": f"{platform.system()} {platform.machine()}",
        "processor": processor_name(),
        "processors": str(os.cpu_count()),
        "engine": selection.engine.name,
        "engine_reason": selection.reason,
        **selection.engine.details(),
        "data_source": dataset.source,
        "data_checksum": dataset.checksum,
    }


def processor_name() -> str:
    """The processor's model, as far as the system tells."""
    try:
        lines = Path("/proc/cpuinfo").read_text("utf-8").splitlines()
    except OSError:
        lines = []
    names = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(names, platform.processor() or platform.machine())
