"""As ``treadle_verify``, with every system solved in rational arithmetic."""

from __future__ import annotations

from functools import partial

from l1_rivals.treadle_verify import packages, proved

name = "treadle, `verify(exact=True)`"
fit = partial(proved, exact=True)

__all__ = ["fit", "name", "packages"]
