r"""Back-propagation by hand: the readable specification of every other engine.

The network. A batch of N rows, a_0 = X * input_scale + input_offset of shape (N, D). For each layer
l = 1 .. L::

    z_l = a_(l-1) W_l + b_l          (N, n_l)      W_l (n_(l-1), n_l), b_l (n_l,)                       (1)
    h_l = f_l(z_l)                   (N, n_l)      f_L is the identity: h_L are the logits              (2)
    a_l = h_l * mask_l               (N, n_l)      the mask is 1 where there is no dropout              (3)

The objective (``treadle.engines.objective``), a weighted mean over the rows plus a penalty::

    J = sum_i c_i loss(h_L[i], y[i]) / sum_i c_i + l2 / 2 * sum_l ||W_l||^2                             (4)

Back-propagation is the chain rule from the last layer to the first, with d_l = dJ/dz_l, of shape (N, n_l)::

    d_L = dJ/dh_L                        with cross-entropy, c_i (softmax - target) / sum c             (5)
    d_l = (d_(l+1) W_(l+1)^T) * mask_l * f_l'(z_l)       from (1) of layer l + 1, (3) and (2)           (6)
    dJ/dW_l = a_(l-1)^T d_l + l2 W_l                     from (1): W_l meets each row of a_(l-1)        (7)
    dJ/db_l = sum over the rows of d_l                   from (1)                                       (8)

A layer with batch normalisation has equations (9) to (13) of ``treadle.engines.batch_norm`` between a W and
z in place of (1), and the like on the way back; one with parametric activations (14) to (16) of
``treadle.engines.parametric_activation`` in place of (2). Where rows are rows of a table, a_0 is what (18) to
(28) of ``treadle.engines.input_stage`` make of them.

Where the problem fades (``treadle.optimizers.fading``), the rate of dropout and the decay of weights in step
t are those of network and optimizer times its factor phi(t)                                            (17)

No vector-Jacobian product forms its Jacobian: (6) and (7) cost as much as (1) each, so a loss with all its
gradients costs at most three predictions (Rumelhart, Hinton and Williams 1986; Griewank and Walther 2008,
section 3.2).

The outputs of the layers, the derivatives with respect to them and the gradients are allocated once, and BLAS
writes into them, on one thread (``treadle.hardware.blas_threads``).
"""

from __future__ import annotations

import math
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from treadle.engines.batch_norm import BatchNorm
from treadle.engines.dropout import dropout_mask
from treadle.engines.engine import Engine, Trainer, TrainingProblem, diverged
from treadle.engines.input_stage import StagePasses
from treadle.engines.objective import Objective
from treadle.engines.parametric_activation import ParametricActivation
from treadle.engines.predictor import Predictor
from treadle.engines.rows import Rows, check_rows, dense, is_compressed, n_rows
from treadle.hardware.at_once import stop_if_asked
from treadle.hardware.blas_threads import one_blas_thread
from treadle.maths.activations import ACTIVATIONS
from treadle.maths.dtypes import ArrayMapping, Arrays, Floats, Numbers
from treadle.network import Parameters
from treadle.optimizers.optimizer import CHUNK, chunks

if TYPE_CHECKING:
    from scipy import sparse

# Rows of a prediction computed at a time: enough for BLAS, and a few megabytes of hidden outputs at most.
ROWS_PER_PREDICTION = 1024


class NumpyEngine(Engine):
    """The engine in NumPy, in float32 or float64 as the parameters are.

    It keeps the contract of ``treadle.engines.engine``.
    """

    name = "numpy"

    def predictor(self, parameters: Parameters) -> Predictor:
        """See ``Engine.predictor``."""
        return NumpyPredictor(parameters)

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
        """See ``Engine.loss_and_gradients``."""
        objective.check_fits(parameters.network)
        check_rows(parameters.network, X)
        passes = _Passes(parameters, n_rows(X))
        with one_blas_thread():
            loss = passes.loss_and_gradients(X, y, sample_weight, objective, noise_key)
        return loss, passes.gradients

    def session(self) -> AbstractContextManager[None]:
        """Limit BLAS to one thread for the whole training.

        To set that takes as long as a small step does.
        """
        return one_blas_thread()

    def trainer(self, problem: TrainingProblem, parameters: Parameters) -> Trainer:
        """See ``Engine.trainer``."""
        self.check_supports(problem, parameters.dtype)
        return NumpyTrainer(problem, parameters)


