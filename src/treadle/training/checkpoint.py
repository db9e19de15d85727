"""Saves the state of training after an epoch, to resume to the bit.

The file is safetensors: the trainer's named arrays, and one entry of metadata, ``treadle``, which holds JSON
with the format's version and the history as CSV. Nothing is pickled; a file is replaced whole or not at all.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from treadle.errors import CorruptFile
from treadle.export.container import Container
from treadle.maths.dtypes import Arrays
from treadle.messages import quoted
from treadle.training.history import History

FILE = Container("a checkpoint", 1, ("history",), section="history", section_type=str, needs_sum=False)


@dataclass(frozen=True)
class Checkpoint:
    """A trainer's state and the history, at the end of an epoch.

    The state is that of ``Trainer.state``, with that of its average if there is any.
    """

    state: Arrays
    history: History

    def save(self, path: str | Path) -> None:
        """Write the file.

        OSError if the folder cannot be written or the disk is full.
        """
        FILE.write(path, self.state, {"history": self.history.to_csv()})

    @classmethod
    def load(cls, path: str | Path) -> Checkpoint:
        """Read what ``save`` wrote; CorruptFile for anything else."""
        state, metadata = FILE.read(path)
        if not {"parameters", "step"} <= state.keys():
            raise CorruptFile(
                f"{path} lacks the parameters or the step; it has {quoted(sorted(state))}: {FILE.remedy}"
            )
        # Checkpoints from before there was batch normalisation have none.
        state.setdefault("statistics", np.empty(0, state["parameters"].dtype))
        step = state["step"]
        if step.shape != () or step.dtype.kind != "i" or step < 0:
            raise CorruptFile(
                f"{path} must hold a step, one integer of at least 0; it holds {quoted(step)}: {FILE.remedy}"
            )
        try:
            return cls(state, History.from_csv(metadata["history"]))
        except CorruptFile as error:
            raise CorruptFile(f"{path} is damaged: {error}; {FILE.remedy}") from error
