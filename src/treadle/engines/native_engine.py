"""The engine of treadle's own kernels in C++, ``native/``, chosen by processor.

Everything is float32 or float64, as the parameters are. With float32 parameters and precision bfloat16, the
factors of each product in training are rounded to that, inputs too, where the processor has products of such
numbers; predictions stay float32.
This file checks what comes and puts it into the types and layouts that ``treadle.hardware.native.networks``
takes; all arithmetic is the kernel's. No bit of a result depends on the number of threads.
"""

from __future__ import annotations

import copy
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from treadle.engines.engine import PRODUCTS_AT_ONCE, Engine, Trainer, TrainingProblem, diverged
from treadle.engines.kernel_terms import input_terms, network_terms, relative_weights, rule_terms
from treadle.engines.objective import Objective
from treadle.engines.predictor import Predictor
from treadle.engines.rows import Rows, n_rows
from treadle.engines.targets import check_targets
from treadle.errors import InvalidInput
from treadle.hardware.at_once import is_among_others, stop_if_asked
from treadle.hardware.native import networks
from treadle.hardware.native.extension import SIMD, chosen_kernels
from treadle.hardware.processors import check_n_threads, usable_threads
from treadle.maths.dtypes import Floats
from treadle.network import Network, Parameters
from treadle.optimizers import SGD, Adam, AdamW

# Combinations of a number's cosines that the kernel has room for.
MOST_COMBINATIONS = 8
# Arrays that the kernel trains together, at one pace.
COSINES = ("frequencies", "phases", "combinations", "combination_biases")

# Products of weights and values in the forward pass of a batch. With fewer for each, threads spend as long
# waiting for each other, some microseconds a phase, as they compute.
PRODUCTS_PER_THREAD = 1 << 17
# The same in a prediction, which wakes threads that sleep: that takes some tens of microseconds.
PRODUCTS_TO_WAKE_A_THREAD = 1 << 20

KEEP_GRADIENT = networks.Optimizer(update="keep_gradient")


