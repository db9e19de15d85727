"""The result of a fit, to save, convert, or continue from."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import ArrayLike, NDArray

from treadle.errors import InvalidInput
from treadle.estimators.mlp.class_targets import ClassTargets
from treadle.estimators.mlp.stopping import Memory
from treadle.maths.dtypes import ArrayMapping, Floats
from treadle.messages import quoted
from treadle.network import Network, Parameters
from treadle.training.history import COLUMNS, History

NORMS = ("scales", "running_means", "running_variances")
HELD_OUT = ("held_out_loss", "held_out_score")


@dataclass(frozen=True)
class Curves:
    """The figures of each epoch, in one fit or in several continued ones.

    The fields are the estimators' attributes of these names, with an underscore at the end; see there.
    """

    loss_curve: list[float] = field(default_factory=list)
    history: dict[str, list[float]] = field(default_factory=dict)
    validation_scores: list[float] | None = None
    validation_loss_curve: list[float] | None = None
    best_validation_score: float | None = None
    loss: float | None = None
    best_loss: float | None = None
    n_iter: int = 0
    t: int = 0

    def and_then(
        self, history: History, n_rows: int, *, by_score: bool, has_scores: bool, diverged: bool = False
    ) -> Curves:
        """Append the epochs of a training that followed.

        One that diverged has NaN for its last.

        Parameters
        ----------
        history : History
        n_rows : int
            What an epoch adds to ``t``.
        by_score : bool
            Whether epochs are judged by their scores, and not by their training losses.
        has_scores : bool
            Whether there were rows held out.
        diverged : bool
        """
        table = {name: history.column(name) for name in COLUMNS}
        if diverged:
            for name, column in table.items():
                column.append(len(history) + 1 if name == "epoch" else math.nan)
        losses = table["train_loss"]
        table["epoch"] = [len(self.loss_curve) + epoch for epoch in table["epoch"]]
        if not has_scores:
            for name in HELD_OUT:
                del table[name]
        earlier = self.history if self.history.keys() == table.keys() else {}
        table = {name: [*earlier.get(name, ()), *column] for name, column in table.items()}
        curve = [*self.loss_curve, *losses]
        curves = Curves(
            loss_curve=curve,
            history=table,
            loss=losses[-1] if losses else self.loss,
            best_loss=None if by_score else min((x for x in curve if x == x), default=math.inf),
            n_iter=len(losses),
            t=self.t + len(losses) * n_rows,
        )
        if not has_scores:
            return curves
        scores = table["held_out_score"]
        return replace(
            curves,
            validation_loss_curve=table["held_out_loss"],
            validation_scores=scores,
            best_validation_score=max((score for score in scores if score == score), default=-math.inf),
        )


@dataclass(frozen=True)
class Fitted:
    """A fitted multilayer perceptron.

    Parameters
    ----------
    parameters : Parameters
        With their network.
    curves : Curves
    engine : str
        Name of the engine that trained.
    stopped_early : bool
        Whether the stopping rule ended the training.
    seed : int, or None
        Of all that was drawn; None where training was elsewhere.
    moments : mapping
        The optimizer's arrays and its count of steps, by name; empty where there are none to go on from.
    memory : Memory, or None
        What the stopping rule remembers.
    feature_names : ndarray of shape (D,), or None
    classes : ClassTargets, or None
        Of a classifier.
    temperature : float
        What a classifier's logits are divided by.
    """

    parameters: Parameters
    curves: Curves
    engine: str
    stopped_early: bool
    seed: int | None = None
    moments: ArrayMapping = field(default_factory=dict)
    memory: Memory | None = None
    feature_names: NDArray[np.object_] | None = None
    classes: ClassTargets | None = None
    temperature: float = 1.0

    def astype(self, dtype: type[np.floating]) -> Fitted:
        """Convert parameters, moments and the best epoch's parameters to this dtype."""

        def converted(array: Floats) -> Floats:
            return array.astype(dtype, copy=False) if array.dtype.kind == "f" else array

        old, memory = self.parameters, self.memory
        if memory is not None and memory.best is not None:
            flat, statistics = memory.best
            memory = replace(memory, best=(converted(flat), converted(statistics)))
        return replace(
            self,
            parameters=Parameters(old.network, converted(old.flat), converted(old.statistics)),
            moments={name: converted(array) for name, array in self.moments.items()},
            memory=memory,
        )


def parameters_of(
    network: Network,
    weights: Sequence[ArrayLike],
    biases: Sequence[ArrayLike],
    norms: Mapping[str, Sequence[ArrayLike]] | None,
) -> Parameters:
    """Make the network's parameters from arrays such as ``coefs_``.

    It does not matter who has written them.

    Raises
    ------
    InvalidInput
        If they are not of the network's shapes.
    """
    arrays: list[ArrayLike] = [*weights, *biases]
    arrays += [] if norms is None else norms["scales"]
    given = [np.shape(array) for array in arrays]
    layers = network.layers
    wanted: list[tuple[int, ...]] = [(layer.n_in, layer.n_out) for layer in layers]
    wanted += [(layer.n_out,) for layer in layers]
    wanted += [(layer.n_out,) for layer in layers if layer.batch_norm]
    if given != wanted:
        raise InvalidInput(
            f"coefs_ and intercepts_ are of shapes {quoted(given, 200)}, where the hyper-parameters and "
            f"the data ask for {quoted(wanted, 200)}: give back the hyper-parameters of the first "
            "fit, or fit a new estimator"
        )
    flat = np.concatenate([np.ravel(array) for array in arrays])
    if flat.dtype not in (np.float32, np.float64):
        flat = flat.astype(np.float64)
    statistics = None
    if norms is not None:
        statistics = np.concatenate([*norms["running_means"], *norms["running_variances"]])
    return Parameters(network, flat, statistics)


def norms_of(parameters: Parameters) -> dict[str, list[Floats]] | None:
    """Return batch normalisation's arrays by name; None without it.

    They are those of the layers that have it.
    """
    if not parameters.network.n_statistics:
        return None
    return {name: [array for array in getattr(parameters, name) if array is not None] for name in NORMS}
