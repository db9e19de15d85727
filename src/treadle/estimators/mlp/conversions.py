"""Converts a fitted multilayer perceptron to scikit-learn, PyTorch and ONNX.

It converts scikit-learn's to treadle's too. What is converted predicts the same, to rounding: batch
normalisation, ``input_scale`` and the temperature of ``calibrate`` are folded into weights where the other
side has no name for them.
"""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn import neural_network
from sklearn.base import BaseEstimator
from sklearn.preprocessing import LabelBinarizer
from sklearn.utils.validation import check_is_fitted

from treadle.errors import InvalidInput, MissingDependency
from treadle.estimators.mlp.class_targets import ClassTargets
from treadle.estimators.mlp.fitted import Curves, Fitted
from treadle.estimators.mlp.saved_network import class_names
from treadle.export.model_file import Model
from treadle.maths.dtypes import Floats
from treadle.network import Network, Parameters

if TYPE_CHECKING:
    from torch import nn

ACTIVATIONS = ("identity", "logistic", "tanh", "relu")
LEARNING_RATES = ("constant", "invscaling", "adaptive")
LOSSES = ("squared_error", "poisson")
# Attributes of ``Curves`` that mean the same on both sides, where they are there.
CURVES = (
    *("loss_", "loss_curve_", "best_loss_", "validation_scores_", "best_validation_score_", "n_iter_", "t_"),
)


def from_sklearn(fitted: BaseEstimator, name: str) -> Fitted:
    """Read the parameters of scikit-learn's fitted estimator of that name.

    Raises
    ------
    InvalidInput
        If it is something else.
    NotFittedError
        If it is not fitted.
    """
    theirs = getattr(neural_network, name)
    if not isinstance(fitted, theirs):
        raise InvalidInput(
            f"{name}.from_sklearn takes a fitted sklearn.neural_network.{name}; "
            f"got a {type(fitted).__module__}.{type(fitted).__name__}"
        )
    check_is_fitted(fitted)
    theirs_shown = vars(fitted)
    shown = {
        attribute.removesuffix("_"): _python_numbers(theirs_shown[attribute])
        for attribute in CURVES
        if attribute in theirs_shown
    }
    losses = shown.setdefault("loss_curve", [])
    epochs = range(1, len(losses) + 1)
    table = {"epoch": list(epochs), "train_loss": list(losses)}
    if len(shown.get("validation_scores") or ()) == len(epochs) > 0:
        table["held_out_score"] = list(shown["validation_scores"])
    sizes = (fitted.n_features_in_, *(W.shape[1] for W in fitted.coefs_))
    network = Network(sizes, fitted.activation, fitted.out_activation_)
    arrays = [np.asarray(array) for array in (*fitted.coefs_, *fitted.intercepts_)]
    classes = None
    if "classes_" in theirs_shown:
        multilabel = fitted.out_activation_ == "logistic" and fitted.n_outputs_ > 1
        classes = ClassTargets(np.asarray(fitted.classes_), multilabel)
    return Fitted(
        parameters=Parameters(network, np.concatenate([array.ravel() for array in arrays])),
        curves=Curves(**shown, history=table),
        engine="scikit-learn",
        stopped_early=bool(epochs) and fitted.n_iter_ < fitted.max_iter,
        feature_names=theirs_shown.get("feature_names_in_"),
        classes=classes,
    )


def to_sklearn(fitted: Fitted, name: str, params: Mapping[str, object]) -> BaseEstimator:
    """Make scikit-learn's fitted estimator, with the hyper-parameters that it knows.

    It is the one of the same name.

    Raises
    ------
    InvalidInput
        If hidden layers have activations of their own, or one that scikit-learn does not have.
    """
    network = fitted.parameters.network
    activations = {layer.activation for layer in network.layers[:-1]} or {"relu"}
    if len(activations) > 1 or not activations <= set(ACTIVATIONS):
        raise InvalidInput(
            "scikit-learn has one activation for all hidden layers, of "
            f"{', '.join(ACTIVATIONS)}; this network has {', '.join(sorted(activations))}: "
            "use to_torch or save_onnx"
        )
    theirs = getattr(neural_network, name)
    known = {key: params[key] for key in inspect.signature(theirs).parameters if key in params}
    known["activation"] = activations.pop()
    for key, values in (("learning_rate", LEARNING_RATES), ("loss", LOSSES)):
        if key in known and known[key] not in values:
            del known[key]
    converted = theirs(**known)
    for attribute in CURVES:
        setattr(converted, attribute, getattr(fitted.curves, attribute.removesuffix("_")))
    converted.n_layers_, converted.n_outputs_ = len(network.sizes), network.sizes[-1]
    converted.out_activation_, converted.n_features_in_ = network.output, network.sizes[0]
    if fitted.feature_names is not None:
        converted.feature_names_in_ = fitted.feature_names
    weights, biases = _plain_weights(fitted)
    converted.coefs_, converted.intercepts_ = weights, biases
    # What its own methods look for besides; checked against what a fit of its own leaves.
    converted._best_coefs = [W.copy() for W in weights]
    converted._best_intercepts = [b.copy() for b in biases]
    converted._no_improvement_count = 0
    if fitted.classes is not None:
        classes = converted.classes_ = fitted.classes.classes
        labels = np.eye(len(classes), dtype=np.int64) if fitted.classes.multilabel else classes
        converted._label_binarizer = LabelBinarizer().fit(labels)
    return converted


def to_torch(fitted: Fitted, *, logits: bool) -> nn.Sequential:
    """Make the network a plain ``torch.nn.Sequential``, with or without its output.

    Raises
    ------
    MissingDependency
        If PyTorch is not installed.
    """
    try:
        from treadle.export.torch_sequential import torch_sequential
    except ImportError as error:
        raise MissingDependency(
            f"to_torch needs PyTorch, which cannot be imported ({error}): pip install 'treadle[torch]'"
        ) from error
    return torch_sequential(to_model(fitted).parameters, with_output=not logits)


def to_model(fitted: Fitted) -> Model:
    """Make a model: the network, temperature included, and the classes' names.

    The temperature is within its last layer.
    """
    parameters = fitted.parameters.copy()
    if fitted.temperature != 1:
        parameters.weights[-1][:] /= fitted.temperature
        parameters.biases[-1][:] /= fitted.temperature
    return Model(parameters, class_names(fitted))


def _plain_weights(fitted: Fitted) -> tuple[list[Floats], list[Floats]]:
    """Return the weights and biases of an equal network without batch normalisation.

    It does not scale its inputs either.
    """
    plain = to_model(fitted).parameters.folded()
    network = plain.network
    weights, biases = [W.copy() for W in plain.weights], [b.copy() for b in plain.biases]
    W = weights[0].astype(np.float64)
    biases[0][:] = biases[0] + network.input_offset * W.sum(axis=0)
    weights[0][:] = network.input_scale * W
    return weights, biases


# Any: attributes of several types, which become the fields of one class.
def _python_numbers(value: object) -> Any:
    """Convert NumPy's numbers to Python's, within lists too.

    A fit leaves Python's, and so does a file.
    """
    if isinstance(value, list):
        return [_python_numbers(entry) for entry in value]
    return value.item() if isinstance(value, np.generic) else value
