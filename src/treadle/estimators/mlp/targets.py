"""What a network is trained on in place of the y that a user gives: classes, or numbers."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any

import numpy as np
from numpy.typing import NDArray


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
    def encode(self, y: Any) -> NDArray[Any]:
        """The targets of rows: as an engine takes them.

        Raises
        ------
        InvalidInput
            If y holds what are no such targets.
        """

    @abstractmethod
    def labels(self, targets: NDArray[Any]) -> NDArray[Any]:
        """What the user has in place of these targets."""

    @abstractmethod
    def score(
        self, logits: NDArray[Any], targets: NDArray[Any], sample_weight: NDArray[np.float64] | None
    ) -> float:
        """The estimator's own score of rows with these logits; NaN where it has none."""

    def strata(self, targets: NDArray[Any]) -> NDArray[Any] | None:
        """The classes that a split keeps in proportion; None where there are none."""
        return None
