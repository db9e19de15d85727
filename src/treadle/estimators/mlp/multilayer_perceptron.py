"""The common base of the multilayer perceptrons: scikit-learn's contract over training.

An estimator is a face: it keeps hyper-parameters, and shows what was fitted as attributes, which may be
written from outside. A fit makes a ``Fitted`` of them to go on from, trains (``fitting.py``), and shows what
comes; to save and to convert are functions of a ``Fitted``. What targets are, and what is predicted of the
logits, is for the classifier and the regressor to say.

Dimensions: N samples, D features, K outputs.
"""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import fields
from functools import partial
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Self

from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils.validation import check_is_fitted

from treadle.engines.objective import Objective
from treadle.engines.rows import n_rows
from treadle.estimators.files.saving import Savable, Saved
from treadle.estimators.labels import GivenTargets
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
from treadle.maths.dtypes import ArrayMapping, Floats, Numbers
from treadle.messages import warn_caller
from treadle.network import Parameters

if TYPE_CHECKING:
    import numpy as np
    from sklearn.utils import Tags
    from torch import nn


class MultilayerPerceptron(Savable, CallbackSupport, BaseEstimator):  # type: ignore[misc]  # scikit-learn has no types
    """The common fit and logits of the classifier and the regressor.

    See there for the parameters.
    """

    _classifies = False

    # What a later fit or partial_fit goes on from, beside the attributes that it shows. None of it is there
    # where coefs_ and intercepts_ came from elsewhere.
    _seed: int | None = None
    _moments: ArrayMapping = MappingProxyType({})
    _earlier: Memory | None = None
    _compiled: Compiled | None = None

    @abstractmethod
    def _learn(self, start: Start, y: GivenTargets) -> tuple[Targets, Numbers]:
        """Return the kind of targets, and the encoded targets of the training rows."""

    @abstractmethod
    def _objective(self, kind: Targets, l2: float) -> Objective:
        """Return the objective to minimise, with that penalty."""

    def _weights_in_training(
        self,
        start: Start,
        targets: Numbers,
        sample_weight: NDArray[np.float64] | None,
    ) -> NDArray[np.float64] | None:
        """Return the rows' weights in training, from those of the user."""
        return sample_weight

    # --- fit

    def _fit(
        self, X: object, y: object, sample_weight: ArrayLike | None, X_val: object, y_val: object
    ) -> None:
        """Fit from new parameters, or in a warm start from the last fit's."""
        self._check_parameters()
        epochs = self.solver != "lbfgs"
        with tasks_of_fit(self, X, y, sample_weight, epochs=epochs) as tasks:
            earlier = self._last_fit() if self.warm_start else None
            start = Fresh() if earlier is None else WarmStart(earlier)
            self._train(start, X, y, sample_weight, X_val, y_val, tasks)

    def _fit_more(
        self, X: object, y: object, sample_weight: ArrayLike | None, X_val: object, y_val: object
    ) -> None:
        """Train one more epoch."""
        self._check_parameters()
        self._train(Continuation(self._last_fit()), X, y, sample_weight, X_val, y_val, None)

    def _train(
        self,
        start: Start,
        X: object,
        y: object,
        sample_weight: ArrayLike | None,
        X_val: object,
        y_val: object,
        tasks: ScikitLearnTasks | None,
    ) -> None:
        """Train from that start, and set the attributes to the result."""
        rows, labels = validated_rows_and_targets(self, X, y, reset=start.begins)
        seed = start.seed(self)
        score_weights = checked_weights(sample_weight, n_rows(rows))
        kind, targets = self._learn(start, labels)
        weights = self._weights_in_training(start, targets, score_weights)
        data = TrainingRows(rows, targets, weights, score_weights, rows_that_weigh(weights))
        network = network_of(self, self.n_features_in_, kind.n_outputs, kind.output)
        start = start.in_precision(self, rows)
        parameters = start.parameters(network, seed, dtype_of(self, rows))
        objective = partial(self._objective, kind)
        data, held_out = hold_out(self, start, seed, data, kind, objective(0.0), X_val, y_val)
        outcome = train(Assignment(self, start, seed, parameters, data, held_out, objective, tasks))
        self._become(outcome.fitted)
        if outcome.complaint is not None:
            warn_caller(outcome.complaint, ConvergenceWarning)

    def _check_parameters(self) -> None:
        """Raise InvalidInput for hyper-parameters that are not allowed, alone or together."""
        check_together(self)

    # --- what was fitted, as attributes and as a value

    def _last_fit(self) -> Fitted | None:
        """Return the result of an earlier fit, if there was one."""
        return self._fitted() if hasattr(self, "coefs_") else None

    def _fitted(self) -> Fitted:
        """Make a fitted value from the attributes, whoever has written them.

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
        """Make the parameters from ``coefs_`` and the like."""
        return parameters_of(self.network_, self.coefs_, self.intercepts_, vars(self).get("batch_norm_"))

    def _become(self, fitted: Fitted) -> None:
        """Set all attributes from a fitted value."""
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
        """Set the attributes that prediction uses."""
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

    def __getstate__(self) -> dict[str, object]:
        """All but the predictor."""
        state = super().__getstate__()
        return {name: value for name, value in state.items() if name != "_compiled"}

    def __setstate__(self, state: dict[str, object]) -> None:
        """Take the attributes over, and lay the parameters out as a fit leaves them."""
        super().__setstate__(state)
        parameters = laid_out(vars(self))
        if parameters is not None:
            self._show_arrays(parameters)

    def _with(self, parameters: Parameters) -> Self:
        """Copy the estimator with other parameters, for rows without feature names."""
        other = self._showing(parameters)
        other.__dict__.pop("feature_names_in_", None)
        return other

    def _showing(self, parameters: Parameters) -> Self:
        """Copy the estimator with other parameters.

        ``copy.copy`` would first copy its own, to lay them out.
        """
        other = type(self).__new__(type(self))
        other.__dict__.update(vars(self))
        other._show(parameters)
        return other

    def _logits(self, X: object) -> Floats:
        """Check a user's rows, and compute the network's last sums, (N, K)."""
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
    def from_sklearn(cls, fitted: BaseEstimator) -> Self:
        """Make an estimator that predicts as scikit-learn's fitted one does.

        It has that one's parameters and curves. ``partial_fit`` and warm starts go on from its weights, the
        optimizer's moments beginning at zero.

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

    def to_sklearn(self) -> BaseEstimator:
        """Make scikit-learn's estimator of the same name, fitted.

        It predicts the same, to rounding. Parameters of the fit that scikit-learn does not have are left out,
        and those of its own whose value it does not know (the schedules ``one_cycle`` and ``cosine``, the
        losses ``absolute`` and ``huber``) have its defaults: they play no part in prediction.

        Raises
        ------
        InvalidInput
            If hidden layers have activations of their own, or one that scikit-learn does not have.
        NotFittedError
            If the estimator is not fitted.
        """
        return conversions.to_sklearn(self._fitted(), type(self).__name__, self.get_params(deep=False))

    def to_torch(self, *, logits: bool = False) -> nn.Sequential:
        """Make the network a plain ``torch.nn.Sequential``, which needs no treadle.

        It is in evaluation mode.

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
        """Make a model for ``treadle.save_model`` and ``treadle.save_onnx``.

        It is the network and the classes' names. The temperature of ``calibrate`` is within the last layer.

        Raises
        ------
        NotFittedError
            If the estimator is not fitted.
        """
        return conversions.to_model(self._fitted())

    def save_onnx(self, path: str | Path) -> None:
        """Write the network as ONNX, from X to the predictions.

        X is (N, D), in the parameters' dtype. A classifier's graph gives ``probabilities`` (N, K), a column a
        class as in ``predict_proba``; a regressor's gives ``prediction`` (N, n_outputs_), as ``predict``.
        ONNX Runtime comes within 1e-5 of them in float32, relative to the larger of 1 and the value, and
        within 1e-12 in float64.

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

    def __sklearn_tags__(self) -> Tags:
        """Allow sparse X."""
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        return tags


def check_mini_batches(estimator: MultilayerPerceptron) -> bool:
    """Say whether the solver trains by epochs, as ``partial_fit`` does.

    AttributeError if it does not.
    """
    if estimator.solver == "lbfgs":
        raise AttributeError(
            "partial_fit is only available for stochastic optimizers. lbfgs is not stochastic."
        )
    return True
