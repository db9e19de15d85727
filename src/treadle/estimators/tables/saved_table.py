"""Saves a fitted table whole, and restores it from a file that may be hostile.

The network is as in a model's file; the preparation is its arrays and JSON; the targets are their classes, or
their means, scales and ranges.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from treadle.errors import InvalidInput
from treadle.estimators.files.saving import Saved, check_feature_names
from treadle.estimators.mlp.calibration import checked_temperature
from treadle.estimators.mlp.number_targets import LOSS_NAMES
from treadle.estimators.mlp.targets import Targets
from treadle.estimators.tables.fitted_table import FittedTable
from treadle.estimators.tables.table_targets import ScaledNumbers, TableClasses
from treadle.export.model_file import Model
from treadle.maths.dtypes import Arrays
from treadle.messages import quoted
from treadle.network import Network
from treadle.tables.preparation.preparation import Preparation
from treadle.tables.preparation.saved import from_saved, to_saved
from treadle.training.history import COLUMNS

PREPARATION = "preparation."
SCALING = ("mean", "scale", "low", "high")


def saved(fitted: FittedTable, n_features: int, names: NDArray[np.object_] | None) -> Saved:
    """Return the file's parts: the network, the fields and the arrays."""
    arrays, described = to_saved(fitted.preparation)
    found = {f"{PREPARATION}{name}": array for name, array in arrays.items()}
    kind = fitted.kind
    fields: dict[str, object] = {"preparation": described, "n_features": n_features, "names": names}
    fields |= {"temperature": float(fitted.temperature), "engine": fitted.engine}
    # Equal trainings give equal bytes: how long epochs took is not in the file.
    history = {name: column for name, column in fitted.history.items() if name != "seconds"}
    fields |= {"history": history, "best_epoch": fitted.best_epoch}
    if isinstance(kind, TableClasses):
        fields["targets"] = {"classes": kind.classes, "multilabel": kind.multilabel}
    elif isinstance(kind, ScaledNumbers):
        fields["targets"] = {"loss": kind.loss, "flat": kind.flat}
        found |= {name: getattr(kind, name) for name in SCALING}
    return Saved(fields, found, Model(fitted.parameters, class_names(kind)))


def class_names(kind: Targets) -> tuple[str, ...]:
    """Name each class, for those who read the file as a model's; nothing of numbers."""
    return tuple(map(str, kind.classes)) if isinstance(kind, TableClasses) else ()


def fitted_from(saved: Saved, *, classifies: bool) -> tuple[FittedTable, int, NDArray[np.object_] | None]:
    """Restore the fitted value, the number of features and their names.

    Raises
    ------
    InvalidInput, KeyError, TypeError or ValueError
        If it does not fit together.
    """
    if saved.model is None:
        raise InvalidInput("it has no network")
    parameters, fields, arrays = saved.model.parameters, saved.fields, dict(saved.arrays)
    scaling = {} if classifies else {name: arrays.pop(name) for name in SCALING}
    if others := sorted(name for name in arrays if not name.startswith(PREPARATION)):
        raise InvalidInput(f"it has an array that is not its own: {quoted(others[0])}")
    preparation = from_saved(
        {name.removeprefix(PREPARATION): array for name, array in arrays.items()}, fields["preparation"]
    )
    _check_fit(parameters.network, preparation)
    described = fields["targets"]
    if not isinstance(described, dict):
        raise InvalidInput(f"targets must be described; got {quoted(described)}")
    kind = _classes(**described) if classifies else _numbers(scaling, **described)
    if (kind.n_outputs, kind.output) != (parameters.network.sizes[-1], parameters.network.output):
        raise InvalidInput(
            f"the targets need {kind.n_outputs} outputs, {kind.output}; the network has "
            f"{parameters.network.sizes[-1]}, {parameters.network.output}"
        )
    history, best_epoch = _history(fields["history"]), fields["best_epoch"]
    if type(best_epoch) is not int or not 1 <= best_epoch <= len(history["epoch"]):
        raise InvalidInput(f"best_epoch must be one of {len(history['epoch'])}; got {quoted(best_epoch)}")
    n_features, names = fields["n_features"], fields["names"]
    if type(n_features) is not int or n_features < len(preparation.features):
        raise InvalidInput(f"n_features must count the columns; got {quoted(n_features)}")
    check_feature_names(names, n_features)
    engine = fields["engine"]
    if type(engine) is not str:
        raise InvalidInput(f"engine must be a name; got {quoted(engine)}")
    temperature = checked_temperature(fields["temperature"])
    fitted = FittedTable(preparation, kind, parameters, temperature, engine, history, best_epoch)
    names_found: NDArray[np.object_] | None = names
    return fitted, n_features, names_found


def _check_fit(network: Network, preparation: Preparation) -> None:
    """Raise InvalidInput unless the network takes what the preparation makes."""
    stage = network.input_stage
    found = None if stage is None else (stage.n_numbers, stage.n_plain, stage.category_counts)
    wanted = (preparation.n_numbers, preparation.n_plain, preparation.category_counts)
    if found != wanted:
        raise InvalidInput(
            f"the preparation gives numbers, plain columns and categories {quoted(wanted)}; the network "
            f"takes {quoted(found)}"
        )


# Any: of a file that says whatever it likes; what does not fit is refused.
def _classes(classes: Any, multilabel: Any) -> Targets:
    if not isinstance(classes, np.ndarray) or classes.ndim != 1 or type(multilabel) is not bool:
        raise InvalidInput(f"classes must be labels in one row; got {quoted(classes)}")
    if len(classes) == 0 or not np.array_equal(np.unique(classes), classes):
        raise InvalidInput(f"classes must be labels that differ, in order; got {quoted(classes)}")
    return TableClasses(classes, multilabel)


def _numbers(scaling: Arrays, loss: Any, flat: Any) -> Targets:
    if loss not in LOSS_NAMES or type(flat) is not bool:
        raise InvalidInput(f"targets must have a loss, and be flat or not; got {quoted((loss, flat))}")
    shapes = {array.shape for array in scaling.values()}
    if len(shapes) != 1 or any(array.ndim != 1 or array.dtype != np.float64 for array in scaling.values()):
        raise InvalidInput(f"{', '.join(SCALING)} must be float64 of one length; got shapes {quoted(shapes)}")
    if not (scaling["scale"] > 0).all() or (scaling["low"] > scaling["high"]).any():
        raise InvalidInput("scale must be above 0, and low not above high")
    if flat and shapes != {(1,)}:
        raise InvalidInput(f"targets of shape (N,) have one output; got {quoted(shapes)}")
    return ScaledNumbers(loss, **scaling, flat=flat)


def _history(value: object) -> dict[str, list[float]]:
    if not isinstance(value, dict) or "epoch" not in value or not value.keys() <= {*COLUMNS}:
        raise InvalidInput(f"history must be a table of {', '.join(COLUMNS)}; got {quoted(value)}")
    for name, column in value.items():
        if not isinstance(column, list) or not all(type(x) in (int, float) for x in column):
            raise InvalidInput(f"history, {name}, must be a list of numbers; got {quoted(column)}")
    if len({len(column) for column in value.values()}) > 1:
        raise InvalidInput("the columns of the history must have one length")
    return value
