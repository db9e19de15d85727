"""What of a fitted multilayer perceptron is in its file, and how it comes back.

All of it: a loaded estimator predicts the same bits, and ``partial_fit`` and warm starts go on from the
optimizer's moments and the stopping rule's count as those of the one that was saved would have.
"""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np

from treadle.errors import InvalidInput
from treadle.estimators.calibration import checked_temperature
from treadle.estimators.saving import Savable, Saved
from treadle.estimators.stopping import Memory
from treadle.export.model_file import Model
from treadle.network import Network, Parameters
from treadle.optimizers.stall import Stall

# Attributes that are None, numbers, texts, lists or tables of them, and what each has to be.
CURVES = ("loss_curve_", "validation_scores_", "validation_loss_curve_")
# The parameters and running statistics of the best epoch of a ``partial_fit`` that goes on.
BEST = ("best", "best_statistics")
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
        arrays = {f"moments.{name}": np.asarray(array) for name, array in this._moments.items()}
        memory: Memory | None = this._earlier
        if memory is not None:
            fields["_earlier"] = {"by_score": memory.by_score, **vars(memory.stall)}
            if memory.best is not None:
                arrays |= dict(zip(BEST, memory.best, strict=True))
        return Saved(fields, arrays, Model(this._fitted_parameters(this.network_), this._class_names()))

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
        memory = fields.pop("_earlier", None)
        if fields:
            raise InvalidInput(f"it has attributes that are not its own: {sorted(fields)}")
        this._take_parameters(saved.model.parameters)
        if temperature is not None:
            this.temperature_ = temperature
        this._moments = _moments(saved, saved.model.parameters)
        this._earlier = None if memory is None else _memory(memory, saved, saved.model.parameters)

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
    moments = {
        name.removeprefix("moments."): array for name, array in saved.arrays.items() if name not in BEST
    }
    for name, array in moments.items():
        shape = () if name == "step" else parameters.flat.shape
        dtype = np.int64 if name == "step" else parameters.dtype
        if array.shape != shape or array.dtype != dtype:
            raise InvalidInput(
                f"{name} must be {np.dtype(dtype)} of shape {shape}; got {array.dtype} {array.shape}"
            )
    return moments


def _memory(fields: Any, saved: Saved, parameters: Parameters) -> Memory:
    """What the stopping rule remembers."""
    like = vars(Stall(0.0, 1))
    if not isinstance(fields, dict) or fields.keys() != {"by_score", *like}:
        raise InvalidInput(f"_earlier must say {sorted(like)} and by_score; got {str(fields)[:100]}")
    stall = Stall(0.0, 1)
    for name in like:
        value = fields[name]
        if type(value) not in (bool, int, float):
            raise InvalidInput(f"{name} must be a number; got {value!r}")
        setattr(stall, name, value)
    best = None
    if BEST[0] in saved.arrays:
        arrays = (saved.arrays[BEST[0]], saved.arrays[BEST[1]])
        Parameters(parameters.network, *arrays)  # refuses what does not fit
        best = arrays
    return Memory(stall, bool(fields["by_score"]), best)
