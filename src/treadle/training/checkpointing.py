"""Checkpoints while training goes on: one that was killed goes on from its last one, to the same bits."""

from __future__ import annotations

from pathlib import Path

from treadle.errors import InvalidInput
from treadle.training.callbacks import Callback, Training
from treadle.training.checkpoint import Checkpoint


class Checkpointing(Callback):
    """Save all of the training's state every so many epochs; begin where the file stands, if there is one.

    The same fit, called again after the process was killed, goes on from the file and ends in the same bits
    as one that was never interrupted. After a training that ended the file stays, and the next fit ends at
    once, or trains on to a larger ``max_iter``; delete it to begin anew. Other callbacks have seen an epoch
    before it is saved, and what they know is in the file.

    Parameters
    ----------
    path : str or Path
        A safetensors file; replaced whole or not at all.
    every : int >= 1, default=1
        Epochs from one to the next. The last epoch of the training is saved in any case.
    resume : bool, default=True
        Whether to go on from the file that is there. False: it is replaced after the first epoch.

    Raises
    ------
    InvalidInput
        If ``every`` is not a positive integer; when training begins, if the file is of another training.
    CorruptFile
        When training begins, if the file is no checkpoint or is damaged.
    OSError
        If the folder cannot be written or the disk is full.
    """

    sees_what_others_did = True

    def __init__(self, path: str | Path, *, every: int = 1, resume: bool = True) -> None:
        if isinstance(every, bool) or not isinstance(every, int) or every < 1:
            raise InvalidInput(f"every must be a number of epochs, an integer of at least 1; got {every!r}")
        self.path = Path(path)
        self.every = every
        self.resume = resume
        self._saved_epoch = 0

    def on_fit_begin(self, training: Training) -> None:
        """Go on from the file."""
        if self.resume and self.path.is_file():
            training.restore(Checkpoint.load(self.path))
        self._saved_epoch = len(training.history)

    def on_epoch_end(self, training: Training) -> None:
        """Save every so many epochs."""
        if training.record.epoch % self.every == 0:
            self._save(training)

    def on_fit_end(self, training: Training) -> None:
        """Save the last epoch. After an exception too: between two epochs the state is whole."""
        # A trainer that stopped within an epoch, for one that diverged, has no state worth keeping.
        if training.is_between_epochs and len(training.history) > self._saved_epoch:
            self._save(training)

    def _save(self, training: Training) -> None:
        self._saved_epoch = len(training.history)  # even if this fails: on_fit_end is not to fail once more
        training.checkpoint().save(self.path)
