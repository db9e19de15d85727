"""The machine that a benchmark ran on, and how much of it other programs took while it ran."""

from __future__ import annotations

import os
import platform
from pathlib import Path
from typing import Any

from treadle.runs.environment import processor_name


def description() -> dict[str, Any]:
    """Processor, number of processors, system and Python."""
    return {
        "processor": processor_name(),
        "processors": os.cpu_count(),
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
    }


def available_processors() -> int:
    """Processors that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def busy_seconds() -> float | None:
    """Seconds that all processors together have worked since the machine started; None where nobody counts.

    Time that a virtual machine was ready to run and was not let (steal) counts as work: of somebody else.
    """
    stat = Path("/proc/stat")
    if not stat.exists():
        return None
    user, nice, system, _idle, _iowait, irq, softirq, steal = map(int, stat.read_text().split()[1:9])
    return (user + nice + system + irq + softirq + steal) / os.sysconf("SC_CLK_TCK")
