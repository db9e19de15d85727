r"""Stochastic gradient descent with momentum (Polyak 1964) or Nesterov's (Sutskever et al. 2013).

With w the parameters, g the gradient, u the velocity, eta the learning rate, mu the momentum::

    u <- mu u + g                               a sum of past gradients that fades           (1)
    w <- w - eta u                              momentum                                     (2)
    w <- w - eta (g + mu u)                     Nesterov's: look ahead along u               (2')

This is PyTorch's ``torch.optim.SGD`` (dampening 0). scikit-learn keeps eta inside the velocity
(``u <- mu u - eta g``): the same path while eta is constant, but when a schedule lowers eta, its velocity
goes on at the old length. Here a new eta holds at once, and the velocity does not depend on the schedule.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from treadle.errors import InvalidInput
from treadle.maths.dtypes import Floats
from treadle.network import Parameters
from treadle.optimizers.optimizer import CHUNK, Optimizer, drop_remnants, paced_chunks


@dataclass(frozen=True)
class SGD(Optimizer):
    """Stochastic gradient descent.

    Parameters
    ----------
    momentum : float in [0, 1]
        How much of the velocity stays at each step. With 0 there is none, and no moment is kept.
    nesterov : bool
        Nesterov's momentum; makes no difference where momentum is 0.

    Raises
    ------
    InvalidInput
        If momentum is out of range.

    Examples
    --------
    >>> import numpy as np
    >>> from treadle import SGD, Network, Parameters
    >>> w, g = (Parameters.zeros(Network((1, 1)), np.float64) for _ in range(2))
    >>> g.weights[0][:] = 2.0
    >>> SGD(momentum=0).update(w, g, {}, step=1, learning_rate=0.25)
    >>> w.weights[0].tolist()
    [[-0.5]]
    """

    momentum: float = 0.9
    nesterov: bool = True

    def __post_init__(self) -> None:
        if not 0 <= self.momentum <= 1:
            raise InvalidInput(f"momentum must be from 0 to 1; got {self.momentum!r}")

    @property
    def moments(self) -> tuple[str, ...]:
        """The name ``velocity``, or none where momentum is 0."""
        return ("velocity",) if self.momentum else ()

    def update(
        self,
        parameters: Parameters,
        gradients: Parameters,
        moments: dict[str, Floats],
        step: int,
        learning_rate: float,
    ) -> None:
        """Compute equations (1) and (2) or (2')."""
        scratch = np.empty(min(CHUNK, parameters.flat.size), parameters.dtype)
        for chunk, rate, _epsilon in paced_chunks(parameters.network, learning_rate):
            w, g = parameters.flat[chunk], gradients.flat[chunk]
            x = scratch[: w.size]
            if not self.momentum:
                np.multiply(g, rate, out=x)
                w -= x
                continue
            u = moments["velocity"][chunk]
            u *= self.momentum
            u += g
            if self.nesterov:
                np.multiply(u, self.momentum, out=x)
                x += g
                x *= rate
            else:
                np.multiply(u, rate, out=x)
            w -= x
            drop_remnants(u, step)
