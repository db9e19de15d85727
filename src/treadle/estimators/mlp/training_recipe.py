"""Turns a multilayer perceptron's hyper-parameters into a network and a training plan.

It says what they refuse together, too. A network, an update rule, a schedule, a plan: each is a function of
the hyper-parameters, and of how many rows and outputs there are. Nothing is trained here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal, Protocol, TypeAlias

import numpy as np

from treadle.engines.rows import Rows
from treadle.errors import InvalidInput
from treadle.estimators.hyperparameters import (
    PLANNED_RATES,
    check_hyperparameters,
    is_sequence,
)
from treadle.messages import warn_caller
from treadle.network import Network
from treadle.optimizers import (
    SGD,
    Adam,
    AdamW,
    Adaptive,
    Constant,
    Cosine,
    InverseScaling,
    OneCycle,
    Optimizer,
    Schedule,
)
from treadle.training.callbacks import Callbacks
from treadle.training.loop import TrainingPlan
from treadle.whole_numbers import is_whole

Scoring: TypeAlias = str | Callable[..., float] | None


class Hyperparameters(Protocol):
    """The hyper-parameters that say how a multilayer perceptron is trained.

    See the estimators for each.
    """

    hidden_layer_sizes: int | Sequence[int]
    activation: str | Sequence[str]
    solver: str
    alpha: float
    batch_size: int | Literal["auto"]
    learning_rate: str
    learning_rate_init: float
    power_t: float
    max_iter: int
    shuffle: bool
    random_state: int | np.random.RandomState | None
    tol: float
    verbose: bool | int
    momentum: float
    nesterovs_momentum: bool
    early_stopping: bool
    validation_fraction: float
    beta_1: float
    beta_2: float
    epsilon: float
    n_iter_no_change: float
    max_fun: int
    scoring: Scoring
    dropout: float | Sequence[float]
    batch_norm: bool | Sequence[bool]
    weight_decay: float
    input_scale: float
    engine: str
    precision: str
    n_threads: int | None
    callbacks: Callbacks


def store(estimator: object, arguments: Mapping[str, object]) -> None:
    """Set an estimator's attributes to the arguments of its ``__init__``.

    They are passed as its local variables there, and stored as they are.
    """
    vars(estimator).update({name: value for name, value in arguments.items() if name != "self"})


def check_together(recipe: Hyperparameters) -> None:
    """Raise InvalidInput for hyper-parameters that are not allowed, alone or together."""
    check_hyperparameters(type(recipe).__name__, vars(recipe))
    given: Any = recipe.hidden_layer_sizes  # whatever a user gives
    sizes = given if is_sequence(given) else [given]
    if not all(is_whole(size) for size in sizes):
        raise InvalidInput(f"hidden_layer_sizes must be integers above 0; got {given!r}")
    if not all(size > 0 for size in sizes):
        raise InvalidInput(f"hidden_layer_sizes must be > 0, got {list(sizes)}.")
    if recipe.weight_decay and recipe.solver != "adam":
        raise InvalidInput(
            f"weight_decay={recipe.weight_decay!r} needs solver='adam', which is AdamW then; got "
            f"{recipe.solver!r}: use alpha"
        )
    if recipe.n_threads is not None and recipe.engine == "torch":
        raise InvalidInput(
            f"n_threads={recipe.n_threads!r} is for treadle's own engines; for engine='torch' call "
            "torch.set_num_threads"
        )
    if recipe.solver != "lbfgs":
        return
    for name in ("dropout", "batch_norm", "callbacks"):
        value = getattr(recipe, name)
        if np.any(value) if is_sequence(value) and name != "callbacks" else value:
            raise InvalidInput(f"{name}={value!r} is for the solvers adam and sgd; got solver='lbfgs'")
    for name, mini_batches_only in (("learning_rate", PLANNED_RATES), ("precision", ("bfloat16",))):
        value = getattr(recipe, name)
        if value in mini_batches_only:
            raise InvalidInput(f"{name}={value!r} is for the solvers adam and sgd; got solver='lbfgs'")


def dtype_of(recipe: Hyperparameters, X: Rows) -> type[np.floating]:
    """Return the parameters' dtype."""
    if recipe.precision == "auto":
        return np.float64 if X.dtype == np.float64 else np.float32
    return np.float64 if recipe.precision == "float64" else np.float32


