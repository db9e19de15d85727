"""Run the command treadle, and say where its seconds went; nothing in treadle knows of it.

``python command_parts.py FILE ENGINE ARGUMENTS`` runs ``treadle ARGUMENTS`` in this process with stopwatches
around the engine's training, a few other functions and every import, and writes the seconds of each part to
FILE as JSON. A second belongs to one part only: an import within the drawing of pictures counts as import.
"""

from __future__ import annotations

import builtins
import functools
import json
import sys
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any


class Stopwatches:
    """Seconds of each part, less those of the parts within it."""

    def __init__(self) -> None:
        self.seconds: defaultdict[str, float] = defaultdict(float)
        self._running: list[str] = []
        self._since = time.perf_counter()

    @contextmanager
    def part(self, name: str) -> Iterator[None]:
        """What runs within belongs to that part."""
        self._turn()
        self._running.append(name)
        try:
            yield
        finally:
            self._turn()
            self._running.pop()

    def _turn(self) -> None:
        now = time.perf_counter()
        if self._running:
            self.seconds[self._running[-1]] += now - self._since
        self._since = now

    def around(self, owner: Any, attribute: str, name: str) -> None:
        """Put a stopwatch around a function that is looked up when it is called."""
        setattr(owner, attribute, self._timed(getattr(owner, attribute), name))

    def _timed(self, function: Callable[..., Any], name: str) -> Callable[..., Any]:
        @functools.wraps(function)
        def timed(*arguments: Any, **options: Any) -> Any:
            with self.part(name):
                return function(*arguments, **options)

        return timed


def main(file: Path, engine: str, arguments: list[str]) -> int:
    watches = Stopwatches()
    with watches.part("command line and all else"):
        watches.around(builtins, "__import__", "imports")
        import treadle.cli
        import treadle.data
        from treadle.engines.engine import Trainer
        from treadle.engines.selection import select_engine
        from treadle.report import picture, run_report
        from treadle.runs import run
        from treadle.training import loop

        watches.around(treadle.data, "load_data", "data")
        watches.around(run.Run, "train", "evaluation of each epoch, checkpoints")
        select_engine(engine)  # loads its trainer
        for trainer in Trainer.__subclasses__():
            watches.around(trainer, "run_epochs", "training")
            watches.around(trainer, "run_epoch", "training")
        watches.around(loop, "epoch_order", "order of the rows")
        watches.around(loop, "epoch_orders", "order of the rows")
        watches.around(run_report, "evaluate_model", "final evaluation")
        watches.around(run_report, "write_report", "report")
        for drawing in ("draw_curves", "draw_confusion", "draw_predictions"):
            watches.around(run_report, drawing, "pictures")
        watches.around(picture.Picture, "save", "pictures")
        code = treadle.cli.run(arguments)
    file.write_text(json.dumps(watches.seconds), "utf-8")
    return code


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), sys.argv[2], sys.argv[3:]))
