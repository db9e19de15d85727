"""The contract that every engine keeps.

An engine computes: predictions, losses, gradients, epochs of training. It owns no random generator: initial
parameters, the order of an epoch's rows and the seed of dropout and augmentation are arguments, so that two
engines given the same arguments can be compared step by step. The NumPy engine is the specification.

Dimensions: N samples, D inputs, K outputs, S steps of an epoch, P parameters, R running statistics.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import ClassVar, get_args

import numpy as np
from numpy.typing import DTypeLike, NDArray

from treadle.choices import PrecisionName
from treadle.engines.augmentation import Augmentation
from treadle.engines.objective import Objective
from treadle.engines.predictor import Predictor
from treadle.engines.rows import Rows, check_rows, is_compressed, n_rows
from treadle.errors import EngineUnavailable, InvalidInput, TrainingDiverged
from treadle.maths.dtypes import ArrayMapping, Arrays, Floats, Numbers
from treadle.network import Network, Parameters
from treadle.optimizers import Fading, Optimizer
from treadle.whole_numbers import is_whole

PRECISIONS = get_args(PrecisionName)

# Products of weights and values in the forward passes of what is trained before anybody looks whether to
# stop: a twentieth of a second or so.
PRODUCTS_AT_ONCE = 1 << 27


@dataclass(frozen=True)
class TrainingProblem:
    """Everything that a trainer needs besides the initial parameters.

    Parameters
    ----------
    network : Network
    objective : Objective
    optimizer : Optimizer
    X : ndarray or csr_array of shape (N, D), uint8, float32 or float64
        Never copied as a whole: rows are gathered, and converted, a batch at a time.
    y : ndarray
        (N,) integers below K, or (N, K) soft targets, for cross-entropy; (N, K) real otherwise, from 0 to 1
        for binary cross-entropy and at least 0 for the Poisson loss.
    batch_size : int
        The last batch of an epoch holds what is left.
    sample_weight : ndarray of shape (N,), or None
    noise_seed : int
        In [0, 2**64): key of the counter-based generator that dropout and augmentation draw from; see
        ``treadle.engines.philox``.
    augmentation : Augmentation, or None
        What happens to the rows of each batch as they are gathered.
    precision : {"float32", "bfloat16"}
        ``bfloat16``: matrix products of factors rounded to bfloat16, summed in float32; all else, and the
        parameters, stay float32. ``float32``: everything is in the type of the parameters, float64 included.
    fading : Fading, or None
        How dropout and weight decay fade over the planned steps; None: they stay. It goes by the number of
        steps taken, which a trainer's state has.

    Raises
    ------
    InvalidInput
        If X, y and sample_weight do not go together, the loss does not go with the network's output, the
        augmentation not with its inputs, or a number or name is out of range. What is in y is checked batch
        by batch.

    Examples
    --------
    >>> import numpy as np
    >>> from treadle import Adam, Network, Objective, TrainingProblem
    >>> X, y = np.zeros((5, 3)), np.array([0, 1, 0, 1, 0])
    >>> problem = TrainingProblem(Network((3, 2)), Objective(), Adam(), X, y, batch_size=2)
    >>> problem.n_rows, problem.n_steps(5)
    (5, 3)
    """

    network: Network
    objective: Objective
    optimizer: Optimizer
    X: Rows
    y: Numbers
    batch_size: int
    sample_weight: Numbers | None = None
    noise_seed: int = 0
    augmentation: Augmentation | None = None
    precision: str = "float32"
    fading: Fading | None = None

    def __post_init__(self) -> None:
        self.objective.check_fits(self.network)
        check_rows(self.network, self.X)
        for name, array in (("y", self.y), ("sample_weight", self.sample_weight)):
            if array is None and name == "sample_weight":
                continue
            if not isinstance(array, np.ndarray):
                raise InvalidInput(f"{name} must be a NumPy array; got {type(array).__name__}")
            if array.shape[:1] != self.X.shape[:1]:
                raise InvalidInput(
                    f"{name} must have an entry for each of the {self.n_rows} rows of X; "
                    f"got shape {array.shape}"
                )
        if not (is_whole(self.batch_size) and self.batch_size >= 1):
            raise InvalidInput(f"batch_size must be an integer of at least 1; got {self.batch_size!r}")
        if not (is_whole(self.noise_seed) and 0 <= self.noise_seed < 2**64):
            raise InvalidInput(
                f"noise_seed must be an integer of at least 0 and below 2**64; got {self.noise_seed!r}"
            )
        if self.augmentation is not None:
            self.augmentation.check_fits(self.network)
            if is_compressed(self.X):
                raise InvalidInput(
                    "augmentation is for images in a dense X; got sparse rows: use X.toarray()"
                )
        if self.precision not in PRECISIONS:
            raise InvalidInput(f"precision must be one of {', '.join(PRECISIONS)}; got {self.precision!r}")

    @property
    def n_rows(self) -> int:
        """N, the number of rows of X."""
        return n_rows(self.X)

    def n_steps(self, n_rows: int) -> int:
        """Batches in an epoch of n_rows rows, the last partial one included."""
        return -(-n_rows // self.batch_size)

    def fades(self, step: int, n_steps: int) -> NDArray[np.float64]:
        """Return the factors of dropout and weight decay in n_steps steps, from the given one.

        Steps count from 0, over all epochs. They are 1 where nothing fades.
        """
        return np.ones(n_steps) if self.fading is None else self.fading.factors(step, n_steps)

    def batch(self, rows: NDArray[np.int64], step: int) -> tuple[Rows, Numbers, Numbers | None]:
        """Copy these rows of X, y and sample_weight, augmented for the step.

        The step counts from 0, over all epochs.
        """
        X = self.X[rows]
        if self.augmentation is not None:
            X = self.augmentation.apply(X, self.noise_seed, step)
        return X, self.y[rows], None if self.sample_weight is None else self.sample_weight[rows]


class Trainer(ABC):
    """Training in progress: parameters, running statistics, optimizer moments and step count.

    Examples
    --------
    >>> import numpy as np
    >>> from treadle import SGD, Network, Objective, Parameters, TrainingProblem, select_engine
    >>> network, X = Network((1, 1), output="identity"), np.ones((1, 1))
    >>> problem = TrainingProblem(network, Objective("squared"), SGD(momentum=0), X, 2 * X, batch_size=1)
    >>> trainer = select_engine("numpy").engine.trainer(problem, Parameters.zeros(network))
    >>> trainer.run_epoch(np.array([0]), np.array([0.25])).tolist()  # (0 - 2)^2 / 2
    [2.0]
    >>> trainer.parameters().weights[0].tolist()  # 0 + 0.25 * 2
    [[0.5]]
    """

    sees_all_rows_in_a_step: ClassVar[bool] = False
    """Whether an epoch is one step over all rows, whatever the problem's batch size."""

    @abstractmethod
    def run_epoch(self, order: NDArray[np.int64], learning_rates: NDArray[np.float64]) -> NDArray[np.float64]:
        """Visit the rows in the given order, a batch a step.

        Each step's batch moves the running statistics of batch normalisation; see
        ``treadle.engines.batch_norm``.

        Parameters
        ----------
        order : ndarray of int64
            Row numbers of X, each at most once; ``order[s * batch_size : (s + 1) * batch_size]`` is the batch
            of step s.
        learning_rates : ndarray of shape (S,), float64
            One a step.

        Returns
        -------
        ndarray of shape (S,), float64
            The objective of each batch, before that step's update. Empty if training had ended: a search that
            has converged has no further step.

        Raises
        ------
        TrainingDiverged
            As soon as a step's loss is NaN or infinite; the message names the step within the epoch.
        """

    def run_epochs(
        self, orders: NDArray[np.int64], learning_rates: NDArray[np.float64]
    ) -> NDArray[np.float64]:
        """Run several epochs of a training that does not end by itself: bits as of ``run_epoch``, one by one.

        Parameters
        ----------
        orders : ndarray of shape (E, n), int64
        learning_rates : ndarray of shape (E, S), float64

        Returns
        -------
        ndarray of shape (E, S), float64

        Raises
        ------
        TrainingDiverged
            As ``run_epoch``.
        """
        return np.array([self.run_epoch(*epoch) for epoch in zip(orders, learning_rates, strict=True)])

    @abstractmethod
    def parameters(self) -> Parameters:
        """Copy the current parameters, with the running statistics."""

    @abstractmethod
    def state(self) -> Arrays:
        """Copy by name all that is needed to go on.

        ``parameters`` (P,) and ``statistics`` (R,) are as in ``Parameters``, and ``step`` () is int64. The
        moments have the optimizer's names and the layout of ``Parameters.flat``. So the state of one engine
        is the state of another.
        """

    @abstractmethod
    def load_state(self, state: ArrayMapping) -> None:
        """Go on from what ``state`` returned."""


