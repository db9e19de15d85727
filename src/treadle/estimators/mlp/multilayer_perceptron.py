"""What the estimators that are multilayer perceptrons have in common: scikit-learn's contract over the loop.

An estimator is a face: it keeps hyper-parameters, and shows what was fitted as attributes, which may be
written from outside. A fit makes a ``Fitted`` of them to go on from, trains (``fitting.py``), and shows what
comes; to save and to convert are functions of a ``Fitted``. What targets are, and what is predicted of the
logits, is for the classifier and the regressor to say.

Dimensions: N samples, D features, K outputs.
"""

from __future__ import annotations

import copy
from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import fields
from functools import partial
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Self

from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils.validation import check_is_fitted

from treadle.engines.objective import Objective
from treadle.engines.rows import n_rows
from treadle.estimators.files.saving import Savable, Saved
from treadle.estimators.mlp import conversions, saved_network
from treadle.estimators.mlp.compiled import Compiled, laid_out
from treadle.estimators.mlp.fitted import Curves, Fitted, norms_of, parameters_of
from treadle.estimators.mlp.fitting import Assignment, train
from treadle.estimators.mlp.holding_out import hold_out
from treadle.estimators.mlp.scikit_learn_callbacks import CallbackSupport, ScikitLearnTasks, tasks_of_fit
from treadle.estimators.mlp.starts import Continuation, Fresh, Start, WarmStart
from treadle.estimators.mlp.stopping import Memory
from treadle.estimators.mlp.targets import Targets
from treadle.estimators.mlp.training_recipe import check_together, dtype_of, network_of
from treadle.estimators.mlp.training_rows import (
    TrainingRows,
    are_plain,
    rows_that_weigh,
    validated_rows,
    validated_rows_and_targets,
)
from treadle.estimators.sample_weights import checked_weights
from treadle.export.model_file import Model
from treadle.maths.dtypes import Floats
from treadle.messages import warn_caller
from treadle.network import Parameters

if TYPE_CHECKING:
    import numpy as np
    from torch import nn


