"""The starts of training: new parameters, an earlier fit's, an earlier epoch's."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, replace
from typing import ClassVar, Self

import numpy as np

from treadle.engines.rows import Rows
from treadle.estimators.mlp.fitted import Curves, Fitted, norms_of, parameters_of
from treadle.estimators.mlp.training_recipe import (
    Hyperparameters,
    dtype_of,
    one_epoch,
    scikit_learns_generator,
    whole_fit,
)
from treadle.estimators.random_state import seed_of
from treadle.maths.dtypes import ArrayMapping
from treadle.network import Network, Parameters
from treadle.training.loop import TrainingPlan


@dataclass(frozen=True)
class Start(ABC):
    """A start of training.

    Parameters
    ----------
    earlier : Fitted, or None
        What is gone on from; None: nothing is, and parameters are new.
    """

    earlier: Fitted | None

    is_part: ClassVar[bool]
    """Whether the training is one of many that make up a longer one, and does not see all rows."""

    @property
    def begins(self) -> bool:
        """Whether the parameters are new."""
        return self.earlier is None

    @property
    def moments(self) -> ArrayMapping:
        """The optimizer's moments to continue with; a whole fit has none."""
        return {}

    @property
    def curves(self) -> Curves:
        """The curves of the training so far."""
        return Curves() if self.earlier is None else self.earlier.curves

    def seed(self, recipe: Hyperparameters) -> int:
        """The seed of all that this training draws."""
        return seed_of(recipe.random_state)

    @abstractmethod
    def plan(self, recipe: Hyperparameters, seed: int) -> TrainingPlan:
        """Plan the epochs, the learning rates and the order of rows."""

    def in_precision(self, recipe: Hyperparameters, X: Rows) -> Self:
        """Convert the earlier fit to the precision of the hyper-parameters.

        "auto" leaves it as it is.
        """
        if self.earlier is None or recipe.precision == "auto":
            return self
        return replace(self, earlier=self.earlier.astype(dtype_of(recipe, X)))

    def parameters(self, network: Network, seed: int, dtype: type[np.floating]) -> Parameters:
        """Return the initial parameters; the dtype is that of new ones.

        Raises
        ------
        InvalidInput
            If those that are gone on from are not of the network's shapes.
        """
        if self.earlier is None:
            return Parameters.initialise(network, "glorot", scikit_learns_generator(seed), dtype)
        given = self.earlier.parameters
        return parameters_of(network, given.weights, given.biases, norms_of(given))


class _WholeFit(Start):
    """All epochs of a fit."""

    is_part = False

    def plan(self, recipe: Hyperparameters, seed: int) -> TrainingPlan:
        """Plan all epochs to the last."""
        return whole_fit(recipe, seed, self.curves.t)


@dataclass(frozen=True)
class Fresh(_WholeFit):
    """``fit``, from new parameters."""

    earlier: None = None


@dataclass(frozen=True)
class WarmStart(_WholeFit):
    """``fit``, from the parameters that an earlier fit ended with."""

    earlier: Fitted


@dataclass(frozen=True)
class Continuation(Start):
    """``partial_fit``: one epoch more, which continues those before.

    It takes their moments, seed and memory, if there are any.
    """

    is_part = True

    @property
    def moments(self) -> ArrayMapping:
        """The moments of the epochs before."""
        return {} if self.earlier is None else self.earlier.moments

    def seed(self, recipe: Hyperparameters) -> int:
        """The seed of the epochs before."""
        seed = None if self.earlier is None else self.earlier.seed
        return seed_of(recipe.random_state) if seed is None else seed

    def plan(self, recipe: Hyperparameters, seed: int) -> TrainingPlan:
        """Plan the next epoch."""
        return one_epoch(recipe, seed, self.curves.t, self.curves.loss_curve)
