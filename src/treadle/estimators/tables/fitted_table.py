"""The result of a fit to a table: a preparation, a network, and what its outputs mean."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import numpy as np

from treadle.estimators.mlp.targets import Targets
from treadle.maths.dtypes import Floats
from treadle.network import Parameters
from treadle.tables.preparation.counts import Counts
from treadle.tables.preparation.preparation import Preparation
from treadle.tables.table import Table

# Rows that are prepared and predicted at a time, so that no table's matrix is in memory as a whole.
ROWS_AT_A_TIME = 1 << 16


@dataclass(frozen=True, eq=False)
class FittedTable:
    """A fitted network of a table.

    Parameters
    ----------
    preparation : Preparation
    kind : Targets
    parameters : Parameters
        With their network.
    temperature : float
        What logits are divided by before they become probabilities.
    engine : str
        Name of the engine that trained.
    history : dict of lists
        A row for each epoch.
    best_epoch : int
        That whose parameters these are, from 1.
    """

    preparation: Preparation
    kind: Targets
    parameters: Parameters
    temperature: float = 1.0
    engine: str = ""
    history: dict[str, list[float]] = field(default_factory=dict)
    best_epoch: int = 0

    def logits(self, predict: Callable[[Floats], Floats], table: Table, first_row: int = 1) -> Floats:
        """Return the network's last sums for each row of a table, (N, K).

        Parameters
        ----------
        predict : callable
            From prepared rows to logits: an engine's.
        table : Table
        first_row : int, default=1
            The number of its first row, for errors.
        """
        return np.concatenate([logits for logits, _ in self.in_chunks(predict, table, first_row)])

    def in_chunks(
        self, predict: Callable[[Floats], Floats], table: Table, first_row: int = 1
    ) -> Iterator[tuple[Floats, Counts]]:
        """Yield the logits of some rows after others, and what was replaced in them."""
        for first in range(0, len(table), ROWS_AT_A_TIME):
            chunk = table.slice(first, ROWS_AT_A_TIME)
            prepared = self.preparation.transform(chunk, first_row=first_row + first)
            yield predict(prepared.X), prepared.counts