def network_of(recipe: Hyperparameters, n_features: int, n_outputs: int, output: str) -> Network:
    """Make the network to train."""
    hidden = np.atleast_1d(np.asarray(recipe.hidden_layer_sizes, dtype=np.int64))
    return Network(
        sizes=(n_features, *hidden.tolist(), n_outputs),
        activation=_plain(recipe.activation),
        output=output,
        dropout=_plain(recipe.dropout),
        input_scale=recipe.input_scale,
        batch_norm=_plain(recipe.batch_norm),
    )


def batch_size_of(recipe: Hyperparameters, n_rows: int) -> int:
    """Return the rows of a step; warn where fewer than requested.

    There are n_rows in all.
    """
    if recipe.batch_size == "auto":
        return min(200, n_rows)
    if recipe.batch_size > n_rows:
        warn_caller("Got `batch_size` less than 1 or larger than sample size. It is going to be clipped")
    return min(int(recipe.batch_size), n_rows)


def optimizer_of(recipe: Hyperparameters) -> Optimizer:
    """Make the update rule of mini-batches."""
    if recipe.solver == "sgd":
        return SGD(momentum=recipe.momentum, nesterov=recipe.nesterovs_momentum)
    if recipe.weight_decay:
        return AdamW(recipe.beta_1, recipe.beta_2, recipe.epsilon, recipe.weight_decay)
    return Adam(beta_1=recipe.beta_1, beta_2=recipe.beta_2, epsilon=recipe.epsilon)


def whole_fit(recipe: Hyperparameters, seed: int, rows_before: int) -> TrainingPlan:
    """Plan all epochs of a fit, after earlier ones of some rows."""
    return TrainingPlan(
        recipe.max_iter,
        recipe.learning_rate_init,
        _schedule(recipe, rows_before),
        seed,
        shuffled=bool(recipe.shuffle),
    )


def one_epoch(recipe: Hyperparameters, seed: int, rows_before: int, losses: Sequence[float]) -> TrainingPlan:
    """Plan one epoch of ``partial_fit``, after earlier ones with these losses.

    Those saw ``rows_before`` rows.

    Raises
    ------
    InvalidInput
        If the learning rate is planned for a whole fit.
    """
    if recipe.learning_rate in PLANNED_RATES:
        raise InvalidInput(
            f"learning_rate={recipe.learning_rate!r} plans a whole fit, which partial_fit does not know "
            "the length of: take 'constant', or 'invscaling' or 'adaptive' with solver='sgd'"
        )
    rates = _schedule(recipe, rows_before).learning_rates(
        recipe.learning_rate_init,
        epoch=len(losses) if recipe.learning_rate == "adaptive" else 1,
        n_epochs=1,
        n_steps=1,
        n_rows=0,  # those seen are before this epoch
        losses=losses,
    )
    return TrainingPlan(
        1,
        float(rates[0]),
        Constant(),
        seed,
        shuffled=bool(recipe.shuffle),
        epochs_before=len(losses),
    )


def _schedule(recipe: Hyperparameters, rows_before: int) -> Schedule:
    match recipe.learning_rate:
        case "one_cycle":
            return OneCycle()
        case "cosine":
            return Cosine()
        case "invscaling" if recipe.solver == "sgd":
            return InverseScaling(recipe.power_t, rows_before=rows_before)
        case "adaptive" if recipe.solver == "sgd":
            # n_iter_no_change may be inf, which no count of epochs exceeds.
            return Adaptive(recipe.tol, recipe.n_iter_no_change)
        case _:
            return Constant()


def scikit_learns_generator(seed: int) -> np.random.Generator:
    """Make scikit-learn's stream for initial parameters, to begin with the same ones."""
    bits = np.random.MT19937()
    # Any: NumPy's types of the two states differ.
    state: Any = np.random.RandomState(seed).get_state(legacy=False)
    bits.state = state
    return np.random.Generator(bits)


# Any: of the type that the hyper-parameter has.
def _plain(value: Any) -> Any:
    """Return one value, or a tuple of one for each layer.

    A network is hashed, and an array cannot be.
    """
    return tuple(value) if is_sequence(value) else value
