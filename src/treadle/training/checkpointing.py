"""Saves checkpoints while training goes on, to resume to the same bits."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from treadle.engines.rows import dense
from treadle.errors import InvalidInput
from treadle.maths.dtypes import Arrays
from treadle.training.callbacks import Callback, Training
from treadle.training.checkpoint import Checkpoint
from treadle.whole_numbers import is_whole

# Of so many rows of X, spread over all, the numbers count in telling one training from another.
ROWS_LOOKED_AT = 256


class Checkpointing(Callback):
    """Save the training's state every few epochs, and resume from the file.

    The same fit, called again after the process was killed, goes on from the file and ends in the same bits
    as one that was never interrupted. After a training that ended the file stays, and the next fit ends at
    once, or trains on to a larger ``max_iter``; delete it to begin anew. Other callbacks have seen an epoch
    before it is saved, and what they know is in the file. The file of another training, on other data or with
    other hyper-parameters, is refused; so is one of the same with ``random_state=None``, which is another
    each time.

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

    Examples
    --------
    >>> from contextlib import suppress
    >>> from treadle import Checkpointing, MLPClassifier
    >>> X, y, saving, epochs = [[0.0], [1.0]], [0, 1], Checkpointing("fit.safetensors"), []
    >>> def power_fails_once(training):
    ...     epochs.append(training.record.epoch)
    ...     if len(epochs) == 3:
    ...         raise InterruptedError
    ...     return len(epochs) == 5
    >>> for _ in range(2):
    ...     with suppress(InterruptedError):
    ...         model = MLPClassifier((4,), random_state=0, callbacks=[power_fails_once, saving]).fit(X, y)
    >>> epochs  # the second fit goes on where the first one ended
    [1, 2, 3, 4, 5]
    """

    sees_what_others_did = True

    def __init__(self, path: str | Path, *, every: int = 1, resume: bool = True) -> None:
        if not (is_whole(every) and every >= 1):
            raise InvalidInput(f"every must be a number of epochs, an integer of at least 1; got {every!r}")
        self.path = Path(path)
        self.every = every
        self.resume = resume
        self._saved_epoch = 0
        self._fingerprint = np.zeros(0, np.int64)

    def on_fit_begin(self, training: Training) -> None:
        """Resume from the file, if there is one."""
        self._fingerprint = fingerprint(training)
        if self.resume and self.path.is_file():
            training.restore(Checkpoint.load(self.path))
        self._saved_epoch = len(training.history)

    def on_epoch_end(self, training: Training) -> None:
        """Save after every ``every`` epochs."""
        if training.record.epoch % self.every == 0:
            self._save(training)

    def on_fit_end(self, training: Training) -> None:
        """Save the last epoch, after an exception too.

        Between two epochs the state is whole.
        """
        # A trainer that stopped within an epoch, for one that diverged, has no state worth keeping.
        if training.is_between_epochs and len(training.history) > self._saved_epoch:
            self._save(training)

    def state(self) -> Arrays:
        """Return what distinguishes this training from others."""
        return {"fingerprint": self._fingerprint}

    def load_state(self, state: Arrays) -> None:
        """Check that the file is of the same training."""
        if not np.array_equal(state.get("fingerprint", np.zeros(0)), self._fingerprint):
            raise InvalidInput(
                f"{self.path} is the checkpoint of another training, on other data, with other "
                "hyper-parameters or another random_state (None is another each time): delete it, or name "
                "another file"
            )

    def _save(self, training: Training) -> None:
        self._saved_epoch = len(training.history)  # even if this fails: on_fit_end is not to fail once more
        training.checkpoint().save(self.path)


def fingerprint(training: Training) -> NDArray[np.int64]:
    """Compute a digest of a training before its first epoch.

    The training's length counts only where the schedule or an average depends on it. Of X it takes some rows
    only, so that it costs nothing where X is large.
    """
    problem, plan = training.problem, training.plan
    n_epochs = plan.n_epochs if plan.schedule.needs_n_epochs or plan.averaged_epochs > 1 else None
    rows = np.linspace(0, problem.n_rows - 1, ROWS_LOOKED_AT).astype(np.int64)
    words = (
        *(training.engine.name, problem.network, problem.objective, problem.optimizer, problem.augmentation),
        *(problem.batch_size, problem.noise_seed, problem.precision, problem.X.shape, problem.X.dtype),
        *(plan.learning_rate, plan.schedule, plan.seed, plan.shuffled, plan.epochs_before, n_epochs),
        *(plan.drops_remainder, problem.fading),
    )
    digest = hashlib.sha256(repr(words).encode())
    arrays = (dense(problem.X[rows]), problem.y, problem.sample_weight, training.order(1))
    for array in (*arrays, training.parameters().flat):
        if array is not None:
            digest.update(np.ascontiguousarray(array).tobytes())
    return np.frombuffer(digest.digest(), np.int64).copy()
