"""Errors to plant in the equations of back-propagation, for a person or a check to find.

Each is one that people make: it has the shape of the right equation, and lets a network learn, badly.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from treadle.engines.equation_steps import Equations
from treadle.engines.objective import Objective
from treadle.maths.dtypes import Floats, Numbers
from treadle.maths.softmax import softmax


class NoTarget(Equations):
    """(5) without the target."""

    def last_derivative(self, objective: Objective, logits: Floats, y: Numbers) -> Floats:
        """Give softmax / N."""
        return softmax(logits) / len(logits)


class NoMean(Equations):
    """(5) without the mean over the rows."""

    def last_derivative(self, objective: Objective, logits: Floats, y: Numbers) -> Floats:
        """Give softmax less target, not divided by N."""
        return super().last_derivative(objective, logits, y) * len(logits)


class NoDerivative(Equations):
    """(6) without the derivative of the activation."""

    def derivative(self, d_above: Floats, W_above: Floats, activation: str, z: Floats) -> Floats:
        """Give d W^T alone."""
        return d_above @ W_above.T


class SumsForOutputs(Equations):
    """(7) with the sums z of the layer below in place of its outputs a."""

    def __init__(self) -> None:
        self._sums: dict[int, Floats] = {}

    def outputs(self, activation: str, z: Floats) -> Floats:
        """Remember which outputs came of which sums."""
        h = super().outputs(activation, z)
        self._sums[id(h)] = z
        return h

    def weight_gradient(self, a: Floats, d: Floats, W: Floats, l2: float) -> Floats:
        """Give z^T d, where the layer below has sums."""
        return super().weight_gradient(self._sums.get(id(a), a), d, W, l2)


class MeanOfRows(Equations):
    """(8) with the mean over the rows in place of their sum."""

    def bias_gradient(self, d: Floats) -> Floats:
        """Give the mean of d over the rows."""
        return np.asarray(d.mean(axis=0))


@dataclass(frozen=True)
class PlantedError:
    """An error: the wrong equations, the number of the one that is wrong, what is wrong, and in Python."""

    equations: type[Equations]
    number: int
    says: str
    right: str
    wrong: str


ERRORS = {
    "no_target": PlantedError(
        NoTarget, 5, "the target is not subtracted: d is p, not p - t", "d = (p - t) / N", "d = p / N"
    ),
    "no_mean": PlantedError(
        NoMean,
        5,
        "the mean over the rows is forgotten: d is not divided by N",
        "d = (p - t) / N",
        "d = p - t",
    ),
    "no_derivative": PlantedError(
        NoDerivative,
        6,
        "the derivative of the activation is left out",
        "d = (d @ weights[l - 1].T) * derivative(z[l - 1])",
        "d = d @ weights[l - 1].T",
    ),
    "sums_for_outputs": PlantedError(
        SumsForOutputs,
        7,
        "the sums z of the layer below stand where its outputs a should",
        "a[l - 1].T @ d",
        "z[l - 1].T @ d",
    ),
    "mean_of_rows": PlantedError(
        MeanOfRows,
        8,
        "the mean over the rows stands where their sum should",
        "d.sum(axis=0)",
        "d.mean(axis=0)",
    ),
}
"""The errors by name."""
