"""What of a fitted multilayer perceptron is in its file, and how it comes back.

All of it: a loaded estimator predicts the same bits, and ``partial_fit`` goes on from the optimizer's moments
as the one that was saved would have. Only what was being kept to stop a ``partial_fit`` early begins anew.
"""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np

from treadle.errors import InvalidInput
from treadle.estimators.calibration import checked_temperature
from treadle.estimators.saving import Savable, Saved
from treadle.export.model_file import Model
from treadle.network import Network, Parameters

# Attributes that are None, numbers, texts, lists or tables of them, and what each has to be.
CURVES = ("loss_curve_", "validation_scores_", "validation_loss_curve_")
NUMBERS = ("loss_", "best_loss_", "best_validation_score_", "n_iter_", "t_")


class SavedNetwork(Savable):
    """Saves and loads by the attributes that all multilayer perceptrons have."""

    # Attributes of the class alone, beyond those of this file.
    _saved_attributes: ClassVar[tuple[str, ...]] = ()

    def _saved(self) -> Saved:
        this: Any = self
        names = (*CURVES, *NUMBERS, "history_", "engine_", "stopped_early_", "_seed", *self._saved_attributes)
        fields = {name: vars(self)[name] for name in names if name in vars(self)}
        if "feature_names_in_" in vars(self):
            fields["feature_names_in_"] = this.feature_names_in_
        moments = {f"moments.{name}": np.asarray(array) for name, array in this._moments.items()}
        return Saved(fields, moments, Model(this._fitted_parameters(this.network_), this._class_names()))

    def _class_names(self) -> tuple[str, ...]:
        """A name for each class, for whoever reads the file as a model's."""
        return ()

    def _load_saved(self, saved: Saved) -> None:
        this: Any = self
        if saved.model is None:
            raise InvalidInput("it has no network")
        fields = dict(saved.fields)
        network = saved.model.network
        names = fields.pop("feature_names_in_", None)
        if names is not None:
            if np.shape(names) != (network.sizes[0],) or not all(isinstance(n, str) for n in names.tolist()):
                raise InvalidInput(
                    f"feature_names_in_ must name the {network.sizes[0]} inputs; got {names!r}"
                )
            this.feature_names_in_ = names
        this.n_features_in_ = network.sizes[0]
        this._forget()
        temperature = checked_temperature(fields.pop("temperature_")) if "temperature_" in fields else None
        self._load_own(fields, network)
        for name in CURVES:
            setattr(self, name, _curve(name, fields.pop(name, None)))
        for name in NUMBERS:
            if name in fields:
                setattr(self, name, _number(name, fields.pop(name)))
        this.history_ = _table(fields.pop("history_", {}))
        this.engine_ = str(fields.pop("engine_", ""))
        this.stopped_early_ = bool(fields.pop("stopped_early_", False))
        if "_seed" in fields:
            this._seed = int(fields.pop("_seed"))
        if fields:
            raise InvalidInput(f"it has attributes that are not its own: {sorted(fields)}")
        this._take_parameters(saved.model.parameters)
        if temperature is not None:
            this.temperature_ = temperature
        this._moments = _moments(saved, saved.model.parameters)

    def _load_own(self, fields: dict[str, Any], network: Network) -> None:
        """Take the attributes of ``_saved_attributes`` out of the fields, and become the owner of them."""


def _curve(name: str, value: Any) -> list[float] | None:
    if value is None:
        return None
    if not isinstance(value, list) or not all(type(x) in (int, float) for x in value):
        raise InvalidInput(f"{name} must be a list of numbers; got {str(value)[:100]}")
    return [float(x) for x in value]


def _number(name: str, value: Any) -> Any:
    if value is not None and type(value) not in (int, float):
        raise InvalidInput(f"{name} must be a number; got {value!r}")
    return value


def _table(value: Any) -> dict[str, list[Any]]:
    if not isinstance(value, dict) or not all(isinstance(column, list) for column in value.values()):
        raise InvalidInput(f"history_ must be a table of lists; got {str(value)[:100]}")
    if len({len(column) for column in value.values()}) > 1:
        raise InvalidInput("the columns of history_ must have one length")
    return value


def _moments(saved: Saved, parameters: Parameters) -> dict[str, Any]:
    """The optimizer's state, which has the layout of the parameters."""
    moments = {name.removeprefix("moments."): array for name, array in saved.arrays.items()}
    for name, array in moments.items():
        shape = () if name == "step" else parameters.flat.shape
        dtype = np.int64 if name == "step" else parameters.dtype
        if array.shape != shape or array.dtype != dtype:
            raise InvalidInput(
                f"{name} must be {np.dtype(dtype)} of shape {shape}; got {array.dtype} {array.shape}"
            )
    return moments