class NativeEngine(Engine):
    """The engine in C++: float32 or float64 parameters, training also with bfloat16 products.

    It keeps the contract of ``treadle.engines.engine``.

    Parameters
    ----------
    n_threads : int, or None
        How many threads share the work. None: as many as ``treadle.hardware.processors`` finds usable at the
        time, and no more than the rows of a batch or of a prediction keep busy.

    Attributes
    ----------
    kernels : str
        Which of the compiled kernels computes: the best for this processor, or what TREADLE_SIMD names.
    bfloat16_kernels : str, or None
        The same of those that train in bfloat16; None where there are none, or TREADLE_SIMD names others.

    Raises
    ------
    EngineUnavailable
        If the kernel was not built, or cannot be loaded.
    InvalidInput
        If n_threads is no positive integer, or TREADLE_SIMD names no kernel that can run here.
    """

    name = "native"

    def __init__(self, n_threads: int | None = None) -> None:
        chosen = chosen_kernels()
        self.kernels, self.bfloat16_kernels = chosen.standard, chosen.bfloat16
        self._asked_for = check_n_threads(n_threads)

    @property
    def n_threads(self) -> int:
        """How many threads may share the work now."""
        return usable_threads().n if self._asked_for is None else self._asked_for

    def unsupported(self, problem: TrainingProblem, dtype: DTypeLike = np.float32) -> str | None:
        """See ``Engine.unsupported``."""
        if problem.precision == "bfloat16" and np.dtype(dtype) != np.float32:
            return (
                f"the native engine trains float32 parameters in bfloat16, not {np.dtype(dtype)}: take "
                "precision float32, or float32 parameters"
            )
        if problem.precision == "bfloat16" and self.bfloat16_kernels is None:
            return (
                "the native engine has no bfloat16 kernel here: it takes a processor and a system with AMX "
                f"(amx_tile, amx_bf16) or AVX512_BF16, and {SIMD} must not name a float32 kernel; take "
                "precision float32"
            )
        if type(problem.optimizer) not in (Adam, AdamW, SGD):
            return (
                "the native engine has the update rules adam, adamw and sgd; got "
                f"{type(problem.optimizer).__name__}: take the numpy engine"
            )
        l2 = problem.objective.l2
        if l2 and any(b.decay != b.name.startswith("weights.") for b in problem.network.blocks):
            return (
                f"the native engine has one L2 penalty for all weights, and none for else; got l2={l2!r} for "
                "a network whose blocks decay otherwise: take AdamW's weight_decay, or the numpy engine"
            )
        return None

    def lacking(self, network: Network) -> str | None:
        """See ``Engine.lacking``."""
        stage = network.input_stage
        if stage is None:
            return None
        if stage.n_numbers and stage.n_combinations > MOST_COMBINATIONS:
            return (
                f"the native engine makes at most {MOST_COMBINATIONS} combinations of a number's cosines; "
                f"got {stage.n_combinations}: take the numpy or the torch engine"
            )
        if len({(b.rate, b.decay, b.epsilon) for b in network.blocks if b.name in COSINES}) > 1:
            return (
                "the native engine trains a number's frequencies, phases and combinations at one pace; got "
                "several: take the numpy or the torch engine"
            )
        return None

    def details(self) -> dict[str, str]:
        """See ``Engine.details``."""
        return {
            "kernels": self.kernels,
            "bfloat16_kernels": self.bfloat16_kernels or "none",
            "threads": str(self.n_threads),
        }

    def predictor(self, parameters: Parameters) -> Predictor:
        """See ``Engine.predictor``."""
        self.check_supports(None, parameters.dtype, parameters.network)
        return NativePredictor(self, parameters)

    def threads_for(self, problem: TrainingProblem) -> int:
        """Return the number of threads that train.

        It is the number given, else as many as there is work for.
        """
        return self.threads_worth(problem.batch_size * _n_products(problem.network), PRODUCTS_PER_THREAD)

    def threads_worth(self, products: int, each: int) -> int:
        """Return the number of threads that share so many products.

        It is the number given, else as many as have enough to do.
        What is too little for two threads does not ask how many there are, which takes some microseconds.
        """
        if self._asked_for is not None:
            return self._asked_for
        busy = products // each
        return 1 if busy < 2 else min(self.n_threads, busy)

    def loss_and_gradients(
        self,
        parameters: Parameters,
        X: Rows,
        y: NDArray[Any],
        sample_weight: NDArray[Any] | None = None,
        *,
        objective: Objective,
        noise_key: tuple[int, int] | None = None,
    ) -> tuple[float, Parameters]:
        """See ``Engine.loss_and_gradients``.

        Where the loss is not finite, the gradients are NaN.
        """
        network = parameters.network
        if noise_key is None:
            network = replace(network, dropout=0.0)
        seed, step = noise_key or (0, 0)
        # The problem's optimizer is not used: the kernel keeps the gradient, and takes no step.
        problem = TrainingProblem(network, objective, SGD(), X, y, max(n_rows(X), 1), sample_weight, seed)
        self.check_supports(problem, parameters.dtype)
        trainer = _kernel_trainer(self, problem, parameters.dtype, KEEP_GRADIENT)
        return _kept_gradient(trainer, parameters, np.arange(n_rows(X)), step)

    def batch_gradients(
        self, problem: TrainingProblem
    ) -> Callable[[Parameters, slice | NDArray[np.int64]], tuple[float, Parameters]]:
        """See ``Engine.batch_gradients``: one trainer of the kernel serves all calls of parameters' type."""
        network = replace(problem.network, dropout=0.0)
        problem = replace(problem, network=network, optimizer=SGD(), augmentation=None, precision="float32")
        all_rows = np.arange(problem.n_rows)

        @cache
        def trainer(dtype: np.dtype[Any]) -> networks.Trainer:
            self.check_supports(problem, dtype)
            return _kernel_trainer(self, problem, dtype, KEEP_GRADIENT)

        def gradients(parameters: Parameters, rows: slice | NDArray[np.int64]) -> tuple[float, Parameters]:
            return _kept_gradient(trainer(parameters.dtype), parameters, all_rows[rows])

        return gradients

    def trainer(self, problem: TrainingProblem, parameters: Parameters) -> Trainer:
        """See ``Engine.trainer``."""
        self.check_supports(problem, parameters.dtype)
        return NativeTrainer(self, problem, parameters)

    def trainers(self, tasks: Sequence[tuple[TrainingProblem, Parameters]]) -> list[Trainer]:
        """See ``Engine.trainers``."""
        of_one_thread = copy.copy(self)
        of_one_thread._asked_for = 1
        return [of_one_thread.trainer(problem, parameters) for problem, parameters in tasks]


