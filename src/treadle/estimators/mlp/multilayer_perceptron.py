"""What the estimators that are multilayer perceptrons have in common: scikit-learn's contract over the loop.

It translates: hyper-parameters into a network, an objective, an update rule and a schedule; what was trained
into attributes. All training is ``treadle.training``, all arithmetic an engine's. What targets are, and what
is predicted of the logits, is for the classifier and the regressor to say.

Dimensions: N samples, D features, K outputs.
"""

from __future__ import annotations

import math
import time
import warnings
from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils.validation import check_is_fitted

from treadle.engines.engine import Engine, TrainingProblem, output_of
from treadle.engines.objective import Objective
from treadle.engines.rows import Rows, n_rows
from treadle.engines.selection import select_engine
from treadle.errors import InvalidInput, TrainingDiverged
from treadle.estimators.hyperparameters import PLANNED_RATES
from treadle.estimators.mlp.conversions import Convertible
from treadle.estimators.mlp.saved_network import HISTORY_COLUMNS, SavedNetwork
from treadle.estimators.mlp.scikit_learn_callbacks import CallbackSupport, ScikitLearnTasks
from treadle.estimators.mlp.stopping import Memory, StoppingRule
from treadle.estimators.mlp.training_recipe import TrainingRecipe, scikit_learns_generator
from treadle.estimators.mlp.training_rows import (
    TrainingRows,
    rows_that_weigh,
    split,
    validated_rows,
    validated_rows_and_targets,
)
from treadle.estimators.mlp.validation_score import estimator_score
from treadle.estimators.random_state import seed_of
from treadle.estimators.sample_weights import checked_weights
from treadle.messages import quoted
from treadle.network import Network, Parameters
from treadle.training.callbacks import Training, as_callbacks
from treadle.training.checkpoint import Checkpoint
from treadle.training.held_out import HeldOut
from treadle.training.history import EpochRecord, History
from treadle.training.lbfgs import minimise
from treadle.training.loop import TrainingLoop

NOT_FINITE = (
    "Solver produced non-finite parameter weights. The input data may contain large values and need to be "
    "preprocessed."
)


