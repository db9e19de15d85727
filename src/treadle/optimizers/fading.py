"""Fades dropout and weight decay over a training's planned steps.

It keeps no state: the factor of a step is a function of its number, and so a resumed run sees the factors of
an uninterrupted one. The factors are the same bits on every system, as learning rates are
(``treadle.optimizers.schedules``).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from treadle.errors import InvalidInput
from treadle.optimizers.cosine import cosine
from treadle.whole_numbers import is_whole


@dataclass(frozen=True)
class Fading:
    """Dropout and weight decay in full for half of the steps, then down half a cosine to nothing.

    Step s of n, from 0, has time t = (s + 1/2) / n and the factor
    ``phi(s) = (1 + cos(pi (max(1, 2 t) - 1))) / 2``.

    Parameters
    ----------
    n_steps : int >= 1
        Of the whole training.

    Raises
    ------
    InvalidInput
        If n_steps is no positive integer.

    Examples
    --------
    >>> from treadle import Fading
    >>> Fading(8).factors(0, 8).round(3).tolist()
    [1.0, 1.0, 1.0, 1.0, 0.962, 0.691, 0.309, 0.038]
    """

    n_steps: int

    def __post_init__(self) -> None:
        if not (is_whole(self.n_steps) and self.n_steps >= 1):
            raise InvalidInput(f"n_steps must be an integer of at least 1; got {self.n_steps!r}")
        object.__setattr__(self, "n_steps", int(self.n_steps))

    def factors(self, step: int, n_steps: int) -> NDArray[np.float64]:
        """Return the factors of n_steps steps, from the given one, which counts from 0.

        Raises
        ------
        InvalidInput
            If a step is past the end.
        """
        if step + n_steps > self.n_steps:
            raise InvalidInput(
                f"dropout and weight decay fade over {self.n_steps} steps; got step {step + n_steps}: plan "
                "more steps"
            )
        time = (step + np.arange(n_steps) + 0.5) / self.n_steps
        return (1 + cosine(np.pi * (np.maximum(1, 2 * time) - 1))) / 2
