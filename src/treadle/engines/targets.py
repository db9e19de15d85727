"""Targets and weights checked once, before an engine that does not look at them batch by batch."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from treadle.engines.objective import Objective
from treadle.network import Network

# Rows checked at a time, which bounds the memory of the outputs that they are held against.
ROWS_AT_A_TIME = 8192


def check_targets(
    objective: Objective,
    network: Network,
    n_rows: int,
    y: NDArray[Any],
    sample_weight: NDArray[Any] | None,
) -> None:
    """Raise InvalidInput for the targets and weights that the losses of ``treadle.maths`` refuse.

    Parameters
    ----------
    objective : Objective
    network : Network
    n_rows : int
        Of X.
    y, sample_weight
        As in ``TrainingProblem``.
    """
    # Labels in their range pass; the losses find the words for all else.
    are_labels = objective.loss == "cross_entropy" and y.shape == (n_rows,) and y.dtype.kind in "iu"
    if are_labels and sample_weight is None and n_rows and y.min() >= 0 and y.max() < network.sizes[-1]:
        return
    outputs = np.zeros((min(n_rows, ROWS_AT_A_TIME), network.sizes[-1]), dtype=np.float32)
    for start in range(0, max(n_rows, 1), ROWS_AT_A_TIME):
        rows = slice(start, start + ROWS_AT_A_TIME)
        weights = None if sample_weight is None else sample_weight[rows]
        objective.data_loss(outputs[: n_rows - start], y[rows], weights)
