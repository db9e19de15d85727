"""What of a fitted multilayer perceptron is in its file, and how it comes back.

All of it: a loaded estimator predicts the same bits, and ``partial_fit`` and warm starts go on from the
optimizer's moments and the stopping rule's count as those of the one that was saved would have.
"""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np

from treadle.errors import InvalidInput
from treadle.estimators.files.saving import Savable, Saved, check_feature_names
from treadle.estimators.mlp.calibration import checked_temperature
from treadle.estimators.mlp.stopping import Memory
from treadle.export.model_file import Model
from treadle.messages import quoted
from treadle.network import Network, Parameters
from treadle.optimizers.stall import Stall

# Attributes that are None, numbers, texts, lists or tables of them, and what each has to be.
VALIDATION_CURVES = ("validation_scores_", "validation_loss_curve_")
CURVES = ("loss_curve_", *VALIDATION_CURVES)
# The columns of history_, and what an epoch's record calls them.
HISTORY_COLUMNS = {
    "epoch": "epoch",
    "train_loss": "train_loss",
    "validation_loss": "test_loss",
    "validation_score": "test_accuracy",
    "learning_rate": "learning_rate",
    "seconds": "seconds",
}
# The parameters and running statistics of the best epoch of a ``partial_fit`` that goes on.
BEST = ("best", "best_statistics")
# Whether each counts something, and is no number else.
NUMBERS = {"loss_": False, "best_loss_": False, "best_validation_score_": False, "n_iter_": True, "t_": True}
LARGEST_COUNT = 1 << 53


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
        check_feature_names(names, network.sizes[0])
        if names is not None:
            this.feature_names_in_ = names
        this.n_features_in_ = network.sizes[0]
        this._forget()
        temperature = checked_temperature(fields.pop("temperature_")) if "temperature_" in fields else None
        self._load_own(fields, network)
        this.loss_curve_ = _curve("loss_curve_", fields.pop("loss_curve_", []))
        for name in VALIDATION_CURVES:
            curve = fields.pop(name, None)
            setattr(self, name, None if curve is None else _curve(name, curve))
        for name, whole in NUMBERS.items():
            if name in fields:
                setattr(self, name, _number(name, fields.pop(name), whole))
        this.history_ = _table(fields.pop("history_", {}))
        this.engine_ = _of_type(str, "engine_", fields.pop("engine_", ""))
        this.stopped_early_ = _of_type(bool, "stopped_early_", fields.pop("stopped_early_", False))
        if "_seed" in fields:
            this._seed = _seed(fields.pop("_seed"))
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


def _of_type(kind: type, name: str, value: Any) -> Any:
    if type(value) is not kind:
        raise InvalidInput(f"{name} must be of type {kind.__name__}; got {quoted(value)}")
    return value


def _curve(name: str, value: Any) -> list[float]:
    if not isinstance(value, list) or not all(type(x) in (int, float) for x in value):
        raise InvalidInput(f"{name} must be a list of numbers; got {quoted(value)}")
    return [float(x) for x in value]


def _number(name: str, value: Any, whole: bool) -> Any:
    value = value.item() if isinstance(value, np.generic) else value
    if value is None and not whole:
        return None
    if whole and not (type(value) is int and 0 <= value <= LARGEST_COUNT):
        raise InvalidInput(f"{name} must be a whole number from 0 to {LARGEST_COUNT}; got {quoted(value)}")
    if type(value) not in (int, float):
        raise InvalidInput(f"{name} must be a number; got {quoted(value)}")
    return value


def _seed(value: Any) -> int:
    if type(value) is not int or not 0 <= value < 1 << 32:
        raise InvalidInput(f"_seed must be a whole number from 0 to 2^32 - 1; got {quoted(value)}")
    return value


def _table(value: Any) -> dict[str, list[Any]]:
    if not isinstance(value, dict) or not value.keys() <= HISTORY_COLUMNS.keys():
        raise InvalidInput(f"history_ must be a table of {', '.join(HISTORY_COLUMNS)}; got {quoted(value)}")
    table = {name: _curve(f"history_, {name},", column) for name, column in value.items()}
    if len({len(column) for column in table.values()}) > 1:
        raise InvalidInput("the columns of history_ must have one length")
    return {name: value[name] for name in table}  # epochs stay whole numbers


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
    if not 0 <= moments.get("step", 0) <= LARGEST_COUNT:
        raise InvalidInput(f"step must be a count from 0 to {LARGEST_COUNT}; got {moments['step']}")
    return moments


def _memory(fields: Any, saved: Saved, parameters: Parameters) -> Memory:
    """What the stopping rule remembers."""
    if not isinstance(fields, dict) or fields.keys() != {"by_score", *vars(Stall(0.0, 1))}:
        raise InvalidInput(f"_earlier must be what a stopping rule remembers; got {quoted(fields)}")
    numbers = {name: _number(name, fields[name], False) for name in ("best", "_tol", "_n_iter_no_change")}
    if None in numbers.values() or not (numbers["_tol"] >= 0 and numbers["_n_iter_no_change"] >= 1):
        raise InvalidInput(f"_earlier must hold a best figure and what a stall is; got {quoted(numbers)}")
    stall = Stall(numbers["_tol"], numbers["_n_iter_no_change"])
    stall.best = numbers["best"]
    stall.improved = _of_type(bool, "improved", fields["improved"])
    stall._n_stalled = _number("_n_stalled", fields["_n_stalled"], True)
    best = None
    if BEST[0] in saved.arrays:
        arrays = (saved.arrays[BEST[0]], saved.arrays[BEST[1]])
        Parameters(parameters.network, *arrays)  # refuses what does not fit
        best = arrays
    return Memory(stall, _of_type(bool, "by_score", fields["by_score"]), best)
