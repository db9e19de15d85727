"""Checks targets and weights once, for engines that do not check each batch."""

from __future__ import annotations

from treadle.engines.objective import Objective
from treadle.maths.dtypes import Numbers
from treadle.maths.loss_table import LOSSES
from treadle.network import Network


def check_targets(
    objective: Objective,
    network: Network,
    n_rows: int,
    y: Numbers,
    sample_weight: Numbers | None,
) -> None:
    """Raise InvalidInput for targets and weights that ``treadle.maths``'s losses refuse.

    Parameters
    ----------
    objective : Objective
    network : Network
    n_rows : int
        Of X.
    y, sample_weight
        As in ``TrainingProblem``.
    """
    LOSSES[objective.loss].check(y, (n_rows, network.sizes[-1]), sample_weight)
