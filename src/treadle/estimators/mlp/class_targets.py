"""From labels as people keep them to the targets that a network is trained on, and back.

Two classes have one logistic output, more have a softmax over an output each, and several labels a row (an
indicator matrix) have a logistic output each, as in scikit-learn. Dimensions: N rows, K classes.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.utils.multiclass import check_classification_targets, type_of_target

from treadle.errors import InvalidInput
from treadle.estimators.labels import one_column
from treadle.estimators.mlp.targets import Targets


@dataclass(frozen=True)
class ClassTargets(Targets):
    """The classes, and how many of them a row has.

    Parameters
    ----------
    classes : ndarray of shape (K,)
        Sorted labels; for several labels a row, the numbers of the columns.
    multilabel : bool
    """

    classes: NDArray[Any]
    multilabel: bool

    @classmethod
    def of(cls, y: Any) -> ClassTargets:
        """The classes that are in y.

        Raises
        ------
        InvalidInput
            If y has several columns and is no indicator matrix.
        ValueError
            scikit-learn's, if y does not hold classes.
        """
        if type(y) is np.ndarray and y.ndim == 1 and y.dtype.kind in "biu":
            classes = np.unique(y)
            if 2 * len(classes) <= len(y):  # of more, scikit-learn's check may warn
                return cls(classes, multilabel=False)
        check_classification_targets(y)
        if is_multilabel(y):
            return cls(np.arange(y.shape[1]), multilabel=True)
        _refuse_columns(y)
        return cls(np.unique(y), multilabel=False)

    @property
    def n_outputs(self) -> int:
        """Outputs of the network."""
        return 1 if len(self.classes) <= 2 and not self.multilabel else len(self.classes)

    @property
    def output(self) -> str:
        """Of the network."""
        return "softmax" if self.n_outputs > 1 and not self.multilabel else "logistic"

    def encode(self, y: Any) -> NDArray[Any]:
        """Class numbers (N,) int64 for a softmax; else zeros and ones (N, n_outputs) float32.

        Raises
        ------
        InvalidInput
            If y holds a label that is none of the classes, or has another number of columns.
        """
        y = one_column(y)
        if self.multilabel:
            if not is_multilabel(y) or y.shape[1] != len(self.classes):
                raise InvalidInput(
                    f"y must be an indicator matrix of {len(self.classes)} columns, as before; "
                    f"got shape {np.shape(y)}"
                )
            return np.asarray(y.toarray() if hasattr(y, "toarray") else y).astype(np.float32)
        _refuse_columns(y)
        # The classes are sorted: a label is where it would be inserted, or is none of them.
        numbers: NDArray[Any] = np.searchsorted(self.classes, y).clip(max=len(self.classes) - 1)
        unknown = self.classes[numbers] != y
        if unknown.any():
            raise InvalidInput(
                f"`y` has classes not in `self.classes_`. `self.classes_` has {self.classes}. "
                f"'y' has {np.unique(y)}."
            )
        if self.output == "softmax":
            return numbers.astype(np.int64, copy=False)
        return numbers.astype(np.float32)[:, np.newaxis]

    def decode(self, logits: NDArray[Any]) -> NDArray[Any]:
        """The most probable class of each row (N,), or which of them it has (N, K), zeros and ones."""
        if self.multilabel:
            return (logits > 0).astype(np.int64)
        if self.output == "softmax":
            return np.asarray(self.classes[logits.argmax(axis=1)])
        return np.asarray(self.classes[(logits[:, 0] > 0).astype(np.int64) * (len(self.classes) - 1)])

    def labels(self, targets: NDArray[Any]) -> NDArray[Any]:
        """The labels (N,) or (N, K) that ``encode`` had made these targets of."""
        if self.multilabel:
            return targets.astype(np.int64)
        return np.asarray(self.classes[targets.reshape(len(targets)).astype(np.int64)])

    def score(
        self, logits: NDArray[Any], targets: NDArray[Any], sample_weight: NDArray[np.float64] | None
    ) -> float:
        """Accuracy: of several labels, the rows that have all of them right. NaN where a logit is none."""
        if not np.isfinite(logits).all():
            return float("nan")
        if targets.ndim == 1:
            right = logits.argmax(axis=1) == targets
        else:
            right = ((logits > 0) == (targets > 0)).all(axis=1)
        return float(np.average(right, weights=sample_weight))

    def strata(self, targets: NDArray[Any]) -> NDArray[Any] | None:
        """The classes; of several labels a row, none."""
        if self.multilabel:
            return None
        return targets if targets.ndim == 1 else targets[:, 0]


def _refuse_columns(y: Any) -> None:
    if np.ndim(y) > 1:
        raise InvalidInput(
            "Multioutput target data is not supported with label binarization: y must be one label a row, or "
            f"an indicator matrix of zeros and ones; got shape {np.shape(y)}: use MultiOutputClassifier"
        )


def is_multilabel(y: Any) -> bool:
    """Whether y is an indicator matrix: a column for each label that a row may have."""
    return str(type_of_target(y)).startswith("multilabel")
