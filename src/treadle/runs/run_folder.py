"""A folder that training fills: its files, and how they are written while training goes on.

::

    config.toml              the resolved configuration and the environment; written first
    history.csv              a line an epoch; written with the checkpoint
    checkpoint.safetensors   everything that resuming needs; replaced after an epoch, at most once a second
    model.safetensors        what was trained; written last: its presence says that the run is finished

Each file is replaced whole or not at all, so a run killed at any moment resumes to the same bits.
"""

from __future__ import annotations

import shlex
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from itertools import count
from pathlib import Path

from treadle.errors import RunError
from treadle.files import UNFINISHED, locked, remove_unfinished, write_atomically
from treadle.maths.dtypes import Arrays
from treadle.training.callbacks import Training
from treadle.training.checkpoint import Checkpoint
from treadle.training.checkpointing import Checkpointing
from treadle.training.history import History

# From one checkpoint to the next, at least; what a killed process has to train again.
SECONDS_BETWEEN_CHECKPOINTS = 1.0


@dataclass(frozen=True)
class RunFolder:
    """The files of a run, by their paths.

    Parameters
    ----------
    folder : Path
    """

    folder: Path

    @property
    def config_path(self) -> Path:
        """The file of the configuration and the environment; its presence says that a run is here."""
        return self.folder / "config.toml"

    @property
    def model_path(self) -> Path:
        """The file of the trained network, once the run is finished."""
        return self.folder / "model.safetensors"

    @property
    def checkpoint_path(self) -> Path:
        """The file of the state after the last epoch that was saved.

        Of a killed run that is up to a second before its end.
        """
        return self.folder / "checkpoint.safetensors"

    @property
    def report_path(self) -> Path:
        """The file of the page that ``treadle report`` writes."""
        return self.folder / "report.html"

    @property
    def resume_command(self) -> str:
        """What goes on with the run."""
        return f"treadle train --resume {shlex.quote(str(self.folder))}"

    def history(self) -> History:
        """Read the epochs so far from the checkpoint; history.csv is for people."""
        return Checkpoint.load(self.checkpoint_path).history if self.checkpoint_path.is_file() else History()

    def check_new(self) -> None:
        """Raise RunError if something is in the folder already."""
        if self.folder.exists() and any(not path.name.endswith(UNFINISHED) for path in self.folder.iterdir()):
            go_on = f", or go on with what is there: {self.resume_command}" if self.is_begun() else ""
            raise RunError(f"{self.folder} is not empty: name another folder with --out{go_on}")

    def is_begun(self) -> bool:
        """Say whether a run is here, finished or not."""
        return self.config_path.is_file()

    def check_begun(self) -> None:
        """Raise RunError if there is no run here."""
        if not self.is_begun():
            raise RunError(
                f"{self.folder} holds no run (no config.toml): name a folder that treadle train made"
            )

    def check_finished(self, n_epochs: int) -> None:
        """Raise RunError if the model is not there yet."""
        if not self.model_path.is_file():
            raise RunError(
                f"{self.folder} is not finished ({len(self.history())} of {n_epochs} epochs): "
                f"go on with: {self.resume_command}"
            )

    @contextmanager
    def in_training(self, config: str) -> Iterator[None]:
        """Make the folder, hold it while training goes on, and write the configuration.

        Raises
        ------
        RunError
            If another process trains in the folder.
        OSError
            If the folder cannot be written or the disk is full.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        try:
            with locked(self.folder):
                remove_unfinished(self.folder)
                write_atomically(self.config_path, config.encode())
                yield
        except BlockingIOError as error:
            raise RunError(
                f"another process trains in {self.folder}: wait for it, or name another folder with --out"
            ) from error


class RunFiles(Checkpointing):
    """Writes the folder's files while training goes on.

    An epoch may take less than a file that is to be safe on the disk. One that ends within a second of the
    last checkpoint waits in memory, and is written when training ends, however it ends.

    Parameters
    ----------
    run : RunFolder
        Whose configuration and data whoever resumes it has compared.
    on_start : callable
        Called when all is known to be usable.
    """

    def __init__(self, run: RunFolder, on_start: Callable[[], None]) -> None:
        super().__init__(run.checkpoint_path)
        self._run = run
        self._on_start = on_start
        self._saved_at = 0.0
        self._waiting: Checkpoint | None = None

    def state(self) -> Arrays:
        """Return nothing: configuration and data have been compared."""
        return {}

    def on_fit_begin(self, training: Training) -> None:
        """Resume from the checkpoint, and remove what a finished run left."""
        super().on_fit_begin(training)
        if len(training.history) < training.plan.n_epochs:
            self._run.model_path.unlink(missing_ok=True)
            self._run.report_path.unlink(missing_ok=True)
        if len(training.history):  # a process killed between the two files left the table behind
            self._write_history(training.history)
        self._saved_at = time.monotonic()
        self._on_start()

    def on_epoch_end(self, training: Training) -> None:
        """Save, or keep what is to be saved later."""
        if time.monotonic() - self._saved_at >= SECONDS_BETWEEN_CHECKPOINTS:
            self._save(training)
        else:
            self._waiting = training.checkpoint()

    def on_fit_end(self, training: Training) -> None:
        """Save the last whole epoch, if it is not: also that before one which was interrupted or diverged."""
        super().on_fit_end(training)
        if self._waiting is not None:
            self._write(self._waiting)

    def _write(self, checkpoint: Checkpoint) -> None:
        self._waiting = None
        super()._write(checkpoint)
        self._write_history(checkpoint.history)
        self._saved_at = time.monotonic()

    def _write_history(self, history: History) -> None:
        write_atomically(self._run.folder / "history.csv", history.to_csv().encode())


def make_run_folder(parent: Path, name: str) -> Path:
    """Make ``parent/name-1``, or the next free: processes never share a folder."""
    for n in count(1):
        folder = parent / f"{name}-{n}"
        with suppress(FileExistsError):
            folder.mkdir(parents=True)
            break
    return folder
