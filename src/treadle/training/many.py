"""Several trainings at once: seeds, folds or candidates of a network, none of which waits for another."""

from __future__ import annotations

from collections.abc import Sequence

from treadle.hardware.at_once import raise_failures, refuse_shared, run_at_once
from treadle.training.callbacks import Training


def train_many(trainings: Sequence[Training], n_threads: int | None = None) -> None:
    """Run each to its end, to the bits that it has by itself.

    Parameters
    ----------
    trainings : sequence of Training
        With loops, trainers and callbacks of their own; their trainers are best made by ``Engine.trainers``,
        for one thread each.
    n_threads : int >= 1, or None
        How many run at a time. None: as many as there are processors for this process.

    Raises
    ------
    InvalidInput
        If two are one training, or share a loop, a trainer or a callback; if n_threads is no positive
        integer.
    FitsFailed
        If some failed, once all others have ended. It says which, and why.

    Examples
    --------
    >>> import numpy as np
    >>> from treadle import Adam, Constant, Network, Objective, Parameters, Training
    >>> from treadle import TrainingLoop, TrainingPlan, TrainingProblem, select_engine, train_many
    >>> X, y = np.eye(3, dtype=np.float32), np.arange(3)
    >>> network, engine = Network((3, 8, 3)), select_engine("numpy").engine
    >>> problem = TrainingProblem(network, Objective(), Adam(), X, y, batch_size=1)
    >>> starts = [Parameters.initialise(network, random_state=seed) for seed in range(4)]
    >>> trainers = engine.trainers([(problem, start) for start in starts])
    >>> plan = TrainingPlan(20, 0.01, Constant(), seed=0)
    >>> loops = [TrainingLoop(engine, problem, plan, s, trainer=t) for s, t in zip(starts, trainers)]
    >>> train_many([Training(loop) for loop in loops])
    >>> [len(loop.history) for loop in loops]
    [20, 20, 20, 20]
    """
    parts = [training.changing_parts() for training in trainings]
    refuse_shared("trainings", parts, "give each a loop, a trainer and callbacks of its own")
    outcomes = run_at_once([training.run for training in trainings], n_threads)
    raise_failures("trainings", "have ended", outcomes)
