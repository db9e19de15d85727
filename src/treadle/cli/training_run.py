"""What a command does around the training of a run: begin or resume it, time it, save it when it is ended."""

from __future__ import annotations

import errno
import signal
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from treadle.cli.terminal import warn
from treadle.errors import InvalidInput, RunError

if TYPE_CHECKING:
    from rich.console import Console

    from treadle.runs.config import RunConfig
    from treadle.runs.run import Run
    from treadle.runs.run_folder import RunFolder
    from treadle.runs.table_config import TableConfig
    from treadle.runs.table_run import TableRun

AnyRun = TypeVar("AnyRun", "Run", "TableRun")
Trained = TypeVar("Trained")

BETWEEN_EPOCHS = "evaluation of each epoch, checkpoints"


def begun_run(run_class: type[AnyRun], resume: Path | None, out: Path | None) -> AnyRun | None:
    """Open the run to resume, None where none is."""
    if resume and out:
        raise InvalidInput("--out and --resume exclude each other: a run stays in its folder")
    return run_class.open(resume) if resume else None


def run_to_train(
    run_class: type[AnyRun],
    begun: AnyRun | None,
    out: Path | None,
    name: str,
    # As the class of run has it.
    config: RunConfig | TableConfig,
    environment: Mapping[str, str],
    console: Console,
) -> AnyRun:
    """Return the run that was begun, with warnings, or else a new one; ``name`` is for its folder."""
    from treadle.runs.run_folder import RunFolder, make_run_folder

    if begun:
        run, warnings = begun.continued(config, environment)  # type: ignore[arg-type]
        for warning in warnings:
            warn(console, warning)
        return run
    with failing_writes_explained(RunFolder(out or Path("runs"))):
        folder = out or make_run_folder(Path("runs"), name)
    return run_class.create(folder, config, environment)  # type: ignore[arg-type]


def announce(console: Console, run: Run | TableRun, what: str, n_epochs: int) -> None:
    """Print that a run begins, or resumes; ``what`` is trained."""
    n_done = len(run.history())
    console.print(f"{what}, {run.config.engine} engine, in {run.folder}")
    if n_done == n_epochs:
        console.print(f"all {n_epochs} epochs are done already")
    elif n_done:
        console.print(f"going on after epoch {n_done} of {n_epochs}")


def trained(run: RunFolder, timings: dict[str, float], train: Callable[[], Trained]) -> Trained:
    """Train, and enter the seconds of the epochs, and of what is between them, into the timings."""
    seconds_before = sum(run.history().column("seconds"))
    with timed(timings, BETWEEN_EPOCHS):
        found = train()
    timings["training"] = sum(run.history().column("seconds"))
    timings[BETWEEN_EPOCHS] -= timings["training"] - seconds_before
    return found


@contextmanager
def in_order(console: Console, run: RunFolder, n_epochs: int) -> Iterator[None]:
    """Save what is trained however it ends, and say what to do then."""
    with failing_writes_explained(run), _going_on_explained(console, run, n_epochs), _ended_in_order():
        yield


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
def _ended_in_order() -> Iterator[None]:
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
def _going_on_explained(console: Console, run: RunFolder, n_epochs: int) -> Iterator[None]:
    """Print on Ctrl-C or SIGTERM how to go on."""
    try:
        yield
    except (KeyboardInterrupt, SystemExit):
        console.print(
            f"stopped; {len(run.history())} of {n_epochs} epochs are saved. Go on with: {run.resume_command}"
        )
        raise
