r"""Adam (Kingma and Ba 2015) and AdamW (Loshchilov and Hutter 2019).

They are algorithm 1 of the one and algorithm 2 of the other.

With w the parameters, g the gradient, t the step from 1, eta the learning rate::

    m <- beta_1 m + (1 - beta_1) g              running mean of the gradient                 (1)
    v <- beta_2 v + (1 - beta_2) g^2            running mean of its square                   (2)
    c_1 = 1 - beta_1^t,  c_2 = 1 - beta_2^t     m and v start at zero: their bias            (3)
    w <- w - eta (m / c_1) / (sqrt(v / c_2) + epsilon)                                       (4)
      = w - (eta sqrt(c_2) / c_1) m / (sqrt(v) + epsilon sqrt(c_2))    one pass less over the arrays   (5)

AdamW first shrinks the weights, never the biases: ``w <- w - eta weight_decay w``. Unlike an L2 penalty,
which is part of g, the decay is not divided by sqrt(v): "decoupled".

To rounding these are PyTorch's ``torch.optim.Adam`` and ``AdamW``; moments that have faded to nothing become
zero, see ``drop_remnants``. scikit-learn's Adam adds epsilon to sqrt(v) instead of sqrt(v / c_2), so that its
epsilon is effectively larger in the first steps.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np

from treadle.errors import InvalidInput
from treadle.maths.dtypes import Floats
from treadle.network import Parameters
from treadle.optimizers.decay import decayed
from treadle.optimizers.optimizer import CHUNK, Optimizer, check_decay, drop_remnants, paced_chunks


@dataclass(frozen=True)
class Adam(Optimizer):
    """Adam: each parameter moves by about the learning rate, whatever its gradient's scale.

    Parameters
    ----------
    beta_1, beta_2 : float in [0, 1)
        How much of the running means of the gradient and its square stays at each step.
    epsilon : float > 0
        Keeps the denominator away from zero; times the ``epsilon`` of each block of the network.

    Raises
    ------
    InvalidInput
        If a hyper-parameter is out of range.

    Examples
    --------
    >>> import numpy as np
    >>> from treadle import Adam, Network, Parameters
    >>> w, g = (Parameters.zeros(Network((1, 1)), np.float64) for _ in range(2))
    >>> g.weights[0][:] = 1000.0
    >>> Adam().update(w, g, Adam().start(2, np.float64), step=1, learning_rate=0.1)
    >>> w.weights[0].round(6).tolist()  # the first step is as long as the learning rate
    [[-0.1]]
    """

    beta_1: float = 0.9
    beta_2: float = 0.999
    epsilon: float = 1e-8

    def __post_init__(self) -> None:
        check_decay("beta_1", self.beta_1)
        check_decay("beta_2", self.beta_2)
        if not (self.epsilon > 0 and math.isfinite(self.epsilon)):
            raise InvalidInput(f"epsilon must be positive and finite; got {self.epsilon!r}")

    @property
    def moments(self) -> tuple[str, ...]:
        """The names ``m`` and ``v``."""
        return ("m", "v")

    def update(
        self,
        parameters: Parameters,
        gradients: Parameters,
        moments: dict[str, Floats],
        step: int,
        learning_rate: float,
    ) -> None:
        """Compute equations (1), (2), (3) and (5)."""
        c_1 = 1 - decayed(self.beta_1, step)
        c_2 = 1 - decayed(self.beta_2, step)
        scratch = np.empty(min(CHUNK, parameters.flat.size), parameters.dtype)
        for chunk, rate, epsilon_factor in paced_chunks(parameters.network, learning_rate):
            w, g = parameters.flat[chunk], gradients.flat[chunk]
            m, v = moments["m"][chunk], moments["v"][chunk]
            x = scratch[: w.size]

            np.multiply(g, 1 - self.beta_1, out=x)  # (1)
            m *= self.beta_1
            m += x

            np.multiply(g, g, out=x)  # (2)
            x *= 1 - self.beta_2
            v *= self.beta_2
            v += x

            np.sqrt(v, out=x)  # (5)
            x += self.epsilon * math.sqrt(c_2) * epsilon_factor
            np.divide(m, x, out=x)
            x *= rate * math.sqrt(c_2) / c_1
            w -= x

            drop_remnants(m, step)
            drop_remnants(v, step)


@dataclass(frozen=True)
class AdamW(Adam):
    """Adam with decoupled decay of the weights.

    Parameters
    ----------
    beta_1, beta_2, epsilon : float
        As in ``Adam``.
    weight_decay : float >= 0
        Each step multiplies the weights, not the biases, by ``1 - learning_rate * weight_decay``, both times
        the factors of their block.

    Raises
    ------
    InvalidInput
        If a hyper-parameter is out of range.

    Examples
    --------
    >>> import numpy as np
    >>> from treadle import AdamW, Network, Parameters
    >>> w, g = (Parameters.zeros(Network((1, 1)), np.float64) for _ in range(2))
    >>> w.weights[0][:] = 1.0
    >>> AdamW(weight_decay=0.5).update(w, g, AdamW().start(2, np.float64), step=1, learning_rate=0.1)
    >>> w.weights[0].tolist()  # 1 - 0.1 * 0.5, without any gradient
    [[0.95]]
    """

    weight_decay: float = 0.01

    def __post_init__(self) -> None:
        super().__post_init__()
        if not (self.weight_decay >= 0 and math.isfinite(self.weight_decay)):
            raise InvalidInput(f"weight_decay must be at least 0 and finite; got {self.weight_decay!r}")

    def faded(self, factor: float) -> AdamW:
        """See ``Optimizer.faded``."""
        return self if factor == 1 else replace(self, weight_decay=self.weight_decay * factor)

    def update(
        self,
        parameters: Parameters,
        gradients: Parameters,
        moments: dict[str, Floats],
        step: int,
        learning_rate: float,
    ) -> None:
        """Decay, then Adam's step."""
        for where, rate, decay in parameters.network.decays:
            parameters.flat[where] *= 1 - learning_rate * rate * (self.weight_decay * decay)
        super().update(parameters, gradients, moments, step, learning_rate)
