"""Evaluates a classifier on a labelled set: accuracy, confusion, class scores, calibration.

It finds the most confident mistakes, too. A few lines of NumPy, because importing scikit-learn's metrics
costs more than computing them; the tests hold both against each other. Only classifiers with probabilities:
no regression, no multi-label sets, no sample weights. Dimensions: N samples, K classes.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike, NDArray

from treadle.errors import InvalidInput
from treadle.maths.dtypes import Floats

CALIBRATION_BINS = 15  # as in the tables of Guo et al. 2017
Z_95 = 1.959963984540054  # the standard normal's quantile at 0.975


@dataclass(frozen=True)
class ClassScores:
    """One class against all others; a ratio whose denominator is 0 is 0.

    Parameters
    ----------
    name : str
    precision : float
        Of the samples predicted to be of this class, the share that are.
    recall : float
        Of the samples of this class, the share predicted to be.
    f1 : float
        Harmonic mean of both.
    support : int
        Samples of this class.
    """

    name: str
    precision: float
    recall: float
    f1: float
    support: int


@dataclass(frozen=True)
class Calibration:
    """Accuracy against confidence in equal bins, and the expected calibration error.

    ``ece = sum over bins of count / N * |accuracy - confidence|`` (Guo et al., "On calibration of modern
    neural networks", 2017, equation 3). A sample's confidence is its largest probability.

    Parameters
    ----------
    edges : ndarray of shape (B + 1,), float64
        Bin b holds the confidences in (edges[b], edges[b + 1]].
    confidence, accuracy : ndarray of shape (B,), float64
        Means over the bin's samples; nan where it has none.
    count : ndarray of shape (B,), int64
    ece : float
        In [0, 1]; 0 is perfect.
    """

    edges: NDArray[np.float64]
    confidence: NDArray[np.float64]
    accuracy: NDArray[np.float64]
    count: NDArray[np.int64]
    ece: float


@dataclass(frozen=True, eq=False)
class Evaluation:
    """A classifier's answers on a labelled set, and every score derived from them.

    Parameters
    ----------
    y_true : array of shape (N,), integer
        Class indices, at least 0 and below K; kept as int64.
    probabilities : array of shape (N, K), float32 or float64
        Rows are distributions: finite, in [0, 1], with sum 1 up to rounding, 4 (K + 8) eps of their dtype.
    class_names : sequence of K str
    loss : float
        Mean cross-entropy over the set, in nats, as the engine computed it from the logits.

    Raises
    ------
    InvalidInput
        If the set is empty, or an argument is not as above.

    Examples
    --------
    >>> import numpy as np
    >>> from treadle import Evaluation
    >>> probabilities = np.array([[0.9, 0.1], [0.2, 0.8], [0.3, 0.7], [0.6, 0.4]])
    >>> evaluation = Evaluation([0, 1, 1, 1], probabilities, ("cat", "dog"), loss=0.4)
    >>> evaluation.accuracy, evaluation.confusion.tolist()
    (0.75, [[1, 0], [1, 2]])
    """

    y_true: NDArray[np.int64]
    probabilities: Floats
    class_names: Sequence[str]
    loss: float

    def __post_init__(self) -> None:
        probabilities = np.asarray(self.probabilities)
        if probabilities.dtype not in (np.float32, np.float64) or probabilities.ndim != 2:
            raise InvalidInput(
                "probabilities must be float32 or float64 of shape (N, K), a row a sample; "
                f"got {probabilities.dtype} of shape {probabilities.shape}"
            )
        n_samples, n_classes = probabilities.shape
        if n_samples == 0:
            raise InvalidInput("an empty set cannot be evaluated; give at least one sample")
        if n_classes < 2:
            raise InvalidInput(f"probabilities need a column for each of at least 2 classes; got {n_classes}")
        _check_distributions(probabilities)
        object.__setattr__(self, "probabilities", probabilities)
        object.__setattr__(self, "y_true", _checked_labels(self.y_true, n_samples, n_classes))
        if isinstance(self.class_names, str) or len(self.class_names) != n_classes:
            raise InvalidInput(
                f"class_names must be {n_classes} names, one for each column of probabilities; "
                f"got {self.class_names!r:.80}"
            )
        object.__setattr__(self, "class_names", tuple(str(name) for name in self.class_names))
        if not math.isfinite(self.loss):
            raise InvalidInput(f"loss must be finite; got {self.loss!r}: look at the training history")

    @property
    def n_samples(self) -> int:
        """N, the number of samples."""
        return int(self.probabilities.shape[0])

    @property
    def n_classes(self) -> int:
        """K, the number of classes."""
        return int(self.probabilities.shape[1])

    @cached_property
    def predicted(self) -> NDArray[np.int64]:
        """The class of each sample's largest probability, shape (N,).

        It is the first of equals.
        """
        return np.asarray(self.probabilities.argmax(axis=1), dtype=np.int64)

    @cached_property
    def confidence(self) -> NDArray[np.float64]:
        """The largest probability of each sample, shape (N,)."""
        return np.asarray(self.probabilities.max(axis=1), dtype=np.float64)

    @cached_property
    def correct(self) -> NDArray[np.bool_]:
        """Whether each sample's predicted class is its own, shape (N,)."""
        return np.equal(self.predicted, self.y_true)

    @property
    def accuracy(self) -> float:
        """Share of samples whose predicted class is their own."""
        return float(self.correct.mean())

    @property
    def accuracy_interval(self) -> tuple[float, float]:
        """Wilson's 95 % score interval of the accuracy (Wilson 1927, equation 4).

        There is no continuity correction. It covers the set's sampling alone: what retraining with another
        seed would change is not in it.
        """
        n, p = self.n_samples, self.accuracy
        centre = p + Z_95**2 / (2 * n)
        radius = Z_95 * math.sqrt(p * (1 - p) / n + Z_95**2 / (4 * n**2))
        scale = 1 + Z_95**2 / n
        return max(0.0, (centre - radius) / scale), min(1.0, (centre + radius) / scale)

    @cached_property
    def confusion(self) -> NDArray[np.int64]:
        """Counts, shape (K, K): row the true class, column the predicted one."""
        K = self.n_classes
        return np.bincount(self.y_true * K + self.predicted, minlength=K * K).reshape(K, K)

    @cached_property
    def per_class(self) -> list[ClassScores]:
        """Precision, recall, F1 and support of each class, in the order of the columns."""
        hits = self.confusion.diagonal().astype(np.float64)
        support = self.confusion.sum(axis=1)
        n_predicted = self.confusion.sum(axis=0)
        precision = _ratio(hits, n_predicted)
        recall = _ratio(hits, support)
        f1 = _ratio(2 * hits, support + n_predicted)
        return [
            ClassScores(name, float(precision[k]), float(recall[k]), float(f1[k]), int(support[k]))
            for k, name in enumerate(self.class_names)
        ]

    @property
    def macro(self) -> ClassScores:
        """Means over all K classes, also those without samples; support is N."""
        scores = np.array([(s.precision, s.recall, s.f1) for s in self.per_class])
        precision, recall, f1 = (float(mean) for mean in scores.mean(axis=0))
        return ClassScores("macro average", precision, recall, f1, self.n_samples)

    def calibration(self, n_bins: int = CALIBRATION_BINS) -> Calibration:
        """Bin the samples by confidence and compare it with accuracy; see ``Calibration``."""
        if n_bins < 1:
            raise InvalidInput(f"n_bins must be at least 1; got {n_bins!r}")
        edges = np.linspace(0, 1, n_bins + 1)
        # Rounding may lift a confidence a hair above 1: it belongs to the last bin.
        which = np.clip(np.searchsorted(edges, self.confidence, side="left") - 1, 0, n_bins - 1)
        count = np.bincount(which, minlength=n_bins)
        total_confidence = np.bincount(which, weights=self.confidence, minlength=n_bins)
        total_correct = np.bincount(which, weights=self.correct, minlength=n_bins)
        with np.errstate(invalid="ignore"):  # 0 / 0 is an empty bin
            confidence, accuracy = total_confidence / count, total_correct / count
        ece = float(np.abs(total_correct - total_confidence).sum() / self.n_samples)
        return Calibration(edges, confidence, accuracy, count, ece)

    def most_confident_mistakes(self, n: int) -> NDArray[np.int64]:
        """Return at most n wrong samples' indices, the most confident first.

        Equals are in the set's order.
        """
        if n < 0:
            raise InvalidInput(f"the number of mistakes must be at least 0; got {n!r}")
        wrong = np.flatnonzero(~self.correct)
        return wrong[np.argsort(-self.confidence[wrong], kind="stable")[:n]]

    def to_dict(self) -> dict[str, object]:
        """Return the scores as plain numbers, lists and strings for JSON.

        Samples are left out.
        """

        def plain(scores: ClassScores) -> dict[str, object]:
            return {
                "precision": scores.precision,
                "recall": scores.recall,
                "f1": scores.f1,
                "support": scores.support,
            }

        return {
            "n_samples": self.n_samples,
            "accuracy": self.accuracy,
            "accuracy_interval_95": list(self.accuracy_interval),
            "loss": float(self.loss),
            "expected_calibration_error": self.calibration().ece,
            "per_class": [{"name": scores.name, **plain(scores)} for scores in self.per_class],
            "macro": plain(self.macro),
            "confusion": self.confusion.tolist(),
        }


def _ratio(numerator: NDArray[np.float64], denominator: NDArray[np.int64]) -> NDArray[np.float64]:
    ratio = np.zeros(numerator.shape)
    np.divide(numerator, denominator, out=ratio, where=denominator > 0)
    return ratio


def _check_distributions(probabilities: Floats) -> None:
    tolerance = 4 * (probabilities.shape[1] + 8) * float(np.finfo(probabilities.dtype).eps)
    in_range = (probabilities >= 0) & (probabilities <= 1 + tolerance)  # nan is in no range
    if not in_range.all():
        row, column = np.argwhere(~in_range)[0]
        raise InvalidInput(
            f"probabilities must be finite and in [0, 1]; got {float(probabilities[row, column])} "
            f"in row {row}, column {column}"
        )
    sums = probabilities.sum(axis=1, dtype=np.float64)
    fits = np.abs(sums - 1) <= tolerance
    if not fits.all():
        row = int(np.flatnonzero(~fits)[0])
        raise InvalidInput(
            f"each row of probabilities must have sum 1 within {tolerance:.1e}; "
            f"row {row} has {float(sums[row])}: were logits given, without softmax?"
        )


def _checked_labels(y_true: ArrayLike, n_samples: int, n_classes: int) -> NDArray[np.int64]:
    labels = np.asarray(y_true)
    if labels.shape != (n_samples,) or not np.issubdtype(labels.dtype, np.integer):
        raise InvalidInput(
            f"y_true must be integers of shape ({n_samples},), a label for each row of probabilities; "
            f"got {labels.dtype} of shape {labels.shape}"
        )
    outside = (labels < 0) | (labels >= n_classes)
    if outside.any():
        row = int(np.flatnonzero(outside)[0])
        raise InvalidInput(
            f"y_true must be class indices from 0 to {n_classes - 1}; got {labels[row]} in row {row}"
        )
    return labels.astype(np.int64)
