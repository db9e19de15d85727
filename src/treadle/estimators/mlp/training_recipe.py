"""From the hyper-parameters of a multilayer perceptron to what training takes, and what they refuse together.

A network, an update rule, a schedule, a plan: each is a function of the hyper-parameters, and of how many
rows and outputs there are. Nothing is trained here.
"""

from __future__ import annotations

import warnings
from abc import ABC, abstractmethod
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator

from treadle.engines.rows import Rows
from treadle.errors import InvalidInput
from treadle.estimators.hyperparameters import (
    PLANNED_RATES,
    check_hyperparameters,
    is_sequence,
)
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
from treadle.training.loop import TrainingPlan
from treadle.whole_numbers import is_whole


class TrainingRecipe(BaseEstimator, ABC):  # type: ignore[misc]  # scikit-learn has no types
    """What the hyper-parameters of a multilayer perceptron say; see the estimators for each."""

    @abstractmethod
    def _output(self, targets: NDArray[Any]) -> tuple[int, str]:
        """How many outputs the network has, and which."""

    def _check_parameters(self) -> None:
        """Raise InvalidInput for a hyper-parameter that is not allowed, or not together with another."""
        check_hyperparameters(type(self).__name__, vars(self))
        sizes = self.hidden_layer_sizes if is_sequence(self.hidden_layer_sizes) else [self.hidden_layer_sizes]
        if not all(is_whole(size) for size in sizes):
            raise InvalidInput(
                f"hidden_layer_sizes must be integers above 0; got {self.hidden_layer_sizes!r}"
            )
        if not all(size > 0 for size in sizes):
            raise InvalidInput(f"hidden_layer_sizes must be > 0, got {list(sizes)}.")
        if self.weight_decay and self.solver != "adam":
            raise InvalidInput(
                f"weight_decay={self.weight_decay!r} needs solver='adam', which is AdamW then; got "
                f"{self.solver!r}: use alpha"
            )
        if self.n_threads is not None and self.engine == "torch":
            raise InvalidInput(
                f"n_threads={self.n_threads!r} is for treadle's own engines; for engine='torch' call "
                "torch.set_num_threads"
            )
        if self.solver != "lbfgs":
            return
        for name in ("dropout", "batch_norm", "callbacks"):
            value = getattr(self, name)
            if np.any(value) if is_sequence(value) and name != "callbacks" else value:
                raise InvalidInput(f"{name}={value!r} is for the solvers adam and sgd; got solver='lbfgs'")
        for name, mini_batches_only in (("learning_rate", PLANNED_RATES), ("precision", ("bfloat16",))):
            value = getattr(self, name)
            if value in mini_batches_only:
                raise InvalidInput(f"{name}={value!r} is for the solvers adam and sgd; got solver='lbfgs'")

    def _dtype(self, X: Rows) -> type[np.floating[Any]]:
        """Of the parameters."""
        if self.precision == "auto":
            return np.float64 if X.dtype == np.float64 else np.float32
        return np.float64 if self.precision == "float64" else np.float32

    def _network(self, targets: NDArray[Any]) -> Network:
        hidden = np.atleast_1d(np.asarray(self.hidden_layer_sizes, dtype=np.int64))
        n_outputs, output = self._output(targets)
        return Network(
            sizes=(self.n_features_in_, *hidden.tolist(), n_outputs),
            activation=_plain(self.activation),
            output=output,
            dropout=_plain(self.dropout),
            input_scale=self.input_scale,
            batch_norm=_plain(self.batch_norm),
        )

    def _batch_size(self, n_rows: int) -> int:
        if self.batch_size == "auto":
            return min(200, n_rows)
        if self.batch_size > n_rows:
            warnings.warn(
                "Got `batch_size` less than 1 or larger than sample size. It is going to be clipped",
                stacklevel=5,
            )
        return min(int(self.batch_size), n_rows)

    def _optimizer(self) -> Optimizer:
        if self.solver == "sgd":
            return SGD(momentum=self.momentum, nesterov=self.nesterovs_momentum)
        if self.weight_decay:
            return AdamW(self.beta_1, self.beta_2, self.epsilon, self.weight_decay)
        return Adam(beta_1=self.beta_1, beta_2=self.beta_2, epsilon=self.epsilon)

    def _plan(self, n_rows: int, incremental: bool) -> TrainingPlan:
        if not incremental:
            return TrainingPlan(
                self.max_iter,
                self.learning_rate_init,
                self._schedule(),
                self._seed,
                shuffled=bool(self.shuffle),
            )
        return TrainingPlan(
            1,
            self._incremental_rate(),
            Constant(),
            self._seed,
            shuffled=bool(self.shuffle),
            epochs_before=len(getattr(self, "loss_curve_", ())),
        )

    def _schedule(self) -> Schedule:
        match self.learning_rate:
            case "one_cycle":
                return OneCycle()
            case "cosine":
                return Cosine()
            case "invscaling" if self.solver == "sgd":
                return InverseScaling(self.power_t, rows_before=getattr(self, "t_", 0))
            case "adaptive" if self.solver == "sgd":
                # n_iter_no_change may be inf, which no count of epochs exceeds.
                return Adaptive(self.tol, self.n_iter_no_change)
            case _:
                return Constant()

    def _incremental_rate(self) -> float:
        """The rate of one epoch of ``partial_fit``, by the rows and the losses that there have been."""
        if self.learning_rate in PLANNED_RATES:
            raise InvalidInput(
                f"learning_rate={self.learning_rate!r} plans a whole fit, which partial_fit does not know "
                "the length of: take 'constant', or 'invscaling' or 'adaptive' with solver='sgd'"
            )
        losses = getattr(self, "loss_curve_", [])
        rates = self._schedule().learning_rates(
            self.learning_rate_init,
            epoch=len(losses) if self.learning_rate == "adaptive" else 1,
            n_epochs=1,
            n_steps=1,
            n_rows=0,  # those seen are before this epoch
            losses=losses,
        )
        return float(rates[0])


def scikit_learns_generator(seed: int) -> np.random.Generator:
    """The stream that scikit-learn draws initial parameters from, so that both begin with the same ones."""
    bits = np.random.MT19937()
    state: Any = np.random.RandomState(seed).get_state(legacy=False)
    bits.state = state
    return np.random.Generator(bits)


def _plain(value: Any) -> Any:
    """One value, or a tuple of one for each layer: a network is hashed, and an array cannot be."""
    return tuple(value) if is_sequence(value) else value
