"""Names the processor, and finds how many threads a computation may use here.

They are as many as there are processors for this process. It counts logical processors. How busy they are it
does not ask, nor which of them share a core.
"""

from __future__ import annotations

import os
import platform
from contextvars import ContextVar
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from treadle.errors import InvalidInput
from treadle.messages import quoted
from treadle.whole_numbers import is_whole, is_whole_text

# What a container may use, in microseconds of processor time and of time: Linux's control groups, version 2.
CPU_MAX = Path("/sys/fs/cgroup/cpu.max")

share: ContextVar[int | None] = ContextVar("share", default=None)
"""How many processors a computation has that runs beside others; None: all."""


@dataclass(frozen=True)
class ThreadCount:
    """A number of threads, with a sentence that gives the reason."""

    n: int
    reason: str


def usable_threads() -> ThreadCount:
    """Return the least of the limits on threads.

    They are the processors, the affinity mask, the container's quota and OMP_NUM_THREADS.
    """
    limits = [
        ThreadCount(os.cpu_count() or 1, "the logical processors of this machine"),
        _affinity(),
        _quota(),
        _environment("OMP_NUM_THREADS"),
        _share(),
    ]
    return min((limit for limit in limits if limit), key=lambda limit: limit.n)


def check_n_threads(n_threads: object) -> int | None:
    """Return a number of threads as it was given, or None; raise InvalidInput for anything else."""
    if n_threads is None:
        return None
    if not (is_whole(n_threads) and n_threads >= 1):
        raise InvalidInput(f"n_threads must be an integer of at least 1, or None; got {quoted(n_threads)}")
    return int(n_threads)


def _share() -> ThreadCount | None:
    n = share.get()
    return None if n is None else ThreadCount(n, "the share of one of several computations at once")


def _affinity() -> ThreadCount | None:
    if not hasattr(os, "sched_getaffinity"):
        return None
    return ThreadCount(len(os.sched_getaffinity(0)), "the processors in this process's affinity mask")


def _quota() -> ThreadCount | None:
    return _quota_in(CPU_MAX)


@cache  # to open the file takes longer than a small prediction
def _quota_in(path: Path) -> ThreadCount | None:
    """What the process's container allowed when it was first asked."""
    try:
        quota, period = path.read_text("ascii").split()
        n = max(1, int(quota) // int(period))
    except (OSError, ValueError, ZeroDivisionError):  # no such group, or "max": no limit
        return None
    return ThreadCount(n, "the processor time that this container may use (cpu.max)")


def _environment(name: str) -> ThreadCount | None:
    """Read a positive whole number, or the first of a list.

    Anything else says nothing, as in OpenMP.
    """
    first = os.environ.get(name, "").partition(",")[0].strip()
    return ThreadCount(int(first), name) if is_whole_text(first) and int(first) > 0 else None


def processor_name() -> str:
    """The processor's model, as far as the system tells."""
    try:
        lines = Path("/proc/cpuinfo").read_text("utf-8").splitlines()
    except OSError:
        lines = []
    names = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(names, platform.processor() or platform.machine())
