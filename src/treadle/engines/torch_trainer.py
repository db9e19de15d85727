"""Trains by mini-batches in PyTorch, with torch.optim's fused kernels.

The update rules are those of ``treadle.optimizers``. Imports PyTorch: load this module only when it is asked
for.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from treadle.engines.engine import Trainer, TrainingProblem, diverged
from treadle.engines.torch_model import TorchModel, differentiating
from treadle.errors import EngineUnavailable
from treadle.maths.dtypes import ArrayMapping, Arrays, Floats
from treadle.network import Parameters
from treadle.optimizers import SGD, Adam, AdamW, Optimizer

# What torch.optim calls the moments of treadle.optimizers.
TORCH_NAMES = {"m": "exp_avg", "v": "exp_avg_sq", "velocity": "momentum_buffer"}


class TorchTrainer(Trainer):
    """See ``treadle.engines.engine.Trainer``.

    The caller has checked the targets.
    """

    def __init__(self, problem: TrainingProblem, parameters: Parameters, device: torch.device) -> None:
        self._problem = problem
        self._step = 0
        with differentiating():
            self._model = TorchModel(parameters, device)
            self._optimizer = _torch_optimizer(problem.optimizer, self._model)
            self._set_moments(problem.optimizer.start(parameters.flat.size, parameters.dtype))

    def run_epoch(self, order: NDArray[np.int64], learning_rates: NDArray[np.float64]) -> NDArray[np.float64]:
        """See ``Trainer.run_epoch``."""
        with differentiating():
            return self._run_epoch(order, learning_rates)

    def _run_epoch(
        self, order: NDArray[np.int64], learning_rates: NDArray[np.float64]
    ) -> NDArray[np.float64]:
        problem = self._problem
        losses = np.empty(problem.n_steps(len(order)))
        fades = problem.fades(self._step, len(losses))
        for s, fade in enumerate(fades.tolist()):
            rows = order[s * problem.batch_size : (s + 1) * problem.batch_size]
            self._optimizer.zero_grad()
            loss = self._model.loss(
                *problem.batch(rows, self._step),
                problem.objective,
                (problem.noise_seed, self._step),
                fade,
            )
            losses[s] = loss.item()
            if not math.isfinite(losses[s]):
                raise diverged(s + 1, float(losses[s]))
            loss.backward()  # type: ignore[no-untyped-call]
            for group in self._optimizer.param_groups:
                group["lr"] = float(learning_rates[s]) * group["rate"]
                group["weight_decay"] = fade * group["decay"]
            self._optimizer.step()
            self._step += 1
        return losses

    def parameters(self) -> Parameters:
        """See ``Trainer.parameters``."""
        flat = self._model.gather(lambda tensor: tensor).flat
        return Parameters(self._problem.network, flat, self._model.statistics())

    def state(self) -> Arrays:
        """See ``Trainer.state``."""
        moments = {
            name: self._model.gather(self._moment(name)).flat for name in self._problem.optimizer.moments
        }
        parameters = self.parameters()
        return {
            "parameters": parameters.flat,
            "statistics": parameters.statistics,
            "step": np.array(self._step),
            **moments,
        }

    def load_state(self, state: ArrayMapping) -> None:
        """See ``Trainer.load_state``."""
        self._step = int(state["step"])
        with differentiating():
            self._model.scatter(self._in_layout(state["parameters"]), lambda tensor: tensor)
            self._model.load_statistics(state["statistics"])
            self._set_moments(state)

    def _set_moments(self, moments: ArrayMapping) -> None:
        """Give torch.optim the state that it has after ``self._step`` steps."""
        for tensor in self._model.parameters():
            state = {TORCH_NAMES[name]: torch.empty_like(tensor) for name in self._problem.optimizer.moments}
            if isinstance(self._problem.optimizer, Adam):
                state["step"] = torch.tensor(
                    float(self._step), dtype=torch.float32, device=self._model.device
                )
            self._optimizer.state[tensor] = state
        for name in self._problem.optimizer.moments:
            self._model.scatter(self._in_layout(moments[name]), self._moment(name))

    def _moment(self, name: str) -> Callable[[Tensor], Tensor]:
        """Return a function from a parameter to torch.optim's moment of it."""
        return lambda tensor: cast(Tensor, self._optimizer.state[tensor][TORCH_NAMES[name]])

    def _in_layout(self, flat: Floats) -> Parameters:
        return Parameters(self._problem.network, flat)


def _torch_optimizer(optimizer: Optimizer, model: TorchModel) -> torch.optim.Optimizer:
    """Make the same update rule in torch.optim.

    The learning rate is set at each step.
    """
    alike: dict[tuple[float, float, float], list[Tensor]] = {}
    for block, tensor in model.blocks():
        alike.setdefault((block.rate, block.decay, block.epsilon), []).append(tensor)
    weight_decay = optimizer.weight_decay if isinstance(optimizer, AdamW) else 0.0
    # Any: as PyTorch types a group. The trainer sets a step's rate and decay from "rate" and "decay".
    groups: list[dict[str, Any]] = [
        {"params": tensors, "rate": rate, "decay": weight_decay * decay}
        for (rate, decay, _epsilon), tensors in alike.items()
    ]
    if isinstance(optimizer, Adam):
        for group, (_rate, _decay, epsilon) in zip(groups, alike, strict=True):
            group["eps"] = optimizer.epsilon * epsilon
    match optimizer:
        case AdamW():
            return torch.optim.AdamW(groups, betas=(optimizer.beta_1, optimizer.beta_2), fused=True)
        case Adam():
            return torch.optim.Adam(groups, betas=(optimizer.beta_1, optimizer.beta_2), fused=True)
        case SGD():
            return torch.optim.SGD(
                groups,
                momentum=optimizer.momentum,
                nesterov=optimizer.nesterov and optimizer.momentum > 0,
                fused=True,
            )
        case _:
            raise EngineUnavailable(
                f"the torch engine has the update rules adam, adamw and sgd; got {type(optimizer).__name__}: "
                "take the numpy engine"
            )