class NumpyPredictor(Predictor):
    """See ``treadle.engines.predictor.Predictor``."""

    def _plain_logits(self, X: Rows) -> Floats:
        """See ``Predictor._plain_logits``."""
        n, block = n_rows(X), ROWS_PER_PREDICTION
        forward = _Forward(self.plain, min(n, block))
        with one_blas_thread():
            if n <= block:
                return forward.forward(X, noise_key=None)
            logits = np.empty((n, self.network.sizes[-1]), dtype=self.plain.dtype)
            for start in range(0, n, block):
                rows = X[start : start + block]
                logits[start : start + n_rows(rows)] = forward.forward(rows, noise_key=None)
        return logits


class _Forward:
    """The forward pass over batches of at most batch_size rows, in arrays that are kept."""

    def __init__(self, parameters: Parameters, batch_size: int, gradients: Parameters | None = None) -> None:
        network = parameters.network
        self.network = network
        self.parameters = parameters
        self.activations = [ACTIVATIONS[layer.activation] for layer in network.layers]
        self.inputs = np.empty((batch_size, network.sizes[0]), dtype=parameters.dtype)
        self.z = [np.empty((batch_size, layer.n_out), dtype=parameters.dtype) for layer in network.layers]
        self.mixed = [
            None if slopes is None else ParametricActivation(batch_size, f, slopes)
            for f, slopes in zip(self.activations, parameters.slopes, strict=True)
        ]
        # h and a are the same memory as z and h wherever nothing needs the earlier of the two again.
        self.h = [
            z if f.in_place and mixed is None else np.empty_like(z)
            for z, f, mixed in zip(self.z, self.activations, self.mixed, strict=True)
        ]
        self.a = [
            np.empty_like(h) if layer.dropout else h for h, layer in zip(self.h, network.layers, strict=True)
        ]
        self.norms: list[BatchNorm | None] = [None] * len(network.layers)
        self.masks: list[Floats | None] = [None] * len(network.layers)
        stage = network.input_stage
        self.stage = None if stage is None else StagePasses(batch_size, stage, parameters, gradients)

    def forward(self, X: Rows, noise_key: tuple[int, int] | None, fade: float = 1.0) -> Floats:
        """Compute equations (1) to (3); return the logits.

        (9) to (11) take the place of (1) in layers with batch normalisation, (14) that of (2) in those with
        parametric activations. Dropout's rates are multiplied by ``fade``. The logits are valid until the
        next call.
        """
        n = n_rows(X)
        number = self.parameters.dtype.type
        scale, offset = map(number, (self.network.input_scale, self.network.input_offset))
        a: Floats | sparse.csr_array
        if is_compressed(X) and not offset:
            a = (X * scale).astype(self.parameters.dtype, copy=False)
        else:
            a = np.multiply(dense(X), scale, out=self.inputs[:n], casting="same_kind")
            if offset:
                a += offset
            if self.stage is not None:
                a = self.stage.forward(a)
        self.first = a
        for i, (layer, f) in enumerate(zip(self.network.layers, self.activations, strict=True)):
            z, h = self.z[i][:n], self.h[i][:n]
            norm = self.norms[i]
            _product(a, self.parameters.weights[i], out=norm.sums[:n] if norm else z)
            if norm:
                norm.forward(out=z)
            else:
                z += self.parameters.biases[i]
            if mixed := self.mixed[i]:
                mixed.forward(z, out=h)
            else:
                f.value(z, out=h)
            a = h
            if layer.dropout and noise_key is not None:
                mask = dropout_mask(*noise_key, i, n, layer.n_out, layer.dropout * fade, z.dtype)
                a = np.multiply(h, mask, out=self.a[i][:n])
                self.masks[i] = mask
        return np.asarray(a)


