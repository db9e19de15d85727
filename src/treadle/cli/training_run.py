"""What a command does around the training of a run: time it, save it when it is ended, say how to go on."""

from __future__ import annotations

import errno
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from treadle.errors import RunError

if TYPE_CHECKING:
    from rich.console import Console

    from treadle.runs.run_folder import RunFolder


@contextmanager
def timed(timings: dict[str, float], part: str) -> Iterator[None]:
    """Enter the seconds that a part takes into the timings."""
    start = time.perf_counter()
    yield
    timings[part] = time.perf_counter() - start


@contextmanager
def failing_writes_explained(run: RunFolder) -> Iterator[None]:
    """Add the remedy to an error of writing into the run's folder."""
    try:
        yield
    except OSError as error:
        full = error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
        remedy = "make room" if full else "see that it can be written, or name another folder with --out"
        if run.is_begun():
            remedy += f"; go on with: {run.resume_command}"
        raise RunError(f"{error.filename or run.folder}: {error.strerror}; {remedy}") from error


@contextmanager
def ended_in_order() -> Iterator[None]:
    """Let SIGTERM, by which schedulers end a process, save the last whole epoch, as Ctrl-C does."""

    def end(number: int, _frame: object) -> None:
        raise SystemExit(128 + number)

    # The main thread alone may set a handler; one that is not Python's could not be put back.
    if threading.current_thread() is not threading.main_thread() or signal.getsignal(signal.SIGTERM) is None:
        yield
        return
    before = signal.signal(signal.SIGTERM, end)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


@contextmanager
def going_on_explained(console: Console, run: RunFolder, n_epochs: int) -> Iterator[None]:
    """Print on Ctrl-C or SIGTERM how to go on."""
    try:
        yield
    except (KeyboardInterrupt, SystemExit):
        console.print(
            f"stopped; {len(run.history())} of {n_epochs} epochs are saved. Go on with: {run.resume_command}"
        )
        raise
