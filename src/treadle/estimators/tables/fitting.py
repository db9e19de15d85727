"""Trains the network of a table once: what is trained, the loop, and what comes of it.

An estimator calls ``train``; a run's folder makes the loop of ``Assignment.loop`` itself, with its files
among the callbacks, and calls ``finished`` at the end. Both end in the same bits.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np

from treadle.engines.engine import TrainingProblem
from treadle.engines.objective import Objective
from treadle.engines.selection import Selection, select_engine
from treadle.estimators.mlp.targets import Targets
from treadle.estimators.mlp.training_recipe import Scoring
from treadle.estimators.mlp.training_rows import TrainingRows
from treadle.estimators.mlp.validation_score import score_name, score_of_held_out
from treadle.estimators.tables.fitted_table import FittedTable
from treadle.estimators.tables.judged import judged
from treadle.estimators.tables.recipe import (
    TableRecipe,
    batch_size_for,
    network_for,
    optimizer_for,
    plan_for,
)
from treadle.estimators.tables.temperature import fitted_temperature
from treadle.messages import warn_caller
from treadle.optimizers import Fading
from treadle.tables.preparation.preparation import Preparation
from treadle.training.best_epoch import BestEpoch
from treadle.training.callbacks import Callback, Training, as_callbacks
from treadle.training.held_out import HeldOut
from treadle.training.history import COLUMNS
from treadle.training.loop import TrainingLoop, TrainingPlan
from treadle.training.start_from_data import start_from_data

HELD_OUT = ("held_out_loss", "held_out_score")


@dataclass(frozen=True, eq=False)
class Assignment:
    """The inputs of one training.

    Parameters
    ----------
    recipe : TableRecipe
        The estimator, which callbacks see.
    preparation : Preparation
    kind : Targets
    objective : Objective
    scoring : None, "loss", str or callable
        What chooses the epoch.
    seed : int
        Of all that is drawn.
    data : TrainingRows
        Prepared; all rows are trained on.
    held_out : TrainingRows, or None
        Prepared, to judge epochs by; class weights are in what the rows weigh there.
    """

    recipe: TableRecipe
    preparation: Preparation
    kind: Targets
    objective: Objective
    scoring: Scoring
    seed: int
    data: TrainingRows
    held_out: TrainingRows | None

    @property
    def plan(self) -> TrainingPlan:
        """The plan of training."""
        return plan_for(self.recipe, self.data.n_rows, self.seed)

    @property
    def dtype(self) -> type[np.floating]:
        """The parameters' dtype."""
        return np.float64 if self.recipe.precision == "float64" else np.float32

    def problem(self) -> TrainingProblem:
        """Make the training problem."""
        plan, recipe, data = self.plan, self.recipe, self.data
        batch_size = batch_size_for(recipe, data.n_rows)
        n_steps = plan.n_visited(data.n_rows, batch_size) // batch_size
        return TrainingProblem(
            network=network_for(recipe, self.preparation, self.kind),
            objective=self.objective,
            optimizer=optimizer_for(recipe, self.kind),
            X=data.X,
            y=data.targets,
            batch_size=batch_size,
            sample_weight=data.weights,
            noise_seed=self.seed,
            precision="bfloat16" if recipe.precision == "bfloat16" else "float32",
            fading=Fading(plan.n_epochs * n_steps),
        )

    def select_engine(self, problem: TrainingProblem) -> Selection:
        """Select the engine of the hyper-parameters.

        Raises
        ------
        EngineUnavailable
            If the one that is named cannot serve here.
        """
        recipe = self.recipe
        return select_engine(recipe.engine, problem, self.dtype, recipe.n_threads)

    def loop(self) -> TrainingLoop:
        """Make the training loop, at its start."""
        problem = self.problem()
        engine = self.select_engine(problem).engine
        parameters = start_from_data(problem.network, self.data.X, self.seed, self.dtype)
        held_out = None
        if self.held_out is not None:
            given, scoring = self.held_out, self.scoring
            with_parameters = partial(judged, self.kind, engine)
            score = score_of_held_out(
                scoring,
                self.kind,
                with_parameters,
                self.objective,
                given.X,
                given.targets,
                None,
                given.weights,
            )
            held_out = HeldOut(
                given.X,
                given.targets,
                None,
                given.weights,
                score,
                name="validation",
                score_name=score_name(scoring, self.kind),
            )
        return TrainingLoop(engine, problem, self.plan, parameters, held_out)


def train(assignment: Assignment) -> FittedTable:
    """Train to the plan's end, or until a callback stops it; Ctrl-C keeps the best epoch so far.

    Raises
    ------
    TrainingDiverged
        If a loss or a parameter becomes NaN or infinite.
    """
    loop = assignment.loop()
    best, callbacks = with_best_epoch(as_callbacks(assignment.recipe.callbacks))
    try:
        Training(loop, callbacks, estimator=assignment.recipe).run()
    except KeyboardInterrupt:
        if len(loop.history) == 0:
            raise
        warn_caller("Training interrupted by user.")
    return finished(assignment, loop, best)


def with_best_epoch(callbacks: Sequence[Callback]) -> tuple[BestEpoch, list[Callback]]:
    """Return the callback that keeps the best epoch, and all callbacks, that one the first.

    It is the last to be told that training has ended, and so what it keeps is kept.
    """
    best = BestEpoch()
    return best, [best, *callbacks]


def finished(assignment: Assignment, loop: TrainingLoop, best: BestEpoch) -> FittedTable:
    """Make the fitted value of a training that has ended."""
    history, held_out = loop.history, assignment.held_out
    parameters = loop.parameters()
    names = [name for name in COLUMNS if held_out is not None or name not in HELD_OUT]
    temperature = 1.0
    if held_out is not None and assignment.objective.label_smoothing:
        logits = loop.engine.logits(parameters, held_out.X)
        temperature = fitted_temperature(assignment.kind, logits, held_out.targets, held_out.score_weights)
    return FittedTable(
        preparation=assignment.preparation,
        kind=assignment.kind,
        parameters=parameters,
        temperature=temperature,
        engine=loop.engine.name,
        history={name: history.column(name) for name in names},
        best_epoch=best.best_epoch_ or len(history),
    )
