"""Converts class labels to a network's targets, and logits back to labels.

Two classes have one logistic output, more have a softmax over an output each, and several labels a row (an
indicator matrix) have a logistic output each, as in scikit-learn. Dimensions: N rows, K classes.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray
from sklearn.utils.multiclass import check_classification_targets, type_of_target

from treadle.engines.objective import Objective
from treadle.engines.predictor import output_of
from treadle.errors import InvalidInput
from treadle.estimators.labels import GivenTargets, one_column
from treadle.estimators.mlp.targets import Targets
from treadle.maths.dtypes import Floats, Numbers
from treadle.maths.likelihoods import log_logistic
from treadle.maths.softmax import log_softmax


@dataclass(frozen=True)
class ClassTargets(Targets):
    """The classes, and how a row's labels become targets.

    Parameters
    ----------
    classes : ndarray of shape (K,)
        Sorted labels; for several labels a row, the numbers of the columns.
    multilabel : bool
    """

    classes: NDArray[np.generic]
    multilabel: bool
    score_name: ClassVar[str] = "accuracy"

    @classmethod
    def of(cls, y: GivenTargets) -> ClassTargets:
        """Take the classes that are in y.

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
        """The number of the network's outputs."""
        return 1 if len(self.classes) <= 2 and not self.multilabel else len(self.classes)

    @property
    def output(self) -> str:
        """The network's output function."""
        return "softmax" if self.n_outputs > 1 and not self.multilabel else "logistic"

    def encode(self, y: GivenTargets) -> Numbers:
        """Convert labels to class numbers (N,), or to zeros and ones.

        A softmax takes numbers, int64; else it is (N, n_outputs), float32.

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
        numbers: NDArray[np.int64] = np.searchsorted(self.classes, y).clip(max=len(self.classes) - 1)
        unknown = self.classes[numbers] != y
        if unknown.any():
            raise InvalidInput(
                f"`y` has classes not in `self.classes_`. `self.classes_` has {self.classes}. "
                f"'y' has {np.unique(y)}."
            )
        if self.output == "softmax":
            return numbers.astype(np.int64, copy=False)
        return numbers.astype(np.float32)[:, np.newaxis]

    def decode(self, logits: Floats) -> NDArray[np.generic]:
        """Return each row's most probable class (N,), or all its labels.

        Several labels a row are (N, K) zeros and ones.
        """
        if self.multilabel:
            return (logits > 0).astype(np.int64)
        if self.output == "softmax":
            return np.asarray(self.classes[logits.argmax(axis=1)])
        return np.asarray(self.classes[(logits[:, 0] > 0).astype(np.int64) * (len(self.classes) - 1)])

    def probabilities(self, logits: Floats) -> Floats:
        """Compute the probability of each class, (N, K), in the type of the logits."""
        outputs = output_of(self.output, logits)
        if logits.shape[1] > 1 or self.multilabel:
            return outputs
        columns = [1 - outputs, outputs] if len(self.classes) > 1 else [np.ones_like(outputs)]
        return np.concatenate(columns, axis=1)

    def log_probabilities(self, logits: Floats) -> Floats:
        """Compute the logarithm of each class's probability, (N, K), in the type of the logits.

        It is finite where the probability itself rounds to 0.
        """
        if self.output == "softmax":
            return log_softmax(logits)
        of_no, of_yes = log_logistic(-logits), log_logistic(logits)
        if logits.shape[1] > 1 or self.multilabel:
            return of_yes
        return np.concatenate([of_no, of_yes] if len(self.classes) > 1 else [0 * logits], axis=1)

    def objective(self, label_smoothing: float, l2: float = 0.0) -> Objective:
        """Make the objective to minimise: cross-entropy of the output."""
        loss = "cross_entropy" if self.output == "softmax" else "binary_cross_entropy"
        return Objective(loss, label_smoothing=label_smoothing, l2=l2)

    def labels(self, targets: Numbers) -> NDArray[np.generic]:
        """Convert targets back to labels, (N,) or (N, K): the inverse of ``encode``."""
        if self.multilabel:
            return targets.astype(np.int64)
        return np.asarray(self.classes[targets.reshape(len(targets)).astype(np.int64)])

    def score(self, logits: Floats, targets: Numbers, sample_weight: NDArray[np.float64] | None) -> float:
        """Compute the accuracy; NaN where a logit is not finite.

        Of several labels a row, it is the share of rows that have all of them right.
        """
        if not np.isfinite(logits).all():
            return float("nan")
        if targets.ndim == 1:
            right = logits.argmax(axis=1) == targets
        else:
            right = ((logits > 0) == (targets > 0)).all(axis=1)
        return float(np.average(right, weights=sample_weight))

    def strata(self, targets: Numbers) -> Numbers | None:
        """The classes to split in proportion; None for several labels a row."""
        if self.multilabel:
            return None
        return targets if targets.ndim == 1 else targets[:, 0]


def _refuse_columns(y: GivenTargets) -> None:
    if np.ndim(y) > 1:
        raise InvalidInput(
            "Multioutput target data is not supported with label binarization: y must be one label a row, or "
            f"an indicator matrix of zeros and ones; got shape {np.shape(y)}: use MultiOutputClassifier"
        )


def is_multilabel(y: object) -> bool:
    """Say whether y is an indicator matrix, with a column for each label."""
    return str(type_of_target(y)).startswith("multilabel")
