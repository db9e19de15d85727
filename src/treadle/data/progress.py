"""What a slow or repaired load says while it happens: lines and a progress bar, on standard error only."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager


class Progress:
    """Says what is going on, or nothing.

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
        """Show a bar over ``total`` bytes; yield the function that moves it to so many bytes."""
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
