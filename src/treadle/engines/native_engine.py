"""The engine that computes with treadle's own kernel, C++ written for the processor at hand: ``native/``.

Everything is float32 or float64, as the parameters are. With float32 parameters and precision bfloat16, the
factors of each product in training are rounded to that, inputs too, where the processor has products of such
numbers; predictions stay float32.
This file checks what comes and puts it into the types and layouts that ``treadle.hardware.native.networks``
takes; all arithmetic is the kernel's. No bit of a result depends on the number of threads.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import cache, lru_cache
from numbers import Integral
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from treadle.engines.engine import Engine, Trainer, TrainingProblem, diverged
from treadle.engines.objective import Objective
from treadle.engines.rows import Rows, check_rows, is_compressed, n_rows
from treadle.engines.targets import check_targets
from treadle.errors import InvalidInput
from treadle.hardware.native import networks
from treadle.hardware.native.extension import SIMD, chosen_kernels
from treadle.hardware.processors import usable_threads
from treadle.maths.dtypes import Floats
from treadle.network import Network, Parameters
from treadle.optimizers import SGD, Adam, AdamW, Optimizer

# Products of weights and values in the forward pass of a batch. With fewer for each, threads spend as long
# waiting for each other, some microseconds a phase, as they compute.
PRODUCTS_PER_THREAD = 1 << 17

KEEP_GRADIENT = networks.Optimizer(update="keep_gradient")


class NativeEngine(Engine):
    """The contract of ``treadle.engines.engine`` in C++, float32 or float64; training also in bfloat16.

    Parameters
    ----------
    n_threads : int, or None
        How many threads share the work. None: as many as ``treadle.hardware.processors`` finds usable, and
        for training no more than the batches keep busy.

    Attributes
    ----------
    kernels : str
        Which of the compiled kernels computes: the best for this processor, or what TREADLE_SIMD names.
    bfloat16_kernels : str, or None
        The same of those that train in bfloat16; None where there are none, or TREADLE_SIMD names others.
    n_threads : int

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
        bounded = n_threads is None
        if n_threads is None:
            n_threads = usable_threads().n
        elif not isinstance(n_threads, Integral) or isinstance(n_threads, bool) or n_threads < 1:
            raise InvalidInput(f"n_threads must be an integer of at least 1; got {n_threads!r}")
        self.n_threads: int = int(n_threads)
        self._bounded = bounded

    def unsupported(
        self, problem: TrainingProblem | None = None, dtype: DTypeLike = np.float32
    ) -> str | None:
        """See ``Engine.unsupported``."""
        if problem is None:
            return None
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
        return None

    def details(self) -> dict[str, str]:
        """See ``Engine.details``."""
        return {
            "kernels": self.kernels,
            "bfloat16_kernels": self.bfloat16_kernels or "none",
            "threads": str(self.n_threads),
        }

    def predict(self, parameters: Parameters, X: Rows) -> Floats:
        """See ``Engine.predict``."""
        network = parameters.network
        if network.mirror_width or network.output != "softmax":
            return super().predict(parameters, X)
        check_rows(network, X)
        return self._outputs(parameters.folded(), X, softmax=True)

    def _plain_logits(self, parameters: Parameters, X: Rows) -> Floats:
        return self._outputs(parameters, X, softmax=False)

    def _outputs(self, parameters: Parameters, X: Rows, softmax: bool) -> Floats:
        self.check_supports(None, parameters.dtype)
        network = parameters.network
        layers = _layers(network)
        return networks.predict(
            layers,
            np.ascontiguousarray(parameters.flat),
            _inputs(network, layers, X),
            softmax=softmax,
            threads=self.n_threads,
            kernels=self.kernels,
        )

    def threads_for(self, problem: TrainingProblem) -> int:
        """How many threads train: as many as asked for by number, else as many as there is work for."""
        if not self._bounded:
            return self.n_threads
        products = problem.batch_size * sum(layer.n_in * layer.n_out for layer in problem.network.layers)
        return max(1, min(self.n_threads, products // PRODUCTS_PER_THREAD))

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
        """See ``Engine.loss_and_gradients``. Where the loss is not finite, the gradients are NaN."""
        network = parameters.network
        if noise_key is None:
            network = replace(network, dropout=0.0)
        seed, step = noise_key or (0, 0)
        # The problem's optimizer is not asked: the kernel keeps the gradient, and takes no step.
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


class NativeTrainer(Trainer):
    """See ``treadle.engines.engine.Trainer``. The engine has checked that it supports the problem.

    Python threads that share one take turns: the kernel lets go of the interpreter's lock while it trains.
    """

    def __init__(self, engine: NativeEngine, problem: TrainingProblem, parameters: Parameters) -> None:
        self._problem = problem
        self._network, self._dtype = parameters.network, parameters.dtype
        self._turn = threading.Lock()
        self._trainer = _kernel_trainer(engine, problem, self._dtype, _rule(problem.optimizer))
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
        n = self._problem.n_rows
        order = np.ascontiguousarray(order, dtype=np.int64)
        rates = np.ascontiguousarray(learning_rates, dtype=np.float64)
        n_steps = self._problem.n_steps(len(order))
        if order.ndim != 1 or len(order) > n or (len(order) and not 0 <= order.min() <= order.max() < n):
            raise InvalidInput(
                f"order must hold row numbers of X, each from 0 to {n - 1} and at most once; got "
                f"{len(order)} numbers from {order.min()} to {order.max()}"
            )
        if rates.shape != (n_steps,):
            raise InvalidInput(
                f"learning_rates must have an entry for each of the {n_steps} steps; got shape {rates.shape}"
            )
        with self._turn:
            losses, n_taken = self._trainer.run_epoch(order, rates)
        if n_taken < n_steps:
            raise diverged(n_taken + 1, float(losses[n_taken]))
        return losses

    def parameters(self) -> Parameters:
        """See ``Trainer.parameters``."""
        parameters = Parameters.zeros(self._network, self._dtype)
        with self._turn:
            self._trainer.read(parameters.flat, None, None, parameters.statistics)
        return parameters

    def state(self) -> dict[str, NDArray[Any]]:
        """See ``Trainer.state``."""
        names = self._problem.optimizer.moments
        moments = {name: np.empty(self._network.n_parameters, dtype=self._dtype) for name in names}
        parameters = Parameters.zeros(self._network, self._dtype)
        with self._turn:
            self._trainer.read(parameters.flat, *_two(moments, names), parameters.statistics)
            step = self._trainer.step
        return {
            "parameters": parameters.flat,
            "statistics": parameters.statistics,
            "step": np.array(step),
            **moments,
        }

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


@lru_cache(maxsize=64)
def _layers(network: Network) -> networks.Network:
    """A network as the kernel describes it."""
    return networks.Network(
        [
            networks.Layer(layer.n_in, layer.n_out, layer.activation, layer.batch_norm, layer.dropout)
            for layer in network.layers
        ]
    )


def _rule(optimizer: Optimizer) -> networks.Optimizer:
    """The kernel's name for an update rule, and the numbers of it."""
    if isinstance(optimizer, SGD):
        update = ("nesterov" if optimizer.nesterov else "momentum") if optimizer.momentum else "plain"
        return networks.Optimizer(update=update, momentum=optimizer.momentum)
    decay = optimizer.weight_decay if isinstance(optimizer, AdamW) else 0.0
    assert isinstance(optimizer, Adam)
    return networks.Optimizer(
        update="adam",
        beta_1=optimizer.beta_1,
        beta_2=optimizer.beta_2,
        epsilon=optimizer.epsilon,
        weight_decay=decay,
    )


def _kernel_trainer(
    engine: NativeEngine, problem: TrainingProblem, dtype: np.dtype[Any], rule: networks.Optimizer
) -> networks.Trainer:
    """The kernel's trainer for a problem, without its parameters yet; checks targets and weights."""
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
    layers = _layers(network)
    return networks.Trainer(
        layers,
        _inputs(network, layers, problem.X),
        networks.Targets(
            loss=objective.loss,
            label_smoothing=objective.label_smoothing,
            huber_delta=objective.huber_delta,
            l2=objective.l2,
            labels=labels,
            targets=targets,
            sample_weight=None if problem.sample_weight is None else _relative(problem.sample_weight, dtype),
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
    """Loss and gradient of one batch, of a trainer that keeps the gradient and takes no step."""
    trainer.write(
        np.ascontiguousarray(parameters.flat), None, None, np.ascontiguousarray(parameters.statistics), step
    )
    gradients = Parameters.zeros(parameters.network, parameters.dtype)
    loss, n_taken = trainer.run_epoch(np.ascontiguousarray(rows), np.zeros(1))
    if n_taken:
        trainer.read(None, gradients.flat, None, None)
    else:
        gradients.flat[:] = np.nan
    return float(loss[0]), gradients


def _inputs(network: Network, layers: networks.Network, X: Rows) -> networks.Inputs:
    """X as the kernel takes it: an array; or the values of sparse rows, where each row starts, and columns.

    What is sparse is checked, since the kernel writes by the columns: SciPy raises ValueError if it is
    damaged.
    """
    scale, offset = network.input_scale, network.input_offset
    if not is_compressed(X):
        return networks.Inputs(layers, X, None, None, scale, offset)
    X.check_format(full_check=True)
    return networks.Inputs(
        layers,
        np.ascontiguousarray(X.data),
        np.ascontiguousarray(X.indptr, dtype=np.int64),
        np.ascontiguousarray(X.indices, dtype=np.int32),
        scale,
        offset,
    )


def _relative(weights: Floats, dtype: np.dtype[Any]) -> Floats:
    """Weights in that type, times a power of two that makes the largest about 1: only their ratios count."""
    wide = weights.astype(np.float64)
    _, exponent = np.frexp(wide.max())
    return np.asarray(np.ldexp(wide, -exponent), dtype=dtype)


def _two(arrays: Mapping[str, Floats], names: tuple[str, ...]) -> tuple[Floats | None, Floats | None]:
    """The first and the second moment, None where the optimizer keeps none."""
    first, second, *_ = (*(arrays[name] for name in names), None, None)
    return first, second
