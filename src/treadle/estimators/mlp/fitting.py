"""Trains a multilayer perceptron once, by mini-batches or by L-BFGS.

Both go through ``treadle.training``: a loop over epochs with callbacks on it. An epoch of L-BFGS is an
iteration over all rows.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import closing, contextmanager, nullcontext
from dataclasses import dataclass, replace
from typing import Literal

from sklearn.exceptions import ConvergenceWarning

from treadle.engines.engine import Engine, TrainingProblem
from treadle.engines.objective import Objective
from treadle.engines.selection import select_engine
from treadle.errors import TrainingDiverged
from treadle.estimators.hyperparameters import PLANNED_RATES
from treadle.estimators.mlp.fitted import Fitted
from treadle.estimators.mlp.scikit_learn_callbacks import ScikitLearnTasks
from treadle.estimators.mlp.starts import Start
from treadle.estimators.mlp.stopping import StoppingRule, print_epoch
from treadle.estimators.mlp.training_recipe import Hyperparameters, batch_size_of, optimizer_of
from treadle.estimators.mlp.training_rows import TrainingRows
from treadle.maths.dtypes import Arrays
from treadle.messages import warn_caller
from treadle.network import Parameters
from treadle.training.callbacks import Callback, Training, as_callbacks
from treadle.training.checkpoint import Checkpoint
from treadle.training.held_out import HeldOut
from treadle.training.history import History
from treadle.training.lbfgs import LbfgsTrainer, LineSearch
from treadle.training.loop import TrainingLoop, TrainingPlan

NOT_FINITE = (
    "Solver produced non-finite parameter weights. The input data may contain large values and need to be "
    "preprocessed."
)


@dataclass(frozen=True)
class Assignment:
    """The inputs of one training.

    Parameters
    ----------
    recipe : Hyperparameters
        The estimator, which callbacks see.
    start : Start
    seed : int
        Of all that is drawn.
    parameters : Parameters
        To begin with.
    data : TrainingRows
    held_out : HeldOut, or None
    objective : callable
        What is minimised, given the strength of its penalty.
    tasks : ScikitLearnTasks, or None
        Tells scikit-learn's callbacks.
    """

    recipe: Hyperparameters
    start: Start
    seed: int
    parameters: Parameters
    data: TrainingRows
    held_out: HeldOut | None
    objective: Callable[[float], Objective]
    tasks: ScikitLearnTasks | None


@dataclass(frozen=True)
class Outcome:
    """The results of one training.

    Parameters
    ----------
    fitted : Fitted
        Without names of features and classes, which training does not know.
    complaint : str, or None
        Why it has not converged, once the estimator is fitted.
    """

    fitted: Fitted
    complaint: str | None


def train(assignment: Assignment) -> Outcome:
    """Train by the solver of the hyper-parameters.

    Raises
    ------
    TrainingDiverged
        If a loss or a parameter becomes NaN or infinite, without early stopping.
    """
    return _by_lbfgs(assignment) if assignment.recipe.solver == "lbfgs" else _by_mini_batches(assignment)


def _by_mini_batches(assignment: Assignment) -> Outcome:
    """Train until the plan ends, or a callback stops it.

    The stopping rule is one of them.
    """
    recipe, start, data = assignment.recipe, assignment.start, assignment.data
    problem = _problem(assignment, batch_size_of(recipe, data.n_rows))
    engine = _engine(assignment, problem)
    by_score = bool(recipe.early_stopping)
    rule = _stopping_rule(assignment, by_score)
    plan = start.plan(recipe, assignment.seed)
    loop = TrainingLoop(
        engine, problem, plan, assignment.parameters, assignment.held_out, rule.watched, data.rows
    )
    if start.moments.keys() == {"step", *problem.optimizer.moments}:
        begin = assignment.parameters
        state = {"parameters": begin.flat, "statistics": begin.statistics, **start.moments}
        loop.restore(Checkpoint(state, History()))
    training = _training(assignment, loop, [rule, *as_callbacks(recipe.callbacks)])
    # Early stopping has an earlier epoch to keep, unless that was in another call.
    ended = _run(training, bears_divergence=by_score and not start.is_part)
    diverged = ended == "diverged"
    fitted = Fitted(
        parameters=loop.parameters(),
        curves=start.curves.and_then(
            loop.history,
            data.n_rows,
            by_score=by_score,
            has_scores=assignment.held_out is not None,
            diverged=diverged,
        ),
        engine=engine.name,
        stopped_early=rule.stalled or training.stopped_by is rule,
        seed=assignment.seed,
        moments={} if diverged else _moments(loop),
        memory=None if rule.stalled and start.is_part else rule.memory(),
    )
    was_to_end = training.stopped_by is not None or diverged or recipe.learning_rate in PLANNED_RATES
    if was_to_end or start.is_part or len(loop.history) < recipe.max_iter:
        return Outcome(fitted, None)
    return Outcome(
        fitted,
        f"Stochastic Optimizer: Maximum iterations ({recipe.max_iter}) reached and the optimization "
        "hasn't converged yet. Raise max_iter, learning_rate_init or tol.",
    )


def _by_lbfgs(assignment: Assignment) -> Outcome:
    """Train by L-BFGS, whose iterations over all rows count as epochs.

    Each has a place in the loss curve.
    """
    recipe, data, start = assignment.recipe, assignment.data, assignment.start
    problem = _problem(assignment, data.n_rows)
    engine = _engine(assignment, problem)
    trainer = LbfgsTrainer(
        engine,
        problem,
        assignment.parameters,
        data.rows,
        max_iterations=int(recipe.max_iter),
        max_evaluations=int(recipe.max_fun),
        tolerance=float(recipe.tol),
    )
    plan = TrainingPlan(
        int(recipe.max_iter), recipe.learning_rate_init, LineSearch(), assignment.seed, shuffled=False
    )
    held_out = assignment.held_out
    loop = TrainingLoop(
        engine, problem, plan, assignment.parameters, held_out, rows=data.rows, trainer=trainer
    )
    printing = as_callbacks((lambda training: print_epoch(training.record)) if recipe.verbose else None)
    complaint = None
    with closing(trainer):
        ended = _run(_training(assignment, loop, printing))
        parameters = loop.parameters()
        curves = start.curves.and_then(loop.history, 0, by_score=False, has_scores=held_out is not None)
        if ended != "interrupted":
            with _diverging_in_scikit_learns_words():
                found = trainer.minimum()
            parameters, curves = found.parameters, replace(curves, loss=found.loss)
            if not found.converged:
                complaint = (
                    f"lbfgs failed to converge after {found.n_iterations} iteration(s) ({found.status}): "
                    f"raise max_iter={recipe.max_iter}, max_fun={recipe.max_fun} or tol, or scale the data"
                )
    fitted = Fitted(parameters, curves, engine.name, stopped_early=False, seed=assignment.seed)
    return Outcome(fitted, complaint)


def _problem(assignment: Assignment, batch_size: int) -> TrainingProblem:
    recipe, data = assignment.recipe, assignment.data
    mean_weight = data.total_weight / data.n_rows
    return TrainingProblem(
        network=assignment.parameters.network,
        objective=assignment.objective(recipe.alpha / (batch_size * mean_weight)),
        optimizer=optimizer_of(recipe),
        X=data.X,
        y=data.targets,
        sample_weight=data.weights,
        batch_size=batch_size,
        noise_seed=assignment.seed,
        precision="bfloat16" if recipe.precision == "bfloat16" else "float32",
    )


def _engine(assignment: Assignment, problem: TrainingProblem) -> Engine:
    recipe = assignment.recipe
    return select_engine(recipe.engine, problem, assignment.parameters.dtype, recipe.n_threads).engine


def _stopping_rule(assignment: Assignment, by_score: bool) -> StoppingRule:
    recipe, start = assignment.recipe, assignment.start
    return StoppingRule(
        by_score=by_score,
        ends=by_score or recipe.learning_rate not in PLANNED_RATES,
        adaptive=recipe.solver == "sgd" and recipe.learning_rate == "adaptive" and not start.is_part,
        tol=recipe.tol,
        n_iter_no_change=recipe.n_iter_no_change,
        verbose=bool(recipe.verbose),
        start=assignment.parameters,
        earlier=None if start.earlier is None else start.earlier.memory,
        is_part=start.is_part,
    )


def _training(assignment: Assignment, loop: TrainingLoop, callbacks: Iterable[Callback]) -> Training:
    """Make the training, with scikit-learn's callbacks after the others."""
    tasks = () if assignment.tasks is None else (assignment.tasks,)
    return Training(loop, (*callbacks, *tasks), estimator=assignment.recipe)


def _run(
    training: Training, *, bears_divergence: bool = False
) -> Literal["as planned", "diverged", "interrupted"]:
    """Train; return how it ended, or raise where it diverged.

    Divergence is an error unless ``bears_divergence``.
    """
    try:
        with nullcontext() if bears_divergence else _diverging_in_scikit_learns_words():
            training.run()
    except TrainingDiverged as error:
        if not bears_divergence:
            raise
        warn_caller(
            f"training ended before max_iter, and the best epoch so far is kept: {error}",
            ConvergenceWarning,
        )
        return "diverged"
    except KeyboardInterrupt:
        if len(training.history) == 0:
            raise
        warn_caller("Training interrupted by user.")
        return "interrupted"
    return "as planned"


@contextmanager
def _diverging_in_scikit_learns_words() -> Iterator[None]:
    try:
        yield
    except TrainingDiverged as error:
        raise TrainingDiverged(f"{NOT_FINITE} {error}") from error


def _moments(loop: TrainingLoop) -> Arrays:
    """Return the optimizer's state without the parameters, wherever training was interrupted."""
    return {name: a for name, a in loop.state().items() if name not in ("parameters", "statistics")}
