"""Saves fitted estimators and loads them, without pickle.

``estimator.save(path)`` and ``treadle.load(path)`` call it.

The file is safetensors. Its arrays are what was fitted; its one entry of metadata, ``treadle``, holds JSON::

    format      the version of the layout
    estimator   the class's name, its parameters, and what else was fitted, in the words of plain_values.py
    sha256      of it all

Where the estimator is a network, the rest is as in a model's file (``treadle.export.model_file``), which
``treadle.load_model`` reads too. Equal estimators give equal bytes.

A class joins by deriving from ``Savable``, writing ``_saved`` and ``_load_saved``, and being in ``SAVABLE``.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.utils.validation import check_is_fitted

from treadle.boxes.network.box_network import BoxNetwork
from treadle.boxes.network.network_file import boxes_from
from treadle.boxes.trees.tree_file import trees_from
from treadle.boxes.trees.tree_network import TreeNetwork
from treadle.errors import CorruptFile, InvalidInput
from treadle.estimators.files.plain_values import from_plain, to_plain
from treadle.estimators.hyperparameters import check_hyperparameters
from treadle.export.container import Container
from treadle.export.model_file import (
    EXTRA_PREFIX,
    KEYS,
    Model,
    model_arrays,
    model_from,
    model_metadata,
)
from treadle.export.safetensors_file import read_safetensors
from treadle.maths.dtypes import Arrays
from treadle.messages import quoted
from treadle.strict_text import ParsedTable

# Where the class of each name is: a file can name these, and nothing else.
SAVABLE = {
    "BoxRegressor": "treadle.estimators.box",
    "LADRegressor": "treadle.estimators.lad",
    "MLPClassifier": "treadle.estimators.mlp.mlp_classifier",
    "MLPRegressor": "treadle.estimators.mlp.mlp_regressor",
    "TableClassifier": "treadle.estimators.tables.table_classifier",
    "TableRegressor": "treadle.estimators.tables.table_regressor",
}

FILE = Container("a fitted estimator", 1, (*KEYS, "estimator"))

# Parameters that belong to a training and not to what came of it: they are not in the file.
NOT_SAVED = ("callbacks",)


@dataclass(frozen=True)
class Saved:
    """The fitted part of an estimator, as it is saved.

    Parameters
    ----------
    fields : dict
        Attributes that JSON can hold; see ``treadle.estimators.files.plain_values``.
    arrays : dict of ndarray, float32, float64 or int64, all finite
    model : Model, or None
        The network, if the estimator is one.
    """

    fields: ParsedTable
    arrays: Arrays = field(default_factory=dict)
    model: Model | None = None


class Savable(ABC):
    """An estimator that can be saved as a file without pickle."""

    def save(self, path: str | Path) -> None:
        """Write the fitted estimator to a file, whole or not at all.

        ``treadle.load`` reads it.

        Parameters
        ----------
        path : str or Path
            A safetensors file: parameters, fitted attributes, labels and names of features; not the
            ``callbacks``. Nothing in it is pickled, and reading it runs no code.

        Raises
        ------
        NotFittedError
            If the estimator is not fitted.
        InvalidInput
            If a parameter is of a kind that no file holds, such as a function.
        OSError
            If the folder cannot be written or the disk is full.
        """
        check_is_fitted(self)
        saved = self._saved()
        name = type(self).__name__
        if name not in SAVABLE or SAVABLE[name] != type(self).__module__:
            raise InvalidInput(
                f"{type(self).__module__}.{name} cannot be saved as a file: only treadle's own estimators "
                f"can, {', '.join(SAVABLE)}; pickle it, if whoever loads it trusts you"
            )
        check_hyperparameters(name, self.get_params(deep=False))  # type: ignore[attr-defined]
        params = {
            key: to_plain(value, f"the parameter {key}")
            for key, value in self.get_params(deep=False).items()  # type: ignore[attr-defined]
            if key not in NOT_SAVED
        }
        fields = {key: to_plain(value, key) for key, value in saved.fields.items()}
        described = {} if saved.model is None else model_metadata(saved.model)
        arrays = {f"{EXTRA_PREFIX}{key}": np.asarray(a, order="C") for key, a in saved.arrays.items()}
        if saved.model is not None:
            arrays |= model_arrays(saved.model)
        if not all(np.isfinite(array).all() for array in arrays.values()):
            raise InvalidInput(
                f"what was fitted holds NaN or infinite numbers, so {path} was not written: fit again, with "
                "a smaller learning rate or scaled features"
            )
        estimator = {"name": name, "params": params, "fields": fields}
        FILE.write(path, arrays, {**described, "estimator": estimator})

    @abstractmethod
    def _saved(self) -> Saved:
        """Return the fitted part; the estimator is fitted."""

    @abstractmethod
    def _load_saved(self, saved: Saved) -> None:
        """Take over what ``_saved`` returned, from a file that may be hostile.

        Raises
        ------
        InvalidInput, or anything of ``container.UNUSABLE``
            If it does not fit together; the file is then reported as corrupt.
        """


def check_feature_names(names: object, n_features: int) -> None:
    """Raise InvalidInput unless a file's feature names are None or texts.

    There is one for each feature.
    """
    if names is None:
        return
    if not (
        isinstance(names, np.ndarray)
        and names.dtype == object
        and names.shape == (n_features,)
        and all(type(name) is str for name in names)
    ):
        raise InvalidInput(
            f"feature_names_in_ must be a text for each of the {n_features} features; got {quoted(names)}"
        )


# Any: of whichever class the file names.
def load(path: str | Path) -> Any:
    """Load what ``save`` wrote, an estimator or network, without running its code.

    Parameters
    ----------
    path : str or Path

    Returns
    -------
    estimator, BoxNetwork or TreeNetwork
        Of the class that was saved; estimators are fitted, and their ``callbacks`` is None.

    Raises
    ------
    OSError
        If the file cannot be opened.
    CorruptFile
        If it is the file of neither, or does not fit together.

    Examples
    --------
    >>> import treadle
    >>> treadle.LADRegressor().fit([[0], [1], [2]], [0, 1, 2]).save("line.safetensors")
    >>> treadle.load("line.safetensors").predict([[5]]).tolist()
    [5.0]
    """
    arrays, metadata = read_safetensors(path)
    if "boxes" in metadata:
        return BoxNetwork.of(boxes_from(path, arrays, metadata))
    if "trees" in metadata:
        return TreeNetwork.of(trees_from(path, arrays, metadata))
    FILE.check_version(path, metadata)
    described = metadata.get("estimator")
    name = described.get("name") if isinstance(described, dict) else None
    if not isinstance(described, dict) or not isinstance(name, str) or name not in SAVABLE:
        raise CorruptFile(
            f"{path} must hold one of the estimators {', '.join(SAVABLE)}; it holds {quoted(name)}: read a "
            f"network that treadle train wrote with treadle.load_model; otherwise {FILE.remedy}"
        )
    FILE.check(path, metadata)
    estimator_class = getattr(import_module(SAVABLE[name]), name)
    extra = {
        key.removeprefix(EXTRA_PREFIX): arrays.pop(key)
        for key in list(arrays)
        if key.startswith(EXTRA_PREFIX)
    }
    model = model_from(path, arrays, metadata) if arrays or "network" in metadata else None
    with FILE.describing(path, f"a fitted {name}"):
        params = {key: from_plain(value) for key, value in described["params"].items()}
        fields = {key: from_plain(value) for key, value in described["fields"].items()}
        known = set(estimator_class().get_params(deep=False)) - set(NOT_SAVED)
        if unknown := sorted(params.keys() - known):
            raise InvalidInput(f"{name} has no parameter {quoted(unknown[0])}")
        check_hyperparameters(name, params)
        estimator = estimator_class(**params)
        estimator._load_saved(Saved(fields, extra, model))
        return estimator
