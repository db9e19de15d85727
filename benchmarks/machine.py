"""The machine that a benchmark runs on: which processors it takes, and what other programs take of them."""

from __future__ import annotations

import os
import platform
import resource
import subprocess
import sys
import time
from pathlib import Path
from types import TracebackType
from typing import Any

from treadle.hardware.processors import processor_name

THREAD_VARIABLES = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "VECLIB_MAXIMUM_THREADS")


def description() -> dict[str, Any]:
    """Processor, number of processors, system and Python."""
    return {
        "processor": processor_name(),
        "processors": os.cpu_count(),
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
    }


def rest() -> None:
    """Wait until the threads of another's BLAS, which spin for some 30 ms after their last product, sleep."""
    time.sleep(0.1)


def available_processors() -> list[int]:
    """Processors that this process may use, those that share a core last."""
    if not hasattr(os, "sched_getaffinity"):
        return list(range(os.cpu_count() or 1))
    first, shared, seen = [], [], set()
    for processor in sorted(os.sched_getaffinity(0)):
        path = Path(f"/sys/devices/system/cpu/cpu{processor}/topology/thread_siblings_list")
        core = path.read_text() if path.exists() else str(processor)
        (shared if core in seen else first).append(processor)
        seen.add(core)
    return first + shared


def take_processors(threads: int) -> list[int]:
    """Bind this process, and those that it will start, to as many processors; return them.

    Affinity binds every library, those that read no environment variable for their threads included.
    """
    processors = available_processors()[:threads]
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, processors)
    return processors


def busy_seconds(processors: list[int]) -> float | None:
    """Seconds that these processors have worked since the machine started; None where nobody counts.

    Time that a virtual machine was ready to run and was not let (steal) counts as work: of somebody else.
    """
    stat = Path("/proc/stat")
    if not stat.exists():
        return None
    busy = 0
    for line in stat.read_text().splitlines():
        name, *counts = line.split()
        if name in {f"cpu{processor}" for processor in processors}:
            user, nice, system, _idle, _iowait, irq, softirq, steal = map(int, counts[:8])
            busy += user + nice + system + irq + softirq + steal
    return busy / os.sysconf("SC_CLK_TCK")


def own_seconds() -> float:
    """Processor seconds of this process and of those that it started and that have ended."""
    usages = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(usage.ru_utime + usage.ru_stime for usage in usages)


class BusyProgram:
    """Within it, another program keeps each of the processors busy: a process on each, in a loop."""

    def __init__(self, processors: list[int]) -> None:
        self.processors = processors

    def __enter__(self) -> BusyProgram:
        loop = "import os\n{bind}\nprint(flush=True)\nwhile True: pass"
        bind = "os.sched_setaffinity(0, [{}])" if hasattr(os, "sched_setaffinity") else ""
        self._processes = [
            subprocess.Popen(
                [sys.executable, "-c", loop.format(bind=bind.format(processor))], stdout=subprocess.PIPE
            )
            for processor in self.processors
        ]
        for process in self._processes:
            assert process.stdout is not None
            process.stdout.readline()  # it has begun
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for process in self._processes:
            process.kill()
            process.communicate()


class OthersWatch:
    """Within it, counts what other programs took of the processors.

    ``taken`` is the number of processors on average, None where nobody counts. Every process that was started
    within must have ended.
    """

    def __init__(self, processors: list[int]) -> None:
        self.processors = processors
        self.taken: float | None = None

    def __enter__(self) -> OthersWatch:
        self._start = time.perf_counter(), busy_seconds(self.processors), own_seconds()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        start, busy, own = self._start
        now = busy_seconds(self.processors)
        if busy is not None and now is not None:
            # The kernel counts in hundredths of a second, and so may count a quiet machine's work short.
            others = (now - busy) - (own_seconds() - own)
            self.taken = max(0.0, others / (time.perf_counter() - start))
