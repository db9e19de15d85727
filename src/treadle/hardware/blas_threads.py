"""BLAS on one thread while an engine computes, for as long as any call of any Python thread does.

With more threads, BLAS's sums run in another order, and the bits of a result would depend on their number.
The limit is the process's: so the first who enters sets it, and the last who leaves lifts it.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any

import threadpoolctl
from threadpoolctl import ThreadpoolController

_lock = threading.Lock()
_n_inside = 0
_limit: Any = None


@cache
def _thread_pools() -> ThreadpoolController:
    return ThreadpoolController()


def _be_heard() -> None:
    """Let whichever thread asks next set OpenBLAS's number: threadpoolctl 3.8 hears only who asked first."""
    clear = getattr(threadpoolctl.OpenBLASController, "clear_controlling_thread", None)
    if clear is not None:
        clear(force=True)


@contextmanager
def one_blas_thread() -> Iterator[None]:
    """Within it, NumPy's BLAS uses one thread; after the last of all who are, as many as before the first."""
    global _n_inside, _limit
    with _lock:
        if _n_inside == 0:
            _be_heard()
            _limit = _thread_pools().limit(limits=1, user_api="blas")
        _n_inside += 1
    try:
        yield
    finally:
        with _lock:
            _n_inside -= 1
            if _n_inside == 0:
                _be_heard()
                _limit.restore_original_limits()
                _be_heard()
