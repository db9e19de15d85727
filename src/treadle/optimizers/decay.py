"""Powers of a decay factor, the same bits on every system: the C library's ``pow`` differs between them."""

from __future__ import annotations

_ONE = 1 << 128


def decayed(beta: float, steps: int) -> float:
    """What is left of 1 after some steps: beta^steps, to steps * 2^-126 and then rounded.

    That is 2^-100 after 2^26 steps. By squaring, in whole numbers of 2^-128, as ``native/training/decay.h``
    does it.

    Parameters
    ----------
    beta : float in [0, 1)
    steps : int >= 1
    """
    if steps * (1 - beta) > 70:  # beta^steps < e^-70 < 2^-100
        return 0.0
    square = int(beta * 2.0**128)
    power = _ONE
    while True:
        if steps & 1:
            power = power * square >> 128
        steps >>= 1
        if not steps:
            return power / _ONE
        square = square * square >> 128
