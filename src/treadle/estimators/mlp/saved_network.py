"""Saves a fitted multilayer perceptron whole, and restores it.

All of it: a loaded estimator predicts the same bits, and ``partial_fit`` and warm starts go on from the
optimizer's moments and the stopping rule's count as those of the one that was saved would have.
"""

from __future__ import annotations

from typing import Any, TypeVar

import numpy as np

from treadle.errors import InvalidInput
from treadle.estimators.files.saving import Saved, check_feature_names
from treadle.estimators.mlp.calibration import checked_temperature
from treadle.estimators.mlp.class_targets import ClassTargets
from treadle.estimators.mlp.fitted import Curves, Fitted
from treadle.estimators.mlp.stopping import Memory
from treadle.export.model_file import Model
from treadle.maths.dtypes import Arrays
from treadle.messages import quoted
from treadle.network import Network, Parameters
from treadle.optimizers.stall import Stall
from treadle.training.history import COLUMNS, EARLIER_NAMES

# Attributes that are None, numbers, texts, lists or tables of them, and what each has to be.
VALIDATION_CURVES = ("validation_scores_", "validation_loss_curve_")
# The parameters and running statistics of the best epoch of a ``partial_fit`` that goes on.
BEST = ("best", "best_statistics")
# Whether each counts something, and is no number else.
NUMBERS = {"loss_": False, "best_loss_": False, "best_validation_score_": False, "n_iter_": True, "t_": True}
LARGEST_COUNT = 1 << 53

Kind = TypeVar("Kind")


def saved(fitted: Fitted) -> Saved:
    """Return the file's parts: the network, the fields and the arrays.

    The fields are under the names of attributes.
    """
    fields: dict[str, object] = {f"{name}_": value for name, value in vars(fitted.curves).items()}
    fields |= {"engine_": fitted.engine, "stopped_early_": fitted.stopped_early}
    if fitted.seed is not None:
        fields["_seed"] = fitted.seed
    if fitted.classes is not None:
        fields |= {"classes_": fitted.classes.classes, "_multilabel": fitted.classes.multilabel}
        fields["temperature_"] = fitted.temperature
    if fitted.feature_names is not None:
        fields["feature_names_in_"] = fitted.feature_names
    arrays = {f"moments.{name}": np.asarray(array) for name, array in fitted.moments.items()}
    memory = fitted.memory
    if memory is not None:
        fields["_earlier"] = {"by_score": memory.by_score, **vars(memory.stall)}
        if memory.best is not None:
            arrays |= dict(zip(BEST, memory.best, strict=True))
    return Saved(fields, arrays, Model(fitted.parameters, class_names(fitted)))


def class_names(fitted: Fitted) -> tuple[str, ...]:
    """Name each class, for those who read the file as a model's."""
    return () if fitted.classes is None else tuple(map(str, fitted.classes.classes))


def fitted_from(saved: Saved, *, classifies: bool) -> Fitted:
    """Restore the fitted value from a file that may be hostile.

    Parameters
    ----------
    saved : Saved
    classifies : bool
        Whether there are to be classes and a temperature.

    Raises
    ------
    InvalidInput, KeyError, TypeError or ValueError
        If it does not fit together.
    """
    if saved.model is None:
        raise InvalidInput("it has no network")
    fields, parameters = dict(saved.fields), saved.model.parameters
    names = fields.pop("feature_names_in_", None)
    check_feature_names(names, parameters.network.sizes[0])
    temperature, classes = 1.0, None
    if classifies:
        if "temperature_" in fields:
            temperature = checked_temperature(fields.pop("temperature_"))
        classes = _classes(fields.pop("classes_"), fields.pop("_multilabel"), parameters.network)
    curves = _curves(fields)
    engine = _of_type(str, "engine_", fields.pop("engine_", ""))
    stopped_early = _of_type(bool, "stopped_early_", fields.pop("stopped_early_", False))
    seed = _seed(fields.pop("_seed")) if "_seed" in fields else None
    memory = fields.pop("_earlier", None)
    if fields:
        raise InvalidInput(f"it has attributes that are not its own: {sorted(fields)}")
    return Fitted(
        parameters=parameters,
        curves=curves,
        engine=engine,
        stopped_early=stopped_early,
        seed=seed,
        moments=_moments(saved, parameters),
        memory=None if memory is None else _memory(memory, saved, parameters),
        feature_names=names,
        classes=classes,
        temperature=temperature,
    )