class NativePredictor(Predictor):
    """See ``treadle.engines.predictor.Predictor``."""

    def __init__(self, engine: NativeEngine, parameters: Parameters) -> None:
        super().__init__(parameters)
        self._engine = engine
        self._layers = network_terms(self.plain.network)
        self._products = _n_products(self.network)

    def predict(self, X: Rows) -> Floats:
        """See ``Predictor.predict``."""
        if self.network.mirror_width or self.network.output != "softmax":
            return super().predict(X)
        self._see(X)
        return self._outputs(X, softmax=True)

    def _plain_logits(self, X: Rows) -> Floats:
        """See ``Predictor._plain_logits``."""
        return self._outputs(X, softmax=False)

    def _outputs(self, X: Rows, softmax: bool) -> Floats:
        return networks.predict(
            self._layers,
            np.ascontiguousarray(self.plain.flat),
            input_terms(self.network, self._layers, X),
            softmax=softmax,
            threads=self._engine.threads_worth(n_rows(X) * self._products, PRODUCTS_TO_WAKE_A_THREAD),
            kernels=self._engine.kernels,
        )


class NativeTrainer(Trainer):
    """See ``treadle.engines.engine.Trainer``.

    The engine has checked that it supports the problem.

    Python threads that share one take turns: the kernel lets go of the interpreter's lock while it trains.
    """

    def __init__(self, engine: NativeEngine, problem: TrainingProblem, parameters: Parameters) -> None:
        self._problem = problem
        self._network, self._dtype = parameters.network, parameters.dtype
        self._turn = threading.Lock()
        products = _n_products(self._network) * min(problem.batch_size, max(problem.n_rows, 1))
        self._steps_at_once = max(1, PRODUCTS_AT_ONCE // products)
        self._trainer = _kernel_trainer(engine, problem, self._dtype, rule_terms(problem.optimizer))
        self.load_state(
            {
                "parameters": parameters.flat,
                "statistics": parameters.statistics,
                "step": np.array(0),
                **problem.optimizer.start(parameters.flat.size, self._dtype),
            }
        )

    def run_epoch(self, order: NDArray[Any], learning_rates: NDArray[Any]) -> NDArray[Any]:
        """See ``Trainer.run_epoch``.

        Raises
        ------
        InvalidInput
            If the order is not of row numbers of X, or there is not one learning rate a step: the kernel
            reads memory by them.
        """
        of_one = np.asarray(order)[np.newaxis], np.asarray(learning_rates)[np.newaxis]
        return self._run_epochs(*of_one).reshape(-1)

    def run_epochs(self, orders: NDArray[Any], learning_rates: NDArray[Any]) -> NDArray[Any]:
        """See ``Trainer.run_epochs`` and ``run_epoch``."""
        if is_among_others():
            return super().run_epochs(orders, learning_rates)
        return self._run_epochs(orders, learning_rates)

    def _run_epochs(self, orders: NDArray[Any], learning_rates: NDArray[Any]) -> NDArray[Any]:
        n = self._problem.n_rows
        orders = np.asarray(orders)
        if orders.ndim != 2 or orders.dtype.kind not in "iu":
            raise InvalidInput(
                f"order must hold row numbers of X, integers in one dimension; got {orders.dtype} of shape "
                f"{orders.shape[1:]}"
            )
        orders = np.ascontiguousarray(orders, dtype=np.int64)
        rates = np.ascontiguousarray(learning_rates, dtype=np.float64)
        # What is negative is large as an unsigned number.
        if orders.shape[1] > n or (orders.size and orders.view(np.uint64).max() >= n):
            raise InvalidInput(
                f"order must hold row numbers of X, each from 0 to {n - 1} and at most once; got "
                f"{orders[0].size} numbers from {orders.min()} to {orders.max()}"
            )
        n_steps = self._problem.n_steps(orders.shape[1])
        if rates.shape != (len(orders), n_steps):
            raise InvalidInput(
                f"learning_rates must have an entry for each of the {n_steps} steps; got shape "
                f"{rates.shape[1:]}"
            )
        with self._turn:
            if not is_among_others():
                return self._run(orders, rates, 0)
            # The kernel answers to Ctrl-C in the main thread alone. Here, what is short is run between looks.
            size, n = self._problem.batch_size, self._steps_at_once
            pieces = [np.empty((len(orders), 0))]
            for s in range(0, n_steps, n):
                stop_if_asked()
                pieces.append(self._run(orders[:, s * size : (s + n) * size], rates[:, s : s + n], s))
            return np.concatenate(pieces, axis=1)

    def _run(self, orders: NDArray[Any], rates: NDArray[Any], n_before: int) -> NDArray[Any]:
        """Take some steps of each epoch, after so many."""
        fades = None
        if self._problem.fading is not None:
            fades = self._problem.fades(self._trainer.step, rates.size)
        losses, n_taken = self._trainer.run_epochs(orders, rates, fades)
        if n_taken < rates.size:
            raise diverged(n_before + n_taken % rates.shape[1] + 1, float(losses.flat[n_taken]))
        return losses

    def parameters(self) -> Parameters:
        """See ``Trainer.parameters``."""
        parameters = Parameters.zeros(self._network, self._dtype)
        with self._turn:
            self._trainer.read(parameters.flat, None, None, parameters.statistics)
        return parameters

    def state(self) -> dict[str, NDArray[Any]]:
        """See ``Trainer.state``."""
        names, n = self._problem.optimizer.moments, self._network.n_parameters
        moments = {name: np.empty(n, dtype=self._dtype) for name in names}
        flat, statistics = np.empty(n, self._dtype), np.empty(self._network.n_statistics, self._dtype)
        with self._turn:
            self._trainer.read(flat, *_two(moments, names), statistics)
            step = self._trainer.step
        return {"parameters": flat, "statistics": statistics, "step": np.array(step), **moments}

    def load_state(self, state: Mapping[str, NDArray[Any]]) -> None:
        """See ``Trainer.load_state``."""
        names = self._problem.optimizer.moments
        sizes = {"parameters": self._network.n_parameters, "statistics": self._network.n_statistics}
        arrays = {}
        for name in ("parameters", "statistics", *names):
            arrays[name] = np.ascontiguousarray(state[name], dtype=self._dtype)
            size = sizes.get(name, self._network.n_parameters)
            if arrays[name].shape != (size,):
                raise InvalidInput(f"{name} must be of shape ({size},); got {arrays[name].shape}")
        with self._turn:
            self._trainer.write(
                arrays["parameters"], *_two(arrays, names), arrays["statistics"], int(state["step"])
            )


def _n_products(network: Network) -> int:
    """Of weights and values, in the forward pass of one row."""
    return sum(layer.n_in * layer.n_out for layer in network.layers)


def _kernel_trainer(
    engine: NativeEngine, problem: TrainingProblem, dtype: np.dtype[Any], rule: networks.Optimizer
) -> networks.Trainer:
    """Make the kernel's trainer for a problem; check targets and weights.

    It has no parameters yet.
    """
    network, objective, augmentation = problem.network, problem.objective, problem.augmentation
    n_rows, y = problem.n_rows, problem.y
    kernels = engine.bfloat16_kernels if problem.precision == "bfloat16" else engine.kernels
    assert kernels is not None
    check_targets(objective, network, n_rows, y, problem.sample_weight)
    # Copies: the kernel reads by labels, and what has been checked must stay.
    labels = targets = None
    if objective.loss == "cross_entropy" and y.ndim == 1:
        labels = np.array(y, dtype=np.int64, order="C")
    else:
        with np.errstate(over="ignore"):  # shows in the loss
            targets = np.array(y.reshape(n_rows, network.sizes[-1]), dtype=dtype, order="C")
    layers = network_terms(network)
    return networks.Trainer(
        layers,
        input_terms(network, layers, problem.X),
        networks.Targets(
            loss=objective.loss,
            label_smoothing=objective.label_smoothing,
            huber_delta=objective.huber_delta,
            l2=objective.l2,
            labels=labels,
            targets=targets,
            sample_weight=None
            if problem.sample_weight is None
            else relative_weights(problem.sample_weight, dtype),
        ),
        networks.Augmentation(*augmentation.image_shape, augmentation.flip, augmentation.shift)
        if augmentation
        else networks.NO_AUGMENTATION,
        rule,
        dtype=dtype,
        batch_size=min(problem.batch_size, max(n_rows, 1)),
        noise_seed=problem.noise_seed,
        threads=engine.threads_for(problem),
        kernels=kernels,
    )


def _kept_gradient(
    trainer: networks.Trainer, parameters: Parameters, rows: NDArray[np.int64], step: int = 0
) -> tuple[float, Parameters]:
    """Return the loss and gradient of one batch, without a step.

    The trainer is one that keeps the gradient.
    """
    trainer.write(
        np.ascontiguousarray(parameters.flat), None, None, np.ascontiguousarray(parameters.statistics), step
    )
    gradients = Parameters.zeros(parameters.network, parameters.dtype)
    loss, n_taken = trainer.run_epochs(np.ascontiguousarray(rows)[np.newaxis], np.zeros((1, 1)))
    if n_taken:
        trainer.read(None, gradients.flat, None, None)
    else:
        gradients.flat[:] = np.nan
    return float(loss[0, 0]), gradients


def _two(arrays: Mapping[str, Floats], names: tuple[str, ...]) -> tuple[Floats | None, Floats | None]:
    """Return the first and second moment, None where the optimizer keeps none."""
    first, second, *_ = (*(arrays[name] for name in names), None, None)
    return first, second
