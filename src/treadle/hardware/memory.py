"""Finds the memory that a computation may use: the machine's or its container's.

It reports the whole, not what is free at the moment, so that the same request has the same answer each time.
"""

from __future__ import annotations

import os
from pathlib import Path

# What a container may hold, in bytes: Linux's control groups, version 2.
MEMORY_MAX = Path("/sys/fs/cgroup/memory.max")


def usable_memory() -> int:
    """Return the bytes of the machine's memory or the container's limit, if less."""
    physical = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    try:
        return min(physical, int(MEMORY_MAX.read_text("ascii")))
    except (OSError, ValueError):  # no such group, or "max": no limit
        return physical


def in_words(n_bytes: float) -> str:
    """Write a size for people: 16.0 GB, in units of 1000."""
    units = ["PB", "TB", "GB", "MB", "kB", "bytes"]
    while n_bytes >= 1000 and len(units) > 1:
        n_bytes /= 1000
        units.pop()
    return f"{n_bytes:.3g} {units[-1]}"