class _Passes(_Forward):
    """The forward and the backward pass over batches of at most batch_size rows, in arrays that are kept."""

    def __init__(self, parameters: Parameters, batch_size: int) -> None:
        self.gradients = Parameters.zeros(parameters.network, parameters.dtype)
        super().__init__(parameters, batch_size, self.gradients)
        self.norms = [
            BatchNorm(batch_size, i, parameters, self.gradients) if layer.batch_norm else None
            for i, layer in enumerate(self.network.layers)
        ]
        self.d = [np.empty_like(z) for z in self.z[:-1]]
        stage = self.network.input_stage
        self.d_first = None if stage is None else np.empty((batch_size, stage.width), parameters.dtype)
        self.scratch = np.empty(min(CHUNK, parameters.flat.size), dtype=parameters.dtype)

    def loss_and_gradients(
        self,
        X: Rows,
        y: Numbers,
        sample_weight: Numbers | None,
        objective: Objective,
        noise_key: tuple[int, int] | None,
        fade: float = 1.0,
    ) -> float:
        """Compute equations (4) to (8), (12), (13), (15), (16) and (22) to (28).

        The gradients are left in ``self.gradients``.
        """
        n = n_rows(X)
        l2 = objective.l2
        logits = self.forward(X, noise_key, fade)
        loss = objective.data_loss(logits, y, sample_weight)
        d = objective.data_gradient(logits, y, sample_weight)
        for i in reversed(range(len(self.z))):
            below = self.first if i == 0 else (self.a[i - 1] if noise_key else self.h[i - 1])[:n]
            np.sum(d, axis=0, out=self.gradients.biases[i])
            if norm := self.norms[i]:
                norm.backward(d)
            _product(below.T, d, out=self.gradients.weights[i])
            if i > 0:
                d = np.matmul(d, self.parameters.weights[i].T, out=self.d[i - 1][:n])
                mask = self.masks[i - 1]
                if noise_key and mask is not None:
                    d *= mask
                slope_gradient = self.gradients.slopes[i - 1]
                if (mixed := self.mixed[i - 1]) and slope_gradient is not None:
                    mixed.backward(d, self.z[i - 1][:n], slope_gradient)
                else:
                    self.activations[i - 1].backward(d, self.z[i - 1][:n], self.h[i - 1][:n])
            elif self.stage is not None and self.d_first is not None:
                self.stage.backward(np.matmul(d, self.parameters.weights[0].T, out=self.d_first[:n]))
        if l2:
            # In chunks: no copy of all weights, and in float32 the squares' sum keeps seven digits.
            for where, _rate, decay in self.network.decays:
                for chunk in chunks(where):
                    w = self.parameters.flat[chunk]
                    loss += 0.5 * (l2 * decay) * float(np.dot(w, w))
                    self.gradients.flat[chunk] += np.multiply(w, l2 * decay, out=self.scratch[: w.size])
        return loss

    def update_statistics(self) -> None:
        """Move the running statistics towards those of the last batch."""
        for norm in self.norms:
            if norm:
                norm.update_statistics()


def _product(a: Floats | sparse.csr_array, b: Floats, out: Floats) -> None:
    """Compute ``a b`` into a given array; a may be sparse."""
    if isinstance(a, np.ndarray):
        np.matmul(a, b, out=out)
    else:
        out[...] = a @ b


class NumpyTrainer(Trainer):
    """Trains by mini-batches: gathers a batch, back-propagates, lets the optimizer update."""

    def __init__(self, problem: TrainingProblem, parameters: Parameters) -> None:
        self._problem = problem
        self._parameters = parameters.copy()
        self._moments = problem.optimizer.start(parameters.flat.size, parameters.dtype)
        self._step = 0
        self._passes = _Passes(self._parameters, min(problem.batch_size, problem.n_rows))

    def run_epoch(self, order: NDArray[np.int64], learning_rates: NDArray[np.float64]) -> NDArray[np.float64]:
        """See ``Trainer.run_epoch``."""
        # What overflows shows in the loss, which is looked at in every step.
        with one_blas_thread(), np.errstate(over="ignore", invalid="ignore"):
            return self._run_epoch(order, learning_rates)

    def _run_epoch(
        self, order: NDArray[np.int64], learning_rates: NDArray[np.float64]
    ) -> NDArray[np.float64]:
        problem = self._problem
        losses = np.empty(problem.n_steps(len(order)))
        fades = problem.fades(self._step, len(losses))
        for s, fade in enumerate(fades.tolist()):
            stop_if_asked()
            rows = order[s * problem.batch_size : (s + 1) * problem.batch_size]
            loss = self._passes.loss_and_gradients(
                *problem.batch(rows, self._step),
                problem.objective,
                (problem.noise_seed, self._step),
                fade,
            )
            if not math.isfinite(loss):
                raise diverged(s + 1, loss)
            self._passes.update_statistics()
            self._step += 1
            problem.optimizer.faded(fade).update(
                self._parameters, self._passes.gradients, self._moments, self._step, float(learning_rates[s])
            )
            losses[s] = loss
        return losses

    def parameters(self) -> Parameters:
        """See ``Trainer.parameters``."""
        return self._parameters.copy()

    def state(self) -> Arrays:
        """See ``Trainer.state``."""
        moments = {name: moment.copy() for name, moment in self._moments.items()}
        return {
            "parameters": self._parameters.flat.copy(),
            "statistics": self._parameters.statistics.copy(),
            "step": np.array(self._step),
            **moments,
        }

    def load_state(self, state: ArrayMapping) -> None:
        """See ``Trainer.load_state``."""
        self._parameters.flat[:] = state["parameters"]
        self._parameters.statistics[:] = state["statistics"]
        self._step = int(state["step"])
        for name, moment in self._moments.items():
            moment[:] = state[name]