def _classes(classes: object, multilabel: object, network: Network) -> ClassTargets:
    if not isinstance(classes, np.ndarray) or classes.ndim != 1 or type(multilabel) is not bool:
        raise InvalidInput(f"classes_ must be labels in one row; got {quoted(classes)}")
    if not np.array_equal(np.unique(classes), classes):
        raise InvalidInput(f"classes_ must be labels that differ, in order; got {quoted(classes)}")
    found = ClassTargets(classes, multilabel)
    if (found.n_outputs, found.output) != (network.sizes[-1], network.output):
        raise InvalidInput(
            f"{len(classes)} classes need {found.n_outputs} outputs, {found.output}; the network has "
            f"{network.sizes[-1]}, {network.output}"
        )
    return found


def _curves(fields: dict[str, object]) -> Curves:
    """Take the curves out of the fields."""
    # Any: fields of several types.
    found: dict[str, Any] = {"loss_curve": _curve("loss_curve_", fields.pop("loss_curve_", []))}
    for name in VALIDATION_CURVES:
        curve = fields.pop(name, None)
        found[name.removesuffix("_")] = None if curve is None else _curve(name, curve)
    for name, whole in NUMBERS.items():
        if name in fields:
            found[name.removesuffix("_")] = _number(name, fields.pop(name), whole)
    return Curves(**found, history=_table(fields.pop("history_", {})))


def _of_type(kind: type[Kind], name: str, value: object) -> Kind:
    if type(value) is not kind:
        raise InvalidInput(f"{name} must be of type {kind.__name__}; got {quoted(value)}")
    return value


def _curve(name: str, value: object) -> list[float]:
    if not isinstance(value, list) or not all(type(x) in (int, float) for x in value):
        raise InvalidInput(f"{name} must be a list of numbers; got {quoted(value)}")
    return [float(x) for x in value]


# Any: a whole number if ``whole``, else a number or None.
def _number(name: str, value: object, whole: bool) -> Any:
    value = value.item() if isinstance(value, np.generic) else value
    if value is None and not whole:
        return None
    if whole and not (type(value) is int and 0 <= value <= LARGEST_COUNT):
        raise InvalidInput(f"{name} must be a whole number from 0 to {LARGEST_COUNT}; got {quoted(value)}")
    if type(value) not in (int, float):
        raise InvalidInput(f"{name} must be a number; got {quoted(value)}")
    return value


def _seed(value: object) -> int:
    if type(value) is not int or not 0 <= value < 1 << 32:
        raise InvalidInput(f"_seed must be a whole number from 0 to 2^32 - 1; got {quoted(value)}")
    return value


def _table(value: object) -> dict[str, list[float]]:
    if not isinstance(value, dict) or not {EARLIER_NAMES.get(name, name) for name in value} <= {*COLUMNS}:
        raise InvalidInput(f"history_ must be a table of {', '.join(COLUMNS)}; got {quoted(value)}")
    table: dict[str, list[float]] = {
        name: _curve(f"history_, {name},", column) for name, column in value.items()
    }
    if len({len(column) for column in table.values()}) > 1:
        raise InvalidInput("the columns of history_ must have one length")
    # Epochs stay whole numbers.
    return {EARLIER_NAMES.get(name, name): value[name] for name in table}


def _moments(saved: Saved, parameters: Parameters) -> Arrays:
    """Check and return the optimizer's state, which has the parameters' layout."""
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


def _memory(fields: object, saved: Saved, parameters: Parameters) -> Memory:
    """Restore the stopping rule's memory."""
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
