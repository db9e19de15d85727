"""The recipe RealMLP-TD: a network, an objective's optimizer, and a plan, for a prepared table.

Holzmüller, Grinsztajn and Steinwart, "Better by default: strong pre-tuned MLPs and boosted trees on tabular
data" (NeurIPS 2024, arXiv:2407.04491). Nothing is trained here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal, Protocol

import numpy as np

from treadle.choices import ColumnKind
from treadle.estimators.hyperparameters import is_sequence
from treadle.estimators.mlp.targets import Targets
from treadle.estimators.mlp.training_recipe import Scoring
from treadle.network import InputStage, Network
from treadle.optimizers import AdamW, LogCosine
from treadle.tables.preparation.preparation import Preparation
from treadle.training.callbacks import Callbacks
from treadle.training.loop import TrainingPlan

BATCH_SIZE = 256
BETAS = (0.9, 0.95)
EPSILON = 1e-8
SQUARED_EPSILON = 5e-9  # half the gradient of the paper's squared error has half its epsilon


class TableRecipe(Protocol):
    """The hyper-parameters that the estimators of tables share; see there for each."""

    hidden_layer_sizes: int | Sequence[int]
    n_epochs: int
    max_rows: int
    batch_size: int | Literal["auto"]
    learning_rate_init: float
    dropout: float | Sequence[float]
    weight_decay: float
    validation_fraction: float
    scoring: Scoring
    columns: Mapping[str, ColumnKind] | None
    random_state: int | np.random.RandomState | None
    engine: str
    precision: str
    n_threads: int | None
    callbacks: Callbacks


def batch_size_for(recipe: TableRecipe, n_rows: int) -> int:
    """Return the rows of a step."""
    return min(BATCH_SIZE if recipe.batch_size == "auto" else int(recipe.batch_size), n_rows)


def network_for(recipe: TableRecipe, preparation: Preparation, kind: Targets) -> Network:
    """Make the network that takes the prepared table to the targets."""
    stage = InputStage(preparation.n_numbers, preparation.n_plain, preparation.category_counts)
    given: Any = recipe.hidden_layer_sizes  # a whole number, or a sequence of what the network checks
    rates: Any = recipe.dropout
    return Network(
        (stage.n_inputs, *(given if is_sequence(given) else (given,)), kind.n_outputs),
        activation="selu" if kind.output in ("softmax", "logistic") else "mish",
        output=kind.output,
        dropout=tuple(rates) if is_sequence(rates) else rates,
        input_stage=stage,
        parametric=True,
        scaled_rates=True,
    )


def optimizer_for(recipe: TableRecipe, kind: Targets) -> AdamW:
    """Make the update rule."""
    epsilon = SQUARED_EPSILON if kind.output == "identity" else EPSILON
    return AdamW(*BETAS, epsilon, weight_decay=recipe.weight_decay)


def plan_for(recipe: TableRecipe, n_rows: int, seed: int) -> TrainingPlan:
    """Plan the epochs: as many as there are to be, unless that were more rows than there are to be."""
    batch_size = batch_size_for(recipe, n_rows)
    n_visited = n_rows - n_rows % batch_size
    n_epochs = max(1, min(int(recipe.n_epochs), int(recipe.max_rows) // n_visited))
    return TrainingPlan(
        n_epochs, recipe.learning_rate_init, LogCosine(n_cycles=4), seed, drops_remainder=True
    )
