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
    gc.collect()
    pa.default_memory_pool().release_unused()
    if CLEAR.exists():
        ctypes.CDLL(None).malloc_trim(0)
    before, begun = peak_anew(), time.monotonic()
    yield
    taken, grown = time.monotonic() - begun, peak() - before
    assert grown <= megabytes * (1 << 20), f"took {grown >> 20} MB"
    assert taken <= seconds, f"took {taken:.1f} s"


def peak_anew() -> int:
    """Begin to count the most memory taken anew; the bytes that there are now."""
    if CLEAR.exists():
        CLEAR.write_text("5")  # proc(5): the peak of the resident set is what it is now
    return peak()


def peak() -> int:
    """Most bytes of memory that this process took since ``peak_anew``."""
    if CLEAR.exists():
        line = next(line for line in STATUS.read_text().splitlines() if line.startswith("VmHWM"))
        return 1024 * int(line.split()[1])
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)
