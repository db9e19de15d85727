"""The problems that engines are compared on: one for each option of training.

The small ones have 225 rows in batches of 32, so that an epoch is eight steps and its last batch is one row.
Their hidden units are tanh where the activation is not the option: a run of many steps then stays comparable,
as ReLU's does not, see ``treadle.engines.agreement``.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from recipe import Recipe
from treadle.engines.augmentation import Augmentation
from treadle.engines.engine import TrainingProblem
from treadle.engines.gradient_check import random_batch, random_targets
from treadle.engines.objective import Objective
from treadle.maths.activations import ACTIVATIONS
from treadle.maths.loss_table import LOSSES
from treadle.network import Block, InputStage, Network
from treadle.optimizers import SCHEDULES, SGD, Adam, AdamW, Constant, Fading, Schedule
from treadle.training.batches import epoch_order

N_ROWS, SIDE, BATCH_SIZE = 225, 6, 32
SIZES = (SIDE * SIDE, 24, 16, 10)
NOISE_SEED = 5
# Those of test problems that a step moves well, and that a long run with momentum does not blow up.
RATE = 0.005
ADAM, CONSTANT, CROSS_ENTROPY = Adam(), Constant(), Objective()


@dataclass(frozen=True)
class Case:
    """A problem, and the learning rate of each of its steps."""

    name: str
    problem: TrainingProblem
    schedule: Schedule
    rate: float

    def epochs(self, n_steps: int) -> Iterator[tuple[int, NDArray[np.int64]]]:
        """The first n_steps steps as epochs: the number of each, and its rows."""
        problem, epoch = self.problem, 0
        while n_steps > 0:
            rows = epoch_order(0, epoch + 1, problem.n_rows)[: n_steps * problem.batch_size]
            yield epoch, rows
            n_steps -= problem.n_steps(len(rows))
            epoch += 1

    def rates(self, epoch: int, n_steps: int, losses: list[float]) -> NDArray[np.float64]:
        """The rates of that epoch in a run of n_steps, where the epochs before had those losses."""
        n_rows = self.problem.n_rows
        per_epoch = self.problem.n_steps(n_rows)
        return self.schedule.learning_rates(
            self.rate,
            epoch=epoch,
            n_epochs=-(-n_steps // per_epoch),
            n_steps=per_epoch,
            n_rows=n_rows,
            losses=losses,
        )


class UnevenNetwork(Network):
    """A network whose first weights learn slowly and decay twice, and whose first biases decay."""

    @cached_property
    def blocks(self) -> tuple[Block, ...]:
        """See ``Network.blocks``."""
        others = {"weights.0": {"rate": 0.3, "decay": 2.0}, "biases.0": {"decay": 0.5}}
        return tuple(replace(block, **others.get(block.name, {})) for block in super().blocks)


def classic_case(X: NDArray[np.uint8], y: NDArray[np.int64], n_steps: int) -> Case:
    """The classic recipe on as many rows as the steps take."""
    recipe = Recipe()
    rows = slice(n_steps * recipe.batch_size)
    problem = TrainingProblem(
        Network(recipe.sizes, input_scale=1 / 255), CROSS_ENTROPY, ADAM, X[rows], y[rows], recipe.batch_size
    )
    return Case("the classic network", problem, CONSTANT, recipe.learning_rate)


def option_cases() -> Iterator[Case]:
    """A case for each option of training, and one with all that go together."""
    yield _case("tanh, cross_entropy, Adam, constant rate")
    for activation in sorted(ACTIVATIONS.keys() - {"tanh"}):
        yield _case(f"activation {activation}", activation=activation)
    for loss in sorted(LOSSES.keys() - {CROSS_ENTROPY.loss}):
        yield _case(f"loss {loss}", objective=Objective(loss))
    yield _case("loss huber, delta 0.3", objective=Objective("huber", huber_delta=0.3))
    yield _case("soft targets", soft=True)
    for loss in ("cross_entropy", "binary_cross_entropy"):
        yield _case(f"label smoothing, {loss}", objective=Objective(loss, label_smoothing=0.1))
    yield _case("l2", objective=Objective(l2=0.01))
    yield _case("sample weights, some 0", weighted=True)
    yield _case("dropout", dropout=(0.3, 0.1))
    yield _case("batch normalisation", batch_norm=True)
    yield _case("mirror images in prediction", mirror_width=SIDE)
    yield _case("input scale and offset", input_scale=0.5, input_offset=-0.7)
    yield _case("pixels, uint8", pixels=True)
    yield _case("float64 X", dtype=np.float64)
    yield _case("flips", pixels=True, augmentation=Augmentation((SIDE, SIDE), flip=True))
    yield _case("shifts", pixels=True, augmentation=Augmentation((SIDE, SIDE), shift=2))
    yield _case("no hidden layer", sizes=(SIZES[0], SIZES[-1]))
    for optimizer in (
        Adam(0.8, 0.9, 1e-6),
        AdamW(weight_decay=0.1),
        SGD(),
        SGD(0.5, nesterov=False),
        SGD(0.0),
    ):
        yield _case(repr(optimizer), optimizer=optimizer)
    for name in sorted(SCHEDULES.keys() - {"constant"}):
        # An adaptive rate falls only where the loss stalls, which it is said to do at once.
        options = {"tol": 10.0, "n_iter_no_change": 2} if name == "adaptive" else {}
        yield _case(f"schedule {name}", schedule=SCHEDULES[name](**options))
    yield _case(
        "rates and decays by block", AdamW(weight_decay=0.1), kind=UnevenNetwork, objective=Objective(l2=0.01)
    )
    yield _table_case()
    yield _case(
        "all together",
        AdamW(weight_decay=0.1),
        schedule=SCHEDULES["one_cycle"](),
        objective=Objective(label_smoothing=0.05, l2=0.001),
        augmentation=Augmentation((SIDE, SIDE), True, 1),
        pixels=True,
        weighted=True,
        input_offset=-0.9,
        activation=("tanh", "silu"),
        dropout=(0.2, 0.1),
        batch_norm=True,
        mirror_width=SIDE,
    )


def _table_case() -> Case:
    """A network for tables, with all that its recipe has."""
    stage = InputStage(5, 3, (12, 40))
    network = Network(
        (stage.n_inputs, 24, 16, 10),
        "selu",
        dropout=0.15,
        input_stage=stage,
        parametric=True,
        scaled_rates=True,
    )
    X, y, _ = random_batch(network, N_ROWS, 0)
    problem = TrainingProblem(
        network,
        Objective(label_smoothing=0.1),
        AdamW(0.9, 0.95, weight_decay=0.02),
        X.astype(np.float32),
        y,
        BATCH_SIZE,
        noise_seed=NOISE_SEED,
        fading=Fading(1000),
    )
    return Case("a network for tables", problem, SCHEDULES["log_cosine"](), RATE)


def _case(
    name: str,
    optimizer: Adam | SGD = ADAM,
    *,
    schedule: Schedule = CONSTANT,
    objective: Objective = CROSS_ENTROPY,
    augmentation: Augmentation | None = None,
    pixels: bool = False,
    soft: bool = False,
    weighted: bool = False,
    dtype: type = np.float32,
    kind: type[Network] = Network,
    sizes: tuple[int, ...] = SIZES,
    activation: str | tuple[str, ...] = "tanh",
    **options: Any,
) -> Case:
    """A case of random rows; the options that are not named are the network's."""
    rng = np.random.default_rng(0)
    X: NDArray[Any] = rng.normal(size=(N_ROWS, sizes[0])).astype(dtype)
    if pixels:
        X = rng.integers(256, size=X.shape, dtype=np.uint8)
        options["input_scale"] = 1 / 80
    network = kind(sizes, activation, LOSSES[objective.loss].output, **options)
    y = rng.dirichlet(np.ones(sizes[-1]), N_ROWS) if soft else random_targets(network, N_ROWS, rng)
    # A batch of weights that are all 0 as well: the last of an epoch may be one row.
    weights = rng.uniform(0.5, 2, N_ROWS) * rng.integers(3, size=N_ROWS).clip(max=1) if weighted else None
    problem = TrainingProblem(
        network, objective, optimizer, X, y, BATCH_SIZE, weights, NOISE_SEED, augmentation
    )
    return Case(name, problem, schedule, RATE)
