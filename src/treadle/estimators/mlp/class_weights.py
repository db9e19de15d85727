"""Computes the weights of classes in training: given by class, or balanced.

Dimensions: N rows, K classes.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from treadle.errors import InvalidInput
from treadle.estimators.mlp.class_targets import ClassTargets
from treadle.maths.dtypes import Numbers

# From labels to weights, or "balanced". A mapping's type of keys is invariant: any type of label has to do.
ClassWeight: TypeAlias = str | Mapping[Any, float]


def with_class_weights(
    class_weight: ClassWeight,
    classes: ClassTargets,
    targets: Numbers,
    sample_weight: NDArray[np.float64] | None,
    *,
    has_all_rows: bool,
) -> NDArray[np.float64]:
    """Multiply the weights of rows (N,) by those of their classes.

    Parameters
    ----------
    class_weight : "balanced" or mapping
        From labels to weights; a class that is not in it has 1.
    classes : ClassTargets
    targets : ndarray
        What ``classes`` encoded y to.
    sample_weight : ndarray of shape (N,), or None
    has_all_rows : bool
        Whether these rows are all that there will be.

    Raises
    ------
    InvalidInput
        If rows have several labels; if the mapping has a label that is no class; if there are more rows to
        come that are to be balanced; if no row is left with any weight.
    """
    if classes.multilabel:
        raise InvalidInput(
            f"class_weight={class_weight!r} is for one label a row; got an indicator matrix: weigh the rows "
            "with sample_weight"
        )
    numbers = targets.reshape(len(targets)).astype(np.int64, copy=False)
    if isinstance(class_weight, Mapping):
        of_class = _given(class_weight, classes.classes)
    elif has_all_rows:
        of_class = _balanced(numbers, sample_weight, len(classes.classes))
    else:
        raise InvalidInput(
            "class_weight='balanced' needs all rows at once, which partial_fit has not: give the weights "
            "as a mapping"
        )
    weights: NDArray[np.float64] = of_class[numbers]
    if sample_weight is not None:
        weights *= sample_weight
    if not weights.any():
        raise InvalidInput(f"class_weight={class_weight!r} leaves no row of y with any weight")
    return weights


def _given(mapping: Mapping[object, float], classes: NDArray[np.generic]) -> NDArray[np.float64]:
    of_class = np.ones(len(classes))
    for label, weight in mapping.items():
        at = np.flatnonzero(classes == label)
        if len(at) != 1:
            raise InvalidInput(
                f"class_weight has the label {label!r}, which is none of the classes {classes}"
            )
        of_class[at] = weight
    return of_class


def _balanced(
    numbers: NDArray[np.int64], sample_weight: NDArray[np.float64] | None, n_classes: int
) -> NDArray[np.float64]:
    """Return weights (K,) that give all classes in y equal total weight.

    Over the rows their mean is 1.
    """
    counts = np.bincount(numbers, sample_weight, n_classes).astype(np.float64)
    there = counts > 0
    result = np.ones(n_classes)
    result[there] = counts.sum() / (there.sum() * counts[there])
    return result
