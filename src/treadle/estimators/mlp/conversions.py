"""A fitted multilayer perceptron as scikit-learn's, PyTorch's and ONNX's, and from scikit-learn's.

What is converted predicts the same, to rounding: batch normalisation, ``input_scale`` and the temperature of
``calibrate`` are folded into weights where the other side has no name for them.
"""

from __future__ import annotations

import inspect
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import NDArray
from sklearn import neural_network
from sklearn.preprocessing import LabelBinarizer
from sklearn.utils.validation import check_is_fitted

from treadle.errors import InvalidInput, MissingDependency
from treadle.export.model_file import Model
from treadle.network import Network, Parameters

if TYPE_CHECKING:
    from torch import nn

ACTIVATIONS = ("identity", "logistic", "tanh", "relu")
LEARNING_RATES = ("constant", "invscaling", "adaptive")
LOSSES = ("squared_error", "poisson")
# Attributes that mean the same on both sides, where they are there.
COMMON = (
    *("loss_", "loss_curve_", "best_loss_", "validation_scores_", "best_validation_score_"),
    *("n_iter_", "t_", "n_layers_", "n_outputs_", "out_activation_", "n_features_in_", "feature_names_in_"),
)


class Convertible:
    """The conversions of an estimator whose class has the name of scikit-learn's."""

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
        theirs = getattr(neural_network, cls.__name__)
        if not isinstance(fitted, theirs):
            raise InvalidInput(
                f"{cls.__name__}.from_sklearn takes a fitted sklearn.neural_network.{cls.__name__}; "
                f"got a {type(fitted).__module__}.{type(fitted).__name__}"
            )
        check_is_fitted(fitted)
        converted = cls(**fitted.get_params(deep=False))
        ours: Any = converted
        ours._forget()
        for name in COMMON:
            if hasattr(fitted, name):
                setattr(ours, name, _python_numbers(getattr(fitted, name)))
        ours.loss_curve_ = _python_numbers(getattr(fitted, "loss_curve_", []))
        epochs = range(1, len(ours.loss_curve_) + 1)
        ours.history_ = {"epoch": list(epochs), "train_loss": list(ours.loss_curve_)}
        if len(getattr(fitted, "validation_scores_", None) or ()) == len(epochs) > 0:
            ours.history_["validation_score"] = list(ours.validation_scores_)
        ours.stopped_early_ = bool(epochs) and fitted.n_iter_ < fitted.max_iter
        ours.engine_ = "scikit-learn"
        ours._take_labels_of(fitted)
        sizes = (fitted.n_features_in_, *(W.shape[1] for W in fitted.coefs_))
        network = Network(sizes, fitted.activation, fitted.out_activation_)
        arrays = [np.asarray(array) for array in (*fitted.coefs_, *fitted.intercepts_)]
        ours._take_parameters(Parameters(network, np.concatenate([array.ravel() for array in arrays])))
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
        this: Any = self
        check_is_fitted(this)
        activations = {layer.activation for layer in this.network_.layers[:-1]} or {"relu"}
        if len(activations) > 1 or not activations <= set(ACTIVATIONS):
            raise InvalidInput(
                "scikit-learn has one activation for all hidden layers, of "
                f"{', '.join(ACTIVATIONS)}; this network has {', '.join(sorted(activations))}: "
                "use to_torch or save_onnx"
            )
        theirs: Any = getattr(neural_network, type(self).__name__)
        mine = this.get_params(deep=False)
        params = {name: mine[name] for name in inspect.signature(theirs).parameters if name in mine}
        params["activation"] = activations.pop()
        for name, known in (("learning_rate", LEARNING_RATES), ("loss", LOSSES)):
            if name in params and params[name] not in known:
                del params[name]
        fitted = theirs(**params)
        for name in COMMON:
            if hasattr(self, name):
                setattr(fitted, name, getattr(self, name))
        weights, biases = self._plain_weights()
        fitted.coefs_, fitted.intercepts_ = weights, biases
        # What its own methods look for besides; checked against what a fit of its own leaves.
        fitted._best_coefs = [W.copy() for W in weights]
        fitted._best_intercepts = [b.copy() for b in biases]
        fitted._no_improvement_count = 0
        self._give_labels_to(fitted)
        return fitted

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
        try:
            from treadle.export.torch_sequential import torch_sequential
        except ImportError as error:
            raise MissingDependency(
                f"to_torch needs PyTorch, which cannot be imported ({error}): pip install 'treadle[torch]'"
            ) from error
        return torch_sequential(self.to_model().parameters, with_output=not logits)

    def to_model(self) -> Model:
        """The network and the classes' names, as ``treadle.save_model`` and ``treadle.save_onnx`` take them.

        The temperature of ``calibrate`` is within the last layer.

        Raises
        ------
        NotFittedError
            If the estimator is not fitted.
        """
        this: Any = self
        check_is_fitted(this)
        parameters = this._fitted_parameters(this.network_).copy()
        temperature = getattr(self, "temperature_", 1.0)
        if temperature != 1:
            parameters.weights[-1][:] /= temperature
            parameters.biases[-1][:] /= temperature
        return Model(parameters, this._class_names())

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

        save_onnx(path, self.to_model())

    def _plain_weights(self) -> tuple[list[NDArray[Any]], list[NDArray[Any]]]:
        """Weights and biases of the network without batch normalisation or scaling that predicts the same."""
        plain = self.to_model().parameters.folded()
        network = plain.network
        weights, biases = [W.copy() for W in plain.weights], [b.copy() for b in plain.biases]
        W = weights[0].astype(np.float64)
        biases[0][:] = biases[0] + network.input_offset * W.sum(axis=0)
        weights[0][:] = network.input_scale * W
        return weights, biases

    def _take_labels_of(self, fitted: Any) -> None:
        """Take over the classes of scikit-learn's estimator, if it has any."""
        if not hasattr(fitted, "classes_"):
            return
        this: Any = self
        this.classes_ = np.asarray(fitted.classes_)
        this._multilabel = fitted.out_activation_ == "logistic" and fitted.n_outputs_ > 1

    def _give_labels_to(self, fitted: Any) -> None:
        """Let scikit-learn's estimator have the classes, if there are any."""
        this: Any = self
        if not hasattr(self, "classes_"):
            return
        fitted.classes_ = this.classes_
        K = len(this.classes_)
        labels = np.eye(K, dtype=np.int64) if this._multilabel else this.classes_
        fitted._label_binarizer = LabelBinarizer().fit(labels)


def _python_numbers(value: Any) -> Any:
    """NumPy's numbers, and those of a list, as Python's, which is what a fit leaves and a file holds."""
    if isinstance(value, list):
        return [_python_numbers(entry) for entry in value]
    return value.item() if isinstance(value, np.generic) else value
