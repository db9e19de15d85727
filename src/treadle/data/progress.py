"""Shows the progress of slow work, in lines and bars on standard error."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.progress import Progress as Bar

SLOW = 5.0  # seconds from which on something is announced


class Progress:
    """Prints progress, or nothing.

    Parameters
    ----------
    enabled : bool
        Whether to say anything. The bar needs a terminal besides.
    """

    def __init__(self, enabled: bool = True) -> None:
        self.enabled = enabled

    def note(self, text: str) -> None:
        """Print one line."""
        if self.enabled:
            print(f"treadle: {text}", file=sys.stderr, flush=True)

    @contextmanager
    def bar(self, description: str, total: int) -> Iterator[Callable[[int], None]]:
        """Show a bar over ``total`` bytes; yield the function that moves it."""
        if not (self.enabled and sys.stderr.isatty()):
            yield lambda done: None
            return
        from rich.console import Console
        from rich.progress import BarColumn, DownloadColumn, TextColumn, TimeRemainingColumn
        from rich.progress import Progress as RichProgress

        columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TimeRemainingColumn())
        with RichProgress(*columns, console=Console(stderr=True)) as shown:
            task = shown.add_task(description, total=total)
            yield lambda done: shown.update(task, completed=done)

    @contextmanager
    def counted(self, what: str, total: int) -> Iterator[Callable[[], None]]:
        """Yield a function to call after each of ``total`` equally slow steps.

        After the first, what takes longer than ``SLOW`` seconds in all is announced, and a bar is shown.
        """
        start, done, shown, task = time.perf_counter(), 0, None, None

        def step() -> None:
            nonlocal done, shown, task
            done += 1
            expected = (time.perf_counter() - start) * total
            if done == 1 and expected > SLOW:
                self.note(f"{what}: {total} fits, {duration(expected)} in all; Ctrl-C stops them")
                if self.enabled and sys.stderr.isatty():
                    shown = _bar_of_steps()
                    task = shown.add_task(what, total=total)
                    shown.start()
            if shown is not None and task is not None:
                shown.update(task, completed=done)

        try:
            yield step
        finally:
            if shown is not None:
                shown.stop()


SILENT = Progress(False)


def duration(seconds: float) -> str:
    """Say in words how long it takes, roughly."""
    return f"some {seconds:.0f} s" if seconds < 120 else f"some {seconds / 60:.0f} minutes"


def _bar_of_steps() -> Bar:
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
    from rich.progress import Progress as Bar

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    return Bar(*columns, console=Console(stderr=True), transient=True)