def diverged(step: int, loss: float) -> TrainingDiverged:
    """Make the error for a step whose loss is not finite.

    The step counts from 1, within the epoch.
    """
    return TrainingDiverged(
        f"the loss became {loss} at step {step} of the epoch; try a smaller learning rate, "
        "and look for extreme values in X and y"
    )


class Engine(ABC):
    """Computes with networks. Stateless: one instance can serve any number of networks.

    Examples
    --------
    >>> import numpy as np
    >>> from treadle import Network, Parameters, select_engine
    >>> engine = select_engine("numpy").engine
    >>> engine.predict(Parameters.zeros(Network((3, 2))), np.ones((1, 3))).tolist()
    [[0.5, 0.5]]
    """

    name: ClassVar[str]

    @abstractmethod
    def predictor(self, parameters: Parameters) -> Predictor:
        """Make what predicts with these parameters again and again.

        What is the same in every call is done once.

        Parameters
        ----------
        parameters : Parameters
            With their network. Kept, not copied: what is written into them shows in the next prediction.
        """

    def logits(self, parameters: Parameters, X: Rows) -> Floats:
        """Compute each row's last sums, (N, K): see ``Predictor.logits``."""
        return self.predictor(parameters).logits(X)

    def predict(self, parameters: Parameters, X: Rows) -> Floats:
        """Compute the network's output for each row, (N, K): see ``Network.output``."""
        return self.predictor(parameters).predict(X)

    @abstractmethod
    def loss_and_gradients(
        self,
        parameters: Parameters,
        X: Rows,
        y: Numbers,
        sample_weight: Numbers | None = None,
        *,
        objective: Objective,
        noise_key: tuple[int, int] | None = None,
    ) -> tuple[float, Parameters]:
        """Compute the objective on one batch, and its gradient.

        The gradient is with respect to every parameter. This is what checks of gradients call. As in
        training: batch normalisation is by the batch's own means and variances, over all its rows whatever
        their weights. The running statistics neither take part nor change, and nothing is mirrored.

        Parameters
        ----------
        parameters : Parameters
            With their network.
        X, y, sample_weight
            As in ``TrainingProblem``, all rows being one batch, augmented already if at all.
        objective : Objective
        noise_key : (seed, step), or None
            Draw the dropout masks of that step of training; None: no dropout.

        Returns
        -------
        loss : float
        gradients : Parameters
            In the dtype of the parameters.
        """

    def batch_gradients(
        self, problem: TrainingProblem
    ) -> Callable[[Parameters, slice | NDArray[np.int64]], tuple[float, Parameters]]:
        """Return a function of parameters and rows that computes ``loss_and_gradients``.

        It is for many calls on rows of one problem. The problem's optimizer is not used; there is no dropout;
        at most ``batch_size`` rows a call.
        """

        def gradients(parameters: Parameters, rows: slice | NDArray[np.int64]) -> tuple[float, Parameters]:
            weights = None if problem.sample_weight is None else problem.sample_weight[rows]
            return self.loss_and_gradients(
                parameters, problem.X[rows], problem.y[rows], weights, objective=problem.objective
            )

        return gradients

    def session(self) -> AbstractContextManager[None]:
        """Hold resources from a training's first epoch to its last.

        It is for those that take long to get, where an epoch alone is short.
        """
        return nullcontext()

    @abstractmethod
    def trainer(self, problem: TrainingProblem, parameters: Parameters) -> Trainer:
        """Make a trainer from a copy of the parameters, at step 0.

        Moments are zero.

        Raises
        ------
        EngineUnavailable
            If the engine does not support the problem, in the words of ``unsupported``.
        """

    def trainers(self, tasks: Sequence[tuple[TrainingProblem, Parameters]]) -> list[Trainer]:
        """A trainer of each of several independent problems, to be used at once, from a thread for each.

        Each computes on one thread: none waits for another, and together they keep as many processors busy.
        Their bits are those of ``trainer``. Raises as ``trainer``.
        """
        return [self.trainer(problem, parameters) for problem, parameters in tasks]

    def unsupported(self, problem: TrainingProblem, dtype: DTypeLike = np.float32) -> str | None:
        """Say why this engine cannot train the problem, with a remedy; None if it can.

        Every engine predicts with whatever parameters there are.

        Parameters
        ----------
        problem : TrainingProblem
        dtype : float32 or float64
            Of the parameters.
        """
        if problem.precision == "float32":
            return None
        return (
            f"the {self.name} engine does not compute in {problem.precision}: take the native engine, "
            "or precision float32"
        )

    def lacking(self, network: Network) -> str | None:
        """Say which part of a network this engine cannot compute, with a remedy; None if it can all."""
        return None

    def why_not(
        self, problem: TrainingProblem | None, dtype: DTypeLike, network: Network | None = None
    ) -> str | None:
        """Say why this engine cannot serve; None if it can.

        It is what ``unsupported`` says, or else what ``lacking`` does.
        """
        if problem is not None:
            if reason := self.unsupported(problem, dtype):
                return reason
            network = problem.network
        return None if network is None else self.lacking(network)

    def details(self) -> dict[str, str]:
        """Return by name what results or time depend on besides the engine's name."""
        return {}

    def check_supports(
        self, problem: TrainingProblem | None, dtype: DTypeLike, network: Network | None = None
    ) -> None:
        """Raise EngineUnavailable with the reason of ``why_not``, if it has one.

        The network is that whose predictions are wanted, where there is no problem.
        """
        if reason := self.why_not(problem, dtype, network):
            raise EngineUnavailable(reason)