class MultilayerPerceptron(Savable, CallbackSupport, BaseEstimator):  # type: ignore[misc]  # scikit-learn has no types
    """The fit and the logits of a classifier and of a regressor; see there for the parameters."""

    _classifies = False

    # What a later fit or partial_fit goes on from, beside the attributes that it shows. None of it is there
    # where coefs_ and intercepts_ came from elsewhere.
    _seed: int | None = None
    _moments: Mapping[str, Floats] = MappingProxyType({})
    _earlier: Memory | None = None
    _compiled: Compiled | None = None

    @abstractmethod
    def _learn(self, start: Start, y: Any) -> tuple[Targets, NDArray[Any]]:
        """What the targets are, given the start and those of the training rows; and the latter, encoded."""

    @abstractmethod
    def _objective(self, kind: Targets, l2: float) -> Objective:
        """What is minimised, with that penalty."""

    def _weights_in_training(
        self,
        start: Start,
        targets: NDArray[Any],
        sample_weight: NDArray[np.float64] | None,
    ) -> NDArray[np.float64] | None:
        """What the rows weigh in training, given what the user says that they weigh."""
        return sample_weight

    # --- fit

    def _fit(self, X: Any, y: Any, sample_weight: Any, X_val: Any, y_val: Any) -> None:
        """From new parameters, or in a warm start from those of the last fit."""
        self._check_parameters()
        epochs = self.solver != "lbfgs"
        with tasks_of_fit(self, X, y, sample_weight, epochs=epochs) as tasks:
            earlier = self._last_fit() if self.warm_start else None
            start = Fresh() if earlier is None else WarmStart(earlier)
            self._train(start, X, y, sample_weight, X_val, y_val, tasks)

    def _fit_more(self, X: Any, y: Any, sample_weight: Any, X_val: Any, y_val: Any) -> None:
        """One more epoch."""
        self._check_parameters()
        self._train(Continuation(self._last_fit()), X, y, sample_weight, X_val, y_val, None)

    def _train(
        self,
        start: Start,
        X: Any,
        y: Any,
        sample_weight: Any,
        X_val: Any,
        y_val: Any,
        tasks: ScikitLearnTasks | None,
    ) -> None:
        """Train from that start, and show what came of it."""
        X, y = validated_rows_and_targets(self, X, y, reset=start.begins)
        seed = start.seed(self)
        score_weights = checked_weights(sample_weight, n_rows(X))
        kind, targets = self._learn(start, y)
        weights = self._weights_in_training(start, targets, score_weights)
        data = TrainingRows(X, targets, weights, score_weights, rows_that_weigh(weights))
        network = network_of(self, self.n_features_in_, kind.n_outputs, kind.output)
        start = start.in_precision(self, X)
        parameters = start.parameters(network, seed, dtype_of(self, X))
        objective = partial(self._objective, kind)
        data, held_out = hold_out(self, start, seed, data, kind, objective(0.0), X_val, y_val)
        outcome = train(Assignment(self, start, seed, parameters, data, held_out, objective, tasks))
        self._become(outcome.fitted)
        if outcome.complaint is not None:
            warn_caller(outcome.complaint, ConvergenceWarning)

    def _check_parameters(self) -> None:
        """Raise InvalidInput for a hyper-parameter that is not allowed, or not together with another."""
        check_together(self)

    # --- what was fitted, as attributes and as a value

    def _last_fit(self) -> Fitted | None:
        """What an earlier fit left, if there was one."""
        return self._fitted() if hasattr(self, "coefs_") else None

    def _fitted(self) -> Fitted:
        """What the attributes show, whoever has written them.

        Raises
        ------
        NotFittedError
            If the estimator is not fitted.
        InvalidInput
            If ``coefs_`` and the like are not of the network's shapes.
        """
        check_is_fitted(self, "coefs_")
        return Fitted(
            parameters=self._parameters(),
            curves=Curves(**{field.name: vars(self)[f"{field.name}_"] for field in fields(Curves)}),
            engine=self.engine_,
            stopped_early=self.stopped_early_,
            seed=self._seed,
            moments=self._moments,
            memory=self._earlier,
            feature_names=vars(self).get("feature_names_in_"),
        )

    def _parameters(self) -> Parameters:
        """The parameters that ``coefs_`` and the like hold."""
        return parameters_of(self.network_, self.coefs_, self.intercepts_, vars(self).get("batch_norm_"))

    def _become(self, fitted: Fitted) -> None:
        """Show what was fitted."""
        self._show(fitted.parameters)
        for field in fields(Curves):
            setattr(self, f"{field.name}_", getattr(fitted.curves, field.name))
        self.engine_ = fitted.engine
        self.stopped_early_ = fitted.stopped_early
        self._seed, self._moments, self._earlier = fitted.seed, fitted.moments, fitted.memory
        self.n_features_in_ = fitted.parameters.network.sizes[0]
        if fitted.feature_names is not None:
            self.feature_names_in_ = fitted.feature_names

    def _show(self, parameters: Parameters) -> None:
        """Let the attributes that prediction goes by hold these."""
        network = parameters.network
        self.network_ = network
        self._show_arrays(parameters)
        self.n_layers_ = len(network.sizes)
        self.n_outputs_ = network.sizes[-1]
        self.out_activation_ = network.output

    def _show_arrays(self, parameters: Parameters) -> None:
        self.coefs_ = list(parameters.weights)
        self.intercepts_ = list(parameters.biases)
        norms = norms_of(parameters)
        if norms is not None:
            self.batch_norm_ = norms
        else:
            self.__dict__.pop("batch_norm_", None)
        self._compiled = Compiled(parameters)

    def __getstate__(self) -> dict[str, Any]:
        """All but the predictor."""
        state = super().__getstate__()
        return {name: value for name, value in state.items() if name != "_compiled"}

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Take the attributes over, and lay the parameters out as a fit leaves them."""
        super().__setstate__(state)
        parameters = laid_out(vars(self))
        if parameters is not None:
            self._show_arrays(parameters)

    def _with(self, parameters: Parameters) -> Self:
        """A copy that predicts with these, for rows without names of features."""
        other = copy.copy(self)
        other.__dict__.pop("feature_names_in_", None)
        other._show(parameters)
        return other

    def _logits(self, X: ArrayLike) -> Floats:
        """The network's last sums for rows as a user gives them, (N, K)."""
        if not hasattr(self, "coefs_"):
            check_is_fitted(self, "coefs_")  # says what to do; to ask it takes as long as a prediction
        is_plain = not hasattr(self, "feature_names_in_") and are_plain(
            X, getattr(self, "n_features_in_", None)
        )
        features = X if is_plain else validated_rows(self, X)
        compiled = self._compiled
        if compiled is None or not compiled.is_shown_by(vars(self)):
            compiled = Compiled(self._parameters())
        return compiled.predictor(self.engine, self.n_threads).logits(features)

    # --- files and other packages

    def _saved(self) -> Saved:
        return saved_network.saved(self._fitted())

    def _load_saved(self, saved: Saved) -> None:
        self._become(saved_network.fitted_from(saved, classifies=self._classifies))

    @classmethod
    def from_sklearn(cls, fitted: Any) -> Self:
        """The estimator that predicts as scikit-learn's fitted one does, with its parameters and curves.

        ``partial_fit`` and warm starts go on from its weights, the optimizer's moments beginning at zero.

        Parameters
        ----------
        fitted : sklearn.neural_network.MLPClassifier or MLPRegressor
            Of the same name as this class.

        Raises
        ------
        InvalidInput
            If it is something else.
        NotFittedError
            If it is not fitted.
        """
        found = conversions.from_sklearn(fitted, cls.__name__)
        converted = cls(**fitted.get_params(deep=False))
        converted._become(found)
        return converted

    def to_sklearn(self) -> Any:
        """scikit-learn's estimator of the same name, fitted: it predicts the same, to rounding.

        Parameters of the fit that scikit-learn does not have are left out, and those of its own whose value
        it does not know (the schedules ``one_cycle`` and ``cosine``, the losses ``absolute`` and ``huber``)
        have its defaults: they play no part in prediction.

        Raises
        ------
        InvalidInput
            If hidden layers have activations of their own, or one that scikit-learn does not have.
        NotFittedError
            If the estimator is not fitted.
        """
        return conversions.to_sklearn(self._fitted(), type(self).__name__, self.get_params(deep=False))

    def to_torch(self, *, logits: bool = False) -> nn.Sequential:
        """The network as a plain ``torch.nn.Sequential`` in evaluation mode, which needs no treadle.

        Parameters
        ----------
        logits : bool, default=False
            Whether it ends with the logits, as PyTorch's losses want them, instead of what is predicted:
            probabilities (of two classes, the second's alone), or a regressor's values.

        Returns
        -------
        nn.Sequential
            From X (N, D), in the parameters' dtype, to (N, n_outputs_).

        Raises
        ------
        MissingDependency
            If PyTorch is not installed.
        NotFittedError
            If the estimator is not fitted.
        """
        return conversions.to_torch(self._fitted(), logits=logits)

    def to_model(self) -> Model:
        """The network and the classes' names, as ``treadle.save_model`` and ``treadle.save_onnx`` take them.

        The temperature of ``calibrate`` is within the last layer.

        Raises
        ------
        NotFittedError
            If the estimator is not fitted.
        """
        return conversions.to_model(self._fitted())

    def save_onnx(self, path: str | Path) -> None:
        """Write the network as ONNX: X (N, D) in the parameters' dtype to what the estimator predicts.

        A classifier's graph gives ``probabilities`` (N, K), a column a class as in ``predict_proba``; a
        regressor's gives ``prediction`` (N, n_outputs_), as ``predict``. ONNX Runtime comes within 1e-5 of
        them in float32, relative to the larger of 1 and the value, and within 1e-12 in float64.

        Raises
        ------
        MissingDependency
            If the package onnx is not installed.
        NotFittedError
            If the estimator is not fitted.
        OSError
            If the folder cannot be written or the disk is full.
        """
        from treadle.export.onnx import save_onnx

        save_onnx(path, conversions.to_model(self._fitted()))

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
