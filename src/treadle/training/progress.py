"""Prints a line for each epoch, and a bar below them.

The bar is for terminals and notebooks.
"""

from __future__ import annotations

import math
from dataclasses import asdict
from typing import TYPE_CHECKING

from treadle.training.callbacks import Callback, Training
from treadle.training.held_out import HeldOut
from treadle.training.history import EpochRecord

if TYPE_CHECKING:
    from rich.console import Console
    from rich.progress import Progress as Bar

FORMATS = {"epoch": "d", "learning_rate": ".3g", "seconds": ".2f"}
DEFAULT_FORMAT = ".4f"


class Progress(Callback):
    """Show training as a table of epochs, and a bar of time left.

    The held-out figures are called what they are: test loss and test accuracy, validation R2 and the like. A
    column that is NaN in the first epoch is left out. Without a terminal (a log file, a pipe) there is the
    table alone, as plain text. In Jupyter the bar is a widget of rich, which needs the package ipywidgets.

    Parameters
    ----------
    console : rich.console.Console, optional
        Where to. None: standard error.

    Examples
    --------
    >>> import sys
    >>> from rich.console import Console
    >>> from treadle import MLPRegressor, Progress
    >>> table = Progress(Console(file=sys.stdout, width=80))
    >>> model = MLPRegressor(tol=10, n_iter_no_change=1, callbacks=table, random_state=0)
    >>> _ = model.fit([[0.0], [1.0]], [0.0, 1.0])
    epoch  train loss  learning rate  seconds
        1      0.1668          0.001     ...
        2      0.1584          0.001     ...
    """

    def __init__(self, console: Console | None = None) -> None:
        self._console = console
        self._bar: Bar | None = None
        self._titles: dict[str, str] = {}

    def on_fit_begin(self, training: Training) -> None:
        """Show the bar."""
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
        from rich.progress import Progress as Bar

        self._titles = {}
        self._console = console = self._console or Console(stderr=True, highlight=False, soft_wrap=True)
        self._bar = Bar(
            TextColumn("training"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("epochs, left"),
            TimeRemainingColumn(),
            console=console,
            transient=True,
            disable=not (console.is_terminal or console.is_jupyter),
        )
        self._task = self._bar.add_task("training", total=training.plan.n_epochs)
        self._bar.start()

    def on_epoch_end(self, training: Training) -> None:
        """Print the epoch's line, and the table's header before the first."""
        record = training.record
        if self._bar is None or self._console is None:
            return
        if not self._titles:
            shown = (name for name, value in asdict(record).items() if _is_shown(value))
            self._titles = {name: _title(name, training.held_out) for name in shown}
            self._console.print("  ".join(self._titles.values()))
        self._bar.update(self._task, completed=record.epoch)
        self._console.print(self._line(record))

    def _line(self, record: EpochRecord) -> str:
        return "  ".join(
            f"{getattr(record, name):{len(title)}{FORMATS.get(name, DEFAULT_FORMAT)}}"
            for name, title in self._titles.items()
        )

    def on_fit_end(self, training: Training) -> None:
        """Take the bar away; the table stays."""
        if self._bar is not None:
            self._bar.stop()
            self._bar = None

    def __getstate__(self) -> dict[str, object]:
        """Pickle nothing of the screen.

        A pickled callback shows its training on the screen where it is loaded.
        """
        return {"_console": None, "_bar": None, "_titles": {}}


def _title(column: str, held_out: HeldOut | None) -> str:
    if held_out is not None:
        column = column.replace("held_out_score", f"{held_out.name} {held_out.score_name}")
        column = column.replace("held_out_loss", f"{held_out.name} loss")
    return column.replace("_", " ")


def _is_shown(value: object) -> bool:
    return not (isinstance(value, float) and math.isnan(value))
