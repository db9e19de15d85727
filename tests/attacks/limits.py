"""Limits of memory and time for what a test does in its own process."""

import ctypes
import gc
import resource
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pyarrow as pa

STATUS, CLEAR = Path("/proc/self/status"), Path("/proc/self/clear_refs")


@contextmanager
def within(megabytes: float, seconds: float) -> Iterator[None]:
    """Fail if what is inside takes more memory or time; generous, for machines with much else to do.

    What the process took before does not hide it: memory that is free is given back, and Linux begins anew to
    count the most that is taken. Elsewhere it is the most since the process began.
    """
    _give_back()
    before = _kilobytes("VmRSS") if CLEAR.exists() else _most_ever()
    begun = time.monotonic()
    yield
    taken = time.monotonic() - begun
    grown = (_kilobytes("VmHWM") if CLEAR.exists() else _most_ever()) - before
    assert grown <= megabytes * 1024, f"took {grown >> 10} MB"
    assert taken <= seconds, f"took {taken:.1f} s"


def _give_back() -> None:
    gc.collect()
    pa.default_memory_pool().release_unused()
    if CLEAR.exists():
        ctypes.CDLL(None).malloc_trim(0)
        CLEAR.write_text("5")  # proc(5): the peak of the resident set is what it is now


def _kilobytes(name: str) -> int:
    line = next(line for line in STATUS.read_text().splitlines() if line.startswith(name))
    return int(line.split()[1])


def _most_ever() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // (1024 if sys.platform == "darwin" else 1)
