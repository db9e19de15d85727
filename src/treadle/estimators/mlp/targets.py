"""What a network is trained on in place of the y that a user gives: classes, or numbers."""

from __future__ import annotations

from abc import ABC, abstractmethod

import numpy as np
from numpy.typing import NDArray

from treadle.estimators.labels import GivenTargets
from treadle.maths.dtypes import Floats, Numbers


class Targets(ABC):
    """Targets of one kind, and what the network has to be for them. N rows, K outputs."""

    @property
    @abstractmethod
    def n_outputs(self) -> int:
        """K."""

    @property
    @abstractmethod
    def output(self) -> str:
        """Of the network."""

    @abstractmethod
    def encode(self, y: GivenTargets) -> Numbers:
        """The targets of rows: as an engine takes them.

        Raises
        ------
        InvalidInput
            If y holds what are no such targets.
        """

    @abstractmethod
    def labels(self, targets: Numbers) -> NDArray[np.generic]:
        """What the user has in place of these targets."""

    @abstractmethod
    def score(self, logits: Floats, targets: Numbers, sample_weight: NDArray[np.float64] | None) -> float:
        """The estimator's own score of rows with these logits; NaN where it has none."""

    def strata(self, targets: Numbers) -> Numbers | None:
        """The classes that a split keeps in proportion; None where there are none."""
        return None