class MultilayerPerceptron(SavedNetwork, Convertible, CallbackSupport, TrainingRecipe):
    """The fit and the logits of a classifier and of a regressor; see there for the parameters."""

    # What a later fit or partial_fit goes on from: the optimizer's moments and its count of steps, and what
    # the stopping rule remembers. Neither is there where coefs_ and intercepts_ came from elsewhere.
    _moments: Mapping[str, NDArray[Any]] = MappingProxyType({})
    _earlier: Memory | None = None

    @abstractmethod
    def _encode(self, y: Any, begins: bool, incremental: bool) -> NDArray[Any]:
        """The targets of the training rows. Where training begins, learn from y what they are."""

    @abstractmethod
    def _encode_held_out(self, y: Any) -> NDArray[Any]:
        """The targets of rows held out, which are as those of the training rows."""

    @abstractmethod
    def _labels_of(self, targets: NDArray[Any]) -> NDArray[Any]:
        """What the user has in place of these targets."""

    @abstractmethod
    def _score_of(
        self, logits: NDArray[Any], targets: NDArray[Any], sample_weight: NDArray[Any] | None
    ) -> float:
        """The estimator's own score of rows with these logits; NaN where it has none."""

    @abstractmethod
    def _objective(self, l2: float) -> Objective:
        """What is minimised, with that penalty."""

    def _weights_in_training(
        self, sample_weight: NDArray[np.float64] | None, targets: NDArray[Any], incremental: bool
    ) -> NDArray[np.float64] | None:
        """What the rows weigh in training, given what the user says that they weigh."""
        return sample_weight

    # --- prediction

    def _logits(self, X: ArrayLike) -> NDArray[Any]:
        """The network's last sums for rows as a user gives them, (N, K)."""
        check_is_fitted(self, "coefs_")
        features = validated_rows(self, X)
        parameters = self._fitted_parameters(self.network_)
        engine = select_engine(self.engine, dtype=parameters.dtype, n_threads=self.n_threads).engine
        return engine.logits(parameters, features)

    def _predict_output(self, X: ArrayLike) -> NDArray[Any]:
        """The network's output for rows as a user gives them, (N, K)."""
        logits = self._logits(X)
        return output_of(self.network_, logits)

    def _fitted_parameters(self, network: Network) -> Parameters:
        """The parameters that ``coefs_`` and the like hold, whoever has written them there.

        Raises
        ------
        InvalidInput
            If they are not of the network's shapes.
        """
        norms = getattr(self, "batch_norm_", None)
        arrays: list[Any] = [*self.coefs_, *self.intercepts_]
        arrays += [] if norms is None else norms["scales"]
        given = [np.shape(array) for array in arrays]
        layers = network.layers
        wanted: list[tuple[int, ...]] = [(layer.n_in, layer.n_out) for layer in layers]
        wanted += [(layer.n_out,) for layer in layers]
        wanted += [(layer.n_out,) for layer in layers if layer.batch_norm]
        if given != wanted:
            raise InvalidInput(
                f"coefs_ and intercepts_ are of shapes {quoted(given, 200)}, where the hyper-parameters and "
                f"the data ask for {quoted(wanted, 200)}: give back the hyper-parameters of the first "
                "fit, or fit a new estimator"
            )
        flat = np.concatenate([np.ravel(array) for array in arrays])
        if flat.dtype not in (np.float32, np.float64):
            flat = flat.astype(np.float64)
        statistics = None
        if norms is not None:
            statistics = np.concatenate([*norms["running_means"], *norms["running_variances"]])
        return Parameters(network, flat, statistics)

    def _take_parameters(self, parameters: Parameters) -> None:
        """Let the attributes that prediction goes by hold these."""
        network = parameters.network
        self.network_ = network
        self.coefs_ = list(parameters.weights)
        self.intercepts_ = list(parameters.biases)
        if network.n_statistics:
            names = ("scales", "running_means", "running_variances")
            self.batch_norm_ = {
                name: [array for array in getattr(parameters, name) if array is not None] for name in names
            }
        elif hasattr(self, "batch_norm_"):
            del self.batch_norm_
        self.n_layers_ = len(network.sizes)
        self.n_outputs_ = network.sizes[-1]
        self.out_activation_ = network.output

    # --- fit

    def _fit(
        self,
        X: Any,
        y: Any,
        sample_weight: Any,
        X_val: Any,
        y_val: Any,
        *,
        incremental: bool = False,
    ) -> None:
        """Train, and set the attributes; ``incremental`` for one epoch that goes on from the last."""
        self._check_parameters()
        tasks = ScikitLearnTasks.wanted_by(self, X, y, sample_weight) if not incremental else None
        begins = not hasattr(self, "coefs_") or not (self.warm_start or incremental)
        X, y = validated_rows_and_targets(self, X, y, reset=begins)
        if begins or not incremental or not hasattr(self, "_seed"):
            self._seed = seed_of(self.random_state)
        data = self._training_rows(X, y, sample_weight, begins, incremental)
        network = self._network(data.targets)
        if begins:
            dtype = self._dtype(X)
            start = Parameters.initialise(network, "glorot", scikit_learns_generator(self._seed), dtype)
        else:
            if self.precision != "auto":
                self._convert(self._dtype(X))
            start = self._fitted_parameters(network)
        data, held_out = self._hold_out(data, X_val, y_val, incremental)
        if begins:
            self._forget()
        if self.solver == "lbfgs":
            self._minimise(data, held_out, start, tasks)
        else:
            self._train(data, held_out, start, tasks, begins=begins, incremental=incremental)
        if tasks is not None:
            tasks.finish()

    def _training_rows(
        self, X: Rows, y: Any, sample_weight: Any, begins: bool, incremental: bool
    ) -> TrainingRows:
        score_weights = checked_weights(sample_weight, n_rows(X))
        targets = self._encode(y, begins, incremental)
        weights = self._weights_in_training(score_weights, targets, incremental)
        return TrainingRows(X, targets, weights, score_weights, rows_that_weigh(weights))

    def _hold_out(
        self, data: TrainingRows, X_val: Any, y_val: Any, incremental: bool
    ) -> tuple[TrainingRows, HeldOut | None]:
        """What is left to train on, and the rows that the user gave or that early stopping takes away."""
        if (X_val is None) != (y_val is None):
            raise InvalidInput("X_val and y_val go together: give both, or neither")
        X, targets, weights, rows = data.X, data.targets, data.score_weights, None
        if X_val is not None:
            X, y = validated_rows_and_targets(self, X_val, y_val, reset=False)
            targets, weights = self._encode_held_out(y), None
            if targets.shape[1:] != data.targets.shape[1:]:
                raise InvalidInput(
                    f"y_val must have the columns of y: it has targets of shape {targets.shape}, y of "
                    f"{data.targets.shape}"
                )
        elif self.early_stopping and self.solver != "lbfgs":
            if incremental:
                raise InvalidInput(
                    "partial_fit does not support early_stopping=True without rows to judge by: give X_val "
                    "and y_val, the same in each call"
                )
            kept, rows = split(
                n_rows(X),
                data.rows,
                self._strata(targets),
                self.validation_fraction,
                self._seed,
                strictly=targets.ndim == 2,
            )
            data = TrainingRows(X, targets, data.weights, data.score_weights, kept)
        elif self.scoring is not None:
            raise InvalidInput(
                f"scoring={self.scoring!r} has no rows to score: give X_val and y_val, or "
                "early_stopping=True with the solver adam or sgd"
            )
        else:
            return data, None
        score = estimator_score(self, self.scoring, self._objective(0.0), X, targets, rows, weights)
        return data, HeldOut(X, targets, rows, weights, score)

    def _strata(self, targets: NDArray[Any]) -> NDArray[Any] | None:
        """The classes that a split keeps in proportion; None where there are none."""
        return None

    def _problem(self, data: TrainingRows, start: Parameters, batch_size: int) -> TrainingProblem:
        mean_weight = data.total_weight / data.n_rows
        return TrainingProblem(
            network=start.network,
            objective=self._objective(self.alpha / (batch_size * mean_weight)),
            optimizer=self._optimizer(),
            X=data.X,
            y=data.targets,
            sample_weight=data.weights,
            batch_size=batch_size,
            noise_seed=self._seed,
            precision="bfloat16" if self.precision == "bfloat16" else "float32",
        )

    def _select_engine(self, problem: TrainingProblem, start: Parameters) -> Engine:
        return select_engine(self.engine, problem, start.dtype, self.n_threads).engine

    def _train(
        self,
        data: TrainingRows,
        held_out: HeldOut | None,
        start: Parameters,
        tasks: ScikitLearnTasks | None,
        *,
        begins: bool,
        incremental: bool,
    ) -> None:
        """Mini-batches until the plan's end, or until a callback says stop, the stopping rule among them."""
        problem = self._problem(data, start, self._batch_size(data.n_rows))
        engine = self._select_engine(problem, start)
        by_score = bool(self.early_stopping)
        planned = self.learning_rate in PLANNED_RATES
        rule = StoppingRule(
            by_score=by_score,
            ends=by_score or not planned,
            adaptive=self.solver == "sgd" and self.learning_rate == "adaptive" and not incremental,
            tol=self.tol,
            n_iter_no_change=self.n_iter_no_change,
            verbose=bool(self.verbose),
            start=start,
            earlier=self._earlier,
            incremental=incremental,
        )
        plan = self._plan(data.n_rows, incremental)
        loop = TrainingLoop(engine, problem, plan, start, held_out, rule.watched, data.rows)
        if incremental and self._moments.keys() == {"step", *problem.optimizer.moments}:
            loop.restore(Checkpoint({**loop.checkpoint().state, **self._moments}, History()))
        callbacks = [rule, *as_callbacks(self.callbacks), *([] if tasks is None else [tasks])]
        training = Training(loop, callbacks, estimator=self)
        diverged = self._run(training, bears_divergence=by_score and not incremental)
        self.stopped_early_ = rule.stalled or training.stopped_by is rule
        self._earlier = None if rule.stalled and incremental else rule.memory()
        self._record(loop.history, data.n_rows, by_score, held_out is not None, diverged)
        self._take_parameters(loop.parameters())
        self._moments = {} if diverged else _moments(loop)
        self.engine_ = engine.name
        ended = training.stopped_by is not None or incremental or planned or diverged
        if not ended and len(loop.history) == self.max_iter:
            warnings.warn(
                f"Stochastic Optimizer: Maximum iterations ({self.max_iter}) reached and the optimization "
                "hasn't converged yet. Raise max_iter, learning_rate_init or tol.",
                ConvergenceWarning,
                stacklevel=4,
            )

    def _run(self, training: Training, bears_divergence: bool) -> bool:
        """Train; whether it diverged, which early stopping bears: it has an earlier epoch to keep."""
        try:
            training.run()
        except TrainingDiverged as error:
            if not bears_divergence:
                raise TrainingDiverged(f"{NOT_FINITE} {error}") from error
            warnings.warn(
                f"training ended before max_iter, and the best epoch so far is kept: {error}",
                ConvergenceWarning,
                stacklevel=5,
            )
            return True
        except KeyboardInterrupt:
            if len(training.history) == 0:
                raise
            warnings.warn("Training interrupted by user.", stacklevel=5)
        return False

    def _minimise(
        self,
        data: TrainingRows,
        held_out: HeldOut | None,
        start: Parameters,
        tasks: ScikitLearnTasks | None,
    ) -> None:
        """L-BFGS: each iteration sees all rows, and has a place in the loss curve as an epoch has."""
        problem = self._problem(data, start, data.n_rows)
        engine = self._select_engine(problem, start)
        history = History()
        if tasks is not None:
            tasks.begin(0)
        begun = time.perf_counter()

        def on_iteration(parameters: Parameters, loss: float) -> bool:
            nonlocal begun
            seconds = time.perf_counter() - begun
            judged = held_out.evaluate(engine, parameters, problem.objective) if held_out else (math.nan,) * 2
            history.append(EpochRecord(len(history) + 1, loss, *judged, math.nan, seconds))
            if self.verbose:
                print(f"Iteration {len(history)}, loss = {loss:.8f}")
            begun = time.perf_counter()
            return False

        try:
            found = minimise(
                engine,
                problem,
                start,
                data.rows,
                max_iterations=int(self.max_iter),
                max_evaluations=int(self.max_fun),
                tolerance=float(self.tol),
                on_iteration=on_iteration,
            )
        except TrainingDiverged as error:
            raise TrainingDiverged(f"{NOT_FINITE} {error}") from error
        self.stopped_early_ = False
        self._earlier, self._moments = None, {}
        self._record(history, 0, False, held_out is not None, False)
        self.loss_ = found.loss
        self._take_parameters(found.parameters)
        self.engine_ = engine.name
        if not found.converged:
            warnings.warn(
                f"lbfgs failed to converge after {found.n_iterations} iteration(s) ({found.status}): raise "
                f"max_iter={self.max_iter}, max_fun={self.max_fun} or tol, or scale the data",
                ConvergenceWarning,
                stacklevel=4,
            )

    # --- attributes

    def _forget(self) -> None:
        """Drop what an earlier fit left for a later one to go on from."""
        self._earlier, self._moments = None, {}
        self.loss_curve_: list[float] = []
        self.history_: dict[str, list[Any]] = {}
        self.validation_scores_: list[float] | None = None
        self.validation_loss_curve_: list[float] | None = None
        self.best_loss_: float | None = None
        self.t_ = 0

    def _convert(self, dtype: type[np.floating[Any]]) -> None:
        """Let what an earlier fit left be of this dtype, if ``precision`` names another one than then."""

        def converted(array: NDArray[Any]) -> NDArray[Any]:
            return array.astype(dtype, copy=False) if array.dtype.kind == "f" else array

        self.coefs_ = [converted(np.asarray(W)) for W in self.coefs_]
        self.intercepts_ = [converted(np.asarray(b)) for b in self.intercepts_]
        if hasattr(self, "batch_norm_"):
            self.batch_norm_ = {
                name: [converted(a) for a in arrays] for name, arrays in self.batch_norm_.items()
            }
        self._moments = {name: converted(array) for name, array in self._moments.items()}
        if self._earlier is not None and self._earlier.best is not None:
            flat, statistics = self._earlier.best
            self._earlier = replace(self._earlier, best=(converted(flat), converted(statistics)))

    def _record(
        self, history: History, n_rows: int, by_score: bool, has_scores: bool, diverged: bool
    ) -> None:
        """Append the epochs of a training to the curves; one that diverged has NaN for its last."""
        epochs = history.as_dicts()
        if diverged:
            nothing = dict.fromkeys(("train_loss", "test_loss", "test_accuracy", "learning_rate"), math.nan)
            epochs.append({"epoch": len(epochs) + 1, **nothing, "seconds": math.nan})
        curve, recorded = getattr(self, "loss_curve_", []), getattr(self, "history_", {})
        table = {name: [epoch[old] for epoch in epochs] for name, old in HISTORY_COLUMNS.items()}
        table["epoch"] = [len(curve) + epoch for epoch in table["epoch"]]
        if not has_scores:
            del table["validation_loss"], table["validation_score"]
        earlier = recorded if recorded.keys() == table.keys() else {}
        self.history_ = {name: [*earlier.get(name, ()), *column] for name, column in table.items()}
        losses = table["train_loss"]
        self.n_iter_ = len(losses)
        self.t_ = getattr(self, "t_", 0) + self.n_iter_ * n_rows
        self.loss_curve_ = [*curve, *losses]
        if losses:
            self.loss_ = losses[-1]
        self.best_loss_ = None if by_score else min((x for x in self.loss_curve_ if x == x), default=math.inf)
        self.validation_scores_ = self.validation_loss_curve_ = None
        self.best_validation_score_: float | None = None
        if has_scores:
            self.validation_loss_curve_ = self.history_["validation_loss"]
            self.validation_scores_ = self.history_["validation_score"]
            self.best_validation_score_ = max(
                (score for score in self.validation_scores_ if score == score), default=-math.inf
            )

    def __sklearn_tags__(self) -> Any:
        """Sparse X will do."""
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        return tags


def check_mini_batches(estimator: MultilayerPerceptron) -> bool:
    """Whether the solver takes one epoch after another, as ``partial_fit`` does; AttributeError if not."""
    if estimator.solver == "lbfgs":
        raise AttributeError(
            "partial_fit is only available for stochastic optimizers. lbfgs is not stochastic."
        )
    return True


def _moments(loop: TrainingLoop) -> dict[str, NDArray[Any]]:
    """What the optimizer goes on from, without the parameters."""
    state = loop.checkpoint().state
    return {name: array for name, array in state.items() if name not in ("parameters", "statistics")}
