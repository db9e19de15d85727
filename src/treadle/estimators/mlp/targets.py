"""The targets that replace a user's y in training: classes or numbers."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from treadle.estimators.labels import GivenTargets
from treadle.maths.dtypes import Floats, Numbers


class Targets(ABC):
    """Targets of one kind, and the network that they need.

    Dimensions: N rows, K outputs. ``score_name`` is what people call ``score``.
    """

    score_name: ClassVar[str]

    @property
    @abstractmethod
    def n_outputs(self) -> int:
        """K, the number of the network's outputs."""

    @property
    @abstractmethod
    def output(self) -> str:
        """The network's output function."""

    @abstractmethod
    def encode(self, y: GivenTargets) -> Numbers:
        """Convert y to targets as an engine takes them.

        Raises
        ------
        InvalidInput
            If y holds what are no such targets.
        """

    @abstractmethod
    def labels(self, targets: Numbers) -> NDArray[np.generic]:
        """Convert targets back to the user's labels."""

    @abstractmethod
    def score(self, logits: Floats, targets: Numbers, sample_weight: NDArray[np.float64] | None) -> float:
        """Compute the estimator's own score from logits; NaN where undefined."""

    def strata(self, targets: Numbers) -> Numbers | None:
        """The classes to split in proportion; None where there are none."""
        return None
